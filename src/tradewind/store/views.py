"""What people look at: lists by key, and single rows. Nothing here counts or sorts history."""

from __future__ import annotations

import difflib
import heapq
import itertools
from collections.abc import Sequence

import msgspec

from tradewind.model.ids import AttemptId, DagId, RunKey
from tradewind.model.rows import Attempt, Backfill, DagRun, Pool, TaskInstance
from tradewind.model.states import BackfillState, RunState, TaskState
from tradewind.ports import errors
from tradewind.ports import store as port
from tradewind.store import backfill_rows, codec, versions
from tradewind.store.connections import Connections
from tradewind.store.sessions import Row, Session

# Lists of runs are written as ranges of one index, ordered by all of it. With `dag_id = ?` and `order by run_key`
# PostgreSQL may go backwards through all runs instead, hoping to meet some of that DAG soon.
_RUNS = "select run_key, body from dag_run where run_key < ? order by run_key desc limit ?"
_RUNS_OF_DAG = """
select run_key, body from dag_run where dag_id >= ? and (dag_id, run_key) < (?, ?)
order by dag_id desc, run_key desc limit ?
"""
_RUNS_IN_STATE = """
select run_key, body from dag_run where state >= ? and (state, run_key) < (?, ?)
order by state desc, run_key desc limit ?
"""
_RUNS_OF_DAG_IN_STATE = """
select run_key, body from dag_run where (dag_id, state) >= (?, ?) and (dag_id, state, run_key) < (?, ?, ?)
order by dag_id desc, state desc, run_key desc limit ?
"""
_DAG = """
select d.body, v.summary,
  (select r.body from dag_run r where r.dag_id >= d.dag_id and r.dag_id <= d.dag_id
   order by r.dag_id desc, r.run_key desc limit 1),
  (select count(*) from dag_run r where r.dag_id = d.dag_id and r.state in ('queued', 'running'))
from dag d left join dag_version v on v.version = d.version
"""
_DAGS_AFTER = f"{_DAG} where d.dag_id > ? order by d.dag_id limit ?"
_ONE_DAG = f"{_DAG} where d.dag_id = ?"
_DAG_IDS = "select dag_id from dag order by dag_id"
_RUN = "select body from dag_run where dag_id = ? and run_id = ?"
_ATTEMPTS = "select body from attempt where run_key = ? and task_id = ? and map_index = ?"
_ATTEMPT = "select body from attempt where attempt_id = ?"
_POOLS = "select body from slot_pool order by name"
_COUNTS_AT_ONCE = 500
_LAST = 1 << 62
"""Beyond every run key."""

_summary = msgspec.json.Decoder(versions.Summary)


