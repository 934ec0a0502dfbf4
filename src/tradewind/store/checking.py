"""Whether a database holds what it should: its file, its counters, and rows that name other rows.

Invariant: every check reads as of one moment, so one beside a running leader finds nothing that is only half written.
Only counters are rebuilt, and what a removal left: they follow from other rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tradewind.model.ids import RunKey
from tradewind.ports import upkeep as port
from tradewind.store.connections import Connections
from tradewind.store.retention import SqlHistory
from tradewind.store.sessions import Session

_SHOWN = 20
"""Rows of one kind that are told; the rest is counted."""
# What is counted beside what the counters say: the difference of the two, where there is one.
_COUNTERS = """
select run_key, state, sum(n) from (
  select run_key, state, count(*) as n from task_instance group by run_key, state
  union all select run_key, state, -n from task_count where group_id = ''
) as both_sides group by run_key, state having sum(n) <> 0 order by run_key, state
"""
_ATTEMPT_GONE = """
select t.run_key, t.task_id, t.map_index, t.attempt_id from task_instance t
where t.attempt_id is not null and not exists (
  select 1 from attempt a where a.run_key = t.run_key and a.task_id = t.task_id and a.map_index = t.map_index
  and a.attempt_id = t.attempt_id
) order by t.run_key, t.task_id, t.map_index
"""
_TASK_GONE = """
select a.run_key, a.task_id, a.map_index, a.attempt_id from attempt a where a.phase <> 'ended' and not exists (
  select 1 from task_instance t where t.run_key = a.run_key and t.task_id = a.task_id and t.map_index = a.map_index
) order by a.run_key, a.task_id, a.map_index, a.attempt_id
"""
_RUN_VERSION_GONE = """
select r.dag_id, r.run_id, r.version from dag_run r where r.state in ('queued', 'running')
and not exists (select 1 from dag_version v where v.version = r.version) order by r.run_key
"""
_DAG_VERSION_GONE = """
select d.dag_id, d.version from dag d where not exists (select 1 from dag_version v where v.version = d.version)
order by d.dag_id
"""
_LEASE = "select last_fact, last_run_key from lease where name = 'leader'"
_LAST = "select (select max(number) from fact), (select max(run_key) from dag_run)"
_HOLD_COMMITS = "update lease set commits = commits where name = 'leader'"
_COUNTED_RUNS = f"select distinct run_key from ({_COUNTERS}) as wrong"
_COUNTS_GONE = "delete from task_count where group_id = '' and run_key = ?"
_COUNTS_ANEW = """
insert into task_count (run_key, group_id, state, n)
select run_key, '', state, count(*) from task_instance where run_key = ? group by run_key, state
"""


class SqlChecks:
    """Implements `ports.upkeep.Checks`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def check(self) -> Sequence[port.Finding]:
        """Goes through all task instances and attempts."""
        found = await self._connections.read_at_once(lambda session: list(_check(session)))
        remains = await SqlHistory(self._connections).list_remains()
        return [
            *found,
            *_few("removal", [(f"run {key}", "its row is gone, others of its rows are not") for key in remains]),
        ]

    async def repair(self) -> Sequence[port.Finding]:
        """Count again where counters are wrong, holding commits off for as long; what was wrong."""
        return await self._connections.write(_repair)


def _check(session: Session) -> Iterator[port.Finding]:
    for text in session.broken_parts():
        yield port.Finding(check="file", object="database", problem=text)
    yield from _counters(session)
    yield from _few(
        "attempts",
        [(_task_name(row), f"names attempt {row[3]}, which is not there") for row in session.rows(_ATTEMPT_GONE)],
    )
    yield from _few(
        "attempts",
        [
            (f"attempt {row[3]}", f"is alive without its task instance: {_task_name(row)}")
            for row in session.rows(_TASK_GONE)
        ],
    )
    yield from _few(
        "versions",
        [
            (f"run {row[1]!r} of DAG {row[0]!r}", f"needs DAG version {row[2][:12]}")
            for row in session.rows(_RUN_VERSION_GONE)
        ],
    )
    yield from _few(
        "versions", [(f"DAG {row[0]!r}", f"needs version {row[1][:12]}") for row in session.rows(_DAG_VERSION_GONE)]
    )
    yield from _numbers(session)


def _counters(session: Session) -> list[port.Finding]:
    wrong = [
        (f"run {key}", f"{abs(n)} {'more' if n > 0 else 'fewer'} task instances are {state} than its counter says")
        for key, state, n in session.rows(_COUNTERS)
    ]
    return _few("counters", wrong, repairable=True)


def _numbers(session: Session) -> Iterator[port.Finding]:
    lease, last = session.row(_LEASE), session.row(_LAST)
    given = (0, 0) if lease is None else (int(lease[0]), int(lease[1]))
    for name, kind, number, up_to in zip(("facts", "run keys"), ("fact", "run"), last or (), given, strict=False):
        if number is not None and number > up_to:
            problem = f"the last one is {number}, but only {up_to} were given out: one will come twice"
            yield port.Finding(check=name, object=f"{kind} {number}", problem=problem)


def _few(check: str, rows: Sequence[tuple[str, str]], *, repairable: bool = False) -> list[port.Finding]:
    found = [
        port.Finding(check=check, object=name, problem=problem, repairable=repairable)
        for name, problem in rows[:_SHOWN]
    ]
    if len(rows) > _SHOWN:
        rest = f"{len(rows) - _SHOWN} more"
        found.append(port.Finding(check=check, object=rest, problem="as those above", repairable=repairable))
    return found


def _task_name(row: Sequence[object]) -> str:
    element = "" if row[2] == -1 else f"[{row[2]}]"
    return f"{row[1]}{element} of run {row[0]}"


def _repair(session: Session) -> list[port.Finding]:
    session.run(_HOLD_COMMITS)
    wrong = _counters(session)
    keys = [RunKey(key) for (key,) in session.rows(_COUNTED_RUNS)]
    for key in keys:
        session.run(_COUNTS_GONE, (key,))
        session.run(_COUNTS_ANEW, (key,))
    return wrong
