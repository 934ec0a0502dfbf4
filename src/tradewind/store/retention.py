"""Finished runs: which may go, how much they are, and taking them away in slices.

Invariant: a run's own row goes first, in a statement that asks whether the run is finished at that moment, and others
of its rows only where that row is gone. So a run that was cleared meanwhile stays whole, and one whose removal was cut
short is found again as a key without a run (`list_remains`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec

from tradewind.model.ids import DagId, RunKey
from tradewind.model.rows import DagRun
from tradewind.ports import upkeep as port
from tradewind.store import codec, dag_rows
from tradewind.store.connections import Connections
from tradewind.store.sessions import Session

_RUNS = "select run_key, body from dag_run where run_key > ? order by run_key limit ?"
_RUNS_OF_DAG = """
select run_key, body from dag_run where dag_id <= ? and (dag_id, run_key) > (?, ?)
order by dag_id, run_key limit ?
"""
# The oldest run that stays because it is among the newest ones of its DAG.
_KEPT_FROM = """
select run_key from dag_run where dag_id >= ? and dag_id <= ? order by dag_id desc, run_key desc limit 1 offset ?
"""
_LIVE_RUNS = "select distinct run_key from attempt where phase <> 'ended'"
_RUN_GONE = """
delete from dag_run where run_key = ? and state in ('success', 'failed')
and not exists (select 1 from attempt where attempt.run_key = dag_run.run_key and phase <> 'ended')
"""
_IS_THERE = "select 1 from dag_run where run_key = ?"
_TABLES = {
    "task_instance": "task_id, map_index",
    "attempt": "task_id, map_index, attempt_id",
    "xcom": "task_id, map_index, key",
    "task_count": "group_id, state",
}
_SIZED = {"dag_run": "body", "task_instance": "body", "attempt": "body", "xcom": "value"}
_SLICE_ROWS = 200
_KEYS_AT_ONCE = 200
# From one key to the next by the table's index: the work grows with the runs, not with their rows.
_REMAINS = """
with recursive keys(k) as (
  select min(run_key) from {table}
  union all
  select (select min(run_key) from {table} where run_key > k) from keys where k is not null
)
select k from keys where k is not null and not exists (select 1 from dag_run where run_key = k)
"""
_FACT_FROM = "select number, at from fact where number >= ? order by number limit 1"
# Apart, since SQLite goes through all rows where both are asked at once.
_FACTS_FROM_TO = "select (select min(number) from fact), (select max(number) from fact)"
_RUNS_OF_FACTS = "select number, run_key from fact where number >= ? and number < ? order by number limit ?"
_FACTS_AT_ONCE = 5000
_COUNT_FACTS = "select count(*) from fact where number < ?"
_FACTS_GONE = "delete from fact where number < ?"
# Versions do not say in a column whose they are: this goes through all of them, before anything is locked.
_VERSIONS = "select version, body from dag_version where version > ? order by version limit 100"
_NEEDED = """
select version from dag_run where dag_id = ? union select version from backfill where dag_id = ?
"""
_BACKFILLS_GONE = "delete from backfill where dag_id = ? and state in ('completed', 'cancelled')"
_VERSION_GONE = "delete from dag_version where version = ?"
_DAG_GONE = "delete from dag where dag_id = ?"
_LAG = timedelta(minutes=10)
"""Facts of a run may come this long after its end: callbacks, an attempt that took its time to die."""


class _Owner(msgspec.Struct):
    """Of a specification, whose it is."""

    dag_id: str


class _Owned(msgspec.Struct):
    """Of a version, as little as that takes."""

    spec: _Owner


_owned = msgspec.json.Decoder(_Owned)


class SqlHistory:
    """Implements `ports.upkeep.History`."""

    def __init__(self, connections: Connections, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._connections = connections
        self._monotonic = monotonic

    async def list_old(self, old: port.Old, after: RunKey | None = None, limit: int = 500) -> port.OldRuns:
        """By the key of runs, or index `dag_run_of_dag`."""
        return await self._connections.read_at_once(lambda session: _list_old(session, old, after or 0, limit))

    async def list_remains(self) -> Sequence[RunKey]:
        """By the keys of the tables, one step for each run."""

        def work(session: Session) -> list[RunKey]:
            found: set[int] = set()
            for table in _TABLES:
                found.update(key for (key,) in session.rows(_REMAINS.format(table=table)))
            return [RunKey(key) for key in sorted(found)]

        return await self._connections.read_at_once(work)

    async def list_gone(self, run_keys: Sequence[RunKey]) -> Sequence[RunKey]:
        """By the key of runs."""
        gone: list[RunKey] = []
        for start in range(0, len(run_keys), _KEYS_AT_ONCE):
            keys = run_keys[start : start + _KEYS_AT_ONCE]
            gone += await self._connections.read_at_once(partial(_gone, keys=keys))
        return gone

    async def measure(self, run_keys: Sequence[RunKey]) -> port.Amounts:
        """By the keys of the tables."""
        total = port.Amounts()
        for start in range(0, len(run_keys), _KEYS_AT_ONCE):
            keys = run_keys[start : start + _KEYS_AT_ONCE]
            total += await self._connections.read(partial(_measure, keys=keys))
        return total

    async def remove(self, run_keys: Sequence[RunKey], slice_of: timedelta) -> port.Removed:
        """By the keys of the tables."""
        return await self._connections.write_lightly(lambda session: _remove(session, run_keys, self._over(slice_of)))

    async def count_facts(self, before: datetime) -> int:
        """By the table's key."""

        def work(session: Session) -> int:
            number = _first_fact_since(session, codec.micros(before))
            row = None if number is None else session.row(_COUNT_FACTS, (number,))
            return 0 if row is None else int(row[0])

        return await self._connections.read_at_once(work)

    async def remove_facts(self, before: datetime, slice_of: timedelta) -> int:
        """By the table's key, oldest first."""

        def work(session: Session) -> int:
            end = _first_fact_since(session, codec.micros(before))
            first = session.row(_FACTS_FROM_TO)
            if end is None or first is None or first[0] is None:
                return 0
            over, at, gone = self._over(slice_of), int(first[0]), 0
            while at < end and not (gone and over()):
                at = min(at + _SLICE_ROWS, end)
                gone += session.run(_FACTS_GONE, (at,))
            return gone

        return await self._connections.write_lightly(work)

    async def find_facts_of(self, runs: Sequence[port.OldRun]) -> Sequence[int]:
        """By the table's key: there is no index over runs, so ranges of numbers come from the runs' moments."""
        keys = {run.run_key for run in runs}
        numbers: list[int] = []
        for begin, end in await self._connections.read_at_once(lambda session: _fact_ranges(session, runs)):
            at = begin
            while at < end:
                found, at = await self._connections.read(partial(_numbers_of, keys=keys, at=at, end=end))
                numbers += found
        return numbers

    async def remove_numbered_facts(self, numbers: Sequence[int], slice_of: timedelta) -> int:
        """By the table's key."""

        def work(session: Session) -> int:
            over, at = self._over(slice_of), 0
            over()
            while at < len(numbers):
                some = numbers[at : at + _SLICE_ROWS]
                session.run(f"delete from fact where number in ({', '.join('?' * len(some))})", some)
                at += len(some)
                if over():
                    break
            return at

        return await self._connections.write_lightly(work)

    async def remove_dag(self, dag_id: DagId) -> bool:
        """By the keys of DAGs and of versions."""
        versions = await self._connections.read_at_once(lambda session: _versions_of(session, dag_id))
        return await self._connections.write_lightly(lambda session: _remove_dag(session, dag_id, versions))

    async def give_back_space(self, slice_of: timedelta) -> int:
        """SQLite's incremental vacuum, where the file was made for it; PostgreSQL does it by itself."""
        over = self._over(slice_of)
        return await self._connections.write_lightly(lambda session: session.give_back_space(over))

    def _over(self, slice_of: timedelta) -> Callable[[], bool]:
        end: list[float] = []

        def over() -> bool:
            # The slice begins when it is first asked about: waiting for the lock is no part of it.
            if not end:
                end.append(self._monotonic() + slice_of.total_seconds())
            return self._monotonic() >= end[0]

        return over


