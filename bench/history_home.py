"""A home with a long history: runs that ended, with their task instances, attempts, XComs, counters and facts.

Written by the store's own commits, so every row is as a leader would have left it.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tradewind.model.dagspec import DagSpec, EmptyBody, TaskSpec
from tradewind.model.facts import AttemptFact, Batch, CountDelta, Fact, RunFact, TaskFact
from tradewind.model.ids import AttemptId, DagId, RunId, RunKey, TaskId, VersionHash
from tradewind.model.rows import Attempt, DagRun, TaskInstance, XComRow
from tradewind.model.states import AttemptPhase, EndReason, RunState, RunType, TaskState
from tradewind.ports import store as port
from tradewind.store import sql_store

DAGS = 200
TASKS_PER_RUN = 50
_RUNS_PER_COMMIT = 20
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_EVERY = timedelta(minutes=10)


def dag_id(number: int) -> DagId:
    """The DAG of a run's number: they take turns."""
    return DagId(f"history_{number % DAGS:03d}")


def run_id(number: int) -> RunId:
    """A run's id."""
    return RunId(f"scheduled__{(_BEGIN + number * _EVERY).isoformat()}")


def build(home: Path, task_instances: int) -> None:
    """Make `home/tradewind.db` with so many task instances, fifty to a run."""
    home.mkdir(parents=True, exist_ok=True)
    asyncio.run(_build(home, task_instances // TASKS_PER_RUN))


async def _build(home: Path, runs: int) -> None:
    moment = _BEGIN

    def now() -> datetime:
        return moment

    async with sql_store.open_store(f"sqlite:///{home / 'tradewind.db'}", now=now) as store:
        await store.versions.put([_version(dag_id(number)) for number in range(DAGS)], [], [], _BEGIN)
        epoch = await store.lease.acquire("history", _BEGIN, timedelta(seconds=1))
        if epoch is None:
            raise RuntimeError(f"{home} is led by somebody")
        for start in range(0, runs, _RUNS_PER_COMMIT):
            moment = _BEGIN + start * _EVERY
            await store.runs.commit(_batch(range(start, min(start + _RUNS_PER_COMMIT, runs))), epoch)


def _version(dag: DagId) -> port.Version:
    tasks = tuple(
        TaskSpec(task_id=f"task_{n:02d}", body=EmptyBody(), upstream=(f"task_{n - 1:02d}",) if n else ())
        for n in range(TASKS_PER_RUN)
    )
    spec = DagSpec(dag_id=dag, tasks=tasks, tags=("history",), file=f"{dag}.py")
    # A bundle of its own: looking at the files of another does not find these DAGs gone.
    return port.Version(
        version=VersionHash(f"of-{dag}"), spec=spec, bundle="history", tree="history", created_at=_BEGIN
    )


def _batch(numbers: range) -> Batch:
    facts: list[Fact] = []
    counts: list[CountDelta] = []
    xcoms: list[XComRow] = []
    for number in numbers:
        key, state = RunKey(number + 1), RunState.FAILED if number % 10 == 9 else RunState.SUCCESS
        facts.append(RunFact(run=_run(number, key, state), cause="its tasks are done"))
        for n in range(TASKS_PER_RUN):
            failed = state is RunState.FAILED and n == TASKS_PER_RUN - 1
            at = _BEGIN + number * _EVERY + timedelta(seconds=n)
            attempt = _attempt(key, n, at, failed=failed)
            facts += [AttemptFact(attempt=attempt), TaskFact(task=_task(attempt, at, failed=failed))]
            if n % 10 == 0:
                xcoms.append(
                    XComRow(run_key=key, task_id=attempt.task_id, map_index=-1, key="return_value", value=b"[1, 2, 3]")
                )
        counts += [
            CountDelta(run_key=key, state="success", change=TASKS_PER_RUN - (state is RunState.FAILED)),
            CountDelta(run_key=key, state="failed", change=int(state is RunState.FAILED)),
        ]
    return Batch(facts=tuple(facts), counts=tuple(counts), xcoms=tuple(xcoms))


def _run(number: int, key: RunKey, state: RunState) -> DagRun:
    at = _BEGIN + number * _EVERY
    dag = dag_id(number)
    return DagRun(
        run_key=key,
        dag_id=dag,
        run_id=run_id(number),
        version=VersionHash(f"of-{dag}"),
        run_type=RunType.SCHEDULED,
        state=state,
        logical_date=at,
        interval_start=at,
        interval_end=at + DAGS * _EVERY,
        run_after=at,
        queued_at=at,
        started_at=at,
        ended_at=at + timedelta(minutes=1),
        verdict=None if state is RunState.SUCCESS else "task_49 failed: exit code 1",
    )


def _attempt(key: RunKey, n: int, at: datetime, *, failed: bool) -> Attempt:
    return Attempt(
        attempt_id=AttemptId(f"h{key:012d}x{n:04d}"),
        run_key=key,
        task_id=TaskId(f"task_{n:02d}"),
        try_number=1,
        phase=AttemptPhase.ENDED,
        created_at=at,
        submitted_at=at,
        started_at=at,
        ended_at=at + timedelta(seconds=1),
        reason=EndReason.ERROR if failed else EndReason.COMPLETED,
        exit_code=int(failed),
    )


def _task(attempt: Attempt, at: datetime, *, failed: bool) -> TaskInstance:
    return TaskInstance(
        run_key=attempt.run_key,
        task_id=attempt.task_id,
        state=TaskState.FAILED if failed else TaskState.SUCCESS,
        try_number=1,
        attempt_id=attempt.attempt_id,
        attempts_in_try=1,
        scheduled_at=at,
        queued_at=at,
        started_at=at,
        ended_at=at + timedelta(seconds=1),
    )
