"""Who of a cluster's followed logs has an open stream, and how fast the others are looked at.

Invariant: at most `follows` streams are open. A free one goes to the highest rank that asks; where none is free, one of
a lower rank is asked to end, after it was open for some seconds, so that nobody is chased off in turns. Looks and last
reads take turns in order of asking, at most `reads` at once; looks together stay below `looks_per_second`.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from tradewind.runtime.kubernetes.log_outages import Outages

_HELD_SECONDS = 5.0


class Holder(Protocol):
    """One log."""

    def rank(self) -> int:
        """How much it needs a stream: `log_need`."""
        ...

    def leave(self) -> None:
        """Its stream is needed more elsewhere."""
        ...

    def stir(self) -> None:
        """There may be a stream for it."""
        ...


class Streams:
    """Of one cluster."""

    def __init__(
        self, follows: int, reads: int = 16, looks_per_second: float = 10.0, *, outages: Outages | None = None
    ) -> None:
        self._follows = follows
        self._looks_per_second = looks_per_second
        self._holders: dict[Holder, float] = {}
        """Since when each has its stream."""
        self._leaving: set[Holder] = set()
        self._waiting: set[Holder] = set()
        """Those above the lowest rank that found none free."""
        self._looked_at = 0
        self.reads = asyncio.Semaphore(reads)
        self.outages = outages or Outages()

    @property
    def open(self) -> int:
        """How many are open."""
        return len(self._holders)

    def take(self, who: Holder, now: float) -> bool:
        """Have a stream, until `give_back`; False where it has to be looked at instead."""
        rank = who.rank()
        ahead = sum(1 for one in self._waiting if one is not who and one.rank() > rank)
        if len(self._holders) + ahead < self._follows:
            self._waiting.discard(who)
            self._holders[who] = now
            return True
        if rank > 0 and self._follows:
            self._waiting.add(who)
            self._make_room(rank, now)
        return False

    def give_back(self, who: Holder) -> None:
        """It is not open any more."""
        self._holders.pop(who, None)
        self._leaving.discard(who)
        if self._waiting:
            max(self._waiting, key=lambda one: one.rank()).stir()

    def forget(self, who: Holder) -> None:
        """It is over."""
        self._waiting.discard(who)

    def begin_looks(self) -> None:
        """One more that is looked at."""
        self._looked_at += 1

    def end_looks(self) -> None:
        """One less."""
        self._looked_at -= 1

    def spread(self, seconds: float) -> float:
        """A pause between two looks of one log, longer where many are looked at."""
        return max(seconds, self._looked_at / self._looks_per_second)

    def _make_room(self, rank: int, now: float) -> None:
        wanted = sum(1 for one in self._waiting if one.rank() >= rank) - len(self._leaving)
        lower = [
            (one.rank(), since, one)
            for one, since in self._holders.items()
            if one not in self._leaving and now - since >= _HELD_SECONDS and one.rank() < rank
        ]
        lower.sort(key=lambda found: found[:2])
        for _, _, one in lower[: max(0, wanted)]:
            self._leaving.add(one)
            one.leave()