# -- which ---------------------------------------------------------------------------------------------------------


def _list_old(session: Session, old: port.Old, after: int, limit: int) -> port.OldRuns:
    if old.dag_id is None:
        rows = session.rows(_RUNS, (after, limit))
    else:
        rows = session.rows(_RUNS_OF_DAG, (old.dag_id, old.dag_id, after, limit))
    live = {key for (key,) in session.rows(_LIVE_RUNS)}
    kept_from: dict[str, int] = {}
    found: list[port.OldRun] = []
    for key, body in rows:
        run = codec.dag_run.decode(body)
        if began_since(run, old.before):
            return port.OldRuns(runs=found, after=None)  # all later ones began later still
        if run.dag_id not in kept_from:
            kept_from[run.dag_id] = _kept_from(session, run.dag_id, old.keep_last)
        if key < kept_from[run.dag_id] and key not in live and may_go(run, old.before):
            found.append(past(run))
    return port.OldRuns(runs=found, after=RunKey(rows[-1][0]) if len(rows) == limit else None)


def _kept_from(session: Session, dag_id: str, keep_last: int) -> int:
    if keep_last <= 0:
        return 1 << 62
    row = session.row(_KEPT_FROM, (dag_id, dag_id, keep_last - 1))
    return 0 if row is None else int(row[0])


