"""`tradewind run FILE`: one run of one DAG to its end, in the foreground, with all it needs started and ended."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tradewind import settings as settings_tree
from tradewind.cli import document, exits
from tradewind.cli import progress as progress_view
from tradewind.model.commands import CancelRun, CommandResult, SetPaused, TriggerRun
from tradewind.model.dagspec import DagSpec, TriggerRunBody
from tradewind.model.facts import Batch
from tradewind.model.ids import DagId
from tradewind.model.rows import DagRun, TaskInstance, XComRow
from tradewind.model.snapshot import RunRef
from tradewind.ports import errors
from tradewind.wiring import control_plane, homes


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for."""

    file: Path
    dag_id: str | None = None
    conf: dict[str, Any] | None = None
    logical_date: datetime | None = None
    home: Path | None = None
    settings: settings_tree.Settings
    output: str = "text"
    with_xcom: bool = False
    bodies: control_plane.Bodies | None = None
    """Where the caller's thread takes Python bodies from; then this is not the main thread, and hears no signals."""
    in_cluster: bool = False
    """Pods go to the cluster of the settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How it ended."""

    run: DagRun
    tasks: tuple[TaskInstance, ...]
    xcoms: tuple[XComRow, ...]
    spec: DagSpec


def run(request: Request) -> int:
    """Run it; the exit code."""
    with opened_home(request) as home:
        finished = asyncio.run(run_to_end(request, home))
    xcoms = finished.xcoms if request.with_xcom else None
    if request.output == "json":
        print(json.dumps(document.run_document(finished.run, finished.tasks, xcoms)))
    else:
        progress_view.show_final(finished.run, finished.tasks, xcoms)
    return exits.OK if finished.run.state.value == "success" else exits.RUN_FAILED


@contextmanager
def opened_home(request: Request) -> Iterator[homes.Home]:
    """The home that was asked for, or one that is gone afterwards."""
    home = homes.Home(request.home or Path(tempfile.mkdtemp(prefix="tradewind-")))
    try:
        yield home
    finally:
        if request.home is None:
            home.remove()


async def run_to_end(request: Request, home: homes.Home) -> Finished:
    """One run, with a control plane of its own. Raises `errors.Rejected` where it cannot begin."""
    async with control_plane.assemble(
        home, request.settings, ephemeral=True, bodies=request.bodies, in_cluster=request.in_cluster
    ) as assembly:
        scheduler = assembly.scheduler
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(scheduler.run(), name="scheduler")
            try:
                return await _drive(request, assembly, serving)
            finally:
                scheduler.stop()


async def _drive(request: Request, assembly: control_plane.Assembly, serving: asyncio.Task[None]) -> Finished:
    folder, name = split(request.file)
    bundle = assembly.bundle(folder, name=f"run:{folder}", only=name)
    refresh = await bundle.refresh()
    spec = choose(refresh, bundle.specs(), request.dag_id, request.file)
    for warning in refresh.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    view = progress_view.open_view(spec, quiet=_is_quiet(request))
    end = RunEnd()
    assembly.scheduler.watch(view.batch)
    assembly.scheduler.watch(end.batch)
    assembly.took(refresh)
    if _triggers_others(spec, bundle.specs()):
        assembly.took(await assembly.bundle(folder, name=f"run:{folder}").refresh())
    async with _unpaused(assembly, spec.dag_id, serving):
        return await _run_once(request, assembly, serving, spec, view, end)


def _triggers_others(spec: DagSpec, known: Mapping[str, DagSpec]) -> bool:
    """Whether a task triggers a DAG that is not in this file: only then are the files beside it loaded too."""
    wanted = [task.body.dag_id for task in spec.tasks if isinstance(task.body, TriggerRunBody)]
    return any(dag_id not in known for dag_id in wanted)


@asynccontextmanager
async def _unpaused(assembly: control_plane.Assembly, dag_id: str, serving: asyncio.Task[None]) -> AsyncIterator[None]:
    """The DAG goes on while this run does; one that was paused is paused again afterwards."""
    if not (await assembly.store.views.get_dag(DagId(dag_id))).dag.paused:
        yield
        return
    await _command(assembly, SetPaused(dag_id=dag_id, paused=False), serving)
    try:
        yield
    finally:
        if not serving.done():
            await _command(assembly, SetPaused(dag_id=dag_id, paused=True), serving)


async def _run_once(
    request: Request,
    assembly: control_plane.Assembly,
    serving: asyncio.Task[None],
    spec: DagSpec,
    view: progress_view.View,
    end: RunEnd,
) -> Finished:
    result = await _command(
        assembly,
        TriggerRun(dag_id=spec.dag_id, conf=request.conf or {}, logical_date=request.logical_date),
        serving,
    )
    run_id = result.run_id or ""
    found = await assembly.store.runs.find_run(RunRef(dag_id=DagId(spec.dag_id), run_id=run_id))
    if found is None:
        raise errors.Fatal(
            f"the run {run_id!r} was made and is not there", code="run-vanished", hint="was it deleted meanwhile?"
        )
    end.await_run(found.run)
    interrupts = nullcontext() if request.bodies else _Interrupts(assembly, spec.dag_id, run_id, view.note)
    with view, interrupts:
        either: set[asyncio.Future[Any]] = {end.reached, serving}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not end.reached.done():
            serving.result()
    final = await assembly.store.runs.find_run(RunRef(dag_id=DagId(spec.dag_id), run_id=run_id))
    if final is None:
        raise errors.Fatal(f"the run {run_id!r} is not there", code="run-vanished", hint="was it deleted meanwhile?")
    xcoms = await assembly.store.xcoms.list(final.run.run_key)
    return Finished(run=final.run, tasks=final.tasks, xcoms=tuple(xcoms), spec=spec)


