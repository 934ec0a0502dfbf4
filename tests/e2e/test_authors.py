"""`tradewind lint`, `tradewind test` and `tradewind python`, as who writes DAG files calls them."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import textwrap
from typing import Any

import pytest

from tests.support import server

FILES = {
    "native.py": """
        from airflow.sdk import DAG, task
        with DAG("first", schedule="@daily"):
            task(lambda: 1, task_id="one")()
        print("said while it loads")
        """,
    "old.py": """
        from airflow.models import DAG
        from airflow.operators.dummy_operator import DummyOperator
        with DAG("old", schedule_interval="@daily") as dag:
            DummyOperator(task_id="one")
        """,
    "opaque.py": """
        from airflow.sdk import DAG
        from airflow.providers.google.cloud.operators.bigquery import BigQueryInsertJobOperator
        with DAG("opaque", schedule=None):
            BigQueryInsertJobOperator(task_id="query", configuration={})
        """,
    "package.py": """
        from airflow.sdk import DAG
        import zz_of_somebody.else_
        """,
    "variable.py": """
        from airflow.sdk import DAG, Variable
        with DAG("in_" + Variable.get("zz_region"), schedule=None):
            pass
        """,
    "misspelt.py": """
        from airflow.sdk import DAG

        with DAG("first_", schedule=None, start_dat=None):
            pass
        """,
    "twice.py": """
        from airflow.sdk import DAG
        with DAG("opaque", schedule=None):
            pass
        """,
    "team/deep.py": """
        from airflow.sdk import DAG
        from team_code.names import NAME
        with DAG(NAME, schedule=None):
            pass
        """,
    "team_code/names.py": "NAME = 'deep'",
    "left_out.py": "from airflow.sdk import DAG; 1 / 0",
    ".airflowignore": "left_out.py",
}


@pytest.fixture
def dags(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "dags"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text))
    return folder


def linted(*arguments: object, code: int) -> dict[str, dict[str, Any]]:
    """What it says of each file, by name."""
    done = server.tradewind("lint", "--output", "json", *map(str, arguments), check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stderr == ""
    return {pathlib.Path(one["path"]).name: one for one in json.loads(done.stdout)["files"]}


def test_lint_of_a_folder_tells_each_file_and_blames_only_what_its_author_can_change(dags: pathlib.Path) -> None:
    found = linted(dags, code=1)
    assert {name: one["loaded"] for name, one in found.items()} == {
        "native.py": "native",
        "old.py": "native",
        "opaque.py": "native-with-opaque",
        "package.py": "environment",
        "variable.py": "environment",
        "misspelt.py": "refused",
        "twice.py": "refused",
        "deep.py": "native",
    }
    assert (found["native.py"]["airflow"], found["native.py"]["airflow_from"]) == ("3", "imports")
    assert (found["old.py"]["airflow"], found["old.py"]["dag_ids"]) == ("2", ["old"])
    assert found["package.py"]["airflow"] == "3"
    (reason,) = found["opaque.py"]["reasons"]
    assert (reason["line"], reason["object"]) == (3, "task opaque.query")
    assert "install apache-airflow-providers-google" in reason["hint"]
    (reason,) = found["misspelt.py"]["reasons"]
    assert reason["line"] == 4
    assert "start_dat" in reason["message"]
    assert [found[name]["reasons"][0]["lacks"] for name in ("package.py", "variable.py")] == [
        "package:zz_of_somebody", "variable:zz_region",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text"),
    [("v.json", '{"zz_region": "north"}'), ("v.yaml", "zz_region: north"), ("v.env", "zz_region=north")],
)
def test_lint_answers_variables_from_a_file_as_import_reads_it(dags: pathlib.Path, name: str, text: str) -> None:
    variables = dags.parent / name
    variables.write_text(text)
    found = linted(dags / "variable.py", "--variables", variables, code=0)
    assert found["variable.py"]["dag_ids"] == ["in_north"]


def test_lint_needs_no_home_and_leaves_nothing(dags: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for name in ("home", "tmp", "here"):
        (tmp_path / name).mkdir()
    before = sorted(dags.rglob("*"))
    environment = {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp"), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [*server.COMMAND, "lint", str(dags)],
        cwd=tmp_path / "here",
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "8 files: 3 native, 1 native-with-opaque, 2 environment, 2 refused" in done.stdout
    assert "lacking here: package:zz_of_somebody (1), variable:zz_region (1)" in done.stdout
    assert [list((tmp_path / name).iterdir()) for name in ("home", "tmp", "here")] == [[], [], []]
    assert sorted(dags.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{}/nowhere"], "no such file"),
        (["{}/team_code"], "holds no DAG file"),
        (["{}/left_out.py"], "is left out by .airflowignore"),
        (["{}", "--variables", "{}/none.json"], "cannot be read"),
        (["{}", "--variables", "{}/.airflowignore"], "has no suffix that tells its format"),
        (["{}/native.py", "--dags", "{}/team"], "is not below"),
        (["{}", "--output", "xml"], "'xml' is not one of text, json"),
    ],
)
def test_lint_that_cannot_look_says_why_with_a_hint(dags: pathlib.Path, arguments: list[str], said: str) -> None:
    done = server.tradewind("lint", *(one.format(dags) for one in arguments), check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "hint: " in done.stderr


def test_lint_takes_several_files_and_tells_them_as_they_were_named(dags: pathlib.Path) -> None:
    found = linted(dags / "native.py", dags / "opaque.py", dags / "native.py", code=0)
    assert [one["path"] for one in found.values()] == [str(dags / "native.py"), str(dags / "opaque.py")]


def test_lint_of_a_file_below_the_folder_that_a_server_has_finds_what_it_imports(dags: pathlib.Path) -> None:
    alone = linted(dags / "team" / "deep.py", code=0)
    assert alone["deep.py"]["loaded"] == "environment"
    found = linted(dags / "team" / "deep.py", dags / "native.py", "--dags", dags, code=0)
    assert [one["loaded"] for one in found.values()] == ["native", "native"]


def test_lint_shows_on_a_terminal_how_far_it_is_and_keeps_it_out_of_the_json(dags: pathlib.Path) -> None:
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [*server.COMMAND, "lint", str(dags), "--output", "json"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**server.environment(), "TERM": "xterm"},
    ) as linting:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal ends whose other side is closed
            while data := os.read(ours, 1 << 16):
                shown += data
        told, _ = linting.communicate(timeout=60)
    os.close(ours)
    assert b"loading" in shown
    assert len(json.loads(told)["files"]) == 8


DEBUGGED = """
import os, sys
from airflow.sdk import DAG, task

