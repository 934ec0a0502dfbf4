"""`tradewind tasks`: the task instances of a run, their attempts, and what is asked of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tradewind.cli import clearing, exits, groups, options, pod_phases, tables, task_logs
from tradewind.model.commands import ClearTasks, MarkTasks, TaskSelection
from tradewind.model.rows import Attempt, TaskInstance
from tradewind.model.states import TaskState
from tradewind.ports import errors
from tradewind.ports import store as store_port

app = groups.new("Task instances: list them, look at one, read logs, clear, mark.")
task_logs.add_to(app)

TasksArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="TASK_ID...",
        help="Tasks; elements of a mapped one as task[3].",
        autocompletion=options.complete_task_id,
    ),
]
UpstreamOption = Annotated[bool, typer.Option("--upstream", help="And all tasks above them.")]
DownstreamOption = Annotated[bool, typer.Option("--downstream", help="And all tasks below them.")]
PastOption = Annotated[bool, typer.Option("--past", help="And in all earlier runs of the DAG.")]
FutureOption = Annotated[bool, typer.Option("--future", help="And in all later runs of the DAG.")]


@app.command(
    "list",
    epilog=options.examples("tradewind tasks list my_dag latest", "tradewind tasks list my_dag latest --state failed"),
)
def list_tasks(
    dag_id: options.DagArgument,
    run_id: options.RunArgument,
    state: Annotated[list[str] | None, typer.Option("--state", help="Only in this state; repeatable.")] = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
    limit: options.LimitOption = 100,
    after: options.AfterOption = None,
) -> None:
    """The task instances of a run, in order of task id and map index."""
    from tradewind.cli import client, finding

    async def read() -> tuple[list[TaskInstance], dict[str, str]]:
        async with client.opened(home, client.settings_of(home, settings)) as (_, store):
            run = await finding.find_run(store, dag_id, run_id)
            page = store_port.Page(limit=limit + 1, after=after)
            tasks = list(await store.views.list_tasks(run.run_key, page, _states(state)))
            return tasks, await _pods(store, tasks)

    with exits.reported():
        tasks, pods = asyncio.run(read())
        last = tasks[limit - 1] if len(tasks) > limit else None
        tables.show(
            [{**_row(task), "pod": pods.get(task.attempt_id or "")} for task in tasks[:limit]],
            output=output,
            empty="no task instances",
            more=None if last is None else f"{last.task_id}:{last.map_index}",
        )


async def _pods(store: store_port.Store, tasks: list[TaskInstance]) -> dict[str, str]:
    """How far the pods of tasks came that wait or run, by attempt."""
    found: dict[str, str] = {}
    for task in tasks:
        if task.state.holds_attempt and task.attempt_id is not None:
            found[task.attempt_id] = pod_phases.told(await store.views.get_attempt(task.attempt_id))
    return found


def _row(task: TaskInstance) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "map_index": task.map_index,
        "state": task.state.value,
        "try": task.try_number,
        "started": task.started_at,
        "took": task.ended_at - task.started_at if task.started_at and task.ended_at else None,
        "due": task.due_at,
        "verdict": task.verdict,
    }


@app.command(epilog=options.examples("tradewind tasks show my_dag latest load", "tradewind tasks show d r 'load[3]'"))
def show(
    dag_id: options.DagArgument,
    run_id: options.RunArgument,
    task_id: options.TaskArgument,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """One task instance: its state, why, its tries and times."""
    from tradewind.cli import client, finding

    async def read() -> tuple[TaskInstance, list[Attempt]]:
        async with client.opened(home, client.settings_of(home, settings)) as (_, store):
            run = await finding.load_run(store, dag_id, run_id)
            name, index = options.read_task(task_id)
            task = finding.pick_task(run.tasks, run.run, name, index)
            return task, await finding.list_task_attempts(store, run.run, name, task.map_index, None)

    with exits.reported():
        task, attempts = asyncio.run(read())
        facts = {
            **_row(task),
            "max_tries": task.max_tries,
            "scheduled": task.scheduled_at,
            "queued": task.queued_at,
            "ended": task.ended_at,
            "infrastructure_failures": task.infrastructure_failures or None,
            "waits_for": task.waits_for,
            "note": task.note,
        }
        if output is not options.Output.TABLE:
            tables.show_object({**facts, "attempts": [_attempt_row(one) for one in attempts]}, output=output)
            return
        tables.show_object(facts, output=output)
        if attempts:
            print()
            tables.show([_attempt_row(one) for one in attempts], output=output, empty="")


@app.command(epilog=options.examples("tradewind tasks attempts my_dag latest load"))
def attempts(
    dag_id: options.DagArgument,
    run_id: options.RunArgument,
    task_id: options.TaskArgument,
    try_number: Annotated[int | None, typer.Option("--try", help="Only of this try.")] = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Every launch of a task instance: a try has several where the infrastructure failed."""
    from tradewind.cli import client, finding

    async def read() -> list[Attempt]:
        async with client.opened(home, client.settings_of(home, settings)) as (_, store):
            run = await finding.load_run(store, dag_id, run_id)
            name, index = options.read_task(task_id)
            task = finding.pick_task(run.tasks, run.run, name, index)
            return await finding.list_task_attempts(store, run.run, name, task.map_index, try_number)

    with exits.reported():
        rows = [_attempt_row(one) for one in asyncio.run(read())]
        tables.show(rows, output=output, empty="it was never launched")


