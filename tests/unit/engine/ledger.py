"""Committed rows in dictionaries: what a store keeps, and the counters recounted at every commit."""

from __future__ import annotations

from collections import Counter

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
from tradewind.model.ids import AttemptId, RunKey
from tradewind.model.rows import Attempt, Backfill, DagRow, DagRun, OutboxRow, Pool, TaskInstance, XComRow
from tradewind.model.snapshot import ActiveSnapshot, RunRef, RunSnapshot
from tradewind.model.states import AttemptPhase


class Ledger:
    """Rows by key, folded from facts alone."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.runs: dict[RunKey, DagRun] = {}
        self.tasks: dict[tuple[int, str, int], TaskInstance] = {}
        self.attempts: dict[AttemptId, Attempt] = {}
        self.dags: dict[str, DagRow] = {}
        self.pools: dict[str, Pool] = {}
        self.backfills: dict[int, Backfill] = {}
        self.outbox: dict[str, OutboxRow] = {}
        self.results: dict[int, CommandResult] = {}
        self.xcoms: dict[tuple[int, str, int, str], XComRow] = {}
        self.counts: Counter[tuple[int, str, str]] = Counter()

    def commit(self, batch: Batch) -> None:
        """Write one batch."""
        for fact in batch.facts:
            self._fold(fact)
        for row in batch.xcoms:
            self.xcoms[row.run_key, row.task_id, row.map_index, row.key] = row
        for delta in batch.counts:
            self.counts[delta.run_key, delta.group_id, delta.state] += delta.change

    def _fold(self, fact: Fact) -> None:
        self.facts.append(fact)
        match fact:
            case RunFact(run=run):
                self.runs[run.run_key] = run
            case TaskFact(task=ti):
                self.tasks[ti.run_key, ti.task_id, ti.map_index] = ti
            case TaskDropped():
                del self.tasks[fact.run_key, fact.task_id, fact.map_index]
            case AttemptFact(attempt=attempt):
                self.attempts[attempt.attempt_id] = attempt
            case DagFact(dag=dag):
                self.dags[dag.dag_id] = dag
            case PoolFact(pool=pool, deleted=deleted):
                self.pools[pool.name] = pool
                if deleted:
                    del self.pools[pool.name]
            case BackfillFact(backfill=backfill):
                self.backfills[backfill.backfill_id] = backfill
            case OutboxFact(row=row):
                self.outbox.setdefault(row.key, row)
            case CommandFact():
                self.results[fact.inbox_id] = fact.result
            case XComsCleared():
                gone = (fact.run_key, fact.task_id, fact.map_index)
                for key in [key for key in self.xcoms if key[:3] == gone]:
                    del self.xcoms[key]

    def recount(self) -> Counter[tuple[int, str]]:
        """Task instances by run and state, counted from the rows."""
        return Counter((ti.run_key, ti.state.value) for ti in self.tasks.values())

    def counted(self) -> Counter[tuple[int, str]]:
        """The same from the counters (whole runs)."""
        return Counter(
            {(key, state): n for (key, group, state), n in self.counts.items() if not group and n},
        )

    def active(self) -> ActiveSnapshot:
        """What a leader restores from."""
        return ActiveSnapshot(
            dags=tuple(self.dags.values()),
            pools=tuple(self.pools.values()),
            runs=tuple(self._snapshot(run) for run in self.runs.values() if not run.state.is_finished),
            backfills=tuple(one for one in self.backfills.values() if not one.state.is_finished),
            last_backfill_id=max(self.backfills, default=0),
        )

    def find_run(self, ref: RunRef) -> RunSnapshot | None:
        """One run by id, by logical date, or the last before a moment."""
        runs = [run for run in self.runs.values() if run.dag_id == ref.dag_id]
        if ref.run_id is not None:
            runs = [run for run in runs if run.run_id == ref.run_id]
        if ref.logical_date is not None:
            runs = [run for run in runs if run.logical_date == ref.logical_date]
        if ref.before is not None:
            earlier = [(run.logical_date, run) for run in runs if run.logical_date and run.logical_date < ref.before]
            runs = [run for _, run in sorted(earlier, key=lambda one: one[0])][-1:]
        return self._snapshot(runs[0]) if runs else None

    def _snapshot(self, run: DagRun) -> RunSnapshot:
        tasks = tuple(ti for ti in self.tasks.values() if ti.run_key == run.run_key)
        current = {ti.attempt_id for ti in tasks}
        return RunSnapshot(
            run=run,
            tasks=tasks,
            attempts=tuple(
                one
                for one in self.attempts.values()
                if one.run_key == run.run_key and (one.phase is not AttemptPhase.ENDED or one.attempt_id in current)
            ),
        )
