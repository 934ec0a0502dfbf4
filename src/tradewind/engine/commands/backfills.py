"""Backfills: a run for every slot of a DAG's timetable in a range, under a limit of their own."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice

from tradewind.engine import runs
from tradewind.engine.commands.acting import move_to_newest
from tradewind.engine.commands.refusals import no_dag, refuse
from tradewind.engine.commands.selection import walk_back
from tradewind.engine.core import Core
from tradewind.engine.live import LiveRun
from tradewind.model import commands as cmd
from tradewind.model.commands import CommandResult
from tradewind.model.ids import RunKey
from tradewind.model.rows import DagRow
from tradewind.model.snapshot import RunRef
from tradewind.model.states import RunState, RunType
from tradewind.model.timetable import BadTimetable, RunSlot, slots_between

_MOST = 10_000
"""Runs of one backfill: they are all made at once."""


def needs(core: Core, command: cmd.CreateBackfill) -> tuple[RunRef, ...]:
    """The DAG's runs in the range."""
    after_end, before_start = command.end + timedelta(microseconds=1), command.start - timedelta(microseconds=1)
    return walk_back(core, command.dag_id, after_end, before_start)


def create(core: Core, command: cmd.CreateBackfill, by: str) -> CommandResult:
    """Make the runs that are missing; what exists is left alone, or run again, as `reprocess` says."""
    dag = core.dags.get(command.dag_id)
    if dag is None or dag.removed:
        return no_dag(core, command.dag_id)
    if command.end < command.start:
        return refuse("bad-range", "the range ends before it begins", "swap --start and --end")
    if command.max_active_runs < 1:
        return refuse("bad-range", "a backfill needs at least one active run", "give --max-active-runs 1 or more")
    slots = _slots(core, dag, command)
    if isinstance(slots, CommandResult):
        return slots
    existing = {live.run.logical_date: live for live in core.of_dag[dag.dag_id].values()}
    first: RunKey | None = None
    touched = 0
    for slot in slots:
        live = None if slot.logical_date is None else existing.get(slot.logical_date)
        if live is None:
            first = _create(core, dag, slot, command, first, by)
            touched += 1
        elif _again(live, command):
            runs.clear_all(core, live, "It was run again by a backfill.")
            if command.run_on_latest_version:
                move_to_newest(core, live)
            touched += 1
    if not touched:
        return refuse("nothing-to-do", "every slot in the range has its run", "use --reprocess failed or completed")
    return CommandResult(ok=True, touched=touched, run_id=None if first is None else core.runs[first].run.run_id)


def _slots(core: Core, dag: DagRow, command: cmd.CreateBackfill) -> list[RunSlot] | CommandResult:
    timetable = core.graph(dag.version).spec.timetable
    try:
        found = list(islice(slots_between(timetable, command.start, command.end, reverse=command.reverse), _MOST + 1))
    except BadTimetable as problem:
        return refuse(problem.code, f"{problem.object}: {problem.reason}", problem.hint)
    if len(found) > _MOST:
        return refuse("bad-range", f"the range holds more than {_MOST} runs", "backfill it in parts")
    due = [slot for slot in found if slot.run_after <= core.now]
    return due or refuse("nothing-to-do", "the timetable has no run in that range", "check the range and the schedule")


def _create(
    core: Core, dag: DagRow, slot: RunSlot, command: cmd.CreateBackfill, first: RunKey | None, by: str
) -> RunKey:
    moment = slot.logical_date or slot.run_after
    live = runs.create(
        core,
        dag,
        f"backfill__{moment.isoformat()}",
        RunType.BACKFILL,
        slot,
        conf=command.conf,
        by=by,
        backfill_id=first,
        backfill_limit=command.max_active_runs,
    )
    return live.run.run_key if first is None else first


def _again(live: LiveRun, command: cmd.CreateBackfill) -> bool:
    if not live.run.state.is_finished or command.reprocess == "none":
        return False
    return command.reprocess == "completed" or live.run.state is RunState.FAILED
