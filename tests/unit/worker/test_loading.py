"""Loading a DAG file: what it defines, and a problem with object, reason and hint for everything that goes wrong."""

from __future__ import annotations

import pathlib

import pytest

from tests.unit.worker.children import DagFile

_GOOD = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator

with DAG("d", schedule=None):
    EmptyOperator(task_id="t")
"""


def test_a_file_tells_its_dags_its_output_and_what_it_asked_for(tmp_path: pathlib.Path) -> None:
    file = DagFile(
        tmp_path,
        """
        import own_module
        from airflow.sdk import Variable, dag, task

        print("loading", Variable.get("place", "nowhere"))

        @dag(schedule="@daily")
        def by_function():
            @task
            def one(): ...
            one()

        by_function()
        """,
    )
    file.write("own_module.py", "")
    report = file.load()
    assert report.problems == ()
    (spec,) = report.specs
    assert (spec.dag_id, spec.file, spec.meaning, [one.task_id for one in spec.tasks]) == (
        "by_function", "one.py", "3", ["one"],
    )  # fmt: skip
    assert report.output == "loading nowhere\n"
    assert report.variables == ("variable:place",)
    assert "own_module.py" in report.reads
    assert (report.isolated, report.seconds > 0) == (False, True)


def test_dags_that_are_only_values_of_the_module_are_found(tmp_path: pathlib.Path) -> None:
    report = DagFile(tmp_path, 'from airflow.sdk import DAG\none = DAG("one", schedule=None)\n').load()
    assert [spec.dag_id for spec in report.specs] == ["one"]


def test_notes_of_the_file_are_warnings(tmp_path: pathlib.Path) -> None:
    source = _GOOD.replace('task_id="t"', 'task_id="t", task_concurrency=2')
    (warning,) = DagFile(tmp_path, source).load().warnings
    assert "task_concurrency is called max_active_tis_per_dag today" in warning


_BROKEN: list[tuple[str, str, str, str, str, str]] = [
    ("what is no Python", "def broken(:\n", "syntax-error", "file one.py line 1", "def broken(:", "as Python"),
    ("a module with a typing error", "import jsno\n", "module-not-found", "file one.py line 1",
     "No module named 'jsno'", "is 'json' meant?"),
    ("a module that is nowhere", "import zzqqxx\n", "module-not-found", "line 1", "zzqqxx", "install it"),
    ("a name with a typing error", "from airflow.sdk import tsk\n", "import-error", "line 1",
     "cannot import name 'tsk'", "is 'task' meant?"),
    ("a module of Airflow's that is not here", "import airflow.zzz\n", "module-not-found", "line 1",
     "No module named 'airflow.zzz'", "reference page"),
    ("an attribute with a typing error", "import json\n\njson.lods('1')\n", "load-error", "file one.py line 3",
     "lods", "is 'loads' meant?"),
    ("a builtin with a typing error", "pritn('x')\n", "load-error", "line 1", "name 'pritn' is not defined",
     "is 'print' meant?"),
    ("a file that is not there", "open('no.txt')\n", "load-error", "line 1", "no.txt", "__file__"),
    ("an error of its own", "\nraise ValueError('bad data')\n", "load-error", "file one.py line 2",
     "ValueError: bad data", "traceback"),
    ("an exit", "import sys\nsys.exit(3)\n", "exit-while-loading", "line 2", "sys.exit(3)", "only define DAGs"),
    ("a quit without a word", "raise SystemExit\n", "exit-while-loading", "line 1", "sys.exit(None)", "DAGs"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "code", "about", "message", "hint"), [one[1:] for one in _BROKEN], ids=[one[0] for one in _BROKEN]
)
def test_a_file_that_cannot_be_loaded_says_where_and_why(
    tmp_path: pathlib.Path, source: str, code: str, about: str, message: str, hint: str
) -> None:
    report = DagFile(tmp_path, source).load()
    assert report.specs == ()
    (problem,) = report.problems
    assert problem.code == code
    assert about in problem.object
    assert message in problem.message
    assert hint in problem.hint
    assert (problem.file, problem.line > 0) == ("one.py", True)
    assert "tradewind/worker" not in problem.traceback


def test_an_error_in_a_module_of_the_bundle_is_told_there(tmp_path: pathlib.Path) -> None:
    file = DagFile(tmp_path, "import lib.broken\n")
    file.write("lib/broken.py", "\n\n1 / 0\n")
    (problem,) = file.load().problems
    assert (problem.object, problem.file, problem.line) == ("file lib/broken.py line 3", "lib/broken.py", 3)
    assert "ZeroDivisionError" in problem.message


_BAD_DAGS: list[tuple[str, str, str, str, str]] = [
    ("a circle", "a >> b >> a", "DAG 'd'", "a -> b -> a", "take one of these edges away"),
    ("a bad cron", "d.schedule = '61 * * * *'", "DAG 'd'", "61", ""),
    ("a wrong default of a parameter", "d.schedule = '@daily'; d.params['n'] = Param('x', type='integer')",
     "param 'n'", "must be a whole number, got str: 'x'", "Param("),
    ("an unknown dependency", "d.set_dependency('a', 'missing')", "file one.py line", "no task 'missing'",
     "begins with the group's"),
    ("a dependency with a typing error", "EmptyOperator(task_id='extract', dag=d); d.set_dependency('a', 'exctract')",
     "file one.py line", "no task 'exctract'", "is 'extract' meant?"),
    ("a Variable that is not there", "from airflow.sdk import Variable; Variable.get('none')",
     "file one.py line", "there is no Variable 'none'", "AIRFLOW_VAR_NONE"),
    ("a second task of one id", "EmptyOperator(task_id='a', dag=d)", "task 'a' of DAG 'd'", "already", "unique"),
    ("a wrong type", "EmptyOperator(task_id='c', dag=d, retries='many')", "task 'c'", "whole number", "quotes"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "about", "message", "hint"), [one[1:] for one in _BAD_DAGS], ids=[one[0] for one in _BAD_DAGS]
)
def test_a_dag_that_cannot_be_taken_says_which_object(
    tmp_path: pathlib.Path, line: str, about: str, message: str, hint: str
) -> None:
    source = (
        "from airflow.sdk import DAG, Param\n"
        "from airflow.providers.standard.operators.empty import EmptyOperator\n"
        "d = DAG('d', schedule=None)\n"
        "a, b = EmptyOperator(task_id='a', dag=d), EmptyOperator(task_id='b', dag=d)\n"
        f"{line}\n"
    )
    report = DagFile(tmp_path, source).load()
    (problem,) = report.problems
    assert report.specs == ()
    assert about in problem.object
    assert message in problem.message
    assert hint in problem.hint
    assert problem.file == "one.py"


def test_a_bad_dag_leaves_the_others_of_its_file(tmp_path: pathlib.Path) -> None:
    report = DagFile(tmp_path, _GOOD + '\nDAG("bad", schedule="@dayly")\nworse = DAG("worse", schedule=5)\n').load()
    assert [spec.dag_id for spec in report.specs] == ["d"]
    assert [problem.object for problem in report.problems] == ["DAG 'worse'"]


def test_two_dags_of_one_name_are_both_refused(tmp_path: pathlib.Path) -> None:
    report = DagFile(tmp_path, _GOOD + '\nother = DAG("d", schedule=None)\nfine = DAG("e", schedule=None)\n').load()
    assert [spec.dag_id for spec in report.specs] == ["e"]
    (problem,) = report.problems
    assert (problem.code, problem.object) == ("duplicate-dag-id", "DAG 'd'")
    assert "its own dag_id" in problem.hint


def test_loading_that_takes_too_long_is_ended_with_the_limit(tmp_path: pathlib.Path) -> None:
    # It imports nothing, which on a busy machine would take that time by itself.
    (problem,) = DagFile(tmp_path, "while True: pass\n").load(seconds=0.2).problems
    assert (problem.code, problem.object) == ("load-timeout", "file one.py line 1")
    assert "longer than 0.2 s" in problem.message
    assert "move it into a task" in problem.hint


@pytest.mark.parametrize(
    "left",
    [
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        "import socket\nkept = socket.socketpair()",
    ],
)
def test_a_file_that_leaves_threads_or_sockets_is_loaded_alone(tmp_path: pathlib.Path, left: str) -> None:
    report = DagFile(tmp_path, f"{_GOOD}\n{left}\n").load()
    assert (report.isolated, [spec.dag_id for spec in report.specs]) == (True, ["d"])


def test_a_file_cannot_hide_modules_of_another_by_its_name(tmp_path: pathlib.Path) -> None:
    file = DagFile(tmp_path, "import json\nassert json.loads('1') == 1\n" + _GOOD, name="json.py")
    assert file.load().problems == ()


def test_a_bundle_cannot_hide_airflow(tmp_path: pathlib.Path) -> None:
    file = DagFile(tmp_path, _GOOD)
    file.write("airflow/__init__.py", "raise RuntimeError('hidden')")
    assert file.load().problems == ()


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("import airflow.operatorz", "is 'airflow.operators' meant?"),
        ("from airflow.operators.bash import BashOperatr", "is 'BashOperator' meant? "),
        ("from airflow.models import TaskGroup", "TaskGroup is in airflow.sdk; "),
        ("from airflow.operators.bash import OracleOperator", "imported from its provider loads as an opaque task"),
        ("from airflow.models import nothing_at_all", "the reference page of Airflow's names lists what is there"),
    ],
)
def test_a_name_of_airflow_that_is_not_here_says_what_is_near(tmp_path: pathlib.Path, line: str, hint: str) -> None:
    (problem,) = DagFile(tmp_path, line).load().problems
    assert hint in problem.hint


def test_a_provider_that_only_a_task_imports_is_told_to_be_absent_when_the_file_loads(tmp_path: pathlib.Path) -> None:
    source = """
        from airflow.sdk import DAG, task

        with DAG("d"):
            @task
            def copy():
                from airflow.providers.amazon.aws.hooks.s3 import S3Hook
                from airflow.providers.standard.hooks.subprocess import SubprocessHook
                return S3Hook("x").list_keys("y")
            copy()
        """
    ((warning,),) = [spec.warnings for spec in DagFile(tmp_path, source).load().specs]
    assert warning.startswith("airflow.providers.amazon.aws.hooks.s3 is imported")
    assert "install apache-airflow-providers-amazon" in warning


def test_a_bundle_that_is_a_whole_airflow_home_finds_modules_beside_its_dags_and_in_its_plugins(
    tmp_path: pathlib.Path,
) -> None:
    imports = "from airflow import DAG\nfrom dags import NAME\nfrom names.more import MORE\n"
    source = f"{imports}d = DAG(NAME + MORE, schedule=None)\n"
    file = DagFile(tmp_path, source, name="dags/one.py")
    file.write("dags/dags.py", "NAME = 'one'\n")
    file.write("plugins/names/more.py", "MORE = '_more'\n")
    report = file.load()
    assert report.problems == ()
    assert [spec.dag_id for spec in report.specs] == ["one_more"]
