"""What people ask about backfills: create, pause, unpause, cancel. Their runs are made by `engine.backfills`."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from tradewind.engine import runs
from tradewind.engine.commands.refusals import bad_param, no_dag, refuse
from tradewind.engine.core import Core
from tradewind.engine.graph import Graph
from tradewind.model import commands as cmd
from tradewind.model.commands import CommandResult
from tradewind.model.ids import VersionHash
from tradewind.model.rows import Backfill
from tradewind.model.states import BackfillState, RunState, TaskState
from tradewind.model.timetable import BadTimetable
from tradewind.model.timetable_range import slots_from

_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
"""Calendars of before are not kept."""


def create(core: Core, command: cmd.CreateBackfill, by: str) -> CommandResult:
    """Begin a backfill: its first runs are made in the same batch, the others as there is room."""
    dag = core.dags.get(command.dag_id)
    if dag is None or dag.removed:
        return no_dag(core, command.dag_id)
    graph = core.graph(dag.version)
    refused = _bad_range(core, command) or _bad_past(graph, command) or bad_param(graph.spec, command.conf)
    if refused is not None:
        return refused
    for other in core.backfills.values():
        if other.dag_id == command.dag_id and not other.state.is_finished:
            message = f"DAG {command.dag_id!r} has backfill {other.backfill_id} already, which is {other.state.value}"
            hint = f"wait for it, or `tradewind backfill cancel {other.backfill_id}`"
            return refuse("backfill-active", message, hint)
    refused = _nothing(core, dag.version, command)
    if refused is not None:
        return refused
    backfill = Backfill(
        backfill_id=core.last_backfill_id + 1,
        dag_id=dag.dag_id,
        version=dag.version,
        start=command.start,
        end=command.end,
        reverse=command.reverse,
        reprocess=command.reprocess,
        max_active_runs=command.max_active_runs,
        conf=command.conf,
        run_on_latest_version=command.run_on_latest_version,
        created_at=core.now,
        triggered_by=by,
    )
    core.put_backfill(backfill, "created")
    return CommandResult(ok=True, backfill_id=backfill.backfill_id)


def _bad_range(core: Core, command: cmd.CreateBackfill) -> CommandResult | None:
    if command.start.tzinfo is None or command.end.tzinfo is None:
        return refuse("bad-range", "a date of the range has no time zone", "add one, such as +00:00")
    if command.end < command.start:
        return refuse("bad-range", "the range ends before it begins", "swap --from-date and --to-date")
    if command.start < _EARLIEST:
        return refuse("bad-range", f"the range begins before {_EARLIEST.year}", "check --from-date")
    if command.start > core.now:
        return refuse("bad-range", "the range lies in the future", "a backfill makes runs that are due already")
    if command.max_active_runs < 1:
        return refuse("bad-limit", "a backfill needs at least one active run", "give --max-active-runs 1 or more")
    return None


def _bad_past(graph: Graph, command: cmd.CreateBackfill) -> CommandResult | None:
    """As Airflow: tasks that depend on the past need its order, and that failures in it are run again."""
    past = next((task.task_id for task in graph.spec.tasks if task.depends_on_past), None)
    if past is None:
        return None
    if command.reverse:
        message = f"task {past!r} depends on the past, so that it cannot be run backwards"
        return refuse("depends-on-past", message, "leave --run-backwards out")
    if command.reprocess == "none":
        message = f"task {past!r} depends on the past, so that a failed run in the range would hold up all after it"
        return refuse("depends-on-past", message, "give --reprocess-behavior failed or completed")
    return None


def _nothing(core: Core, version: VersionHash, command: cmd.CreateBackfill) -> CommandResult | None:
    """A range without any run, or a timetable that has no ranges."""
    timetable = core.graph(version).spec.timetable
    try:
        end = min(command.end, core.now)
        first = next(slots_from(timetable, command.start, end), None)
        slots_from(timetable, command.start, end, reverse=command.reverse)
    except BadTimetable as problem:
        return refuse(problem.code, f"{problem.object}: {problem.reason}", problem.hint)
    if first is None or first.run_after > core.now:
        message = "the timetable has no run in that range that is due"
        return refuse("nothing-to-do", message, "check the range and the schedule; --dry-run lists dates")
    return None


def change(core: Core, command: cmd.SetBackfill) -> CommandResult:
    """Pause, unpause or cancel one that is not over."""
    backfill = core.backfills.get(command.backfill_id)
    if backfill is None or backfill.state.is_finished:
        message = f"there is no backfill {command.backfill_id} that goes on"
        return refuse("not-found", message, "`tradewind backfill list` shows them")
    if command.action == "cancel":
        return _cancel(core, backfill)
    to = BackfillState.PAUSED if command.action == "pause" else BackfillState.RUNNING
    if backfill.state is to:
        return CommandResult(ok=True, backfill_id=backfill.backfill_id)
    core.put_backfill(replace(backfill, state=to), f"{command.action}d")
    core.runqueue.look(backfill.dag_id)
    return CommandResult(ok=True, backfill_id=backfill.backfill_id, touched=1)


def _cancel(core: Core, backfill: Backfill) -> CommandResult:
    """Its queued runs fail, those that run go on, no more are made."""
    why = f"Backfill {backfill.backfill_id} was cancelled."
    core.put_backfill(replace(backfill, state=BackfillState.CANCELLED, ended_at=core.now), "cancelled")
    waiting = [
        live
        for live in core.of_dag[backfill.dag_id].values()
        if live.run.backfill_id == backfill.backfill_id and live.run.state is RunState.QUEUED
    ]
    for live in waiting:
        runs.end(core, live, RunState.FAILED, TaskState.SKIPPED, why)
    return CommandResult(ok=True, backfill_id=backfill.backfill_id, touched=len(waiting))
