"""`tradewind run` and `standalone`, from outside."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import subprocess
import textwrap
import time

import pytest

from tests.support import server

ETL = """
import logging, sys
from airflow.sdk import DAG, task
from airflow.providers.standard.operators.bash import BashOperator

with DAG("etl", params={"factor": 2}):
    @task
    def extract(params):
        print("to stdout")
        print("to stderr", file=sys.stderr)
        logging.getLogger(__name__).info("to the log")
        return [1, 2, 3]

    @task(retries=1, retry_delay=0)
    def double(n, ti, params):
        if n == 2 and ti.try_number == 1:
            raise RuntimeError("not yet")
        return n * params["factor"]

    @task
    def total(values):
        return sum(values)

    total(double.expand(n=extract())) >> BashOperator(
        task_id="say", bash_command="echo {{ dag.dag_id }} {{ ds_nodash }}"
    )
"""


@pytest.fixture
def etl(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "dags").mkdir()
    file = tmp_path / "dags" / "etl.py"
    file.write_text(ETL)
    return file


def test_run_prints_one_json_object_and_nothing_else_on_stdout(etl: pathlib.Path) -> None:
    done = server.tradewind(
        "run", str(etl), "--output", "json", "--with-xcom", "--conf", '{"factor": 10}', "--logical-date", "2026-01-31"
    )
    told = json.loads(done.stdout)
    assert (told["dag_id"], told["state"]) == ("etl", "success")
    assert told["logical_date"].startswith("2026-01-31T00:00:00")
    states = {(one["task_id"], one["map_index"]): (one["state"], one["try_number"]) for one in told["tasks"]}
    assert states[("double", 0)] == ("success", 1)
    assert states[("double", 1)] == ("success", 2)
    assert told["xcom"]["total"]["return_value"] == 60
    assert told["xcom"]["double[2]"]["return_value"] == 30
    assert told["xcom"]["say"]["return_value"] == "etl 20260131"
    assert set(told["tasks"][0]) == {
        "task_id", "map_index", "state", "try_number", "start_date", "end_date", "verdict",
    }  # fmt: skip


OTHERS = """
from airflow.sdk import DAG, get_current_context, task
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator

with DAG("first"):
    TriggerDagRunOperator(task_id="trigger", trigger_dag_id="second", trigger_run_id="by_first")

with DAG("shown"):
    @task
    def show():
        print(get_current_context())

    show()
