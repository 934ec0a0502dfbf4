"""`tradewind tasks logs [-f]`."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from tradewind.cli import exits, groups, options
from tradewind.model.ids import DagId
from tradewind.model.rows import Attempt, DagRun
from tradewind.model.states import AttemptPhase
from tradewind.ports import errors
from tradewind.ports import logs as logs_port
from tradewind.ports import store as store_port

app = groups.new("Tasks: read their logs.")


@app.command()
def logs(
    dag_id: Annotated[str, typer.Argument(help="The DAG.")],
    run_id: Annotated[str, typer.Argument(help="The run, or `latest`.")],
    task_id: Annotated[str, typer.Argument(help="The task; an element of a mapped one as task[3].")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the task has ended.")] = False,
    try_number: Annotated[int | None, typer.Option("--try", help="Which try (else the last).")] = None,
    timestamps: Annotated[bool, typer.Option("--timestamps/--no-timestamps", help="Show when each line came.")] = True,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
) -> None:
    """Print a task's log."""
    from tradewind import wiring
    from tradewind.cli import client

    async def read() -> None:
        async with client.opened(home, client.settings_of(home, settings)) as (place, store):
            run = await _find_run(store, dag_id, run_id)
            reader = wiring.open_logs(place)
            name, index = _split(task_id)
            attempt = await _find_attempt(store, run, name, index, try_number, wait=follow)
            lines = reader.follow(attempt) if follow else reader.read(attempt)
            async for line in lines:
                _print(line, timestamps)
            if follow and attempt.phase is not AttemptPhase.ENDED:
                attempt = await _ended(store, attempt)
            if attempt.verdict:
                print(f"-- {attempt.verdict}", file=sys.stderr)

    with exits.reported():
        try:
            asyncio.run(read())
        except BrokenPipeError:
            sys.stderr.close()  # the reader of our pipe went away: not an error


def _print(line: logs_port.LogLine, timestamps: bool) -> None:
    at = line.at.astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " " if timestamps else ""
    container = f"[{line.container}] " if line.container else ""
    mark = "~ " if line.stream == "event" else ""
    print(f"{at}{container}{mark}{line.text}", end="" if line.partial else "\n", flush=True)


def _split(task_id: str) -> tuple[str, int]:
    name, found, rest = task_id.partition("[")
    if not found:
        return task_id, -1
    try:
        return name, int(rest.rstrip("]"))
    except ValueError:
        raise errors.Rejected(
            "is not a task", object=task_id, code="bad-task", hint="write an element of a mapped task as task[3]"
        ) from None


async def _find_run(store: store_port.Store, dag_id: str, run_id: str) -> DagRun:
    if run_id != "latest":
        return await store.views.get_run(DagId(dag_id), run_id)
    await store.views.get_dag(DagId(dag_id))
    runs = await store.views.list_runs(store_port.Page(limit=1), DagId(dag_id))
    if not runs:
        raise errors.NotFound(
            "has no runs yet", object=f"DAG {dag_id!r}", code="no-runs", hint="`tradewind dags trigger` makes one"
        )
    return runs[0]


async def _find_attempt(
    store: store_port.Store, run: DagRun, task_id: str, index: int, try_number: int | None, *, wait: bool
) -> Attempt:
    while True:
        attempts = [
            one
            for one in await store.views.list_attempts(run.run_key, task_id, index)
            if try_number is None or one.try_number == try_number
        ]
        if attempts:
            return attempts[-1]
        tasks = await store.views.list_tasks(run.run_key, store_port.Page(limit=100_000))
        mine = [task for task in tasks if task.task_id == task_id]
        if not mine:
            names = sorted({task.task_id for task in tasks})
            raise errors.NotFound(
                f"has no task {task_id!r}",
                object=f"run {run.run_id}",
                code="task-missing",
                hint=f"tasks: {', '.join(names[:20])}",
            )
        elements = sorted(task.map_index for task in mine if task.map_index >= 0)
        if elements and index not in elements:
            raise errors.Rejected(
                f"is mapped, with elements {elements[0]} to {elements[-1]}",
                object=f"task {task_id!r}",
                code="task-mapped",
                hint=f"name one: {task_id}[{elements[0]}]",
            )
        current = next((task for task in mine if task.map_index == index), mine[0])
        if current.state.is_finished or not wait or run.state.is_finished:
            what = f"try {try_number}" if try_number is not None else "attempt"
            raise errors.NotFound(
                f"has no {what} (it is {current.state.value})",
                object=f"task {task_id!r}",
                code="no-attempt",
                hint=current.verdict or "a task that ran in the engine itself, or has not begun, has no log",
            )
        await asyncio.sleep(0.1)


async def _ended(store: store_port.Store, attempt: Attempt) -> Attempt:
    for _ in range(100):
        attempt = await store.views.get_attempt(attempt.attempt_id)
        if attempt.phase is AttemptPhase.ENDED:
            break
        await asyncio.sleep(0.05)
    return attempt
