"""Which file system a scheme has: of the machine, of installed provider packages, or attached by the file.

A provider's module turns a connection into options of the library behind (s3fs, gcsfs); here only is asked for it.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any

from tradewind.sdk import provider_packages
from tradewind.sdk.storage import missing

Properties = dict[str, str]
Opener = Callable[..., Any]

_PROVIDER_OF = {
    "s3": "amazon", "s3a": "amazon", "gs": "google", "gcs": "google", "gdrive": "google", "abfs": "microsoft-azure",
    "abfss": "microsoft-azure", "adl": "microsoft-azure", "sftp": "sftp", "ssh": "sftp", "oss": "alibaba",
    "hf": "huggingface",
}  # fmt: skip


def get_fs(scheme: str, conn_id: str | None = None, storage_options: Properties | None = None) -> Any:
    """The file system of a scheme, opened with a connection. Raises ValueError where no package has the scheme."""
    opener = _openers().get(scheme)
    if opener is None:
        raise ValueError(_nobody(scheme))
    options = storage_options or {}
    if len(inspect.signature(opener).parameters) > 1:
        return opener(conn_id, options)
    if options:
        raise AttributeError(
            f"The file system of scheme {scheme!r} takes no storage options, and some were given: {sorted(options)}\n"
            "hint: a newer release of its provider package may take them"
        )
    return opener(conn_id)


def has_fs(scheme: str) -> bool:
    """Whether there is a file system for the scheme."""
    return scheme in _openers()


def _nobody(scheme: str) -> str:
    said = f"nothing here knows the scheme {scheme}"
    provider = _PROVIDER_OF.get(scheme)
    return f"{said}\nhint: install apache-airflow-providers-{provider} where the file is loaded" if provider else said


@functools.cache
def _openers() -> Mapping[str, Opener]:
    found: dict[str, Opener] = {"file": _local, "local": _local}
    for name in provider_packages.file_system_modules():
        module = importlib.import_module(name)
        opener = getattr(module, "get_fs", None)
        if opener is None:
            raise ImportError(f"{name} is said to be a file system, and has no get_fs")
        found.update(dict.fromkeys(getattr(module, "schemes", ()), opener))
    return found


def _local(_conn_id: str | None, storage_options: Properties) -> Any:
    try:
        from fsspec.implementations.local import LocalFileSystem
    except ImportError as error:
        if not missing.is_about(error):
            raise
        raise missing.StorageLibraryMissing("fsspec") from error
    return LocalFileSystem(**storage_options)


class OpenedInEachProcess:
    """A file system that is opened when it is first used, and once more in each process that is forked.

    A DAG file makes its paths while it is loaded, and its tasks run in forks of that process: what asks the network
    (connections, loops, sessions) may neither be opened for the former nor be carried into the latter.
    """

    def __init__(self, conn_id: str | None, opener: Callable[[], Any]) -> None:
        self.conn_id = conn_id
        self._opener = opener
        self._opened: tuple[int, Any] = (0, None)

    def opened(self) -> Any:
        """The file system of this process."""
        pid, found = self._opened
        if pid != os.getpid():
            found = self._opener()
            self._opened = (os.getpid(), found)
        return found

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.opened(), name)