"""


def test_a_run_triggers_a_dag_of_another_file_beside_it(tmp_path: pathlib.Path) -> None:
    (tmp_path / "one.py").write_text(OTHERS)
    (tmp_path / "two.py").write_text('from airflow.sdk import DAG\n\ndag = DAG("second")\n')
    home = str(tmp_path / "home")
    server.tradewind("run", str(tmp_path / "one.py"), "--dag-id", "first", "--home", home)
    runs = json.loads(server.tradewind("runs", "list", "second", "--home", home, "--output", "json").stdout)
    assert [one["run_id"] for one in runs] == ["by_first"]


def test_a_task_prints_its_whole_context(tmp_path: pathlib.Path) -> None:
    (tmp_path / "one.py").write_text(OTHERS)
    done = server.tradewind("run", str(tmp_path / "one.py"), "--dag-id", "shown", "--output", "json")
    assert json.loads(done.stdout)["state"] == "success"


def test_stdout_stderr_and_logging_reach_the_log_in_order(etl: pathlib.Path, tmp_path: pathlib.Path) -> None:
    home = tmp_path / "home"
    server.tradewind("run", str(etl), "--home", str(home))
    log = server.tradewind("tasks", "logs", "etl", "latest", "extract", "--home", str(home), "--no-timestamps").stdout
    places = [log.index(text) for text in ("to stdout", "to stderr", "to the log")]
    assert places == sorted(places)


def test_a_run_without_a_home_leaves_no_process_and_no_folder(etl: pathlib.Path, tmp_path: pathlib.Path) -> None:
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    done = subprocess.run(
        [*server.COMMAND, "run", str(etl)],
        env={**os.environ, "TMPDIR": str(scratch)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert list(scratch.iterdir()) == []


def test_a_home_beside_the_dag_file_is_no_part_of_what_runs_keep(etl: pathlib.Path, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "apart" / "etl.py"
    file.parent.mkdir()
    shutil.copy(etl, file)
    home = file.parent / "home"
    for _ in range(3):
        server.tradewind("run", str(file), "--home", str(home))
        server.tradewind("variables", "set", "name", "value", "--home", str(home))  # a key comes beside the home
    assert (file.parent / "home.key").exists()
    kept = [path for path in (home / "snapshots").rglob("*") if path.is_file() and "blobs" not in path.parts]
    assert [path.name for path in kept] == ["etl.py"], kept


def test_ctrl_c_cancels_the_run_and_leaves_no_process_behind(tmp_path: pathlib.Path) -> None:
    marker = tmp_path / "pid"
    file = tmp_path / "long.py"
    file.write_text(
        textwrap.dedent(
            f"""
            from airflow.sdk import DAG
            from airflow.providers.standard.operators.bash import BashOperator
            with DAG("long"):
                BashOperator(task_id="sleep", bash_command="echo $$ > {marker}; sleep 600")
            """
        )
    )
    running = subprocess.Popen([*server.COMMAND, "run", str(file)], stderr=subprocess.PIPE, start_new_session=True)
    deadline = time.monotonic() + 30
    while not marker.exists() or not marker.read_text().strip():
        assert time.monotonic() < deadline, "the task did not begin"
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=30)
    assert running.returncode == 1, told.decode()
    assert not pathlib.Path(f"/proc/{marker.read_text().strip()}").exists()


def test_a_server_lists_a_new_file_runs_it_and_keeps_the_last_good_version(tmp_path: pathlib.Path) -> None:
    home, dags = tmp_path / "home", tmp_path / "dags"
    dags.mkdir()
    with server.Server(home, dags) as running:
        (dags / "etl.py").write_text(ETL)
        wait_listed(home, "etl")
        running.trigger("etl", "first")
        assert running.wait_run("etl", "first")["state"] == "success"
        (dags / "etl.py").write_text(ETL + "\nraise ValueError('half an edit')\n")
        deadline = time.monotonic() + 20
        while "half an edit" not in server.tradewind("dags", "import-errors", "--home", str(home), check=False).stdout:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        running.trigger("etl", "second")
        assert running.wait_run("etl", "second")["state"] == "success"


def test_a_run_keeps_the_files_it_began_with(tmp_path: pathlib.Path) -> None:
    home, dags = tmp_path / "home", tmp_path / "dags"
    dags.mkdir()
    (dags / "words.txt").write_text("old")
    (dags / "two.py").write_text(
        textwrap.dedent(
            f"""
            import pathlib, time
            from airflow.sdk import DAG, task
            here = pathlib.Path(__file__).parent
            with DAG("two"):
                @task
                def first():
                    pathlib.Path({str(tmp_path / "begun")!r}).touch()
                    while not pathlib.Path({str(tmp_path / "go")!r}).exists():
                        time.sleep(0.02)
                @task
                def second():
                    return (here / "words.txt").read_text()
                first() >> second()
            """
        )
    )
    with server.Server(home, dags) as running:
        running.trigger("two", "r")
        deadline = time.monotonic() + 20
        while not (tmp_path / "begun").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (dags / "words.txt").write_text("new")
        (dags / "two.py").unlink()
        (tmp_path / "go").touch()
        assert running.wait_run("two", "r")["state"] == "success"
        assert running.run("two", "r", "--with-xcom")["xcom"]["second"]["return_value"] == "old"


def test_a_second_server_on_one_home_is_refused_and_names_the_first(tmp_path: pathlib.Path) -> None:
    (tmp_path / "dags").mkdir()
    with server.Server(tmp_path / "home", tmp_path / "dags") as running:
        done = server.tradewind(
            "standalone", "--home", str(tmp_path / "home"), "--dags", str(tmp_path / "dags"), check=False
        )
        assert done.returncode == 2
        assert running.process is not None
        assert str(running.process.pid) in done.stderr
        assert "hint:" in done.stderr


def wait_listed(home: pathlib.Path, dag_id: str) -> None:
    deadline = time.monotonic() + 20
    while dag_id not in server.tradewind("dags", "list", "--home", str(home)).stdout:
        assert time.monotonic() < deadline, "the file is not listed"
        time.sleep(0.05)


def test_a_run_makes_no_other_run_of_its_dag_however_many_are_due(tmp_path: pathlib.Path) -> None:
    (tmp_path / "daily.py").write_text(
        textwrap.dedent("""
            from datetime import datetime
            from airflow.models import DAG
            from airflow.operators.bash import BashOperator

            with DAG("daily", schedule="@daily", start_date=datetime(2026, 1, 1), catchup=True):
                BashOperator(task_id="say", bash_command="echo {{ ds }}")
        """)
    )
    home = str(tmp_path / "home")

    server.tradewind("run", str(tmp_path / "daily.py"), "--home", home)
    server.tradewind("dags", "trigger", "daily", "--home", home)

    told = json.loads(server.tradewind("runs", "list", "daily", "--home", home, "--output", "json").stdout)
    assert [run["run_id"].partition("__")[0] for run in told] == ["manual", "manual"]


def test_a_dag_that_was_paused_runs_once_and_is_paused_afterwards(etl: pathlib.Path, tmp_path: pathlib.Path) -> None:
    home = str(tmp_path / "home")
    server.tradewind("run", str(etl), "--home", home)
    server.tradewind("dags", "pause", "etl", "--home", home)
    assert server.tradewind("run", str(etl), "--home", home).returncode == 0
    paused = server.tradewind("dags", "list", "--paused", "--home", home, "--output", "json")
    assert [row["dag_id"] for row in json.loads(paused.stdout)] == ["etl"]
