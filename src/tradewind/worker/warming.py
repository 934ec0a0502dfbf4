"""Loads a file and runs a few attempts, of DAGs made up for it, in the process that all others are forked from.

The interpreter writes into code while it learns how to run it, and each page written after a fork is copied. What was
learnt before the fork is shared: it saves a quarter of the page faults of a short attempt, and so of its CPU. What an
import finds out about the folders of the path is shared likewise.
"""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from typing import Any

import msgspec

from tradewind import compat
from tradewind.model.rows import DagRun, TaskInstance
from tradewind.model.states import RunState, RunType, TaskState
from tradewind.protocol.work import FileRef, LoadReport, PythonWork
from tradewind.sdk import registry, spec
from tradewind.sdk.definition import DAG
from tradewind.sdk.task_decorator import task
from tradewind.worker import attempt, loading, output, plugins
from tradewind.worker.loading import LoadedFile

_TIMES = 12
"""The interpreter specialises a function once it was called eight times."""
_AT = datetime(2026, 1, 1, tzinfo=timezone.utc)


_DAG_FILE = """
from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.operators.empty import EmptyOperator
from airflow.sdk import dag, task, task_group

with DAG("operators", schedule="@daily", start_date=datetime(2026, 1, 1), default_args={"retries": 1}) as operators:
    [EmptyOperator(task_id=f"t{number}") for number in range(2)] >> BashOperator(
        task_id="bash", bash_command="echo {{ ds }}", retry_delay=timedelta(minutes=1)
    )


@dag(schedule=None, start_date=datetime(2026, 1, 1), catchup=False, tags=["warming"])
def taskflow():
    @task
    def first(value: int = 1) -> dict[str, int]:
        return {"value": value}

    @task(multiple_outputs=True, trigger_rule="all_done")
    def second(found):
        return found

    @task_group
    def group(value):
        return second(value)

    group(first()) >> first.override(task_id="third").partial().expand(value=[1, 2])


taskflow()
"""


class _Nobody:
    """Answers every question with nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def warm() -> None:
    """Run them. Leaves environment, signals and streams as they were."""
    loaded = _loaded()
    plugins.entry_points()
    with _untouched():
        with suppress(OSError):  # a full disk: files are loaded all the same, and slower
            _load_files()
        for number in range(_TIMES):
            for task_id, map_index in (("plain", -1), ("mapped", number % 2)):
                sent = msgspec.msgpack.encode(_work(loaded.file, task_id, map_index))
                work = msgspec.msgpack.decode(sent, type=PythonWork)
                msgspec.msgpack.encode(attempt.run_here(loaded, work, _Nobody()))


def _load_files() -> None:
    """As a file is loaded, without the plugins of this site: they are the files' own business."""
    with tempfile.TemporaryDirectory() as folder:
        file = FileRef(root=folder, file="warming.py")
        path = os.path.join(folder, file.file)
        with open(path, "w", encoding="utf-8") as draft:
            draft.write(_DAG_FILE)
        loading.open_paths(file)
        for _ in range(_TIMES):
            meaning, meaning_from = compat.detect(path)
            with registry.collecting(meaning) as found:
                loading.execute(path, file)
                for dag in found.dags:
                    spec.to_spec(dag, file=file.file, meaning=meaning, meaning_from=meaning_from)


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
    environment, streams, path = dict(os.environ), (sys.stdout, sys.stderr), list(sys.path)
    modules, finders, writes_bytecode = set(sys.modules), list(sys.meta_path), sys.dont_write_bytecode
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
    sys.stdout = sys.stderr = io.StringIO()
    output.prepare_logging()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        sys.path[:] = path
        sys.dont_write_bytecode = writes_bytecode
        sys.meta_path[:] = finders
        for name in set(sys.modules) - modules:
            if name.partition(".")[0] == "airflow" or name.startswith(loading.MODULE_PREFIX):
                del sys.modules[name]  # which Airflow a file means, each file tells for itself
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.environ.clear()
        os.environ.update(environment)
