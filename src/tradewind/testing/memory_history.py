"""Removal of finished runs, in memory: what `MemoryStore` gives as `History`. A slice takes one run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from tradewind.model.facts import AttemptFact, Fact, RunFact, TaskDropped, TaskFact, XComsCleared
from tradewind.model.ids import DagId, RunKey
from tradewind.model.rows import DagRun
from tradewind.model.states import AttemptPhase
from tradewind.ports import upkeep as port
from tradewind.testing.memory_tables import Tables


class MemoryHistory:
    """Implements `ports.upkeep.History`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def list_old(self, old: port.Old, after: RunKey | None = None, limit: int = 500) -> port.OldRuns:
        """All that match, in pages of runs looked at."""
        runs = [run for key, run in sorted(self._tables.runs.items()) if old.dag_id in (None, run.dag_id)]
        newest: defaultdict[str, set[RunKey]] = defaultdict(set)
        for run in reversed(runs):
            if len(newest[run.dag_id]) < old.keep_last:
                newest[run.dag_id].add(run.run_key)
        page = [run for run in runs if run.run_key > (after or 0)][:limit]
        found = [_past(run) for run in page if run.run_key not in newest[run.dag_id] and self._may_go(run, old.before)]
        return port.OldRuns(runs=found, after=page[-1].run_key if len(page) == limit else None)

    def _may_go(self, run: DagRun, before: datetime | None) -> bool:
        if not run.state.is_finished or self._is_live(run.run_key):
            return False
        return before is None or (run.ended_at is not None and run.ended_at < before)

    def _is_live(self, run_key: RunKey) -> bool:
        return any(
            one.run_key == run_key and one.phase is not AttemptPhase.ENDED for one in self._tables.attempts.values()
        )

    async def list_remains(self) -> Sequence[RunKey]:
        """Of every table."""
        tables = self._tables
        keys = {key[0] for table in (tables.tasks, tables.counts, tables.xcoms) for key in table}
        keys |= {one.run_key for one in tables.attempts.values()}
        return [RunKey(key) for key in sorted(keys) if key not in tables.runs]

    async def list_gone(self, run_keys: Sequence[RunKey]) -> Sequence[RunKey]:
        """Given out and not there."""
        tables = self._tables
        return [key for key in run_keys if key not in tables.runs and key <= tables.last_run_key]

    async def measure(self, run_keys: Sequence[RunKey]) -> port.Amounts:
        """Rows; nothing here has a size."""
        tables, keys = self._tables, set(run_keys)
        return port.Amounts(
            runs=sum(key in keys for key in tables.runs),
            task_instances=sum(key[0] in keys for key in tables.tasks),
            attempts=sum(one.run_key in keys for one in tables.attempts.values()),
            xcoms=sum(key[0] in keys for key in tables.xcoms),
        )

    async def remove(self, run_keys: Sequence[RunKey], slice_of: timedelta) -> port.Removed:
        """The first of them."""
        for key in run_keys[:1]:
            run = self._tables.runs.get(key)
            if run is not None and not self._may_go(run, None):
                return port.Removed(kept=[key])
            amounts = await self.measure([key])
            self._drop(key)
            return port.Removed(done=[key], amounts=amounts)
        return port.Removed()

    def _drop(self, run_key: RunKey) -> None:
        tables = self._tables
        tables.runs.pop(run_key, None)
        tables.tasks = {key: row for key, row in tables.tasks.items() if key[0] != run_key}
        tables.counts = {key: n for key, n in tables.counts.items() if key[0] != run_key}
        tables.xcoms = {key: row for key, row in tables.xcoms.items() if key[0] != run_key}
        tables.attempts = {key: row for key, row in tables.attempts.items() if row.run_key != run_key}

    async def count_facts(self, before: datetime) -> int:
        """Those at the beginning of the log."""
        facts = self._tables.facts
        return next((index for index, (_, at, _) in enumerate(facts) if at >= before), len(facts))

    async def remove_facts(self, before: datetime, slice_of: timedelta) -> int:
        """All at once."""
        count = await self.count_facts(before)
        del self._tables.facts[:count]
        return count

    async def find_facts_of(self, runs: Sequence[port.OldRun]) -> Sequence[int]:
        """By what they are about."""
        keys = {run.run_key for run in runs}
        return [number for number, _, fact in self._tables.facts if _run_of(fact) in keys]

    async def remove_numbered_facts(self, numbers: Sequence[int], slice_of: timedelta) -> int:
        """All of them."""
        gone = set(numbers)
        self._tables.facts[:] = [one for one in self._tables.facts if one[0] not in gone]
        return len(numbers)

    async def remove_dag(self, dag_id: DagId) -> bool:
        """As the port says."""
        tables = self._tables
        dag = tables.dags.get(dag_id)
        for backfill in [one for one in tables.backfills.values() if one.dag_id == dag_id and one.state.is_finished]:
            del tables.backfills[backfill.backfill_id]
        needed = {run.version for run in tables.runs.values() if run.dag_id == dag_id}
        needed |= {one.version for one in tables.backfills.values() if one.dag_id == dag_id}
        goes = dag is not None and dag.removed and not needed
        if dag is not None and not goes:
            needed.add(dag.version)
        spare = [key for key, one in tables.versions.items() if one.spec.dag_id == dag_id and key not in needed]
        for version in spare:
            del tables.versions[version]
        if goes:
            del tables.dags[dag_id]
        return goes

    async def give_back_space(self, slice_of: timedelta) -> int:
        """There is no file."""
        return 0


def _past(run: DagRun) -> port.OldRun:
    return port.OldRun(
        run_key=run.run_key,
        dag_id=run.dag_id,
        run_id=run.run_id,
        queued_at=run.queued_at,
        ended_at=run.ended_at,
        version=run.version,
    )


def _run_of(fact: Fact) -> int | None:
    match fact:
        case TaskFact(task=task):
            return task.run_key
        case AttemptFact(attempt=attempt):
            return attempt.run_key
        case RunFact(run=run):
            return run.run_key
        case TaskDropped() | XComsCleared():
            return fact.run_key
        case _:
            return None
