"""The log of facts and the rows that they carry: one transaction for each batch, under the lease's epoch.

Invariant: a batch is written whole or not at all, by the holder of the lease only, and once: where the answer to a
commit was lost, the same batch given again is recognised by the lease row's count of commits. Facts are numbered
without gaps, since the update of that row gives out their numbers and is undone with the rest.

This is the hot path: one statement for the epoch, then one `executemany` per table with the last state of each row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime

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
from tradewind.model.rows import Attempt, Backfill, DagRow, DagRun, TaskInstance
from tradewind.model.snapshot import ActiveSnapshot, RunRef, RunSnapshot
from tradewind.store import codec, dag_rows, restoring
from tradewind.store.connections import Connections
from tradewind.store.lease import moved
from tradewind.store.sessions import Row, Session
from tradewind.store.xcoms import UPSERT as _UPSERT_XCOM
from tradewind.store.xcoms import values_of as _xcom_values

_ADVANCE = """
update lease set commits = commits + 1, last_fact = last_fact + ?,
  last_run_key = case when last_run_key < ? then ? else last_run_key end
where name = 'leader' and epoch = ?
returning last_fact, commits
"""
# An update that changes nothing: it waits for a commit of ours that the server may still be working on.
_POSITION = """
update lease set commits = commits where name = 'leader' and epoch = ? returning last_fact, commits
"""
_FACT = "insert into fact (number, at, run_key, body) values (?, ?, ?, ?)"
_RUN = """
insert into dag_run (run_key, dag_id, run_id, state, version, logical_date, body, backfill_id)
values (?, ?, ?, ?, ?, ?, ?, ?)
on conflict (run_key) do update
set state = excluded.state, version = excluded.version, logical_date = excluded.logical_date, body = excluded.body,
  backfill_id = excluded.backfill_id
"""
_TASK = """
insert into task_instance (run_key, task_id, map_index, state, attempt_id, body) values (?, ?, ?, ?, ?, ?)
on conflict (run_key, task_id, map_index) do update
set state = excluded.state, attempt_id = excluded.attempt_id, body = excluded.body
"""
_TASK_GONE = "delete from task_instance where run_key = ? and task_id = ? and map_index = ?"
_ATTEMPT = """
insert into attempt (run_key, task_id, map_index, attempt_id, phase, reason, body) values (?, ?, ?, ?, ?, ?, ?)
on conflict (run_key, task_id, map_index, attempt_id) do update
set phase = excluded.phase, reason = excluded.reason, body = excluded.body
"""
_COUNT = """
insert into task_count (run_key, group_id, state, n) values (?, ?, ?, ?)
on conflict (run_key, group_id, state) do update set n = task_count.n + excluded.n
"""
_XCOMS_GONE = "delete from xcom where run_key = ? and task_id = ? and map_index = ?"
_OUTBOX = "insert into outbox (key, due_at, body) values (?, ?, ?) on conflict (key) do nothing"
_COMMAND = "update inbox set result = ? where inbox_id = ?"
_BACKFILL = """
insert into backfill (backfill_id, dag_id, state, version, body) values (?, ?, ?, ?, ?)
on conflict (backfill_id) do update set state = excluded.state, body = excluded.body
"""
_POOL = "insert into slot_pool (name, body) values (?, ?) on conflict (name) do update set body = excluded.body"
_POOL_GONE = "delete from slot_pool where name = ?"
_FACTS_AFTER = "select number, at, body from fact where number > ? order by number limit ?"
_LAST_RUN_KEY = "select last_run_key from lease where name = 'leader'"


@dataclasses.dataclass(frozen=True, slots=True)
class _Sent:
    """A batch whose commit was sent and not answered."""

    batch: Batch
    epoch: int
    commits: int


class SqlRunLog:
    """Implements `ports.store.RunLog`."""

    def __init__(self, connections: Connections, now: Callable[[], datetime]) -> None:
        self._connections = connections
        self._now = now
        self._sent: _Sent | None = None

    async def commit(self, batch: Batch, epoch: int) -> int:
        """Every statement by its table's key."""
        at = codec.micros(self._now())
        last = await self._connections.write(lambda session: self._commit(session, batch, epoch, at))
        self._sent = None
        return last

    def _commit(self, session: Session, batch: Batch, epoch: int, at: int) -> int:
        written = _Written(batch)
        if (position := self._find_written(session, batch, epoch)) is not None:
            return position
        found = session.row(_ADVANCE, (len(batch.facts), written.last_run_key, written.last_run_key, epoch))
        if found is None:
            raise moved(epoch)
        last, commits = int(found[0]), int(found[1])
        first = last - len(batch.facts) + 1
        written.send(session, first, at)
        self._sent = _Sent(batch, epoch, commits)
        return last

    def _find_written(self, session: Session, batch: Batch, epoch: int) -> int | None:
        """The position after this batch, where it was committed before and we never heard of it."""
        if (sent := self._sent) is None:
            return None
        row = session.row(_POSITION, (epoch,))
        if row is not None and row[1] == sent.commits and sent.epoch == epoch and sent.batch == batch:
            return int(row[0])  # still not acknowledged: it is forgotten when this transaction's end is heard of
        self._sent = None
        return None

    async def read(self, after: int, limit: int = 1000) -> Sequence[tuple[int, datetime, Fact]]:
        """By the table's key."""
        rows = await self._connections.read(lambda session: session.rows(_FACTS_AFTER, (after, limit)))
        return [(number, codec.moment(at), codec.fact.decode(body)) for number, at, body in rows]

    async def last_run_key(self) -> int:
        """From the lease's row, so that a key is not reused after its run was deleted."""
        row = await self._connections.read(lambda session: session.row(_LAST_RUN_KEY))
        return 0 if row is None else int(row[0])

    async def load_active(self) -> ActiveSnapshot:
        """As of one moment; see `restoring`."""
        return await self._connections.read_at_once(restoring.load_active)

    async def find_run(self, ref: RunRef) -> RunSnapshot | None:
        """As of one moment; see `restoring`."""
        return await self._connections.read_at_once(lambda session: restoring.find_run(session, ref))