def _attempt_row(attempt: Attempt) -> dict[str, Any]:
    return {
        "try": attempt.try_number,
        "number": attempt.number,
        "phase": attempt.phase.value,
        "reason": attempt.reason.value if attempt.reason is not None else None,
        "exit_code": attempt.exit_code,
        "created": attempt.created_at,
        "started": attempt.started_at,
        "took": attempt.ended_at - attempt.started_at if attempt.started_at and attempt.ended_at else None,
        "attempt_id": attempt.attempt_id,
        "verdict": attempt.verdict,
    }


@app.command(
    epilog=options.examples(
        "tradewind tasks clear my_dag latest load --downstream",
        "tradewind tasks clear my_dag latest 'load[3]'",
        "tradewind tasks clear my_dag latest load --downstream --dry-run",
    )
)
def clear(
    dag_id: options.DagArgument,
    run_id: options.RunArgument,
    task_ids: TasksArgument,
    upstream: UpstreamOption = False,
    downstream: DownstreamOption = False,
    past: PastOption = False,
    future: FutureOption = False,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that failed or were never reached.")] = False,
    newest_version: clearing.NewestVersionOption = False,
    this_dag_only: clearing.ThisDagOnlyOption = False,
    dry_run: clearing.DryRunOption = False,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Run tasks again, and those of other DAGs that an ExternalTaskMarker names. What runs is stopped first."""
    with exits.reported():
        chosen = _selections(
            task_ids, dag_id, upstream=upstream, downstream=downstream, past=past, future=future, only_failed=failed
        )
    _act(
        [
            ClearTasks(selection=one, newest_version=newest_version, dependent_dags=not this_dag_only, dry_run=dry_run)
            for one in chosen
        ],
        "cleared",
        run_id,
        home,
        settings,
        output,
    )


@app.command(epilog=options.examples("tradewind tasks mark my_dag latest success load"))
def mark(
    dag_id: options.DagArgument,
    run_id: options.RunArgument,
    state: Annotated[Literal["success", "failed", "skipped"], typer.Argument(help="success, failed or skipped.")],
    task_ids: TasksArgument,
    upstream: UpstreamOption = False,
    downstream: DownstreamOption = False,
    past: PastOption = False,
    future: FutureOption = False,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Set tasks to a state without running them."""
    with exits.reported():
        chosen = _selections(task_ids, dag_id, upstream=upstream, downstream=downstream, past=past, future=future)
    commands = [MarkTasks(selection=one, state=state) for one in chosen]
    _act(commands, f"marked {state}", run_id, home, settings, output)


def _selections(names: list[str], dag_id: str, **more: Any) -> list[TaskSelection]:
    """Whole tasks in one selection, elements of mapped ones in one for each task. Raises `errors.Rejected`."""
    whole: list[str] = []
    elements: dict[str, list[int]] = {}
    for text in names:
        task_id, index = options.read_task(text)
        if index < 0:
            whole.append(task_id)
        else:
            elements.setdefault(task_id, []).append(index)
    found = [TaskSelection(dag_id=dag_id, run_id="", task_ids=tuple(whole), **more)] if whole else []
    for task_id, indexes in elements.items():
        found.append(TaskSelection(dag_id=dag_id, run_id="", task_ids=(task_id,), map_indexes=tuple(indexes), **more))
    return found


def _act(
    commands: list[Any], done: str, run_id: str, home: Path | None, settings: Path | None, output: options.Output
) -> None:
    """Ask something of tasks of one run, and tell what came of it."""
    import msgspec

    from tradewind.cli import client, finding

    with exits.reported():
        tree = client.settings_of(home, settings)
        dag_id = commands[0].selection.dag_id
        name = asyncio.run(finding.name_run(home, tree, dag_id, run_id))
        named = [
            msgspec.structs.replace(one, selection=msgspec.structs.replace(one.selection, run_id=name))
            for one in commands
        ]
        results = asyncio.run(client.send_all(home, tree, named))
        if any(isinstance(one, ClearTasks) and one.dry_run for one in named):
            clearing.show([task for result in results for task in result.tasks], output=output)
            return
        touched = sum(result.touched for result in results)
        message = "; ".join(dict.fromkeys(result.message for result in results if result.message))
        told = {"dag_id": dag_id, "run_id": name, "result": done, "tasks": touched, "message": message}
        tables.show_object(told, output=output)


def _states(names: list[str] | None) -> tuple[TaskState, ...]:
    try:
        return tuple(TaskState(name) for name in names or ())
    except ValueError:
        allowed = ", ".join(state.value for state in TaskState)
        raise errors.Rejected(
            f"{names} is not a state", object="--state", code="bad-option", hint=f"one of {allowed}"
        ) from None
