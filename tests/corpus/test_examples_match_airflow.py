"""Files of the Airflow wheels end here as they end in Airflow: the same task states, tries and XComs, DAG by DAG.

Airflow's side is `dag.test()`. It differs from Airflow's scheduler: it makes one run for a logical date of now whatever
the schedule says; tasks run one after another in one process, so no timeout of a process and no heartbeat shows; pools
and limits are not looked at; deferred tasks run their trigger in line. One run of these files shows none of that.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.corpus import oracle

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(360)]

FILES = (
    "tutorial",
    "tutorial_dag",
    "tutorial_taskflow_api",
    "example_complex",
    "example_branch_labels",
    "example_xcom",
    "example_xcomargs",
    "example_dynamic_task_mapping",
    "example_setup_teardown",
    "example_setup_teardown_taskflow",
    "example_task_group",
    "example_task_group_decorator",
    "example_nested_branch_dag",
    "example_short_circuit_decorator",
    "example_skip_dag",
    "example_failed_dag",
    "example_simplest_dag",
    "example_display_name",
    "example_latest_only",
    "example_latest_only_with_trigger",
)
# XComs that hold the wall clock: (task, key) by DAG. The logical date is no such thing: both sides get the same one.
OF_THE_CLOCK = {"tutorial": {("print_date", "return_value")}}
COMMAND = (str(Path(sys.executable).with_name("tradewind")), "run")
EXIT_CODES = {"success": 0, "failed": 1}


def run_here(path: Path, dag_id: str, logical_date: str, folder: Path) -> tuple[int, dict[str, Any], str]:
    """Run one DAG of the file with our command; return its exit code, its report and what it said on stderr."""
    alone = folder / "dags" / path.name  # as Airflow gets it: without the plugins that lie beside the examples
    alone.parent.mkdir(exist_ok=True)
    shutil.copy(path, alone)
    options = ["--dag-id", dag_id, "--logical-date", logical_date, "--output", "json", "--with-xcom"]
    command = [*COMMAND, str(alone), *options]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert ran.stdout, f"nothing on stdout, exit {ran.returncode}, stderr:\n{ran.stderr[-4000:]}"
    report: dict[str, Any] = json.loads(ran.stdout)
    return ran.returncode, report, ran.stderr


def states(tasks: list[dict[str, Any]]) -> dict[str, tuple[str | None, int]]:
    """Task instances by name, with what both sides must agree on: the final state and the number of tries."""
    return {f"{t['task_id']}[{t['map_index']}]": (t["state"], t["try_number"]) for t in tasks}


def values(xcom: dict[str, dict[str, Any]], dag_id: str) -> dict[str, Any]:
    """XComs by "TASK.KEY", without the wall clock's and without those in which Airflow notes choices and links."""
    skipped = OF_THE_CLOCK.get(dag_id, set())
    return {
        f"{task}.{key}": read(value)
        for task, keys in xcom.items()
        for key, value in keys.items()
        if (task, key) not in skipped and key != "skipmixin_key" and not key.startswith("_link_")
    }


def read(value: Any) -> Any:
    """A text that is JSON, as its value: Airflow's column does not tell the text "1" from the number, so nor do we."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return json.loads(value)
    return value


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_the_wheels_ends_as_in_airflow(name: str, tmp_path: Path, record_property: Any) -> None:
    path = oracle.example(name)
    theirs = oracle.states_of(path)
    assert theirs, f"Airflow found no DAG in {path}"
    record_property("dags", len(theirs))
    record_property("tasks", sum(len(dag["tasks"]) for dag in theirs.values()))

    for dag_id, expected in theirs.items():
        code, ours, said = run_here(path, dag_id, expected["logical_date"], tmp_path)
        assert states(ours["tasks"]) == states(expected["tasks"]), said[-3000:]
        assert ours["state"] == expected["state"]
        assert code == EXIT_CODES[expected["state"]]
        assert values(ours["xcom"], dag_id) == values(expected["xcom"], dag_id)