with DAG("debugged", schedule=None) as dag:
    @task
    def look(dag_run, ds):
        secret_number = 6 * 7
        breakpoint()
        print("seen", dag_run.conf, ds, os.getpid() == STARTED)
        if dag_run.conf.get("fail"):
            raise ValueError("as asked")

    look()

STARTED = os.getpid()
if __name__ == "__main__":
    print("arguments", sys.argv[1:])
    sys.exit(0 if dag.test(run_conf={"a": 1}).state.value == "success" else 5)
"""


@pytest.mark.parametrize(("conf", "code", "state"), [({"a": 1}, 0, "success"), ({"fail": True}, 1, "failed")])
def test_a_debugger_stops_in_a_body_that_tradewind_test_runs(
    tmp_path: pathlib.Path, conf: dict[str, Any], code: int, state: str
) -> None:
    file = tmp_path / "debugged.py"
    file.write_text(DEBUGGED)
    options = ["--dag-id", "debugged", "--conf", json.dumps(conf), "--logical-date", "2026-01-31"]
    done = debugged("test", str(file), *options)
    assert done.returncode == code, done.stdout + done.stderr
    assert "(Pdb) 42" in done.stdout
    assert f"seen {conf} 2026-01-31 True" in done.stdout
    assert f"{state} in " in done.stdout
    assert "arguments" not in done.stdout


def test_tradewind_python_runs_a_file_as_python_does_with_its_arguments_and_exit_code(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "debugged.py"
    file.write_text(DEBUGGED)
    done = debugged("python", str(file), "--home", "x", "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "arguments ['--home', 'x', '-v']" in done.stdout
    assert "(Pdb) 42" in done.stdout


def debugged(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command with somebody at the debugger."""
    return subprocess.run(
        [*server.COMMAND, *arguments],
        input="p secret_number\nc\n",
        env=server.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["test", "{}/nowhere.py"], "no such file"),
        (["test", "{}/misspelt.py"], "start_dat"),
        (["test", "{}/native.py", "--dag-id", "none"], "DAGs in it: first"),
        (["test", "{}/native.py", "--conf", "["], "not valid JSON"),
        (["python", "{}"], "is a folder"),
    ],
)
def test_what_cannot_begin_is_told_with_a_hint(dags: pathlib.Path, arguments: list[str], said: str) -> None:
    done = server.tradewind(*(one.format(dags) for one in arguments), check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "hint: " in done.stderr
