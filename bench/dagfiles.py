"""The DAG files that both systems run: written for Airflow, the same bytes for both but for ids and the ledger's path.

A task's body writes one line to an append-only ledger when it is entered and one when it returns, stamped by the
machine's monotonic clock, which all processes share. The ledger is the only source of times inside a run: neither
system's own records are trusted.
"""

from __future__ import annotations

from pathlib import Path

_HEAD = """\
import os
import time
from datetime import datetime

from airflow.sdk import dag, get_current_context, task


def note(what, name, when):
    run_id = get_current_context()["run_id"]
    line = f"{{run_id}} {{name}} {{what}} {{when}}\\n".encode()
    descriptor = os.open({ledger!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line)
    os.close(descriptor)
"""

_CHAIN = """

@dag(dag_id={dag_id!r}, schedule=None, start_date=datetime(2026, 1, 1), catchup=False)
def chain():
    previous = None
    for number in range({length}):

        @task(task_id=f"t{{number}}")
        def step(name=f"t{{number}}"):
            entered = time.monotonic_ns()
            note("in", name, entered)
            note("out", name, time.monotonic_ns())

        current = step()
        if previous is not None:
            previous >> current
        previous = current


chain()
"""

_WIDE = """

@dag(
    dag_id={dag_id!r}, schedule=None, start_date=datetime(2026, 1, 1), catchup=False,
    max_active_tasks={tasks},
)
def wide():
    @task
    def noop(name):
        note("in", name, time.monotonic_ns())
        note("out", name, time.monotonic_ns())

    for number in range({tasks}):
        noop.override(task_id=f"t{{number}}")(f"t{{number}}")


wide()
"""


def chain(dag_id: str, ledger: Path, length: int = 10) -> str:
    """Tasks one after another."""
    return (_HEAD + _CHAIN).format(dag_id=dag_id, ledger=str(ledger), length=length)


def wide(dag_id: str, ledger: Path, tasks: int) -> str:
    """Independent tasks, all runnable at once."""
    return (_HEAD + _WIDE).format(dag_id=dag_id, ledger=str(ledger), tasks=tasks)
