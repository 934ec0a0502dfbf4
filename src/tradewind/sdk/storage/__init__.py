"""Paths in object stores: `ObjectStoragePath` over fsspec and universal-pathlib, asked for when a file uses them.

Where they are not installed, a file that names the class loads and its author is told; making a path is the error. So
nothing of the worker side weighs more for the files that use no store.
"""

from __future__ import annotations

from typing import Any

from tradewind.sdk import registry


def __getattr__(name: str) -> Any:
    if name != "ObjectStoragePath":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tradewind.sdk.storage import missing

    try:
        from tradewind.sdk.storage import path
    except ImportError as error:
        if not missing.is_about(error):
            raise
        registry.miss(f"ObjectStoragePath is named and not here: a task that uses it fails; {missing.HINT}")
        return missing.ObjectStoragePath
    return path.ObjectStoragePath
