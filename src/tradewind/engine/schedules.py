"""Runs by timetable: a DAG's next slot, with catchup or without, as long as it is not paused and has room."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from tradewind.engine import runs
from tradewind.engine.core import Core
from tradewind.model.ids import DagId
from tradewind.model.problem import Problem
from tradewind.model.rows import DagRow
from tradewind.model.snapshot import RunRef
from tradewind.model.states import RunType
from tradewind.model.timetable import BadTimetable, RunSlot, next_slot


def slot_after(core: Core, dag: DagRow, last: RunSlot | None) -> RunSlot | None:
    """The slot after the last one; None where there is none, and where the timetable cannot be kept.

    The latter sets the DAG aside: the problem is shown, and everything else of it goes on.
    """
    spec = core.graph(dag.version).spec
    try:
        slot = next_slot(
            spec.timetable,
            last=last,
            earliest=spec.start_date,
            latest=spec.end_date,
            catchup=spec.catchup,
            now=core.now - core.delay(dag),
        )
    except BadTimetable as error:
        core.problems[dag.dag_id] = error.problem
        return None
    except (ArithmeticError, ValueError) as error:
        core.problems[dag.dag_id] = Problem(
            code="bad-timetable",
            message=f"its next run cannot be computed: {error}",
            object=f"DAG {dag.dag_id!r}",
            hint="check its schedule, its start date and its end date",
        )
        return None
    core.problems.pop(dag.dag_id, None)
    return slot


def see(core: Core, seen: DagRow) -> None:
    """A DAG has a new newest version, or was removed or came back."""
    known = core.dags.get(seen.dag_id)
    if known is not None:
        seen = replace(
            seen,
            paused=known.paused,
            last_slot=known.last_slot,
            next_slot=known.next_slot,
            recent_seconds=known.recent_seconds,
        )
    slot = None if seen.removed else slot_after(core, seen, seen.last_slot)
    if slot == seen.next_slot and known is not None:
        core.set_dag(seen)
    else:
        core.put_dag(replace(seen, next_slot=slot), "seen")


def create_due(core: Core) -> None:
    """Make the scheduled runs that are due, of the DAGs where something changed."""
    looks = list(core.slots)
    core.slots.clear()
    for dag_id in looks:
        while (dag := core.dags.get(dag_id)) is not None and _may_create(core, dag):
            if not _create(core, dag):
                core.slots_unknown[dag_id] = None
                break


def _may_create(core: Core, dag: DagRow) -> bool:
    if not core.limits.makes_scheduled_runs:
        return False
    if dag.next_slot is None or dag.paused or dag.removed or dag.next_slot.run_after > core.now - core.delay(dag):
        return False
    return core.has_room(dag)


def _create(core: Core, dag: DagRow) -> bool:
    """Make the run of the next slot; False where it must be known first whether it exists."""
    spec = core.graph(dag.version).spec
    slot = dag.next_slot
    assert slot is not None
    if not spec.catchup:
        # The slot was found when the last run was made; what has passed since then is not caught up on.
        newest = slot_after(core, dag, dag.last_slot)
        if newest is None or newest.run_after > core.now - core.delay(dag):
            core.put_dag(replace(dag, next_slot=newest), "slots passed")
            return True
        slot = newest
    moment = slot.logical_date or slot.run_after
    run_id = f"scheduled__{moment.isoformat()}"
    there = _is_there(core, dag.dag_id, run_id, slot.logical_date)
    if there is None:
        return False
    if not there:
        runs.create(core, dag, run_id, RunType.SCHEDULED, slot, conf={})
    core.put_dag(replace(dag, last_slot=slot, next_slot=slot_after(core, dag, slot)), "made a scheduled run")
    return True


def _is_there(core: Core, dag_id: DagId, run_id: str, date: datetime | None) -> bool | None:
    """Whether a run has this id, or this logical date (by hand, or of a backfill); None while it is asked for."""
    if core.find_run(dag_id, run_id) is not None:
        return True
    if date is not None and any(live.run.logical_date == date for live in core.of_dag[dag_id].values()):
        return True
    by_id = core.past.ask(RunRef(dag_id=dag_id, run_id=run_id))
    by_date = date is None or core.past.ask(RunRef(dag_id=dag_id, logical_date=date))
    return False if by_id and by_date else None
