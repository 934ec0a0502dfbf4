"""`tradewind render FILE TASK_ID`: the pod manifest as it would be sent, or another task's rendered fields."""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from tradewind import settings as settings_tree
from tradewind.cli import exits
from tradewind.cli import run as run_command
from tradewind.model.dagspec import DagSpec, TaskSpec
from tradewind.model.ids import DagId, RunId, RunKey, TaskId, VersionHash
from tradewind.model.rows import DagRun, TaskInstance
from tradewind.model.states import RunState, RunType, TaskState
from tradewind.model.timetable import manual_interval
from tradewind.ports import errors
from tradewind.wiring import control_plane, homes


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for."""

    file: Path
    task_id: str
    dag_id: str | None
    conf: dict[str, Any]
    logical_date: datetime | None
    map_index: int
    settings: settings_tree.Settings
    output: str
    in_cluster: bool = False
    tried_out: bool = False


def render(request: Request) -> int:
    """Render; the exit code."""
    scratch = homes.Home(Path(tempfile.mkdtemp(prefix="tradewind-")))
    try:
        rendered = asyncio.run(_render(request, scratch))
    finally:
        scratch.remove()
    if request.output == "json":
        print(json.dumps(rendered, indent=2))
    else:
        print(yaml.safe_dump(rendered, sort_keys=False, allow_unicode=True), end="")
    return exits.OK


async def _render(request: Request, home: homes.Home) -> dict[str, Any]:
    async with control_plane.assemble(
        home, request.settings, ephemeral=True, in_cluster=request.in_cluster
    ) as assembly:
        folder, name = run_command.split(request.file)
        bundle = assembly.bundle(folder, name="render", only=name)
        refresh = await bundle.refresh()
        spec = run_command.choose(refresh, bundle.specs(), request.dag_id, request.file)
        task = _task(spec, request)
        run = _run(spec, request, assembly.clock.now())
        instance = TaskInstance(
            run_key=run.run_key,
            task_id=TaskId(task.task_id),
            map_index=request.map_index,
            state=TaskState.QUEUED,
            try_number=1,
            max_tries=task.retries,
        )
        return await assembly.rendered(spec, task, run, instance, refresh.tree, tried_out=request.tried_out)


def _task(spec: DagSpec, request: Request) -> TaskSpec:
    found = next((task for task in spec.tasks if task.task_id == request.task_id), None)
    if found is None:
        names = ", ".join(task.task_id for task in spec.tasks[:20])
        raise errors.NotFound(
            f"has no task {request.task_id!r}",
            object=f"DAG {spec.dag_id!r}",
            code="task-missing",
            hint=f"tasks: {names}",
        )
    if found.mapping is not None and request.map_index < 0:
        raise errors.Rejected(
            "is mapped", object=f"task {found.task_id!r}", code="task-mapped", hint="choose an element with --map-index"
        )
    return found


def _run(spec: DagSpec, request: Request, now: datetime) -> DagRun:
    moment = request.logical_date or now
    interval = manual_interval(spec.timetable, moment)
    return DagRun(
        run_key=RunKey(0),
        dag_id=DagId(spec.dag_id),
        run_id=RunId(f"manual__{moment.isoformat()}"),
        version=VersionHash(""),
        run_type=RunType.MANUAL,
        state=RunState.RUNNING,
        logical_date=moment,
        interval_start=interval.start,
        interval_end=interval.end,
        run_after=moment,
        conf=request.conf,
        started_at=now,
        meaning=spec.meaning,
    )
