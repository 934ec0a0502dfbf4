"""Backfills: the runs of a range, made in the order of its dates as the runs before them end.

Invariant: what was looked at is in the row (`cursor`), written in one batch with the runs that came of it. So a new
leader goes on behind it, and a range of any length takes the memory of the runs that are active.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from tradewind.engine import runs
from tradewind.engine.commands.clearing import move_to_newest
from tradewind.engine.core import Core
from tradewind.engine.live import LiveRun
from tradewind.engine.timers import Kind
from tradewind.model.ids import RunId
from tradewind.model.rows import Backfill, DagRow
from tradewind.model.snapshot import RunRef
from tradewind.model.states import BackfillState, RunState, RunType
from tradewind.model.timetable import BadTimetable, RunSlot
from tradewind.model.timetable_range import slots_from

_SLICE = 50
"""Dates of one backfill that one batch looks at; each may bring a run with all its tasks into memory."""


def run_id_of(slot: RunSlot) -> str:
    """The id of the run that is made for it."""
    return f"backfill__{moment_of(slot).isoformat()}"


def moment_of(slot: RunSlot) -> datetime:
    """What names it: the logical date."""
    return slot.logical_date or slot.run_after


def advance(core: Core) -> None:
    """Make runs of the backfills that may have room, and complete those that are through."""
    looks = list(core.backfill_looks)
    core.backfill_looks.clear()
    for backfill_id in looks:
        backfill = core.backfills.get(backfill_id)
        if backfill is None:
            continue
        if core.backfill_room(backfill) > 0:
            try:
                backfill = _advance(core, backfill)
            except (BadTimetable, ArithmeticError, ValueError) as error:
                why = f"Its next date cannot be computed: {error}"
                gone = replace(backfill, state=BackfillState.CANCELLED, ended_at=core.now, verdict=why)
                core.put_backfill(gone, why)
                continue
        active = core.runqueue.of_backfill[backfill_id]
        if backfill.exhausted and not active and not backfill.state.is_finished:
            done = replace(backfill, state=BackfillState.COMPLETED, ended_at=core.now)
            core.put_backfill(done, "every date is done")


def _advance(core: Core, backfill: Backfill) -> Backfill:
    """Look at the next dates: as many as there is room for, and as one batch may."""
    before = backfill
    found = slots_from(
        core.graph(backfill.version).spec.timetable,
        backfill.start,
        min(backfill.end, backfill.created_at),
        after=backfill.cursor,
        reverse=backfill.reverse,
    )
    while core.backfill_room(backfill) > 0:
        if core.sliced.get(backfill.backfill_id, 0) >= _SLICE:
            break
        slot = next(found, None)
        if slot is None or (slot.run_after > backfill.created_at and not backfill.reverse):
            backfill = replace(backfill, exhausted=True)
            break
        if slot.run_after <= backfill.created_at:
            if not _is_known(core, backfill, slot):
                core.backfills_unknown[backfill.backfill_id] = None
                break
            backfill = _take(core, backfill, slot)
        core.sliced[backfill.backfill_id] = core.sliced.get(backfill.backfill_id, 0) + 1
        backfill = replace(backfill, cursor=slot)
    if backfill is not before:
        core.put_backfill(backfill, "looked at the next dates")
        core.backfill_looks.pop(backfill.backfill_id, None)
    return backfill


def _is_known(core: Core, backfill: Backfill, slot: RunSlot) -> bool:
    """Whether the database was asked for the run of this date, and for one that has its id."""
    by_date = core.past.ask(RunRef(dag_id=backfill.dag_id, logical_date=moment_of(slot)))
    by_id = core.past.ask(RunRef(dag_id=backfill.dag_id, run_id=run_id_of(slot)))
    return by_date and by_id


def _take(core: Core, backfill: Backfill, slot: RunSlot) -> Backfill:
    live = _find(core, backfill, slot)
    first = backfill.cursor is None
    if live is None:
        dag = core.dags[backfill.dag_id]
        if not backfill.run_on_latest_version:
            dag = replace(dag, version=backfill.version)
        _create(core, dag, backfill, slot, first=first)
        return replace(backfill, created=backfill.created + 1)
    if not _again(live, backfill):
        return replace(backfill, left_alone=backfill.left_alone + 1)
    run = replace(
        live.run,
        run_type=RunType.BACKFILL,
        backfill_id=backfill.backfill_id,
        backfill_first=first,
        backfill_limit=backfill.max_active_runs,
        conf=backfill.conf or live.run.conf,
    )
    core.put_run(live, run, f"taken by backfill {backfill.backfill_id}")
    runs.clear_all(core, live, f"It was run again by backfill {backfill.backfill_id}.")
    if backfill.run_on_latest_version:
        move_to_newest(core, live)
    return replace(backfill, cleared=backfill.cleared + 1)


def _find(core: Core, backfill: Backfill, slot: RunSlot) -> LiveRun | None:
    """The newest run of the date, as Airflow takes it; or one that has the id already."""
    date = moment_of(slot)
    found = [live for live in core.of_dag[backfill.dag_id].values() if live.run.logical_date == date]
    if found:
        return max(found, key=lambda live: live.run.run_key)
    return core.find_run(backfill.dag_id, run_id_of(slot))


def _again(live: LiveRun, backfill: Backfill) -> bool:
    if not live.run.state.is_finished or backfill.reprocess == "none":
        return False
    return backfill.reprocess == "completed" or live.run.state is RunState.FAILED


def _create(core: Core, dag: DagRow, backfill: Backfill, slot: RunSlot, *, first: bool) -> None:
    runs.create(
        core,
        dag,
        RunId(run_id_of(slot)),
        RunType.BACKFILL,
        slot,
        conf=backfill.conf,
        by=backfill.triggered_by,
        backfill_id=backfill.backfill_id,
        backfill_first=first,
        backfill_limit=backfill.max_active_runs,
    )


def leave(core: Core) -> None:
    """The batch is committed: forget the backfills that are over; those that had to stop within it go on at once."""
    for backfill_id in [one for one, backfill in core.backfills.items() if backfill.state.is_finished]:
        del core.backfills[backfill_id]
    for backfill_id, looked in core.sliced.items():
        if looked >= _SLICE:
            core.timers.add(core.now, Kind.BACKFILL, backfill_id)
    core.sliced.clear()
