"""Whose turn it is, where only so many may do a thing at once: the highest priority first, then who came first.

Invariant: a place that was given is given back, also by one that was cancelled while it was handed over; nobody waits
while a place is free.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
from collections.abc import AsyncIterator


class Turns:
    """`places` at once."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._count = itertools.count()
        self._waiting: list[tuple[bool, int, int, asyncio.Future[None]]] = []

    @contextlib.asynccontextmanager
    async def turn(self, priority: int, *, ahead: bool = False) -> AsyncIterator[None]:
        """A place while the block runs. `ahead`: before all that are not, to end what was begun."""
        await self._take(is_new=not ahead, rank=-priority)
        try:
            yield
        finally:
            self._give()

    async def _take(self, *, is_new: bool, rank: int) -> None:
        if self._free > 0:  # nobody waits then
            self._free -= 1
            return
        given = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (is_new, rank, next(self._count), given))
        try:
            await given
        except asyncio.CancelledError:
            if given.done() and not given.cancelled():
                self._give()  # it came at the same moment
            raise

    def _give(self) -> None:
        while self._waiting:
            given = heapq.heappop(self._waiting)[3]
            if not given.done():
                given.set_result(None)
                return
        self._free += 1
