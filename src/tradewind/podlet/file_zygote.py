"""One file zygote, as the podlet sees it: its process, its socket, what waits for it, what runs in its forks."""

from __future__ import annotations

import math
import os
import time

from tradewind.podlet import loop as loops
from tradewind.podlet import own_log
from tradewind.podlet.connection import Connection
from tradewind.podlet.messages import Do
from tradewind.protocol.work import FileRef, LoadReport, LoadWork

_TAIL_BYTES = 4096


class FileZygote:
    """State only; `zygotes.Zygotes` drives it."""

    def __init__(self, number: int, load: LoadWork, *, once: bool) -> None:
        self.number = number
        self.load = load
        self.once = once
        self.pid = 0
        self.connection: Connection | None = None
        self.output: Tail | None = None
        self.report: LoadReport | None = None
        self.waiting: list[int] = []
        """Requests to be answered with its report."""
        self.queue: list[Do] = []
        """Work until it has loaded."""
        self.running: dict[str, int] = {}
        """Pid (0: not told yet) of the fork for each work."""
        self.worked = -math.inf
        """When a fork of it last ended, by the monotonic clock."""
        self.loaded = self.measured = 0.0
        self.private_bytes = 0
        self.too_slow = False
        self.retired = False
        """Takes no new work: it ends with its last fork."""
        self.over = False
        self.begun = 1
        """How often it was begun to load."""

    def begin_again(self, number: int) -> None:
        """Another process takes its place; what waits goes on waiting."""
        self.number = number
        self.pid = 0
        self.output = None
        self.over = False
        self.begun += 1

    @property
    def key(self) -> FileRef:
        """What it has loaded."""
        return self.load.file

    def measure(self, private_bytes: int) -> None:
        """So much memory of its own it has now."""
        self.private_bytes = private_bytes
        self.measured = time.monotonic()
        self.loaded = self.loaded or self.measured

    @property
    def is_open(self) -> bool:
        """Whether its process was asked for; before that it waits for its turn to load."""
        return self.output is not None

    @property
    def is_idle(self) -> bool:
        """Whether ending it costs nothing but loading again."""
        return self.report is not None and not self.running and not self.queue


class Tail:
    """The end of what a process writes to a pipe; read all the time, so that it never waits for us.

    Once its file is loaded (the report has what it wrote until then), it goes to the podlet's own log.
    """

    def __init__(self, loop: loops.Loop, descriptor: int) -> None:
        self._loop = loop
        self._descriptor = descriptor
        self._data = b""
        self.is_open = True
        self.is_forwarded = False
        os.set_blocking(descriptor, False)
        loop.watch(descriptor, lambda _events: self.read())

    def read(self) -> None:
        """Take what is there, at most one pipe full."""
        if not self.is_open:
            return
        try:
            data = os.read(self._descriptor, 1 << 16)
        except BlockingIOError:
            return
        if not data:
            self.close()
            return
        self._data = (self._data + data)[-_TAIL_BYTES:]
        if self.is_forwarded:
            own_log.write(data)

    def text(self) -> str:
        """What is kept."""
        self.read()
        return self._data.decode("utf-8", "backslashreplace").strip()

    def close(self) -> None:
        """Stop reading."""
        if self.is_open:
            self.is_open = False
            self._loop.unwatch(self._descriptor)
            os.close(self._descriptor)
