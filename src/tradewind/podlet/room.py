"""How many file zygotes may stay, and how much memory of their own they may have.

Invariant: one that has work is never ended for room; of the others those go first that were not used the longest. One
that had work a moment ago will have more: it stays beyond the caps for a while, up to a multiple of them. Else many
files that take turns would each be loaded for each task. When they are quiet the caps hold.
What they have is measured when they have loaded and now and then while files are loaded, never for each attempt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from tradewind.podlet import loop as loops
from tradewind.podlet import processes
from tradewind.podlet.file_zygote import FileZygote

_MEASURE_SECONDS = 10.0
_BUSY_SECONDS = 5.0
_BUSY_FACTOR = 3
_LOOK_SECONDS = 1.0


class Room:
    """The caps."""

    def __init__(self, loop: loops.Loop, *, most: int, memory_bytes: int, retire: Callable[[FileZygote], None]) -> None:
        self._loop = loop
        self._most = most
        self._memory_bytes = memory_bytes
        self._retire = retire
        self._measuring = False
        self._looking = False

    def make(self, zygotes: Collection[FileZygote], *, coming: int = 0, spare: FileZygote | None = None) -> None:
        """End idle ones until the rest is within the caps. `zygotes`: the longest unused first.

        `coming`: so many are about to begin. `spare` was just loaded and stays, however large it is.
        """
        there = [zygote for zygote in zygotes if zygote.is_open]
        total = sum(zygote.private_bytes for zygote in there)
        left = len(there) + coming
        now = time.monotonic()
        for busy_too in (False, True):
            factor = _BUSY_FACTOR if busy_too else 1
            for zygote in there:
                if left <= self._most * factor and total <= self._memory_bytes * factor:
                    break
                is_busy = now - zygote.worked < _BUSY_SECONDS
                if zygote.is_idle and zygote is not spare and is_busy == busy_too:
                    left -= 1
                    total -= zygote.private_bytes
                    self._retire(zygote)
        if left > self._most or total > self._memory_bytes:
            self._look_again(zygotes)

    def _look_again(self, zygotes: Collection[FileZygote]) -> None:
        if not self._looking:
            self._looking = True
            self._loop.after(_LOOK_SECONDS, lambda: self._look(zygotes))

    def _look(self, zygotes: Collection[FileZygote]) -> None:
        self._looking = False
        self.make(zygotes)

    def loaded(self, zygote: FileZygote, zygotes: Collection[FileZygote]) -> None:
        """One has loaded. It grows while it is used, so all are measured again after a while."""
        zygote.private_bytes = processes.private_bytes(zygote.pid)
        self.make(zygotes, spare=zygote)
        if not self._measuring:
            self._measuring = True
            self._loop.after(_MEASURE_SECONDS, lambda: self._measure(zygotes))

    def _measure(self, zygotes: Collection[FileZygote]) -> None:
        self._measuring = False
        for zygote in zygotes:
            if zygote.report is not None:
                zygote.private_bytes = processes.private_bytes(zygote.pid)
        self.make(zygotes)
