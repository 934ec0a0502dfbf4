"""One run of a DAG of this process: the bodies in the caller's thread, a control plane in one beside it.

`dag.test()` is given the DAG; `tradewind test` loads the file here, as a worker would. The run's shape is that of the
file, loaded as always in a process of its own; only the bodies are those of the DAG that was given. Ctrl-C ends
everything: nothing runs on.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tradewind import settings as settings_tree
from tradewind.cli import progress, run
from tradewind.protocol.work import FileRef, LoadReport, LoadWork
from tradewind.runtime.calling import Bodies
from tradewind.sdk import errors, registry, spec
from tradewind.sdk.definition import DAG
from tradewind.wiring import control_plane, homes
from tradewind.worker import loading, output
from tradewind.worker.dagrun import RuntimeDagRun

_LOADING_SECONDS = 7 * 24 * 3600.0
"""In this process somebody may look at the file with a debugger while it loads."""
_PATIENCE_SECONDS = 10.0
"""How long the control plane may take to end after Ctrl-C, before it is asked once more."""


def test(dag: DAG, *, logical_date: datetime | None, conf: dict[str, Any] | None) -> RuntimeDagRun:
    """Run it to its end and show how it ended; the run. Raises `errors.Rejected` where it cannot begin."""
    if threading.current_thread() is not threading.main_thread():
        raise errors.NotHereYet("DAG.test() in another thread than the main one", "call it from the main thread")
    output.prepare_logging()
    file = Path(dag.fileloc)
    return RuntimeDagRun(_run(_as_loaded(dag, file), file, dag.dag_id, logical_date, conf).run)


def test_file(file: Path, *, dag_id: str | None, conf: dict[str, Any], logical_date: datetime | None) -> str:
    """Load the file into this process and run one of its DAGs; the run's final state.

    Raises `errors.Rejected` where it cannot begin.
    """
    folder, name = run.split(file)
    work = LoadWork(file=FileRef(root=str(folder), file=name), timeout_seconds=_LOADING_SECONDS)
    loaded = loading.load(work)
    found = control_plane.Refresh(problems=loaded.report.problems)
    chosen = run.choose(found, {one.dag_id: one for one in loaded.report.specs}, dag_id, file)
    return _run(loaded, file, chosen.dag_id, logical_date, conf).run.state.value


def _run(
    loaded: loading.LoadedFile, file: Path, dag_id: str, logical_date: datetime | None, conf: dict[str, Any] | None
) -> run.Finished:
    bodies = Bodies(loaded)
    request = run.Request(
        file=file,
        dag_id=dag_id,
        conf=conf,
        logical_date=None if logical_date is None else _plain(logical_date),
        settings=settings_tree.load(run.beside(file) or settings_tree.find(None)),
        bodies=bodies,
    )
    with _ControlPlane(request, bodies) as beside:
        bodies.run()
    finished = beside.finished()
    progress.show_final(finished.run, finished.tasks, None)
    return finished


def _plain(date: datetime) -> datetime:
    """The same moment as the standard library's datetime in UTC; authors have pendulum's."""
    return datetime.fromisoformat(date.astimezone(UTC).isoformat())


def _as_loaded(dag: DAG, file: Path) -> loading.LoadedFile:
    one = spec.to_spec(dag, file=file.name, meaning=registry.meaning(), meaning_from="")
    return loading.LoadedFile(
        FileRef(root=str(file.parent), file=file.name), LoadReport(specs=(one,)), {dag.dag_id: dag}
    )


class _ControlPlane:
    """A thread with a loop; leaving the block ends it, at once where the run is not over."""

    def __init__(self, request: run.Request, bodies: Bodies) -> None:
        self._request = request
        self._bodies = bodies
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[run.Finished] | None = None
        self._finished: run.Finished | None = None
        self._error: BaseException | None = None
        # A daemon: if it cannot be ended, the process ends all the same, and the podlet with it.
        self._thread = threading.Thread(target=self._serve, name="tradewind-control-plane", daemon=True)
        self._begun = threading.Event()

    def __enter__(self) -> _ControlPlane:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._thread.join()
            return
        self._begun.wait(_PATIENCE_SECONDS)
        # Not more often: each call breaks off what the one before has begun to tidy up.
        for _once in range(2):
            if self._loop is not None and self._task is not None:
                with suppress(RuntimeError):  # the loop may just have closed
                    self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join(timeout=_PATIENCE_SECONDS)
            if not self._thread.is_alive():
                return

    def finished(self) -> run.Finished:
        """How the run ended. Raises what kept it from it."""
        if self._finished is None:
            raise self._error or RuntimeError("the control plane ended without a run")
        return self._finished

    def _serve(self) -> None:
        try:
            with run.opened_home(self._request) as home:
                self._finished = asyncio.run(self._run(home))
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
            self._error = _first_known(error)
        finally:
            self._begun.set()
            self._bodies.close()

    async def _run(self, home: homes.Home) -> run.Finished:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._begun.set()
        return await run.run_to_end(self._request, home)


def _first_known(error: BaseException) -> BaseException:
    """Out of the groups that task groups wrap."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
