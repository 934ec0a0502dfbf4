"""The fixtures `load_dags` and `run_dag`, in a test suite as a user has it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest_plugins = ("pytester",)

DAGS = """
from datetime import date
from airflow.sdk import DAG, Variable, task

with DAG("etl", schedule=None):
    @task
    def some(dag_run, ds):
        return [int(dag_run.conf["day"]), date.fromisoformat(ds).year]

    @task
    def double(n):
        if n < 0:
            raise ValueError("below zero")
        return {2 * n}

    double.expand(n=some())
"""
TESTS = """
import asyncio, gc, sys

def test_they_load(load_dags):
    found = load_dags("dags")
    found.assert_loaded()
    assert [task.task_id for task in found.dags["etl"].tasks] == ["some", "double"]

def test_it_runs(run_dag):
    run = run_dag("dags/etl.py", dag_id="etl", conf={"day": 3}, logical_date="2026-02-03")
    assert (run.state, run.dag_id) == ("success", "etl")
    assert run.states == {"some": "success", "double[0]": "success", "double[1]": "success"}
    assert run.xcoms["some"] == {"return_value": [3, 2026]}
    assert run.returned("double[0]") == {6}

def test_a_failure_is_told(run_dag):
    run = run_dag("dags/etl.py", conf={"day": -3})
    assert (run.state, run.states["double[0]"]) == ("failed", "failed")
    assert "below zero" in run.verdicts["double[0]"]

def test_it_reads_variables(load_dags, monkeypatch, tmp_path):
    file = tmp_path / "one.py"
    file.write_text("from airflow.sdk import DAG, Variable\\ndag = DAG(Variable.get('name'))")
    monkeypatch.setenv("AIRFLOW_VAR_NAME", "given")
    assert list(load_dags(file).dags) == ["given"]

def test_it_loads_while_a_loop_runs(load_dags):
    async def load():
        return load_dags("dags/etl.py")

    before = gc.get_threshold(), gc.get_freeze_count()
    asyncio.run(load()).assert_loaded(allow_opaque=False)
    assert (gc.get_threshold(), gc.get_freeze_count()) == before

def test_this_process_knows_no_dag_code():
    assert not [name for name in sys.modules if name.split(".")[0] == "airflow"]
"""
BROKEN = """
def test_broken(load_dags):
    load_dags("broken.py").assert_loaded()

def test_nowhere(run_dag):
    run_dag("nowhere.py")

def test_too_long(run_dag):
    run_dag("slow.py", timeout=0.1)
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """An empty one, which gets none of what is said to our own tests."""
    for name in [one for one in os.environ if one.startswith("TRADEWIND_TEST_")]:
        monkeypatch.delenv(name)
    return pytester


def test_a_users_suite_loads_and_runs_dags(suite: pytest.Pytester) -> None:
    suite.mkdir("dags").joinpath("etl.py").write_text(DAGS)
    suite.makepyfile(TESTS)
    done = suite.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider")
    done.assert_outcomes(passed=6)


def test_what_is_wrong_fails_the_users_test_with_its_reason_and_hint(suite: pytest.Pytester) -> None:
    suite.path.joinpath("broken.py").write_text("from airflow.sdk import DAG\nfrom airflow.sdk import tsk\n")
    suite.path.joinpath("slow.py").write_text("from airflow.sdk import DAG\nimport time\ntime.sleep(3600)\n")
    suite.makepyfile(BROKEN)
    done = suite.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider")
    done.assert_outcomes(failed=3)
    done.stdout.fnmatch_lines(
        [
            "DAG files have problems:",
            "broken.py line 2: *cannot import name 'tsk'*",
            "*hint: is 'task' meant?*",
            "*nowhere.py: no such file",
            "hint: check the path",
            "the run of slow.py took longer than 0.1 s and was ended*",
        ]
    )


def test_a_suite_that_uses_no_fixture_pays_nothing() -> None:
    program = """
import sys, pytest
before = set(sys.modules)
import tradewind.trial.pytest_plugin
print(*sorted(name for name in set(sys.modules) - before if name.split(".")[0] != "tradewind"))
print(*sorted(name for name in sys.modules if name.split(".")[0] == "tradewind"))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    others, ours = done.stdout.splitlines()
    assert ours.split() == ["tradewind", "tradewind.trial", "tradewind.trial.pytest_plugin"]
    assert not {name.split(".")[0] for name in others.split()} - sys.stdlib_module_names
