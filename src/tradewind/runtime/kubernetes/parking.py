"""Attempts that a full quota keeps from having a pod: one row for each namespace, by priority.

When there may be room (a pod of the namespace has ended, or a while has passed) they are tried one after the other, the
highest priority first; of those that ask for the same, only the first, when it is refused. So a thousand that wait cost
a request at a time, a small pod gets by a large one, and nobody who comes later overtakes one of its kind.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tradewind.ports import backoff, errors
from tradewind.ports import clock as clock_port

_FIRST_SECONDS, _LONGEST_SECONDS = 1.0, 20.0
_SETTLES_SECONDS = 0.5
"""The API server counts a pod that has ended out of the quota a moment later."""
_log = logging.getLogger(__name__)
T = TypeVar("T")
Spawn = Callable[[Coroutine[Any, Any, None], str], object]


@dataclass(slots=True, eq=False)
class _Parked:
    """One that waits. `turn` is set when it may try, `tried` when it has."""

    rank: tuple[int, int]
    kind: str
    turn: asyncio.Event = field(default_factory=asyncio.Event)
    tried: asyncio.Event = field(default_factory=asyncio.Event)
    is_refused: bool = False


class _Row:
    """Of one namespace."""

    def __init__(self) -> None:
        self.parked: list[_Parked] = []
        self.freed = asyncio.Event()
        self.is_served = False


class Parking:
    """Of one cluster. `spawn` runs in the background until the runtime ends."""

    def __init__(self, *, clock: clock_port.Clock, random: clock_port.Random, spawn: Spawn) -> None:
        self._clock = clock
        self._random = random
        self._spawn = spawn
        self._rows: dict[str, _Row] = {}
        self._count = itertools.count()

    async def enter(
        self,
        namespace: str,
        act: Callable[[], Awaitable[T]],
        *,
        priority: int,
        kind: str,
        parked: Callable[[errors.Rejected | None], None],
    ) -> T:
        """What `act` gives as soon as the quota lets it; it raises whatever else `act` raises.

        `kind`: what asks for the same has the same. `parked` is told the refusal, or None: others of its kind wait.
        """
        row = self._rows.setdefault(namespace, _Row())
        mine = _Parked(rank=(-priority, next(self._count)), kind=kind)
        if any(one.kind == kind and one.rank < mine.rank for one in row.parked):
            parked(None)
        else:
            try:
                return await act()
            except errors.Rejected as error:
                _pass_on(error)
                parked(error)
        return await self._wait(namespace, row, mine, act, parked)

    def freed(self, namespace: str) -> None:
        """A pod of it has ended or is gone."""
        if (row := self._rows.get(namespace)) is not None:
            row.freed.set()

    async def _wait(
        self,
        namespace: str,
        row: _Row,
        mine: _Parked,
        act: Callable[[], Awaitable[T]],
        parked: Callable[[errors.Rejected | None], None],
    ) -> T:
        row.parked.append(mine)
        if not row.is_served:
            row.is_served = True
            self._spawn(self._serve(row), f"parking of {namespace}")
        try:
            while True:
                await mine.turn.wait()
                mine.turn.clear()
                try:
                    return await act()
                except errors.Rejected as error:
                    _pass_on(error)
                    parked(error)
                    mine.is_refused = True
                    mine.tried.set()
        finally:
            row.parked.remove(mine)
            mine.tried.set()

    async def _serve(self, row: _Row) -> None:
        """Rounds, as long as somebody waits."""
        pause = backoff.Backoff(self._random, first_seconds=_FIRST_SECONDS, cap_seconds=_LONGEST_SECONDS)
        try:
            while row.parked:
                await self._room(row, pause.next_seconds())
                if await self._round(row):
                    pause.reset()
        finally:
            row.is_served = False

    async def _room(self, row: _Row, seconds: float) -> None:
        """Until there may be room."""
        waits = [asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(row.freed.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        if row.freed.is_set():
            row.freed.clear()
            await self._clock.sleep(_SETTLES_SECONDS)

    async def _round(self, row: _Row) -> bool:
        """Each kind until it is refused; whether anybody got through."""
        refused: set[str] = set()
        got_through = False
        for one in sorted(row.parked, key=lambda one: one.rank):
            if one.kind in refused or one not in row.parked:
                continue
            one.is_refused = False
            one.tried.clear()
            one.turn.set()
            await one.tried.wait()
            if one.is_refused:
                refused.add(one.kind)
            else:
                got_through = True
        return got_through


def _pass_on(error: errors.Rejected) -> None:
    """Raise what is no full quota."""
    if error.code != "quota-exceeded":
        raise error
