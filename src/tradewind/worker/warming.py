"""Runs a few attempts of a DAG made up for it, in the process that all others are forked from.

The interpreter writes into code while it learns how to run it, and each page written after a fork is copied. What was
learnt before the fork is shared: it saves a quarter of the page faults of a short attempt, and so of its CPU.
"""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

import msgspec

from tradewind.model.rows import DagRun, TaskInstance
from tradewind.model.states import RunState, RunType, TaskState
from tradewind.protocol.work import FileRef, LoadReport, PythonWork
from tradewind.sdk import registry, spec
from tradewind.sdk.definition import DAG
from tradewind.sdk.task_decorator import task
from tradewind.worker import attempt, output, plugins
from tradewind.worker.loading import LoadedFile

_TIMES = 12
"""The interpreter specialises a function once it was called eight times."""
_AT = datetime(2026, 1, 1, tzinfo=timezone.utc)


class _Nobody:
    """Answers every question with nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def warm() -> None:
    """Run them. Leaves environment, signals and streams as they were."""
    loaded = _loaded()
    plugins.entry_points()
    with _untouched():
        for number in range(_TIMES):
            for task_id, map_index in (("plain", -1), ("mapped", number % 2)):
                sent = msgspec.msgpack.encode(_work(loaded.file, task_id, map_index))
                work = msgspec.msgpack.decode(sent, type=PythonWork)
                msgspec.msgpack.encode(attempt.run_here(loaded, work, _Nobody()))


def _loaded() -> LoadedFile:
    with registry.collecting(), DAG("warming", schedule=None) as dag:

        @task
        def plain(ti: Any = None) -> dict[str, int]:
            logging.getLogger("airflow.task").info("warm")
            return {"try": ti.try_number}

        @task
        def mapped(number: int) -> int:
            return number

        plain() >> mapped.expand(number=[1, 2])
    file = FileRef(root="/", file="warming.py")
    report = LoadReport(specs=(spec.to_spec(dag, file=file.file, meaning="3", meaning_from="setting"),))
    return LoadedFile(file, report, {dag.dag_id: dag})


def _work(file: FileRef, task_id: str, map_index: int) -> PythonWork:
    run: Any = {"run_key": 1, "dag_id": "warming", "run_id": "warming", "version": ""}
    instance: Any = {"run_key": 1, "task_id": task_id, "map_index": map_index, "try_number": 1}
    return PythonWork(
        attempt_id="warming",
        file=file,
        run=DagRun(**run, run_type=RunType.MANUAL, state=RunState.RUNNING, logical_date=_AT, run_after=_AT),
        task=TaskInstance(**instance, state=TaskState.RUNNING),
    )


@contextmanager
def _untouched() -> Iterator[None]:
    environment, streams = dict(os.environ), (sys.stdout, sys.stderr)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
    sys.stdout = sys.stderr = io.StringIO()
    output.prepare_logging()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.environ.clear()
        os.environ.update(environment)
