"""Acting on runs and tasks that exist: cancel, mark, clear, note."""

from __future__ import annotations

from msgspec.structs import replace

from tradewind.engine import runs
from tradewind.engine.attempts import restart
from tradewind.engine.commands import selection
from tradewind.engine.commands.refusals import no_run, refuse
from tradewind.engine.core import Core
from tradewind.engine.finish import finish, stop_attempt
from tradewind.engine.live import LiveRun
from tradewind.engine.mapping import new_instance
from tradewind.model import commands as cmd
from tradewind.model.commands import CommandResult, TaskSelection
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
        return _no_task(live, command.task_id)
    core.put_task(live, replace(ti, note=command.note), "note")
    return CommandResult(ok=True, touched=1)


def _no_task(live: LiveRun, task_id: str) -> CommandResult:
    message = f"run {live.run.run_id!r} of DAG {live.run.dag_id!r} has no task {task_id!r}"
    return refuse("not-found", message, f"`tradewind runs show {live.run.dag_id} {live.run.run_id}` shows its tasks")


def _checked(core: Core, chosen: TaskSelection) -> CommandResult | LiveRun:
    live = core.find_run(chosen.dag_id, chosen.run_id)
    if live is None:
        return no_run(chosen.dag_id, chosen.run_id)
    if unknown := selection.unknown_task(live.graph, chosen):
        return _no_task(live, unknown)
    return live


# -- marks ---------------------------------------------------------------------------------------------------------


def mark_tasks(core: Core, command: cmd.MarkTasks) -> CommandResult:
    """Set tasks to a state without running them; one that runs is stopped first."""
    checked = _checked(core, command.selection)
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


# -- clears --------------------------------------------------------------------------------------------------------


def clear(core: Core, command: cmd.ClearTasks) -> CommandResult:
    """Run tasks again. What runs is stopped first; a finished run waits to start again."""
    checked = _checked(core, command.selection)
    if isinstance(checked, CommandResult):
        return checked
    if command.newest_version and (problem := _no_newest(core, checked)) is not None:
        return problem
    touched = 0
    for live in selection.runs(core, command.selection):
        touched += _clear_in(core, live, command)
    return CommandResult(ok=True, touched=touched)


def _no_newest(core: Core, live: LiveRun) -> CommandResult | None:
    dag = core.dags.get(live.run.dag_id)
    if dag is not None and not dag.removed:
        return None
    message = f"DAG {live.run.dag_id!r} is gone, so there is no newest version of it"
    return refuse("not-found", message, "clear without --newest-version: the run keeps the version it had")


def _clear_in(core: Core, live: LiveRun, command: cmd.ClearTasks) -> int:
    chosen = selection.to_clear(live, command.selection)
    if not chosen:
        return 0
    for ti in chosen:
        runs.clear_task(core, live, ti, "It was cleared.")
    if command.newest_version:
        move_to_newest(core, live)
    if not command.keep_run_state:
        runs.reopen(core, live, "tasks were cleared")
    return len(chosen)


def move_to_newest(core: Core, live: LiveRun) -> None:
    """The run goes on with the newest version: tasks that it lacks are removed, new ones are added."""
    dag = core.dags[live.run.dag_id]
    if dag.version == live.run.version:
        return
    graph = core.graph(dag.version)
    for task_id, node in list(live.nodes.items()):
        if task_id in graph.tasks:
            continue
        for ti in list(node.rows.values()):
            if not stop_attempt(core, ti, "The newest version does not have this task."):
                finish(core, live, ti, TaskState.REMOVED, "the newest version does not have it")
            else:
                core.put_task(live, replace(ti, stop=TaskState.REMOVED.value), "the newest version does not have it")
    core.put_version(live, replace(live.run, version=dag.version, meaning=graph.spec.meaning))
    _fit_mapping(core, live)
    runs.add_missing_tasks(core, live)


def _fit_mapping(core: Core, live: LiveRun) -> None:
    """Tasks that came back, or that are mapped in one version only."""
    for node in list(live.nodes.values()):
        if node.task is None:
            continue
        mapped = bool(live.graph.mappings[node.task_id])
        for index, ti in list(node.rows.items()):
            if (index >= 0) is not mapped and index >= 0:
                finish(core, live, ti, TaskState.REMOVED, "the newest version does not map it")
            elif ti.state is TaskState.REMOVED and (index < 0 or mapped):
                restart(core, live, ti)
        if not mapped and node.rows and -1 not in node.rows:
            core.put_task(live, new_instance(live, node.task), "the newest version does not map it")
