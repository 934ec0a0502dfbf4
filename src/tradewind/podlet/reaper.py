"""Everything that ends below the podlet and has no other parent left: reaped here, and what nobody wants is ended.

Invariant: a child of the podlet that nobody follows is what an attempt left behind: a daemon whose parents are gone.
(While an attempt lives, its orphans are its own, since its process is a subreaper too.) It is killed when it is seen
for the second time: a zygote that died a moment ago leaves children whose names are still on their way.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress

from tradewind.podlet import loop as loops
from tradewind.podlet import processes


class Reaper:
    """The podlet's children."""

    def __init__(self, loop: loops.Loop) -> None:
        self._loop = loop
        self._followed: dict[int, Callable[[int], None]] = {}
        self._ended: dict[int, int] = {}
        self._seen: set[int] = set()
        self._looking = False
        self._claims: list[Callable[[int], bool]] = []
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        loop.watch(self._read, self._on_signal)

    def follow(self, pid: int, on_end: Callable[[int], None]) -> None:
        """Call `on_end(status)` when this child (of ours, perhaps only by adoption) has ended; `status` as of waitpid.

        Nothing else may wait for it, above all no `subprocess`.
        """
        status = self._ended.pop(pid, None)
        if status is None:
            self._followed[pid] = on_end
        else:
            self._loop.soon(lambda: on_end(status))

    def has(self, pid: int) -> bool:
        """Whether it is our child, or was and ended a moment ago."""
        return pid in self._ended or pid in processes.children(os.getpid())

    def claim(self, belongs: Callable[[int], bool]) -> None:
        """A part of the podlet says which orphans are its own, and are spared while they are."""
        self._claims.append(belongs)

    def leave(self) -> None:
        """In a fork that is no podlet."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(self._read)
        os.close(self._write)

    def look_for_strays(self) -> None:
        """An attempt ended: see in the next round what it left behind."""
        if not self._looking:
            self._looking = True
            self._loop.soon(self._look)

    def _look(self) -> None:
        self._looking = False
        if not (children := processes.children(os.getpid())):
            return
        strays = {pid for pid in children if self._is_stray(pid)}
        for pid in strays & self._seen:
            # Below it may be more, in sessions of their own: they come to us when it is gone, and are seen then.
            processes.send(pid, signal.SIGKILL)
        self._seen = strays
        if strays:
            self.look_for_strays()

    def _is_stray(self, pid: int) -> bool:
        return pid not in self._followed and not any(belongs(pid) for belongs in self._claims)

    def _on_signal(self, _events: int) -> None:
        with suppress(BlockingIOError):
            while os.read(self._read, 4096):
                continue
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._seen.discard(pid)
            on_end = self._followed.pop(pid, None)
            if on_end is not None:
                on_end(status)
            else:
                self._keep(pid, status)
                self.look_for_strays()

    def _keep(self, pid: int, status: int) -> None:
        """Its end came before anyone could say that he follows it."""
        self._ended[pid] = status
        if len(self._ended) > 256:
            del self._ended[next(iter(self._ended))]
