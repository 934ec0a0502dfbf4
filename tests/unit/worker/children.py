"""DAG files that are loaded, run and rendered in a forked child, as in life: what it told, and what it printed.

The child has a supervisor of dicts; what it was told there comes back too.
"""

from __future__ import annotations

import os
import pathlib
import signal
import textwrap
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from tests.support import rows
from tests.unit.sdk.asked import Asked
from tradewind.model.outcome import Result
from tradewind.model.problem import Problem
from tradewind.protocol.work import CallbackWork, FileRef, LoadReport, LoadWork, PythonWork, RenderReport, RenderWork
from tradewind.worker import attempt, callback, loading, render

T = TypeVar("T")
LOGICAL = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@dataclass(frozen=True)
class Told:
    """What a child told: its answer, its output, and the files that its code left in `folder`."""

    answer: bytes
    output: str


class DagFile:
    """One DAG file in a bundle of its own."""

    def __init__(self, root: pathlib.Path, source: str, *, name: str = "one.py", meaning: str = "3") -> None:
        self.root = root / "bundle"
        self.root.mkdir()
        self.write(name, source)
        self.ref = FileRef(root=str(self.root), file=name, meaning=meaning)
        self.output = ""
        self.asked = Asked()

    def write(self, name: str, text: str) -> None:
        """Put a file into the bundle."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")

    def named(self, name: str, *, meaning: str | None = "3") -> DagFile:
        """Another file of the same bundle, by its name."""
        self.ref = FileRef(root=str(self.root), file=name, meaning=meaning)
        return self

    def load(self, *, seconds: float = 15) -> LoadReport:
        """Its report."""
        work = LoadWork(file=self.ref, timeout_seconds=seconds)
        return self._in_child(lambda: loading.load(work, self._supervisor()).report, LoadReport)

    def run(
        self,
        task_id: str = "t",
        *,
        map_index: int = -1,
        map_length: int | None = None,
        try_number: int = 1,
        conf: dict[str, Any] | None = None,
        row: dict[str, Any] | None = None,
        **fields: Any,
    ) -> Result:
        """How one attempt ends."""
        work = PythonWork(
            attempt_id="a" * 32,
            file=self.ref,
            run=self._run(conf),
            task=rows.task(1, task_id, map_index=map_index, try_number=try_number, **(row or {})),
            map_length=map_length,
            **fields,
        )
        return self._in_child(lambda: attempt.run(self._loaded(), work, self._supervisor()), Result)

    def render(
        self, task_id: str = "t", *, map_index: int = -1, seconds: float = 15, pod: dict[str, Any] | None = None
    ) -> RenderReport:
        """Its rendered fields, or what its hook made of a pod."""
        task = rows.task(1, task_id, map_index=map_index, try_number=1)
        work = RenderWork(file=self.ref, run=self._run(None), task=task, timeout_seconds=seconds, pod=pod)
        return self._in_child(lambda: render.render(self._loaded(), work, self._supervisor()), RenderReport)

    def call_back(
        self, which: str, task_id: str | None = None, reason: str = "", deadlines: tuple[int, ...] = ()
    ) -> Problem | None:
        """What went wrong in a callback."""
        task = None if task_id is None else rows.task(1, task_id, try_number=1)
        run = msgspec.structs.replace(self._run(None), deadlines=(LOGICAL,) * 5)
        work = CallbackWork(file=self.ref, run=run, which=which, task=task, reason=reason, deadlines=deadlines)
        kind: Any = Problem | None
        found: Problem | None = self._in_child(lambda: callback.run(self._loaded(), work, self._supervisor()), kind)
        return found

    def _run(self, conf: dict[str, Any] | None) -> Any:
        return rows.run(
            1, logical_date=LOGICAL, interval_start=LOGICAL, interval_end=LOGICAL, run_after=LOGICAL, conf=conf or {},
            meaning=self.ref.meaning or "3",
        )  # fmt: skip

    def _loaded(self) -> loading.LoadedFile:
        return loading.load(LoadWork(file=self.ref), self._supervisor())

    def _supervisor(self) -> Any:
        return self.asked

    def _in_child(self, body: Callable[[], Any], kind: type[T]) -> T:
        told = in_child(lambda: msgspec.msgpack.encode(body()), self.root.parent / "output")
        self.output = told.output
        assert told.answer, f"the child ended without an answer:\n{told.output}"
        return msgspec.msgpack.decode(told.answer, type=kind)


def in_child(body: Callable[[], bytes], output: pathlib.Path) -> Told:
    """Run the body in a fork, its descriptors 1 and 2 going to a file."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of the test runner, which the child never sees
        child = os.fork()
    if child == 0:
        _be_child(body, output, writing)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as stream:
            answer = stream.read()
    finally:
        os.kill(child, signal.SIGKILL)  # it is over, or the test was interrupted
        os.waitpid(child, 0)
    return Told(answer=answer, output=output.read_text(encoding="utf-8", errors="replace"))


def _be_child(body: Callable[[], bytes], output: pathlib.Path, writing: int) -> None:
    try:
        with output.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        answer = body()
        with os.fdopen(writing, "wb") as stream:
            stream.write(answer)
    except BaseException:  # noqa: BLE001 - nothing of the test runner may run in here
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(0)
