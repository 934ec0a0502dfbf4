"""Taking old history away: rows in slices, then the logs of the runs that went, then facts, then free space.

Invariant: the rows of a run go before its logs, so what is still listed can still be read; whatever a removal that was
cut short left behind is found by the next one, in the rows and among the logs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from tradewind.model.ids import DagId, RunKey
from tradewind.ports import clock as clock_port
from tradewind.ports.upkeep import Amounts, History, LogAmounts, Old, OldRun, Shelf

T = TypeVar("T")
_KEYS_AT_ONCE = 200
_SLICE = timedelta(milliseconds=5)
"""A commit of the leader waits for one slice at most, and SQLite's own waiting adds up to twice as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """How much goes, or went."""

    rows: Amounts = field(default_factory=Amounts)
    logs: LogAmounts = field(default_factory=LogAmounts)
    freed_bytes: int = 0
    """Given back to the file system by the database."""

    def __add__(self, other: Total) -> Total:
        """Field by field."""
        freed = self.freed_bytes + other.freed_bytes
        return Total(rows=self.rows + other.rows, logs=self.logs + other.logs, freed_bytes=freed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doomed:
    """What is to go."""

    old: Old
    runs: Sequence[OldRun]
    remains: Sequence[RunKey]
    """Runs of which a removal that was cut short left rows or logs."""

    @property
    def keys(self) -> list[RunKey]:
        """All runs, those half gone first."""
        return [*self.remains, *(run.run_key for run in self.runs)]


class Cleaning:
    """Removal for a person who asked, or for the leader's own upkeep."""

    def __init__(
        self,
        *,
        history: History,
        shelf: Shelf,
        clock: clock_port.Clock,
        rest: Callable[[float], Awaitable[None]],
        slice_of: timedelta = _SLICE,
    ) -> None:
        self._history = history
        self._shelf = shelf
        self._clock = clock
        self._rest = rest
        self._slice = slice_of

    async def find(self, old: Old) -> Doomed:
        """What may go now."""
        runs: list[OldRun] = []
        page = await self._history.list_old(old)
        runs += page.runs
        while page.after is not None:
            page = await self._history.list_old(old, page.after)
            runs += page.runs
        logged = await self._shelf.list_runs()
        remains = {*await self._history.list_remains(), *await self._history.list_gone(logged)}
        return Doomed(old=old, runs=runs, remains=sorted(remains))

    async def measure(self, doomed: Doomed) -> Total:
        """How much that is."""
        rows = await self._history.measure(doomed.keys)
        if (before := _facts_before(doomed.old)) is not None:
            rows += Amounts(facts=await self._history.count_facts(before))
        return Total(rows=rows, logs=await self._shelf.measure(doomed.keys))

    async def remove(self, doomed: Doomed, told: Callable[[Total], None] = lambda _: None) -> Total:
        """Take it away; `told` hears after every slice what went in it."""
        total = Total()

        def add(part: Total) -> None:
            nonlocal total
            total += part
            told(part)

        await self._remove_runs(doomed, add)
        before = _facts_before(doomed.old)
        while before is not None and (n := await self._timed(self._history.remove_facts(before, self._slice))):
            add(Total(rows=Amounts(facts=n)))
        while n := await self._timed(self._history.give_back_space(self._slice)):
            add(Total(freed_bytes=n))
        return total

    async def remove_dag(self, dag_id: DagId, old: Old) -> bool:
        """All runs of a DAG that ended until then, and the DAG itself where its file is gone: whether it went."""
        await self.remove(await self.find(old))
        return await self._history.remove_dag(dag_id)

    async def _remove_runs(self, doomed: Doomed, add: Callable[[Total], None]) -> None:
        of_key = {run.run_key: run for run in doomed.runs}
        own_facts = _facts_before(doomed.old) is None
        keys = doomed.keys
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            left = keys[start : start + _KEYS_AT_ONCE]
            done: list[OldRun] = []
            while left:
                removed = await self._timed(self._history.remove(left, self._slice))
                add(Total(rows=removed.amounts))
                if removed.done:
                    add(Total(logs=await self._shelf.remove(removed.done)))
                done += [of_key[key] for key in removed.done if key in of_key]
                over = {*removed.done, *removed.kept}
                left = [key for key in left if key not in over]
            if own_facts:
                await self._remove_facts(await self._history.find_facts_of(done), add)

    async def _remove_facts(self, numbers: Sequence[int], add: Callable[[Total], None]) -> None:
        while numbers:
            n = await self._timed(self._history.remove_numbered_facts(numbers, self._slice))
            add(Total(rows=Amounts(facts=n)))
            numbers = numbers[n:]

    async def _timed(self, work: Awaitable[T]) -> T:
        """Do a slice, then let others have their turn for as long as the slice took."""
        began = self._clock.monotonic()
        result = await work
        await self._rest(self._clock.monotonic() - began)
        return result


def _facts_before(old: Old) -> datetime | None:
    """Facts are a log of everything: where only some runs go, only theirs go."""
    return old.before if old.dag_id is None else None
