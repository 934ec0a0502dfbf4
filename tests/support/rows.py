"""Builders of rows, specifications and batches: every field that a test does not care about has some value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tradewind.model.dagspec import DagSpec, EmptyBody, TaskSpec
from tradewind.model.facts import AttemptFact, BackfillFact, Batch, CountDelta, Fact, RunFact, TaskFact
from tradewind.model.ids import AttemptId, DagId, RunId, RunKey, TaskId, VersionHash
from tradewind.model.rows import Attempt, Backfill, DagRun, OutboxRow, TaskInstance, XComRow
from tradewind.model.states import AttemptPhase, RunState, RunType, TaskState
from tradewind.ports import store as port

START = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
TTL = timedelta(seconds=15)


def day(number: int) -> datetime:
    """Midnight of that day of January."""
    return datetime(2026, 1, number, tzinfo=UTC)


def run(key: int, dag_id: str = "d", state: RunState = RunState.RUNNING, **fields: Any) -> DagRun:
    """A run, named `r<key>` unless told otherwise."""
    given: dict[str, Any] = {"run_id": RunId(f"r{key}"), "version": VersionHash("v1"), "run_after": START} | fields
    return DagRun(run_key=RunKey(key), dag_id=DagId(dag_id), run_type=RunType.MANUAL, state=state, **given)


def task(
    run_key: int, task_id: str = "t", state: TaskState = TaskState.QUEUED, map_index: int = -1, **fields: Any
) -> TaskInstance:
    """A task instance."""
    return TaskInstance(run_key=RunKey(run_key), task_id=TaskId(task_id), map_index=map_index, state=state, **fields)


def attempt(attempt_id: str, run_key: int, task_id: str = "t", **fields: Any) -> Attempt:
    """An attempt; alive unless told otherwise."""
    given: dict[str, Any] = {"phase": AttemptPhase.STARTED, "created_at": START, "try_number": 1} | fields
    return Attempt(attempt_id=AttemptId(attempt_id), run_key=RunKey(run_key), task_id=TaskId(task_id), **given)


def backfill(backfill_id: int, dag_id: str = "d", **fields: Any) -> Backfill:
    """A backfill of January; running unless told otherwise."""
    given: dict[str, Any] = {
        "version": VersionHash("v1"),
        "start": day(1),
        "end": day(31),
        "created_at": START,
    } | fields
    return Backfill(backfill_id=backfill_id, dag_id=DagId(dag_id), **given)


def xcom(run_key: int, task_id: str = "t", map_index: int = -1, key: str = "k", value: bytes = b"1") -> XComRow:
    """An XCom."""
    return XComRow(run_key=RunKey(run_key), task_id=TaskId(task_id), map_index=map_index, key=key, value=value)


def count(run_key: int, state: str, change: int, group_id: str = "") -> CountDelta:
    """A change of a counter."""
    return CountDelta(run_key=RunKey(run_key), state=state, change=change, group_id=group_id)


def outbox_row(key: str, due_at: datetime = START) -> OutboxRow:
    """Something to do."""
    return OutboxRow(key=key, kind="callback", payload={"which": "success"}, due_at=due_at)


def batch(*rows: Fact | DagRun | TaskInstance | Attempt | Backfill | XComRow | CountDelta) -> Batch:
    """A batch of facts (rows become the fact that carries them), XComs and counters."""
    facts: list[Fact] = []
    for row in rows:
        match row:
            case DagRun():
                facts.append(RunFact(run=row))
            case TaskInstance():
                facts.append(TaskFact(task=row))
            case Attempt():
                facts.append(AttemptFact(attempt=row))
            case Backfill():
                facts.append(BackfillFact(backfill=row))
            case XComRow() | CountDelta():
                pass
            case _:
                facts.append(row)
    return Batch(
        facts=tuple(facts),
        xcoms=tuple(row for row in rows if isinstance(row, XComRow)),
        counts=tuple(row for row in rows if isinstance(row, CountDelta)),
    )


def version(dag_id: str = "d", name: str = "v1", tree: str = "tree1", **fields: Any) -> port.Version:
    """A DAG version with one task."""
    given: dict[str, Any] = {
        "tasks": (TaskSpec(task_id="t", body=EmptyBody()),),
        "tags": ("x",),
        "file": f"{dag_id}.py",
    } | fields
    spec = DagSpec(dag_id=dag_id, **given)
    return port.Version(version=VersionHash(name), spec=spec, bundle="dags", tree=tree, created_at=START)


def file_status(path: str, bundle: str = "dags", **fields: Any) -> port.FileStatus:
    """A file after its parse."""
    return port.FileStatus(bundle=bundle, path=path, fingerprint="f", **fields)


async def lead(store: port.Store) -> int:
    """Take the lease; its epoch."""
    epoch = await store.lease.acquire("tests", START, TTL)
    assert epoch is not None
    return epoch
