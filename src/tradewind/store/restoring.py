"""Reading runs back as the engine needs them. What has finished is never scanned: the work grows with the answer.

Every function runs inside one transaction, so that a run and its tasks are of the same moment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tradewind.model.rows import Attempt, DagRun, TaskInstance
from tradewind.model.snapshot import ActiveSnapshot, RunRef, RunSnapshot
from tradewind.store import codec
from tradewind.store.sessions import Row, Session

_DAGS = "select body from dag order by dag_id"
_BACKFILLS = """
select backfill_id, body from backfill where state in ('running', 'paused') order by backfill_id
"""
_LAST_BACKFILL = "select coalesce(max(backfill_id), 0) from backfill"
_POOLS = "select body from slot_pool order by name"
# A run that has ended while an attempt of it is still being stopped is not over yet.
_ACTIVE_RUNS = """
select run_key, body from dag_run where state in ('queued', 'running')
union select run_key, body from dag_run where run_key in (select run_key from attempt where phase <> 'ended')
order by run_key
"""
_ALL_LIVE_ATTEMPTS = "select body from attempt where phase <> 'ended'"
_RUNS_AT_ONCE = 500
_RUN_BY_ID = "select body from dag_run where dag_id = ? and run_id = ?"
_RUN_BY_DATE = "select body from dag_run where dag_id = ? and logical_date = ? order by run_key desc limit 1"
_RUN_BEFORE = "select body from dag_run where dag_id = ? and logical_date < ? order by logical_date desc limit 1"
_TASKS = "select body from task_instance where run_key = ? order by task_id, map_index"
_LIVE_ATTEMPTS = "select body from attempt where run_key = ? and phase <> 'ended'"
_CURRENT_ATTEMPTS = """
select a.body from task_instance t join attempt a
on a.run_key = t.run_key and a.task_id = t.task_id and a.map_index = t.map_index and a.attempt_id = t.attempt_id
where t.run_key = ? and a.phase = 'ended'
"""


def load_active(session: Session) -> ActiveSnapshot:
    """Runs by index `dag_run_by_state`, tasks by the key of theirs, attempts by index `attempt_live`."""
    runs = [codec.dag_run.decode(body) for _, body in session.rows(_ACTIVE_RUNS)]
    attempts: dict[int, list[Attempt]] = defaultdict(list)
    for (body,) in session.rows(_ALL_LIVE_ATTEMPTS):
        attempt = codec.attempt.decode(body)
        attempts[attempt.run_key].append(attempt)
    tasks = _tasks_of(session, [run.run_key for run in runs])
    last_backfill = session.row(_LAST_BACKFILL)
    return ActiveSnapshot(
        dags=tuple(codec.dag_row.decode(body) for (body,) in session.rows(_DAGS)),
        pools=tuple(codec.pool.decode(body) for (body,) in session.rows(_POOLS)),
        runs=tuple(_snapshot(run, tasks[run.run_key], attempts[run.run_key]) for run in runs),
        backfills=tuple(codec.backfill.decode(body) for _, body in session.rows(_BACKFILLS)),
        last_backfill_id=int(last_backfill[0]) if last_backfill else 0,
    )


def _tasks_of(session: Session, run_keys: Sequence[int]) -> dict[int, list[TaskInstance]]:
    # Keys as values, not as a subquery: the planner might go through all tasks to have them in order.
    found: dict[int, list[TaskInstance]] = defaultdict(list)
    for start in range(0, len(run_keys), _RUNS_AT_ONCE):
        keys = run_keys[start : start + _RUNS_AT_ONCE]
        marks = ", ".join("?" * len(keys))
        sql = f"select body from task_instance where run_key in ({marks}) order by run_key, task_id, map_index"
        for (body,) in session.rows(sql, keys):
            task = codec.task_instance.decode(body)
            found[task.run_key].append(task)
    return found


def find_run(session: Session, ref: RunRef) -> RunSnapshot | None:
    """The run by index `dag_run_id` or `dag_run_by_date`; tasks and attempts by the keys of theirs."""
    row = _find_run_row(session, ref)
    if row is None:
        return None
    run = codec.dag_run.decode(row[0])
    tasks = [codec.task_instance.decode(body) for (body,) in session.rows(_TASKS, (run.run_key,))]
    bodies = session.rows(_LIVE_ATTEMPTS, (run.run_key,)) + session.rows(_CURRENT_ATTEMPTS, (run.run_key,))
    return _snapshot(run, tasks, [codec.attempt.decode(body) for (body,) in bodies])


def _find_run_row(session: Session, ref: RunRef) -> Row | None:
    if ref.run_id is not None:
        return session.row(_RUN_BY_ID, (ref.dag_id, ref.run_id))
    if ref.logical_date is not None:
        return session.row(_RUN_BY_DATE, (ref.dag_id, codec.micros(ref.logical_date)))
    if ref.before is not None:
        return session.row(_RUN_BEFORE, (ref.dag_id, codec.micros(ref.before)))
    return None


def _snapshot(run: DagRun, tasks: list[TaskInstance], attempts: list[Attempt]) -> RunSnapshot:
    attempts.sort(key=lambda attempt: (attempt.created_at, attempt.attempt_id))
    return RunSnapshot(run=run, tasks=tuple(tasks), attempts=tuple(attempts))
