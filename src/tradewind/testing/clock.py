"""Time and chance under a test's hand. Nothing here waits for the machine's clock."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from datetime import UTC, datetime, timedelta

from tradewind.model.ids import AttemptId

START = datetime(2026, 1, 1, tzinfo=UTC)
"""When a clock begins that is not told otherwise."""

_TURNS = 20
"""Turns of the loop that tasks get to come to their next wait; enough for a few awaits that wake each other."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


class ManualClock:
    """Implements `ports.clock.Clock`: stands still until `advance`."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed = timedelta(0)
        self._order = itertools.count()
        self._sleepers: list[tuple[timedelta, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """The moment."""
        return self._start + self._elapsed

    def monotonic(self) -> float:
        """Seconds since it began."""
        return self._elapsed.total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Wait until somebody has advanced the clock so far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + timedelta(seconds=seconds), next(self._order), woken))
        await woken

    async def advance(self, by: timedelta) -> None:
        """Go on, stopping at each sleeper's moment to let it and what it wakes run."""
        await self._settle()
        until = self._elapsed + by
        while self._sleepers and self._sleepers[0][0] <= until:
            due, _, woken = heapq.heappop(self._sleepers)
            self._elapsed = max(self._elapsed, due)
            if not woken.done():
                woken.set_result(None)
            await self._settle()
        self._elapsed = until

    async def _settle(self) -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def set(self, moment: datetime) -> None:
        """Step the wall clock, also backwards, and wake nobody: what an operator's `date -s` does."""
        self._start = moment - self._elapsed


class SeededRandom:
    """Implements `ports.clock.Random`: the same seed, the same history."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)

    def attempt_id(self) -> AttemptId:
        """20 characters of lower-case base 32."""
        return AttemptId("".join(self._random.choices(_LETTERS, k=20)))

    def uniform(self) -> float:
        """In [0, 1)."""
        return self._random.random()
