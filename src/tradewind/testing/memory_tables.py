"""What a `MemoryStore` holds: one mapping for each table of a database, shared by its ports, and how facts fill it."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from tradewind.model.commands import CommandResult
from tradewind.model.facts import (
    AttemptFact,
    BackfillFact,
    Batch,
    CommandFact,
    DagFact,
    Fact,
    OutboxFact,
    PoolFact,
    RunFact,
    TaskDropped,
    TaskFact,
    XComsCleared,
)
from tradewind.model.ids import AttemptId, DagId, RunKey, VersionHash
from tradewind.model.rows import Attempt, Backfill, DagRow, DagRun, OutboxRow, Pool, TaskInstance, XComRow
from tradewind.model.snapshot import ActiveSnapshot, RunRef, RunSnapshot
from tradewind.model.states import AttemptPhase
from tradewind.ports import store as port


@dataclasses.dataclass(slots=True)
class Tables:
    """Everything."""

    held: port.Held | None = None
    facts: list[tuple[int, datetime, Fact]] = dataclasses.field(default_factory=list)
    last_fact: int = 0
    last_run_key: int = 0
    runs: dict[RunKey, DagRun] = dataclasses.field(default_factory=dict)
    tasks: dict[tuple[int, str, int], TaskInstance] = dataclasses.field(default_factory=dict)
    attempts: dict[AttemptId, Attempt] = dataclasses.field(default_factory=dict)
    counts: dict[tuple[int, str, str], int] = dataclasses.field(default_factory=dict)
    xcoms: dict[tuple[int, str, int, str], XComRow] = dataclasses.field(default_factory=dict)
    dags: dict[DagId, DagRow] = dataclasses.field(default_factory=dict)
    pools: dict[str, Pool] = dataclasses.field(default_factory=dict)
    backfills: dict[int, Backfill] = dataclasses.field(default_factory=dict)
    versions: dict[VersionHash, port.Version] = dataclasses.field(default_factory=dict)
    files: dict[tuple[str, str], port.FileStatus] = dataclasses.field(default_factory=dict)
    commands: list[port.InboxRow] = dataclasses.field(default_factory=list)
    results: dict[int, CommandResult] = dataclasses.field(default_factory=dict)
    outbox: dict[str, OutboxRow] = dataclasses.field(default_factory=dict)
    vault: dict[tuple[str, str], port.VaultRow] = dataclasses.field(default_factory=dict)

    def take(self, fact: Fact) -> None:
        """Write the row that a fact carries."""
        match fact:
            case RunFact(run=run):
                self.runs[run.run_key] = run
                self.last_run_key = max(self.last_run_key, run.run_key)
            case TaskFact(task=task):
                self.tasks[task.key] = task
            case TaskDropped():
                self.tasks.pop((fact.run_key, fact.task_id, fact.map_index), None)
            case AttemptFact(attempt=attempt):
                self.attempts[attempt.attempt_id] = attempt
            case DagFact(dag=dag):
                known = self.dags.get(dag.dag_id)
                self.dags[dag.dag_id] = dag if known is None else known.with_decided(dag)
            case PoolFact(pool=pool, deleted=deleted):
                self.pools.pop(pool.name, None)
                if not deleted:
                    self.pools[pool.name] = pool
            case BackfillFact(backfill=backfill):
                self.backfills[backfill.backfill_id] = backfill
            case OutboxFact(row=row):
                self.outbox.setdefault(row.key, row)
            case CommandFact():
                self.results[fact.inbox_id] = fact.result
            case XComsCleared():
                element = (fact.run_key, fact.task_id, fact.map_index)
                for key in [key for key in self.xcoms if key[:3] == element]:
                    del self.xcoms[key]

    def take_rest(self, batch: Batch) -> None:
        """Write what a batch carries beside its facts."""
        for row in batch.xcoms:
            self.xcoms[row.run_key, row.task_id, row.map_index, row.key] = row
        for delta in batch.counts:
            key = (delta.run_key, delta.group_id, delta.state)
            self.counts[key] = self.counts.get(key, 0) + delta.change

    def active(self) -> ActiveSnapshot:
        """What a leader restores from: runs that are not over, or have an attempt that is not."""
        live = {one.run_key for one in self.attempts.values() if one.phase is not AttemptPhase.ENDED}
        runs = [run for key, run in sorted(self.runs.items()) if not run.state.is_finished or key in live]
        return ActiveSnapshot(
            dags=tuple(dag for _, dag in sorted(self.dags.items())),
            pools=tuple(pool for _, pool in sorted(self.pools.items())),
            runs=tuple(self._snapshot(run, current=False) for run in runs),
            backfills=tuple(one for _, one in sorted(self.backfills.items()) if not one.state.is_finished),
            last_backfill_id=max(self.backfills, default=0),
        )

    def find_run(self, ref: RunRef) -> RunSnapshot | None:
        """One run by id, by logical date, or the last before a moment."""
        runs = [run for _, run in sorted(self.runs.items(), reverse=True) if run.dag_id == ref.dag_id]
        found: DagRun | None = None
        if ref.run_id is not None:
            found = next((run for run in runs if run.run_id == ref.run_id), None)
        elif ref.logical_date is not None:
            found = next((run for run in runs if run.logical_date == ref.logical_date), None)
        elif ref.before is not None:
            dated = [(run.logical_date, run) for run in runs if run.logical_date and run.logical_date < ref.before]
            found = max(dated, key=lambda pair: pair[0])[1] if dated else None
        return None if found is None else self._snapshot(found, current=True)

    def _snapshot(self, run: DagRun, *, current: bool) -> RunSnapshot:
        tasks = [task for key, task in sorted(self.tasks.items()) if key[0] == run.run_key]
        wanted = {task.attempt_id for task in tasks} if current else set()
        attempts = [
            one
            for one in self.attempts.values()
            if one.run_key == run.run_key and (one.phase is not AttemptPhase.ENDED or one.attempt_id in wanted)
        ]
        attempts.sort(key=lambda one: (one.created_at, one.attempt_id))
        return RunSnapshot(run=run, tasks=tuple(tasks), attempts=tuple(attempts))
