"""How many file zygotes may stay, how long, and how much memory of their own they may have.

Invariant: one that has work is never ended for room; of the others those go first that were not used the longest. One
that had work a moment ago will have more: it stays beyond the caps for a while, up to a multiple of them. Else many
files that take turns would each be loaded for each task. When they are quiet the caps hold, and one that nobody uses
for long goes in any case: its file is loaded again when it is wanted.
What they have is measured when they have loaded, after they were used, and after others ended (pages that both had
from the root are then private of the one that stays), never for each attempt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from tradewind.podlet import loop as loops
from tradewind.podlet import processes
from tradewind.podlet.file_zygote import FileZygote

_LOOK_SECONDS = 5.0
_SOON_SECONDS = 1.0
_BUSY_SECONDS = 5.0
_BUSY_FACTOR = 3
_UNUSED_SECONDS = 15.0
"""So long one stays whose file was only looked at."""
_USED_SECONDS = 120.0


class Room:
    """The caps."""

    def __init__(self, loop: loops.Loop, *, most: int, memory_bytes: int, retire: Callable[[FileZygote], None]) -> None:
        self._loop = loop
        self._most = most
        self._memory_bytes = memory_bytes
        self._retire = retire
        self._looking = False
        self._ended = 0.0
        """When one was last ended for room."""

    def make(self, zygotes: Collection[FileZygote], *, coming: int = 0, spare: FileZygote | None = None) -> bool:
        """End idle ones until the rest is within the caps; whether it is. `zygotes`: the longest unused first.

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
                    self._end(zygote)
        return left <= self._most and total <= self._memory_bytes

    def loaded(self, zygote: FileZygote, zygotes: Collection[FileZygote]) -> None:
        """One has loaded."""
        zygote.measure(processes.private_bytes(zygote.pid))
        self.make(zygotes, spare=zygote)
        if not self._looking:
            self._look_later(zygotes, _SOON_SECONDS)

    def _look_later(self, zygotes: Collection[FileZygote], seconds: float) -> None:
        self._looking = True
        self._loop.after(seconds, lambda: self._look(zygotes))

    def _look(self, zygotes: Collection[FileZygote]) -> None:
        """As long as there is any: no longer, so that an idle podlet sleeps."""
        self._looking = False
        now = time.monotonic()
        for zygote in list(zygotes):
            if zygote.measured and max(zygote.worked, self._ended) > zygote.measured:
                zygote.measure(processes.private_bytes(zygote.pid))
            if zygote.is_idle and now > max(zygote.loaded + _UNUSED_SECONDS, zygote.worked + _USED_SECONDS):
                self._end(zygote)
        is_within = self.make(zygotes)
        if zygotes:
            self._look_later(zygotes, _LOOK_SECONDS if is_within else _SOON_SECONDS)

    def _end(self, zygote: FileZygote) -> None:
        self._ended = time.monotonic()
        self._retire(zygote)
