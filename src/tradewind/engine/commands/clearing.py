"""Clears: which tasks run again, those of other DAGs that ExternalTaskMarkers name among them.

Markers are followed from run to run as Airflow 2 does, however deep the first one allows. Invariant: nothing is cleared
before all of it was found, so a chain that is too long clears nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from msgspec.structs import replace

from tradewind.engine import deadlines, runs
from tradewind.engine.attempts import restart
from tradewind.engine.commands import selection
from tradewind.engine.commands.refusals import asked_run, refuse
from tradewind.engine.core import Core
from tradewind.engine.finish import finish, stop_attempt
from tradewind.engine.live import LiveRun
from tradewind.engine.mapping import new_instance
from tradewind.model import commands as cmd
from tradewind.model.commands import CommandResult, TaskName, TaskSelection
from tradewind.model.dagspec import MarkTaskBody
from tradewind.model.ids import DagId, RunKey, TaskKey
from tradewind.model.rows import TaskInstance
from tradewind.model.snapshot import RunRef
from tradewind.model.states import TaskState


def needs(core: Core, command: cmd.ClearTasks) -> tuple[RunRef, ...]:
    """Runs that must be in memory before it is decided; to be asked again until there are none."""
    return selection.needs(core, command.selection) or _follow(core, command).missing


def clear(core: Core, command: cmd.ClearTasks) -> CommandResult:
    """Run tasks again. What runs is stopped first; a finished run waits to start again."""
    asked = asked_run(core, command.selection)
    if isinstance(asked, CommandResult):
        return asked
    if command.newest_version and (problem := _no_newest(core, asked)) is not None:
        return problem
    found = _follow(core, command)
    if found.too_deep is not None:
        return found.too_deep
    touched = sum(map(len, found.tasks.values()))
    if command.dry_run:
        return CommandResult(ok=True, touched=touched, tasks=tuple(found.names(core)))
    for run_key, tasks in found.tasks.items():
        _clear_in(core, core.runs[run_key], list(tasks.values()), command)
    return CommandResult(ok=True, touched=touched, message=_others(core, found, asked.run.dag_id))


def _others(core: Core, found: _Found, dag_id: DagId) -> str:
    """What is said of other DAGs."""
    others = [core.runs[key].run.dag_id for key in found.tasks if core.runs[key].run.dag_id != dag_id]
    return f"with tasks of {', '.join(sorted(set(others)))}, which markers name" if others else ""


# -- what markers name ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Found:
    """Tasks to clear by run, in the order in which they were found, and what is not known yet."""

    tasks: dict[RunKey, dict[TaskKey, TaskInstance]] = field(default_factory=dict)
    missing: tuple[RunRef, ...] = ()
    too_deep: CommandResult | None = None

    def take(self, live: LiveRun, tasks: list[TaskInstance]) -> None:
        if tasks:
            self.tasks.setdefault(live.run.run_key, {}).update((ti.key, ti) for ti in tasks)

    def names(self, core: Core) -> list[TaskName]:
        return [
            TaskName(
                dag_id=core.runs[key].run.dag_id,
                run_id=core.runs[key].run.run_id,
                task_id=ti.task_id,
                map_index=ti.map_index,
                state=ti.state.value,
            )
            for key, tasks in self.tasks.items()
            for ti in tasks.values()
        ]


def _follow(core: Core, command: cmd.ClearTasks) -> _Found:
    found = _Found()
    waiting = deque[tuple[LiveRun, list[TaskInstance], int]]()
    for live in selection.runs(core, command.selection):
        waiting.append((live, selection.to_clear(live, command.selection), 0))
    seen: set[TaskKey] = set()
    limit: int | None = None
    while waiting:
        live, tasks, depth = waiting.popleft()
        found.take(live, tasks)
        for ti in tasks if command.dependent_dags else ():
            body = _marked(live, ti)
            if body is None or ti.key in seen:
                continue
            seen.add(ti.key)
            limit = limit or body.recursion_depth
            if depth >= limit:
                found.too_deep = _too_deep(live, ti, limit)
                return found
            if (other := _run_of(core, live, body, found)) is not None:
                waiting.append((other, _below(other, body, command.selection), depth + 1))
    return found


def _marked(live: LiveRun, ti: TaskInstance) -> MarkTaskBody | None:
    """What the file says, or what a worker found out when the marker ran."""
    body = ti.native or live.graph.tasks[ti.task_id].body
    return body if isinstance(body, MarkTaskBody) else None


def _run_of(core: Core, live: LiveRun, body: MarkTaskBody, found: _Found) -> LiveRun | None:
    date = body.date or live.run.logical_date or live.run.run_after
    there = [one for one in core.of_dag.get(body.dag_id, {}).values() if one.run.logical_date == date]
    if there:
        return max(there, key=lambda one: one.run.run_key)
    ref = RunRef(dag_id=DagId(body.dag_id), logical_date=date)
    if not core.past.ask(ref):
        found.missing += (ref,)
    return None


def _below(other: LiveRun, body: MarkTaskBody, chosen: TaskSelection) -> list[TaskInstance]:
    if body.task_id not in other.graph.tasks:
        return []
    run = other.run
    below = TaskSelection(
        dag_id=run.dag_id, run_id=run.run_id, task_ids=(body.task_id,), downstream=True, only_failed=chosen.only_failed
    )
    return selection.to_clear(other, below)


def _too_deep(live: LiveRun, ti: TaskInstance, limit: int) -> CommandResult:
    return refuse(
        "recursion-depth",
        f"markers go on at {ti.task_id!r} of DAG {live.run.dag_id!r}, and recursion_depth of the first is {limit}; "
        "nothing was cleared",
        "raise recursion_depth of the first ExternalTaskMarker, or clear with --this-dag-only",
    )


# -- one run -------------------------------------------------------------------------------------------------------


def _no_newest(core: Core, live: LiveRun) -> CommandResult | None:
    dag = core.dags.get(live.run.dag_id)
    if dag is not None and not dag.removed:
        return None
    message = f"DAG {live.run.dag_id!r} is gone, so there is no newest version of it"
    return refuse("not-found", message, "clear without --newest-version: the run keeps the version it had")


def _clear_in(core: Core, live: LiveRun, tasks: list[TaskInstance], command: cmd.ClearTasks) -> None:
    for ti in tasks:
        runs.clear_task(core, live, ti, "It was cleared.")
    if command.newest_version and live.run.dag_id == command.selection.dag_id:
        move_to_newest(core, live)
    if not command.keep_run_state:
        runs.reopen(core, live, "tasks were cleared")


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
    run = replace(live.run, version=dag.version, meaning=graph.spec.meaning)
    core.put_version(live, deadlines.settle(core, run, graph.spec))
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