def began_since(run: DagRun, before: datetime | None) -> bool:
    """Whether it was made at that moment or later, and so were all with a larger key."""
    return before is not None and run.queued_at is not None and run.queued_at >= before


def may_go(run: DagRun, before: datetime | None) -> bool:
    """Whether it is finished, and ended before that moment."""
    if not run.state.is_finished:
        return False
    return before is None or (run.ended_at is not None and run.ended_at < before)


def past(run: DagRun) -> port.OldRun:
    """What is told of a run that may go."""
    return port.OldRun(
        run_key=run.run_key,
        dag_id=run.dag_id,
        run_id=run.run_id,
        queued_at=run.queued_at,
        ended_at=run.ended_at,
        version=run.version,
    )


def _gone(session: Session, keys: Sequence[RunKey]) -> list[RunKey]:
    # A larger key than was ever given out is of another database: nothing is known about it.
    given = session.row("select last_run_key from lease where name = 'leader'")
    marks = ", ".join("?" * len(keys))
    there = {key for (key,) in session.rows(f"select run_key from dag_run where run_key in ({marks})", keys)}
    return [key for key in keys if key not in there and given is not None and key <= given[0]]


def _measure(session: Session, keys: Sequence[RunKey]) -> port.Amounts:
    marks = ", ".join("?" * len(keys))
    found: dict[str, int] = {}
    size = 0
    for table, content in _SIZED.items():
        sql = f"select count(*), coalesce(sum(length({content})), 0) from {table} where run_key in ({marks})"
        row = session.row(sql, keys)
        assert row is not None
        found[table] = int(row[0])
        size += int(row[1])
    return port.Amounts(
        runs=found["dag_run"],
        task_instances=found["task_instance"],
        attempts=found["attempt"],
        xcoms=found["xcom"],
        bytes=size,
    )


# -- taking away ---------------------------------------------------------------------------------------------------


