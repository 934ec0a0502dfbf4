"""Tells which files were written to, without looking at them (inotify)."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable

from tradewind.podlet import loop as loops

_IN_MODIFY = 0x2
_IN_CLOEXEC = 0o2000000
_IN_NONBLOCK = 0o4000
_HEAD = struct.Struct("iIII")


class FileWatch:
    """Calls back when a file that is watched changes. Raises OSError where the kernel has no watch left."""

    def __init__(self, loop: loops.Loop) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._checked(self._libc.inotify_init1(_IN_CLOEXEC | _IN_NONBLOCK))
        self._callbacks: dict[int, Callable[[], None]] = {}
        loop.watch(self._descriptor, self._on_events)

    def fileno(self) -> int:
        """The descriptor, to be closed in forks."""
        return self._descriptor

    def add(self, path: str, on_change: Callable[[], None]) -> int:
        """Watch a file; the number is for `remove`."""
        number = self._checked(self._libc.inotify_add_watch(self._descriptor, os.fsencode(path), _IN_MODIFY))
        self._callbacks[number] = on_change
        return number

    def remove(self, number: int) -> None:
        """Stop watching."""
        if self._callbacks.pop(number, None) is not None:
            self._libc.inotify_rm_watch(self._descriptor, number)

    def _on_events(self, _events: int) -> None:
        data = os.read(self._descriptor, 1 << 16)
        numbers: set[int] = set()
        position = 0
        while position < len(data):
            number, _mask, _cookie, length = _HEAD.unpack_from(data, position)
            position += _HEAD.size + length
            numbers.add(number)
        for number in numbers:
            on_change = self._callbacks.get(number)
            if on_change is not None:
                on_change()

    @staticmethod
    def _checked(result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result