def _is_quiet(request: Request) -> bool:
    # A live block would get between the lines that bodies print, and under a debugger's prompt.
    return request.bodies is not None or (request.output == "json" and not sys.stderr.isatty())


class RunEnd:
    """Hears of batches until the run that is waited for has ended."""

    def __init__(self) -> None:
        self.reached: asyncio.Future[DagRun] = asyncio.get_running_loop().create_future()
        self._key: int | None = None
        self._before: dict[int, DagRun] = {}
        """Runs that ended before we knew which one is meant: what was read of it may be older than its end."""

    def await_run(self, run: DagRun) -> None:
        """Wait for this one. It may have ended before we knew its key, and even since it was read."""
        self._key = run.run_key
        self._take(self._before.get(run.run_key, run))
        self._before.clear()

    def batch(self, batch: Batch) -> None:
        """A committed batch."""
        for run in control_plane.finished_runs(batch):
            if self._key is None:
                self._before[run.run_key] = run
            else:
                self._take(run)

    def _take(self, run: DagRun) -> None:
        if run.run_key == self._key and run.state.is_finished and not self.reached.done():
            self.reached.set_result(run)


async def _command(assembly: control_plane.Assembly, command: Any, serving: asyncio.Task[None]) -> CommandResult:
    """Put a command into the inbox, wake the leader beside us, and wait for what becomes of it."""
    inbox_id = await assembly.store.inbox.put(command, "run", assembly.clock.now())
    assembly.scheduler.wake()
    while (result := await assembly.store.inbox.find_result(inbox_id)) is None:
        if serving.done():
            serving.result()
        await asyncio.sleep(0.005)
    if not result.ok:
        raise errors.Rejected(result.message, hint=result.hint, code=result.code or "refused")
    return result


def split(file: Path) -> tuple[Path, str]:
    """Folder and name of a DAG file, or of an archive of them. Raises `errors.Rejected` where it is none."""
    whole = file.resolve()
    archive = next((parent for parent in whole.parents if parent.is_file()), None)
    if archive is not None:  # one that lies in it
        return archive.parent, str(whole.relative_to(archive.parent))
    if not file.exists():
        raise errors.Rejected("no such file", object=str(file), code="file-missing", hint="check the path")
    if file.is_dir():
        raise errors.Rejected(
            "is a folder",
            object=str(file),
            code="file-is-folder",
            hint="name one DAG file; `standalone --dags` takes a folder",
        )
    return whole.parent, whole.name


def beside(file: Path) -> Path | None:
    """A settings file next to the DAG file, or in the folder above."""
    for folder in (file.resolve().parent, file.resolve().parent.parent):
        if (folder / "tradewind.toml").is_file():
            return folder / "tradewind.toml"
    return None


def choose(refresh: control_plane.Refresh, specs: dict[str, DagSpec], dag_id: str | None, file: Path) -> DagSpec:
    """The DAG that is meant. Raises `errors.Rejected` with what the file has."""
    if dag_id is not None and dag_id in specs:
        return specs[dag_id]
    if refresh.problems and (dag_id is not None or len(specs) != 1):
        for problem in refresh.problems[1:]:
            exits.show_problem(problem)
        first = refresh.problems[0]
        if first.traceback:
            print(first.traceback.rstrip(), file=sys.stderr)
        raise errors.Rejected(first.message, object=first.object or str(file), hint=first.hint, code=first.code)
    names = ", ".join(sorted(specs)) or "none"
    if dag_id is not None:
        raise errors.Rejected(
            f"has no DAG {dag_id!r}", object=str(file), code="dag-missing", hint=f"DAGs in it: {names}"
        )
    if not specs:
        raise errors.Rejected(
            "defines no DAG",
            object=str(file),
            code="file-without-dag",
            hint="a DAG must be made when the file is loaded",
        )
    if len(specs) > 1:
        raise errors.Rejected(
            f"defines {len(specs)} DAGs",
            object=str(file),
            code="several-dags",
            hint=f"choose one with --dag-id: {names}",
        )
    return next(iter(specs.values()))


class _Interrupts:
    """Ctrl-C or SIGTERM once: cancel the run and wait for its end; twice: end at once."""

    def __init__(self, assembly: control_plane.Assembly, dag_id: str, run_id: str, note: Callable[[str], None]) -> None:
        self._assembly = assembly
        self._cancel = CancelRun(dag_id=dag_id, run_id=run_id)
        self._note = note
        self._seen = 0
        self._tasks: set[asyncio.Task[int]] = set()

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal)

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(ValueError):
                loop.remove_signal_handler(number)

    def _on_signal(self) -> None:
        self._seen += 1
        if self._seen > 1:
            self._assembly.scheduler.stop()
            return
        self._note("cancelling the run; once more to end at once")
        task = asyncio.get_running_loop().create_task(
            self._assembly.store.inbox.put(self._cancel, "run", self._assembly.clock.now())
        )
        self._tasks.add(task)
        task.add_done_callback(lambda _: self._assembly.scheduler.wake())
