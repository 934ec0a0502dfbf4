"""Acting on runs and tasks that exist: cancel, mark, note."""

from __future__ import annotations

from msgspec.structs import replace

from tradewind.engine import runs
from tradewind.engine.commands import selection
from tradewind.engine.commands.refusals import asked_run, no_run, no_task
from tradewind.engine.core import Core
from tradewind.engine.finish import finish, stop_attempt
from tradewind.engine.live import LiveRun
from tradewind.model import commands as cmd
from tradewind.model.commands import CommandResult
from tradewind.model.rows import TaskInstance
from tradewind.model.states import RunState, TaskState


def cancel(core: Core, command: cmd.CancelRun) -> CommandResult:
    """Stop what runs, skip what has not begun; teardowns still tidy up. The run is failed."""
    live = core.find_run(command.dag_id, command.run_id)
    if live is None:
        return no_run(command.dag_id, command.run_id)
    if live.run.state.is_finished or live.run.ending:
        return CommandResult(ok=True)
    touched = live.unfinished
    runs.end(core, live, RunState.FAILED, TaskState.FAILED, "The run was cancelled.")
    return CommandResult(ok=True, touched=touched)


def mark_run(core: Core, command: cmd.MarkRun) -> CommandResult:
    """Set a run to success or failed: what runs is stopped in that state, what has not begun is skipped."""
    live = core.find_run(command.dag_id, command.run_id)
    if live is None:
        return no_run(command.dag_id, command.run_id)
    to, why = RunState(command.state), f"The run was marked {command.state}."
    if live.run.state.is_finished:
        verdict = None if to is RunState.SUCCESS else why
        core.put_run(live, replace(live.run, state=to, verdict=verdict), why)
        return CommandResult(ok=True)
    touched = live.unfinished
    runs.end(core, live, to, TaskState(command.state), why)
    return CommandResult(ok=True, touched=touched)


def note(core: Core, command: cmd.SetNote) -> CommandResult:
    """Set the note of a run or of a task instance."""
    live = core.find_run(command.dag_id, command.run_id)
    if live is None:
        return no_run(command.dag_id, command.run_id)
    if command.task_id is None:
        core.put_run(live, replace(live.run, note=command.note), "note")
        return CommandResult(ok=True, touched=1)
    ti = live.find(command.task_id, command.map_index)
    if ti is None:
        return no_task(live, command.task_id)
    core.put_task(live, replace(ti, note=command.note), "note")
    return CommandResult(ok=True, touched=1)


# -- marks ---------------------------------------------------------------------------------------------------------


def mark_tasks(core: Core, command: cmd.MarkTasks) -> CommandResult:
    """Set tasks to a state without running them; one that runs is stopped first."""
    checked = asked_run(core, command.selection)
    if isinstance(checked, CommandResult):
        return checked
    to, touched = TaskState(command.state), 0
    for live in selection.runs(core, command.selection):
        chosen = [ti for ti in selection.to_mark(live, command.selection) if ti.state is not to]
        for ti in chosen:
            _mark(core, live, ti, to)
        touched += len(chosen)
        _resume(core, live, chosen)
    return CommandResult(ok=True, touched=touched)


def _resume(core: Core, live: LiveRun, marked: list[TaskInstance]) -> None:
    """What failed below because of them runs again, as in Airflow."""
    graph, keys = live.graph, {ti.key for ti in marked}
    below = {one for ti in marked if ti.task_id in graph.tasks for one in graph.relatives(ti.task_id, down=True)}
    failed = [
        ti
        for one in sorted(below, key=graph.order.__getitem__)
        for ti in list(live.nodes[one].rows.values())
        if ti.key not in keys and ti.state in (TaskState.FAILED, TaskState.UPSTREAM_FAILED)
    ]
    for ti in failed:
        runs.clear_task(core, live, ti, "A task above it was marked.")
    if failed:
        runs.reopen(core, live, "tasks were marked")


def _mark(core: Core, live: LiveRun, ti: TaskInstance, to: TaskState) -> None:
    why = f"It was marked {to.value}."
    if stop_attempt(core, ti, why):
        core.put_task(live, replace(ti, stop=to.value), why)
        return
    verdict = why if to is TaskState.FAILED else None
    finish(core, live, replace(ti, verdict=verdict, ended_at=ti.ended_at or core.now), to, why)
