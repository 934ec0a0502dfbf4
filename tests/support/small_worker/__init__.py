"""A worker without DAGs for tests of the podlet: a file is a Python module, a task is a function in it."""

from __future__ import annotations


def preload() -> None:
    """Nothing: it is small."""
