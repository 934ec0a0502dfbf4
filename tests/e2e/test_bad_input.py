"""Bad input: each gets an error with the object, the reason and a hint, before anything starts, and exit code 2."""

from __future__ import annotations

import pathlib
import textwrap
import time

import pytest

from tests.support import server

HEAD = "from airflow.sdk import DAG, task\nfrom airflow.providers.standard.operators.empty import EmptyOperator\n"
BROKEN = {
    "a syntax error": ("from airflow.sdk import dag\ndef (:\n", ["SyntaxError", "line 2"]),
    "a module that is not there": ("from airflow.sdk import dag\nimport pandaz_of_nowhere\n", ["pandaz_of_nowhere"]),
    "a name that airflow does not have": ("from airflow.sdk import DAGG\n", ["DAGG", "DAG"]),
    "an exception while loading": (HEAD + "raise ValueError('the table is missing')\n", ["the table is missing"]),
    "os._exit while loading": (HEAD + "import os\nos._exit(3)\n", ["3"]),
    "a crash while loading": (HEAD + "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", ["SIGSEGV"]),
    "two tasks with one id": (
        HEAD + "with DAG('x'):\n    EmptyOperator(task_id='a')\n    EmptyOperator(task_id='a')\n",
        ["'a'"],
    ),
    "a cycle": (
        HEAD + "with DAG('x'):\n    a = EmptyOperator(task_id='a')\n    b = EmptyOperator(task_id='b')\n"
        "    a >> b\n    b >> a\n",
        ["cycle", "a", "b"],
    ),
    "a bad cron": (HEAD + "with DAG('x', schedule='61 * * * *'):\n    EmptyOperator(task_id='a')\n", ["61 * * * *"]),
    "a wrong type of parameter": (
        HEAD + "with DAG('x', max_active_runs='many'):\n    EmptyOperator(task_id='a')\n",
        ["max_active_runs"],
    ),
    "an argument nobody knows": (HEAD + "with DAG('x'):\n    EmptyOperator(task_id='a', colour=3)\n", ["colour"]),
    "no DAG at all": ("from airflow.sdk import dag\n", ["defines no DAG"]),
}


@pytest.mark.parametrize("case", BROKEN, ids=list(BROKEN))
def test_a_broken_file_is_told_with_reason_and_hint(case: str, tmp_path: pathlib.Path) -> None:
    text, says = BROKEN[case]
    file = tmp_path / "broken.py"
    file.write_text(text)
    done = server.tradewind("run", str(file), check=False)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "hint:" in done.stderr
    for part in says:
        assert part in done.stderr
    assert "tradewind/cli" not in done.stderr, "our own frames are not the author's business"


def test_an_import_that_never_ends_is_cut_and_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / "tradewind.toml").write_text("[dags]\nparse_timeout_seconds = 1\n")
    file = tmp_path / "slow.py"
    file.write_text(HEAD + "import time\ntime.sleep(600)\n")
    begun = time.monotonic()
    done = server.tradewind("run", str(file), check=False)
    assert done.returncode == 2
    assert "1 s" in done.stderr
    assert "hint:" in done.stderr
    assert time.monotonic() - begun < 60, "a limit of one second is not one of minutes"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--conf", "{"], "--conf"),
        (["--conf", "[1]"], "JSON object"),
        (["--logical-date", "yesterday"], "--logical-date"),
        (["--dag-id", "nope"], "good"),
        (["--output", "xml"], "--output"),
        (["--runtime", "docker"], "--runtime"),
    ],
)
def test_a_bad_option_is_told_with_what_would_do(arguments: list[str], says: str, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "good.py"
    file.write_text(HEAD + "with DAG('good'):\n    EmptyOperator(task_id='a')\n")
    done = server.tradewind("run", str(file), *arguments, check=False)
    assert done.returncode == 2
    assert says in done.stderr
    assert "hint:" in done.stderr


@pytest.mark.parametrize("name", ["missing.py", "."])
def test_a_path_that_is_no_file_is_told(name: str, tmp_path: pathlib.Path) -> None:
    done = server.tradewind("run", str(tmp_path / name), check=False)
    assert done.returncode == 2
    assert "hint:" in done.stderr


def test_a_file_with_several_dags_wants_a_choice(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "two.py"
    file.write_text(
        HEAD + "for n in 'ab':\n    with DAG(n) as d:\n        EmptyOperator(task_id='t')\n    globals()[n] = d\n"
    )
    assert "--dag-id" in server.tradewind("run", str(file), check=False).stderr
    assert server.tradewind("run", str(file), "--dag-id", "b").returncode == 0


BODIES = {
    "an unserialisable value": ("return object()", "serial"),
    "a value of 100 MB": ("return 'x' * (100 << 20)", "MiB"),
    "a body that ends its process": ("import os; os._exit(7)", "7"),
    "a body killed by a signal": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "a body that raises": ("raise RuntimeError('the lake is dry')", "the lake is dry"),
}


@pytest.mark.parametrize("case", BODIES, ids=list(BODIES))
def test_a_body_that_fails_says_why_in_its_verdict(case: str, tmp_path: pathlib.Path) -> None:
    import json

    body, says = BODIES[case]
    file = tmp_path / "bad.py"
    file.write_text(
        HEAD
        + textwrap.dedent(
            f"""
            with DAG('bad'):
                @task
                def broken():
                    {body}
                broken()
            """
        )
    )
    done = server.tradewind("run", str(file), "--output", "json", check=False)
    assert done.returncode == 1, done.stderr
    (told,) = json.loads(done.stdout)["tasks"]
    assert told["state"] == "failed"
    assert says in told["verdict"]


def test_a_file_that_leaves_a_thread_behind_is_loaded_for_each_attempt(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "threads.py"
    file.write_text(
        HEAD
        + textwrap.dedent(
            """
            import threading, time
            threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
            with DAG('threads'):
                @task
                def body():
                    assert threading.active_count() >= 2
                    return 1
                body()
            """
        )
    )
    assert server.tradewind("run", str(file)).returncode == 0
