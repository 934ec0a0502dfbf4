"""Files of the Airflow wheels end here as they end in Airflow: the same task states, tries and XComs, DAG by DAG.

Airflow's side is `dag.test()`. It differs from Airflow's scheduler: it makes one run for a logical date of now whatever
the schedule says; tasks run one after another in one process, so no timeout of a process and no heartbeat shows; pools
and limits are not looked at; deferred tasks run their trigger in line. One run of these files shows none of that.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.corpus import example_cases, oracle
from tests.corpus.example_cases import EXCLUDED, PLAIN, RUN, Case
from tests.corpus.oracle_states import HOME

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(1000)]

COMMAND = (str(Path(sys.executable).with_name("tradewind")), "run")
EXIT_CODES = {"success": 0, "failed": 1}


def run_here(
    path: Path, dag_id: str, logical_date: str, folder: Path, case: Case = PLAIN
) -> tuple[int, dict[str, Any], str]:
    """Run one DAG of the file with our command; return its exit code, its report and what it said on stderr."""
    dags = folder / "dags"  # as Airflow gets it: without what lies beside the examples, but for what the case names
    dags.mkdir(exist_ok=True)
    for source in (path, *example_cases.beside(path, case)):
        if source.is_dir():
            shutil.copytree(source, dags / source.name, dirs_exist_ok=True)
        else:
            shutil.copy(source, dags)
    options = ["--dag-id", dag_id, "--logical-date", logical_date, "--output", "json", "--with-xcom"]
    if case.conf is not None:
        options += ["--conf", json.dumps(case.conf)]
    command = [*COMMAND, str(dags / path.name), *options]
    environment = {**os.environ, "AIRFLOW_HOME": str(folder)}
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert ran.stdout, f"nothing on stdout, exit {ran.returncode}, stderr:\n{ran.stderr[-4000:]}"
    report: dict[str, Any] = json.loads(ran.stdout.replace(str(folder), HOME))
    return ran.returncode, report, ran.stderr


def states(tasks: list[dict[str, Any]]) -> dict[str, tuple[str | None, int]]:
    """Task instances by name, with what both sides must agree on: the final state and the number of tries."""
    return {f"{t['task_id']}[{t['map_index']}]": (t["state"], t["try_number"]) for t in tasks}


def values(xcom: dict[str, dict[str, Any]], case: Case = PLAIN) -> dict[str, Any]:
    """XComs by "TASK.KEY", without the wall clock's and without those in which Airflow notes choices and links."""
    return {
        f"{task}.{key}": read(value)
        for task, keys in xcom.items()
        for key, value in keys.items()
        if f"{task}.{key}" not in case.of_the_clock and key != "skipmixin_key" and not key.startswith("_link_")
    }


def read(value: Any) -> Any:
    """A text that is JSON, as its value: Airflow's column does not tell the text "1" from the number, so nor do we."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return json.loads(value)
    return value


def test_every_file_of_the_wheels_is_run_or_left_out_for_a_reason() -> None:
    assert not RUN.keys() & EXCLUDED.keys()
    assert sorted([*RUN, *EXCLUDED]) == sorted(oracle.examples())


@pytest.mark.parametrize("name", RUN)
def test_a_file_of_the_wheels_ends_as_in_airflow(name: str, tmp_path: Path, record_property: Any) -> None:
    path, case = oracle.example(name), RUN[name]
    theirs = example_cases.theirs(name)
    assert theirs, f"Airflow found no DAG in {path}"
    record_property("dags", len(theirs))
    record_property("tasks", sum(len(dag["tasks"]) for dag in theirs.values()))

    for dag_id, expected in theirs.items():
        code, ours, said = run_here(path, dag_id, expected["logical_date"], tmp_path, case)
        assert states(ours["tasks"]) == states(expected["tasks"]), said[-3000:]
        assert ours["state"] == expected["state"]
        assert code == EXIT_CODES[expected["state"]]
        assert values(ours["xcom"], case) == values(expected["xcom"], case)
