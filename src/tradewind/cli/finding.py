"""What commands look up by the names that people give: runs, tasks, attempts and versions.

Invariant: a name that is not there is an error that names what is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from tradewind import settings as settings_tree
from tradewind.cli import client
from tradewind.model.ids import DagId, VersionHash
from tradewind.model.rows import Attempt, DagRun, TaskInstance
from tradewind.model.snapshot import RunRef, RunSnapshot
from tradewind.ports import errors
from tradewind.ports import store as store_port

_LOOK_EVERY_SECONDS = 0.1


async def all_dags(store: store_port.Store) -> list[store_port.DagView]:
    """Every DAG, removed ones too, in order of id."""
    found: list[store_port.DagView] = []
    while True:
        page = store_port.Page(limit=1000, after=found[-1].dag.dag_id if found else None)
        views = await store.views.list_dags(page)
        found += views
        if len(views) < page.limit:
            return found


async def find_run(store: store_port.Store, dag_id: str, run_id: str) -> DagRun:
    """A run by its id, or the newest one as `latest`. Raises `errors.NotFound`."""
    if run_id != "latest":
        return await store.views.get_run(DagId(dag_id), run_id)
    await store.views.get_dag(DagId(dag_id))
    runs = await store.views.list_runs(store_port.Page(limit=1), DagId(dag_id))
    if not runs:
        raise errors.NotFound(
            "has no runs yet", object=f"DAG {dag_id!r}", code="no-runs", hint="`tradewind dags trigger` makes one"
        )
    return runs[0]


async def name_run(home: Path | None, settings: settings_tree.Settings, dag_id: str, run_id: str) -> str:
    """The run's own id; `latest` is the newest run's. Raises `errors.NotFound`."""
    if run_id != "latest":
        return run_id
    async with client.opened(home, settings) as (_, store):
        return (await find_run(store, dag_id, run_id)).run_id


async def load_run(store: store_port.Store, dag_id: str, run_id: str) -> RunSnapshot:
    """A run with its tasks. Raises `errors.NotFound`."""
    run = await find_run(store, dag_id, run_id)
    found = await store.runs.find_run(RunRef(dag_id=run.dag_id, run_id=run.run_id))
    if found is None:
        raise errors.NotFound("it is gone", object=f"run {run.run_id!r}", code="no-such-run")
    return found


async def wait_for_end(home: Path | None, settings: settings_tree.Settings, dag_id: str, run_id: str) -> DagRun:
    """The run once it has ended."""
    async with client.opened(home, settings) as (_, store):
        while not (run := await store.views.get_run(DagId(dag_id), run_id)).state.is_finished:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
        return run


async def find_version(store: store_port.Store, dag_id: str, start: str | None) -> store_port.Version:
    """A DAG's newest version, or the one whose hash begins so. Raises `errors.NotFound`."""
    view = await store.views.get_dag(DagId(dag_id))
    if start is None or view.dag.version.startswith(start):
        return await store.versions.get(view.dag.version)
    found = [one for one in await store.versions.list_of_dag(DagId(dag_id), 10_000) if one.version.startswith(start)]
    if len(found) != 1:
        raise errors.NotFound(
            "no such version" if not found else f"{len(found)} versions begin so",
            object=f"version {start!r} of DAG {dag_id!r}",
            code="no-such-version",
            hint=f"`tradewind dags versions {dag_id}` lists them",
        )
    return await store.versions.get(VersionHash(found[0].version))


def pick_task(tasks: Sequence[TaskInstance], run: DagRun, task_id: str, map_index: int) -> TaskInstance:
    """The task instance of that name. Raises `errors.NotFound`, or `errors.Rejected` where an element must be named."""
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
    if elements and map_index not in elements:
        raise errors.Rejected(
            f"is mapped, with elements {elements[0]} to {elements[-1]}",
            object=f"task {task_id!r}",
            code="task-mapped",
            hint=f"name one: {task_id}[{elements[0]}]",
        )
    return next((task for task in mine if task.map_index == map_index), mine[0])


async def list_task_attempts(
    store: store_port.Store, run: DagRun, task_id: str, map_index: int, try_number: int | None
) -> list[Attempt]:
    """The attempts of a task instance, of one try where that is given, in the order in which they were made."""
    return [
        one
        for one in await store.views.list_attempts(run.run_key, task_id, map_index)
        if try_number is None or one.try_number == try_number
    ]


async def find_attempt(
    store: store_port.Store, run: DagRun, task_id: str, map_index: int, try_number: int | None, *, wait: bool
) -> Attempt:
    """The last attempt (of a try); with `wait` until there is one. Raises `errors.NotFound`."""
    while True:
        attempts = await list_task_attempts(store, run, task_id, map_index, try_number)
        if attempts:
            return attempts[-1]
        run = await store.views.get_run(run.dag_id, run.run_id)
        tasks = await store.views.list_tasks(run.run_key, store_port.Page(limit=100_000))
        current = pick_task(tasks, run, task_id, map_index)
        if current.state.is_finished or not wait or run.state.is_finished:
            what = f"try {try_number}" if try_number is not None else "attempt"
            raise errors.NotFound(
                f"has no {what} (it is {current.state.value})",
                object=f"task {task_id!r}",
                code="no-attempt",
                hint=current.verdict or "a task that ran in the engine itself, or has not begun, has no log",
            )
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
