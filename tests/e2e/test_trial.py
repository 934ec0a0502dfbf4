"""`dag.test()` at the end of a DAG file that is run as a script."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from tests.support import server

SCRIPT = [sys.executable, "-m", "tradewind.compat"]
HEAD = """
import os, time
from datetime import datetime
from airflow.sdk import DAG, dag, task
"""
NUMBERS = """
@dag(schedule=None, start_date=datetime(2026, 1, 1))
def numbers():
    @task
    def some():
        return [1, 2, 3]

    @task(retries=1, retry_delay=0.05)
    def double(n, ti):
        if n == 2 and ti.try_number == 1:
            raise RuntimeError("not yet")
        return 2 * n

    @task
    def total(values, dag_run, ds):
        kept.append((sum(values), os.getpid(), dag_run.conf, ds))

    total(double.expand(n=some()))

kept = []
made = numbers()
if __name__ == "__main__":
    before = dict(os.environ)
    ran = made.test(logical_date=datetime(2026, 2, 3), run_conf={"a": 1})
    assert kept == [(12, os.getpid(), {"a": 1}, "2026-02-03")], kept
    assert dict(os.environ) == before
    print("it ended", ran.state.value, ran.run_id)
"""


def write(folder: pathlib.Path, body: str) -> pathlib.Path:
    """A DAG file."""
    file = folder / "my_dag.py"
    file.write_text(HEAD + textwrap.dedent(body))
    return file


def run(file: pathlib.Path) -> subprocess.CompletedProcess[str]:
    """Run it as a script, to its end."""
    return subprocess.run([*SCRIPT, str(file)], capture_output=True, text=True, timeout=60, check=False)


def test_bodies_run_in_the_script_itself_with_retries_mapping_and_the_conf(tmp_path: pathlib.Path) -> None:
    done = run(write(tmp_path, NUMBERS))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "it ended success manual__2026-02-03" in done.stdout
    assert "RuntimeError: not yet" in done.stdout
    assert [line.split()[1:3] for line in done.stdout.splitlines() if "double[1]" in line][-1] == ["success", "2"]


def test_a_failed_run_is_told_by_its_state_and_the_script_goes_on(tmp_path: pathlib.Path) -> None:
    file = write(
        tmp_path,
        """
        with DAG("breaks") as made:
            @task
            def divide():
                return 1 / 0

            divide()

        if __name__ == "__main__":
            print("it ended", made.test().state.value)
        """,
    )
    done = run(file)
    assert done.returncode == 0, done.stderr
    assert "it ended failed" in done.stdout
    assert "ZeroDivisionError" in done.stdout


def test_a_debugger_stops_in_a_body(tmp_path: pathlib.Path) -> None:
    file = write(
        tmp_path,
        """
        with DAG("stops") as made:
            @task
            def look():
                secret_number = 6 * 7
                breakpoint()
                return secret_number

            look()

        if __name__ == "__main__":
            print("it ended", made.test().state.value)
        """,
    )
    done = subprocess.run(
        [*SCRIPT, str(file)], input="p secret_number\nc\n", capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "(Pdb) 42" in done.stdout
    assert "it ended success" in done.stdout


def test_ctrl_c_in_a_body_ends_all_of_it(tmp_path: pathlib.Path) -> None:
    file = write(
        tmp_path,
        """
        with DAG("waits") as made:
            @task
            def wait():
                print("waiting", flush=True)
                time.sleep(3999)

            wait()

        if __name__ == "__main__":
            made.test()
        """,
    )
    # A shell that runs the tests in its background has them ignore Ctrl-C, and what they start would ignore it too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        # What is left of it is found by this variable, wherever it was adopted.
        script = subprocess.Popen(
            [*SCRIPT, str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TW_TRIAL": str(file)},
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert script.stdout is not None
    with script:
        while "waiting" not in script.stdout.readline():
            assert script.poll() is None
        script.send_signal(signal.SIGINT)
        _, said = script.communicate(timeout=30)
    assert script.returncode not in (0, None)
    assert "KeyboardInterrupt" in said
    deadline = time.monotonic() + 10
    while left := with_environment(f"TW_TRIAL={file}"):
        assert time.monotonic() < deadline, left
        time.sleep(0.02)


def with_environment(entry: str) -> list[int]:
    """Processes that were started with this in their environment."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if entry.encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.mark.namespaces
def test_pods_of_the_dag_run_as_they_do_with_tradewind_run(tmp_path: pathlib.Path) -> None:
    (tmp_path / "tradewind.toml").write_text('[[runtime.local.images]]\npattern = "tools:*"\npath = "/usr/bin:/bin"\n')
    file = write(
        tmp_path,
        """
        from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

        with DAG("pods") as made:
            @task
            def show(value):
                print("the pod said", value)

            pod = KubernetesPodOperator(
                task_id="pod", name="pod", image="tools:1", cmds=["sh", "-c"],
                arguments=["echo 41 > /airflow/xcom/return.json; true"], do_xcom_push=True,
            )
            show(pod.output)

        if __name__ == "__main__":
            print("it ended", made.test().state.value)
        """,
    )
    done = run(file)
    assert done.returncode == 0, done.stderr
    assert "the pod said 41" in done.stdout
    assert "it ended success" in done.stdout


def test_a_call_while_the_file_is_loaded_is_refused_with_a_hint(tmp_path: pathlib.Path) -> None:
    file = write(tmp_path, NUMBERS.replace('if __name__ == "__main__":', "if True:"))
    done = server.tradewind("run", str(file), check=False)
    assert done.returncode == 2
    assert "DAG.test() of 'numbers' while its file is loaded cannot run here yet" in done.stderr
    assert "put the call below `if __name__ == '__main__':`" in done.stderr


def test_an_option_that_is_not_here_yet_is_refused_before_anything_runs(tmp_path: pathlib.Path) -> None:
    done = run(write(tmp_path, NUMBERS.replace('run_conf={"a": 1}', 'mark_success_pattern="s.*"')))
    assert done.returncode == 1
    assert "DAG.test(mark_success_pattern=...) cannot run here yet" in done.stderr