class SqlViews:
    """Implements `ports.store.Views`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def list_dags(self, page: port.Page) -> Sequence[port.DagView]:
        """By dag's key; the last run by index `dag_run_of_dag`, active ones by `dag_run_of_dag_by_state`."""
        values = (page.after or "", page.limit)
        return [
            _dag_view(row) for row in await self._connections.read(lambda session: session.rows(_DAGS_AFTER, values))
        ]

    async def get_dag(self, dag_id: DagId) -> port.DagView:
        """By the same indexes."""
        row = await self._connections.read(lambda session: session.row(_ONE_DAG, (dag_id,)))
        if row is None:
            raise await self._no_dag(dag_id)
        return _dag_view(row)

    async def list_runs(
        self, page: port.Page, dag_id: DagId | None = None, states: Sequence[RunState] = ()
    ) -> Sequence[DagRun]:
        """By index `dag_run_of_dag`, or its key; with states by `dag_run_of_dag_by_state` or `dag_run_by_state`."""
        after = _LAST if page.after is None else _number(page.after)

        def work(session: Session) -> list[Row]:
            wanted: list[RunState | None] = list(dict.fromkeys(states)) or [None]
            parts = [session.rows(*_runs_before(dag_id, state, after, page.limit)) for state in wanted]
            # Each state is a list of its own in the index, newest first already.
            return list(itertools.islice(heapq.merge(*parts, reverse=True), page.limit))

        return [codec.dag_run.decode(body) for _, body in await self._connections.read_at_once(work)]

    async def get_run(self, dag_id: DagId, run_id: str) -> DagRun:
        """By index `dag_run_id`."""
        row = await self._connections.read(lambda session: session.row(_RUN, (dag_id, run_id)))
        if row is None:
            raise await self._no_run(dag_id, run_id)
        return codec.dag_run.decode(row[0])

    async def list_tasks(
        self, run_key: RunKey, page: port.Page, states: Sequence[TaskState] = ()
    ) -> Sequence[TaskInstance]:
        """By the key of task instances."""
        sql, values = "select body from task_instance where run_key = ?", [run_key, *_task_key(page.after)]
        if page.after is not None:
            sql += " and (task_id, map_index) > (?, ?)"
        if states:
            sql += f" and state in ({_marks(len(states))})"
        sql += " order by task_id, map_index limit ?"
        values += [*(state.value for state in states), page.limit]
        rows = await self._connections.read(lambda session: session.rows(sql, values))
        return [codec.task_instance.decode(body) for (body,) in rows]

    async def list_attempts(self, run_key: RunKey, task_id: str, map_index: int = -1) -> Sequence[Attempt]:
        """By the key of attempts."""
        rows = await self._connections.read(lambda session: session.rows(_ATTEMPTS, (run_key, task_id, map_index)))
        found = (codec.attempt.decode(body) for (body,) in rows)
        return sorted(found, key=lambda one: (one.created_at, one.try_number, one.number))

    async def get_attempt(self, attempt_id: AttemptId) -> Attempt:
        """By index `attempt_by_id`."""
        row = await self._connections.read(lambda session: session.row(_ATTEMPT, (attempt_id,)))
        if row is None:
            raise errors.NotFound(
                "no such attempt",
                object=f"attempt {attempt_id}",
                code="no-such-attempt",
                hint="`tradewind tasks attempts` lists them",
            )
        return codec.attempt.decode(row[0])

    async def counts(self, run_keys: Sequence[RunKey]) -> dict[RunKey, dict[str, int]]:
        """By the key of counters; an empty entry for a run that has none."""
        found: dict[RunKey, dict[str, int]] = {key: {} for key in run_keys}

        def work(session: Session) -> None:
            for start in range(0, len(run_keys), _COUNTS_AT_ONCE):
                keys = run_keys[start : start + _COUNTS_AT_ONCE]
                for run_key, state, n in session.rows(_counts_of(len(keys)), keys):
                    found[run_key][state] = n

        await self._connections.read_at_once(work)
        return found

    async def list_pools(self) -> Sequence[Pool]:
        """By the table's key."""
        return [codec.pool.decode(body) for (body,) in await self._connections.read(lambda one: one.rows(_POOLS))]

    async def list_backfills(
        self, page: port.Page, dag_id: DagId | None = None, states: Sequence[BackfillState] = ()
    ) -> Sequence[Backfill]:
        """By its key, or the indexes `backfill_of_dag` and `backfill_by_state`."""
        after = _LAST if page.after is None else _number(page.after)
        return await self._connections.read_at_once(
            lambda session: backfill_rows.find_before(session, after, page.limit, dag_id, states)
        )

    async def get_backfill(self, backfill_id: int) -> Backfill:
        """By its key."""
        return await self._connections.read_at_once(lambda session: backfill_rows.get(session, backfill_id))

    async def count_backfill_runs(self, backfill_id: int) -> dict[str, int]:
        """By index `dag_run_of_backfill` alone, which it goes through for this backfill."""
        return await self._connections.read(lambda session: backfill_rows.count_runs(session, backfill_id))

    async def list_backfill_runs(self, backfill_id: int, page: port.Page) -> Sequence[DagRun]:
        """By the same index, one range for each state."""
        after = _LAST if page.after is None else _number(page.after)
        return await self._connections.read_at_once(
            lambda session: backfill_rows.find_runs_before(session, backfill_id, after, page.limit)
        )

    # -- what is not there -----------------------------------------------------------------------------------------

    async def _no_dag(self, dag_id: DagId) -> errors.NotFound:
        known = [one for (one,) in await self._connections.read(lambda session: session.rows(_DAG_IDS))]
        near = difflib.get_close_matches(dag_id, known, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "`tradewind dags list` shows them"
        return errors.NotFound("no such DAG", object=f"DAG {dag_id!r}", hint=hint, code="no-such-dag")

    async def _no_run(self, dag_id: DagId, run_id: str) -> errors.NotFound:
        last = [run.run_id for run in await self.list_runs(port.Page(limit=3), dag_id)]
        hint = f"its last ones: {', '.join(last)}" if last else f"DAG {dag_id!r} has no runs"
        return errors.NotFound("no such run", object=f"run {run_id!r} of DAG {dag_id!r}", hint=hint, code="no-such-run")


def _dag_view(row: Row) -> port.DagView:
    body, summary_text, last_run, active_runs = row
    summary = versions.Summary() if summary_text is None else _summary.decode(summary_text)
    return port.DagView(
        dag=codec.dag_row.decode(body),
        last_run=None if last_run is None else codec.dag_run.decode(last_run),
        active_runs=active_runs,
        **msgspec.structs.asdict(summary),
    )


def _runs_before(dag_id: DagId | None, state: RunState | None, after: int, limit: int) -> tuple[str, Row]:
    if dag_id is None and state is None:
        return _RUNS, (after, limit)
    if state is None:
        return _RUNS_OF_DAG, (dag_id, dag_id, after, limit)
    if dag_id is None:
        return _RUNS_IN_STATE, (state.value, state.value, after, limit)
    return _RUNS_OF_DAG_IN_STATE, (dag_id, state.value, dag_id, state.value, after, limit)


def _counts_of(length: int) -> str:
    return f"select run_key, state, n from task_count where group_id = '' and n > 0 and run_key in ({_marks(length)})"


def _marks(length: int) -> str:
    return ", ".join("?" * length)


def _task_key(after: str | None) -> list[object]:
    if after is None:
        return []
    task_id, _, map_index = after.rpartition(":")
    return [task_id, _number(map_index)]


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise errors.Rejected(
            "not a key of a row",
            object=f"page after {text!r}",
            hint="give the key of the last row seen",
            code="page-key",
        ) from None
