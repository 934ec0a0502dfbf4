"""Run state and XComs in memory: what `MemoryStore` gives as `RunLog` and `XComs`.

Invariant: like a transaction, a batch is taken whole or not at all, so everything that may refuse it comes first.
"""

from __future__ import annotations

import builtins
import copy
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from tradewind.model.facts import (
    Batch,
    Fact,
    RunFact,
)
from tradewind.model.ids import RunKey
from tradewind.model.rows import Attempt, DagRun, TaskInstance, XComRow
from tradewind.model.snapshot import ActiveSnapshot, RunRef, RunSnapshot
from tradewind.ports import errors
from tradewind.testing.memory_tables import Tables


class MemoryRunLog:
    """Implements `ports.store.RunLog`."""

    def __init__(self, tables: Tables, now: Callable[[], datetime]) -> None:
        self._tables = tables
        self._now = now

    async def commit(self, batch: Batch, epoch: int) -> int:
        """All of the batch, or an error and nothing."""
        tables = self._tables
        if tables.held is None or tables.held.epoch != epoch:
            raise errors.Conflict("another holder has it now", object=f"lease of epoch {epoch}", code="lease-moved")
        at = self._now()
        decoded = [_through_json(fact) for fact in batch.facts]
        self._refuse_second_run_of_a_name([fact.run for fact in decoded if isinstance(fact, RunFact)])
        for fact in decoded:
            tables.last_fact += 1
            tables.facts.append((tables.last_fact, at, fact))
            tables.take(fact)
        tables.take_rest(batch)
        return tables.last_fact

    def _refuse_second_run_of_a_name(self, runs: Sequence[DagRun]) -> None:
        keys = {(run.dag_id, run.run_id): run.run_key for run in self._tables.runs.values()}
        for run in runs:
            if keys.setdefault((run.dag_id, run.run_id), run.run_key) != run.run_key:
                raise errors.Rejected(
                    f"the database refuses the content: there is a run {run.run_id!r} already",
                    object=f"DAG {run.dag_id!r}",
                    code="content-refused",
                )

    async def read(self, after: int, limit: int = 1000) -> Sequence[tuple[int, datetime, Fact]]:
        """In order."""
        return [one for one in self._tables.facts if one[0] > after][:limit]

    async def last_run_key(self) -> int:
        """The largest ever."""
        return self._tables.last_run_key

    async def load_active(self) -> ActiveSnapshot:
        """Runs that are not over."""
        return self._tables.active()

    async def find_run(self, ref: RunRef) -> RunSnapshot | None:
        """One run."""
        return self._tables.find_run(ref)


_fact: msgspec.json.Decoder[Fact] = msgspec.json.Decoder(Fact)


def _through_json(fact: Fact) -> Fact:
    """As a database gives it back; what is no JSON is refused here too."""
    try:
        return _fact.decode(msgspec.json.encode(fact))
    except (TypeError, ValueError, OverflowError) as error:
        text = f"the database refuses the content: {error}"
        raise errors.Rejected(text, object="memory", code="content-refused") from error


class MemoryXComs:
    """Implements `ports.store.XComs`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def find(self, run_key: RunKey, task_id: str, map_index: int, key: str) -> XComRow | None:
        """One value."""
        return self._tables.xcoms.get((run_key, task_id, map_index, key))

    async def list(
        self,
        run_key: RunKey,
        task_id: str | None = None,
        key: str | None = None,
        start: int = 0,
        stop: int | None = None,
    ) -> Sequence[XComRow]:
        """In order of task id, map index, key."""
        return self._select(run_key, task_id, key)[start:stop]

    def _select(self, run_key: RunKey, task_id: str | None, key: str | None) -> builtins.list[XComRow]:
        rows = [row for at, row in sorted(self._tables.xcoms.items()) if at[0] == run_key]
        return [row for row in rows if task_id in (None, row.task_id) and key in (None, row.key)]

    async def put(self, row: XComRow) -> None:
        """Write one value."""
        self._tables.xcoms[row.run_key, row.task_id, row.map_index, row.key] = copy.copy(row)

    async def find_run_key(self, dag_id: str, run_id: str) -> RunKey | None:
        """The run's key."""
        runs = self._tables.runs.values()
        return next((run.run_key for run in runs if (run.dag_id, run.run_id) == (dag_id, run_id)), None)

    async def latest_before(self, dag_id: str, logical_date: datetime, task_id: str, key: str) -> Sequence[XComRow]:
        """Of the newest earlier run that has any."""
        dated = [(run.logical_date, run.run_key) for run in self._tables.runs.values() if run.dag_id == dag_id]
        earlier = [(date, run_key) for date, run_key in dated if date is not None and date < logical_date]
        found = (self._select(run_key, task_id, key) for _, run_key in sorted(earlier, reverse=True))
        return next((rows for rows in found if rows), [])


def attempts_of(tables: Tables, run_key: RunKey, task_id: str, map_index: int) -> list[Attempt]:
    """A task instance's attempts, in order of creation."""
    element = (run_key, task_id, map_index)
    found = [one for one in tables.attempts.values() if (one.run_key, one.task_id, one.map_index) == element]
    return sorted(found, key=lambda one: (one.created_at, one.try_number, one.number))


def tasks_of(tables: Tables, run_key: RunKey) -> list[TaskInstance]:
    """A run's task instances, in order."""
    return [task for key, task in sorted(tables.tasks.items()) if key[0] == run_key]
