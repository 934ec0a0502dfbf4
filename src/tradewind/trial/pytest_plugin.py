"""Fixtures for the tests of people who write DAG files: `load_dags` and `run_dag`.

Registered by the entry point `pytest11`. Importing it brings in pytest and nothing of ours; a test that uses neither
fixture pays nothing. DAG code never runs in the test's process: what a test sees are its DAGs as data, and how its
tasks ended.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from tradewind.cli.lint import FileReport
    from tradewind.model.dagspec import DagSpec

_GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedDags:
    """DAG files as a server would have them. `files` are as `tradewind lint` tells them."""

    files: tuple[FileReport, ...]

    @property
    def dags(self) -> Mapping[str, DagSpec]:
        """The DAGs by id."""
        return {spec.dag_id: spec for file in self.files for spec in file.specs}

    def problems(self, *, allow_opaque: bool = True) -> list[str]:
        """What keeps files from being loaded, a text for each; operators that cannot run here where asked for."""
        return [
            f"{file.path}{f' line {reason.line}' if reason.line else ''}: {reason.message}"
            + (f"\n  hint: {reason.hint}" if reason.hint else "")
            for file in self.files
            for reason in file.reasons
            if not (allow_opaque and reason.code == "opaque-operator")
        ]

    def assert_loaded(self, *, allow_opaque: bool = True) -> None:
        """Fail the test with all problems where there are any."""
        __tracebackhide__ = True
        if found := self.problems(allow_opaque=allow_opaque):
            pytest.fail("\n".join(["DAG files have problems:", *found]), pytrace=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRun:
    """How a run ended. A task is named by its id, an element of a mapped one as `task[3]`."""

    dag_id: str
    run_id: str
    state: str
    states: Mapping[str, str | None]
    """The state of each task."""
    xcoms: Mapping[str, Mapping[str, Any]]
    """Values by task and key (`return_value`)."""
    verdicts: Mapping[str, str]
    """Why a task ended as it did, where that is known."""
    output: str
    """What was told while it ran."""

    def returned(self, task: str) -> Any:
        """What the task returned. Raises KeyError where it returned nothing."""
        return self.xcoms[task]["return_value"]


class LoadDags(Protocol):
    """The fixture `load_dags`."""

    def __call__(self, path: str | Path) -> LoadedDags:
        """Load a DAG file, or a folder of them."""


class RunDag(Protocol):
    """The fixture `run_dag`."""

    def __call__(
        self,
        file: str | Path,
        *,
        dag_id: str | None = None,
        conf: Mapping[str, Any] | None = None,
        logical_date: datetime | str | None = None,
        settings: str | Path | None = None,
        timeout: float | None = None,
    ) -> EndedRun:
        """Run a DAG of the file to its end, however it ends; `timeout` in seconds."""


@pytest.fixture(scope="session")
def load_dags() -> LoadDags:
    """Loads DAG files: `load_dags("dags").assert_loaded()`, `load_dags("dags/etl.py").dags["etl"].tasks`."""
    return _load


@pytest.fixture(scope="session")
def run_dag() -> RunDag:
    """Runs a DAG: `run_dag("dags/etl.py", conf={"day": 3}).states == {"extract": "success"}`."""
    return _run


def _load(path: str | Path) -> LoadedDags:
    __tracebackhide__ = True
    from tradewind import settings as settings_tree
    from tradewind.cli import lint
    from tradewind.cli import run as run_command
    from tradewind.ports import errors

    place = Path(path)
    try:
        found = settings_tree.load(run_command.beside(place / "any.py" if place.is_dir() else place))
        # In a thread of its own: the test may be a coroutine, whose loop runs in this one.
        with _collector_kept(), ThreadPoolExecutor(1, "tradewind-load") as thread:
            return LoadedDags(files=tuple(thread.submit(lint.examine, [place], found, variables={}).result()))
    except errors.TradewindError as error:
        pytest.fail(str(error.problem), pytrace=False)


@contextmanager
def _collector_kept() -> Iterator[None]:
    """A control plane tunes the garbage collector of a process that it has for itself."""
    before = gc.get_threshold()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _run(
    file: str | Path,
    *,
    dag_id: str | None = None,
    conf: Mapping[str, Any] | None = None,
    logical_date: datetime | str | None = None,
    settings: str | Path | None = None,
    timeout: float | None = None,
) -> EndedRun:
    __tracebackhide__ = True
    date = logical_date.isoformat() if isinstance(logical_date, datetime) else logical_date
    told = {
        "--dag-id": dag_id,
        "--conf": json.dumps(dict(conf)) if conf else None,
        "--logical-date": date,
        "--settings": settings,
    }
    options = [f"{name}={value}" for name, value in told.items() if value is not None]
    command = [sys.executable, "-P", "-m", "tradewind.cli", "run", "--output=json", "--with-xcom", *options]
    code, shown, said = _to_its_end([*command, "--", str(file)], timeout)
    if code is None:
        pytest.fail(f"the run of {file} took longer than {timeout} s and was ended\n{said}", pytrace=False)
    if code not in (0, 1) or not shown:
        pytest.fail(said or f"tradewind run {file} ended with {code}", pytrace=False)
    return _ended(json.loads(shown), said)


def _to_its_end(command: list[str], timeout: float | None) -> tuple[int | None, str, str]:
    """Exit code (None: the time was over), stdout, stderr. Asked to end, it takes everything down that it started."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            shown, said = process.communicate(timeout=timeout)
        except BaseException as error:
            for _once in range(2):  # the first cancels the run, the second does not wait for its end
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_GRACE_SECONDS)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            shown, said = process.communicate()
            return None, shown, said
    return process.returncode, shown, said


def _ended(told: Mapping[str, Any], output: str) -> EndedRun:
    from tradewind.sdk import serde

    names = [
        (one, one["task_id"] + (f"[{one['map_index']}]" if one["map_index"] >= 0 else "")) for one in told["tasks"]
    ]
    return EndedRun(
        dag_id=told["dag_id"],
        run_id=told["run_id"],
        state=told["state"],
        states={name: one["state"] for one, name in names},
        xcoms={
            task: {key: serde.from_plain(value) for key, value in values.items()}
            for task, values in told["xcom"].items()
        },
        verdicts={name: one["verdict"] for one, name in names if one["verdict"]},
        output=output,
    )
