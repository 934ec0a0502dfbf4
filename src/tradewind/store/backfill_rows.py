"""Reading backfills and their runs: ranges of one index each, newest first."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Sequence

from tradewind.model.ids import DagId
from tradewind.model.rows import Backfill, DagRun
from tradewind.model.states import BackfillState, RunState
from tradewind.ports import errors
from tradewind.store import codec
from tradewind.store.sessions import Row, Session

_ALL = "select backfill_id, body from backfill where backfill_id < ? order by backfill_id desc limit ?"
_OF_DAG = """
select backfill_id, body from backfill where dag_id >= ? and (dag_id, backfill_id) < (?, ?)
order by dag_id desc, backfill_id desc limit ?
"""
_IN_STATE = """
select backfill_id, body from backfill where state >= ? and (state, backfill_id) < (?, ?)
order by state desc, backfill_id desc limit ?
"""
_ONE = "select body from backfill where backfill_id = ?"
_COUNTS = "select state, count(*) from dag_run where backfill_id is not null and backfill_id = ? group by state"
_RUNS_IN_STATE = """
select run_key, body from dag_run where backfill_id is not null and backfill_id = ? and state = ? and run_key < ?
order by run_key desc limit ?
"""


def find_before(
    session: Session, before: int, limit: int, dag_id: DagId | None, states: Sequence[BackfillState]
) -> list[Backfill]:
    """At most `limit` with smaller ids than `before`."""
    if dag_id is not None:
        return _of_dag(session, before, limit, dag_id, states)
    parts = [session.rows(_IN_STATE, (one.value, one.value, before, limit)) for one in dict.fromkeys(states)]
    if not states:
        parts = [session.rows(_ALL, (before, limit))]
    return [codec.backfill.decode(body) for _, body in itertools.islice(heapq.merge(*parts, reverse=True), limit)]


def _of_dag(
    session: Session, before: int, limit: int, dag_id: DagId, states: Sequence[BackfillState]
) -> list[Backfill]:
    """One DAG has few: states are looked at here."""
    found: list[Backfill] = []
    while len(found) < limit:
        rows = session.rows(_OF_DAG, (dag_id, dag_id, before, limit))
        some = [codec.backfill.decode(body) for _, body in rows]
        found += [one for one in some if not states or one.state in states]
        if len(rows) < limit:
            break
        before = int(rows[-1][0])
    return found[:limit]


def get(session: Session, backfill_id: int) -> Backfill:
    """One, or `errors.NotFound` with the last ones as hint."""
    row = session.row(_ONE, (backfill_id,))
    if row is not None:
        return codec.backfill.decode(row[0])
    raise no_backfill(backfill_id, find_before(session, 1 << 62, 3, None, ()))


def no_backfill(backfill_id: int, last: Sequence[Backfill]) -> errors.NotFound:
    """The error for one that does not exist."""
    told = ", ".join(f"{one.backfill_id} of {one.dag_id}" for one in last)
    hint = f"the last ones: {told}" if told else "there are none yet; `tradewind backfill create` makes one"
    return errors.NotFound("no such backfill", object=f"backfill {backfill_id}", hint=hint, code="no-such-backfill")


def count_runs(session: Session, backfill_id: int) -> dict[str, int]:
    """Runs by state."""
    return {str(state): int(n) for state, n in session.rows(_COUNTS, (backfill_id,))}


def find_runs_before(session: Session, backfill_id: int, before: int, limit: int) -> list[DagRun]:
    """At most `limit` with smaller keys than `before`."""
    parts: list[list[Row]] = [
        session.rows(_RUNS_IN_STATE, (backfill_id, state.value, before, limit)) for state in RunState
    ]
    return [codec.dag_run.decode(body) for _, body in itertools.islice(heapq.merge(*parts, reverse=True), limit)]
