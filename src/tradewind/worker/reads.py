"""Which files and folders of the bundle a DAG file looks at while it loads: what tells when to load it again.

An audit hook sees what is opened, listed and imported. It cannot be taken away, so one is installed per process, on
first use, and it does nothing outside of `recording`. What `os.stat` alone sees is not recorded: Python tells no hook.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_IMPORT_MACHINERY = "<frozen importlib"
_OPENED = frozenset({"open", "os.listdir", "os.scandir"})
_current: list[Recorder] = []
_installed: list[bool] = []


class Recorder:
    """Paths under `root`, relative to it; a listed folder ends in "/" (the root itself is "./")."""

    def __init__(self, root: str) -> None:
        self._root = os.path.abspath(root)
        self._prefix = self._root.rstrip("/") + "/"
        self._found: set[str] = set()
        self._last = next(reversed(sys.modules))

    def see(self, event: str, args: tuple[Any, ...]) -> None:
        """One audit event."""
        path = args[0] if args else None
        if event != "open":
            if _asked_by_import():
                return
            path = "." if path is None else path
        if not isinstance(path, (str, bytes, os.PathLike)):
            return
        relative = self._relative(os.fsdecode(path))
        if relative is None:
            return
        if event == "open":
            self._found.add(_source_of(relative))
        else:
            self._found.add(f"{relative}/")

    def result(self) -> tuple[str, ...]:
        """What was seen, sorted, with every module under the root that was imported meanwhile."""
        for source in [getattr(module, "__file__", None) for module in self._imported()]:
            if isinstance(source, str) and (relative := self._relative(source)) is not None:
                self._found.add(relative)
        return tuple(sorted(path for path in self._found if "site-packages/" not in path))

    def _imported(self) -> Iterator[object]:
        """Modules that came since, newest first: `sys.modules` keeps their order.

        The older ones are not touched: after a fork each page that is touched costs a copy.
        """
        for name, module in reversed(sys.modules.items()):
            if name == self._last:
                return
            yield module

    def _relative(self, path: str) -> str | None:
        full = os.path.abspath(path)
        if full == self._root:
            return "."
        return full[len(self._prefix) :] if full.startswith(self._prefix) else None


@contextmanager
def recording(root: str) -> Iterator[Recorder]:
    """Record inside the block."""
    recorder = Recorder(root)
    if not _installed:
        sys.addaudithook(_hook)
        _installed.append(True)
    _current.append(recorder)
    try:
        yield recorder
    finally:
        _current.remove(recorder)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if _current and event in _OPENED:
        for recorder in _current:
            recorder.see(event, args)


def _asked_by_import() -> bool:
    """Imports list every folder of the path: that is no interest of the file's."""
    frame = sys._getframe(3)
    return frame.f_code.co_filename.startswith(_IMPORT_MACHINERY)


def _source_of(relative: str) -> str:
    """The module of a compiled file: a/__pycache__/b.cpython-311.pyc is a/b.py."""
    folder, name = os.path.split(relative)
    if os.path.basename(folder) != "__pycache__":
        return relative
    return os.path.join(os.path.dirname(folder), name.split(".", 1)[0] + ".py")