def _remove(session: Session, keys: Sequence[RunKey], over: Callable[[], bool]) -> port.Removed:
    done: list[RunKey] = []
    kept: list[RunKey] = []
    gone = dict.fromkeys(("dag_run", *_TABLES), 0)
    over()
    for key in keys:
        went = session.run(_RUN_GONE, (key,))
        gone["dag_run"] += went
        if not went and session.row(_IS_THERE, (key,)) is not None:
            kept.append(key)
        elif _remove_rows(session, key, gone, over):
            done.append(key)
        if over():
            break
    amounts = port.Amounts(
        runs=gone["dag_run"], task_instances=gone["task_instance"], attempts=gone["attempt"], xcoms=gone["xcom"]
    )
    return port.Removed(done=done, kept=kept, amounts=amounts)


def _remove_rows(session: Session, key: RunKey, gone: dict[str, int], over: Callable[[], bool]) -> bool:
    """Whether all of the run's rows are gone now."""
    for table, rest_of_key in _TABLES.items():
        some = f"select {rest_of_key} from {table} where run_key = ? order by {rest_of_key} limit {_SLICE_ROWS}"
        sql = f"delete from {table} where run_key = ? and ({rest_of_key}) in ({some})"
        while n := session.run(sql, (key, key)):
            gone[table] += n
            if n < _SLICE_ROWS:
                break
            if over():
                return False
    return True


def _versions_of(session: Session, dag_id: DagId) -> list[str]:
    found: list[str] = []
    after, rows = "", session.rows(_VERSIONS, ("",))
    while rows:
        found += [version for version, body in rows if _owned.decode(body).spec.dag_id == dag_id]
        after = rows[-1][0]
        rows = session.rows(_VERSIONS, (after,))
    return found


def _remove_dag(session: Session, dag_id: DagId, versions: Sequence[str]) -> bool:
    dag = dag_rows.find_locked(session, dag_id)
    session.run(_BACKFILLS_GONE, (dag_id,))
    needed = {version for (version,) in session.rows(_NEEDED, (dag_id, dag_id))}
    goes = dag is not None and dag.removed and not needed
    if dag is not None and not goes:
        needed.add(dag.version)
    session.many((_VERSION_GONE, [(version,) for version in versions if version not in needed]))
    if goes:
        session.run(_DAG_GONE, (dag_id,))
    return goes


# -- facts ---------------------------------------------------------------------------------------------------------


def _first_fact_since(session: Session, at: int) -> int | None:
    """The number of the first fact that is not older; one beyond the last where all are older, None without facts.

    Found by halving: facts are numbered as time goes on. (A clock that was set back blurs the border by as much.)
    """
    bounds = session.row(_FACTS_FROM_TO)
    if bounds is None or bounds[0] is None:
        return None
    low, high = int(bounds[0]), int(bounds[1]) + 1
    while low < high:
        middle = (low + high) // 2
        row = session.row(_FACT_FROM, (middle,))
        if row is None or row[1] >= at:
            high = middle
        else:
            low = int(row[0]) + 1
    return low


def _fact_ranges(session: Session, runs: Sequence[port.OldRun]) -> list[tuple[int, int]]:
    """Where their facts lie, from and before which number; what overlaps is one."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(_span(run) for run in runs if run.ended_at is not None):
        low, high = _first_fact_since(session, begin), _first_fact_since(session, end)
        if low is None or high is None:
            continue
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return found


def _span(run: port.OldRun) -> tuple[int, int]:
    assert run.ended_at is not None
    begin = min(run.queued_at or run.ended_at, run.ended_at)
    return codec.micros(begin - _LAG), codec.micros(run.ended_at + _LAG)


def _numbers_of(session: Session, keys: Collection[int], at: int, end: int) -> tuple[list[int], int]:
    """Facts about these runs among some from that number on, and where the next ones begin."""
    rows = session.rows(_RUNS_OF_FACTS, (at, end, _FACTS_AT_ONCE))
    following = end if len(rows) < _FACTS_AT_ONCE else int(rows[-1][0]) + 1
    return [number for number, run_key in rows if run_key in keys], following