class _Written:
    """A batch as rows: of each row its last state, of each counter the sum of its changes."""

    def __init__(self, batch: Batch) -> None:
        self._facts: list[tuple[int | None, str]] = []
        self._runs: dict[int, DagRun] = {}
        self._tasks: dict[tuple[int, str, int], TaskInstance | None] = {}
        self._attempts: dict[str, Attempt] = {}
        self._dags: dict[str, DagRow] = {}
        self._pools: dict[str, Row | None] = {}
        self._backfills: dict[int, Backfill] = {}
        self._outbox: list[Row] = []
        self._commands: list[Row] = []
        self._cleared: list[Row] = []
        for fact in batch.facts:
            self._facts.append((self._take(fact), codec.text(fact)))
        self._xcoms = [_xcom_values(row) for row in batch.xcoms]
        self._counts: dict[tuple[int, str, str], int] = {}
        for delta in batch.counts:
            key = (delta.run_key, delta.group_id, delta.state)
            self._counts[key] = self._counts.get(key, 0) + delta.change

    @property
    def last_run_key(self) -> int:
        """The largest key among its runs."""
        return max(self._runs, default=0)

    def _take(self, fact: Fact) -> int | None:
        """Note what a fact changes; the run that it is about."""
        match fact:
            case TaskFact(task=task):
                self._tasks[task.key] = task
                return task.run_key
            case AttemptFact(attempt=attempt):
                self._attempts[attempt.attempt_id] = attempt
                return attempt.run_key
            case RunFact(run=run):
                self._runs[run.run_key] = run
                return run.run_key
            case TaskDropped():
                self._tasks[fact.run_key, fact.task_id, fact.map_index] = None
                return fact.run_key
            case XComsCleared():
                self._cleared.append((fact.run_key, fact.task_id, fact.map_index))
                return fact.run_key
            case DagFact(dag=dag):
                self._dags[dag.dag_id] = dag
            case PoolFact(pool=pool, deleted=deleted):
                self._pools[pool.name] = None if deleted else (pool.name, codec.text(pool))
            case BackfillFact(backfill=backfill):
                self._backfills[backfill.backfill_id] = backfill
            case OutboxFact(row=row):
                self._outbox.append((row.key, codec.micros(row.due_at), codec.text(row)))
            case CommandFact():
                self._commands.append((codec.text(fact.result), fact.inbox_id))
        return None

    def send(self, session: Session, first: int, at: int) -> None:
        """Everything, the facts with numbers from `first` on."""
        tasks = self._tasks.items()
        session.many(
            (_FACT, [(first + index, at, run_key, body) for index, (run_key, body) in enumerate(self._facts)]),
            (_RUN, [_run_values(run) for run in self._runs.values()]),
            (_TASK_GONE, [key for key, task in tasks if task is None]),
            (_TASK, [_task_values(task) for _, task in tasks if task is not None]),
            (_ATTEMPT, [_attempt_values(attempt) for attempt in self._attempts.values()]),
            (_XCOMS_GONE, self._cleared),
            (_UPSERT_XCOM, self._xcoms),
            (_COUNT, [(*key, change) for key, change in self._counts.items() if change]),
            (_OUTBOX, self._outbox),
            (_COMMAND, self._commands),
            (_BACKFILL, [_backfill_values(backfill) for backfill in self._backfills.values()]),
            (_POOL, [pool for pool in self._pools.values() if pool is not None]),
            (_POOL_GONE, [(name,) for name, pool in self._pools.items() if pool is None]),
        )
        for _, dag in sorted(self._dags.items()):
            dag_rows.write_decided(session, dag)


def _run_values(run: DagRun) -> Row:
    date = None if run.logical_date is None else codec.micros(run.logical_date)
    return (run.run_key, run.dag_id, run.run_id, run.state.value, run.version, date, codec.text(run), run.backfill_id)


def _backfill_values(backfill: Backfill) -> Row:
    return (backfill.backfill_id, backfill.dag_id, backfill.state.value, backfill.version, codec.text(backfill))


def _task_values(task: TaskInstance) -> Row:
    return (task.run_key, task.task_id, task.map_index, task.state.value, task.attempt_id, codec.text(task))


def _attempt_values(attempt: Attempt) -> Row:
    reason = None if attempt.reason is None else attempt.reason.value
    key = (attempt.run_key, attempt.task_id, attempt.map_index, attempt.attempt_id)
    return (*key, attempt.phase.value, reason, codec.text(attempt))
