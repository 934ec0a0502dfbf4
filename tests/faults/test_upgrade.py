"""The program is upgraded while attempts run: a server of another release follows the old one, and nothing is lost."""

from __future__ import annotations

import pathlib
import re
import shutil
import signal
import time

import pytest

import tradewind
from tests.support import server

DAGS = """
import os, pathlib, time
from airflow.sdk import DAG, task

HERE = {here!r}

with DAG("long", schedule=None, default_args={{"retries": 0}}):
    @task
    def body(n):
        with open(HERE + "/ledger", "a") as file:
            file.write(f"{{n}}\\n")
        print("begin", flush=True)
        while not os.path.exists(HERE + "/go"):
            time.sleep(0.02)
        print("end", flush=True)
        return n

    @task
    def after(values):
        import tradewind
        print("release", tradewind.__version__)
        return list(values)

    after(body.expand(n=[1, 2, 3]))
"""


@pytest.fixture
def dags(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "dag.py").write_text(DAGS.format(here=str(tmp_path)))
    return folder


def make_release(folder: pathlib.Path, version: str, protocol: int | None = None) -> pathlib.Path:
    """A copy of the program that says it is another release; what PYTHONPATH is to be."""
    copy = folder / f"release-{version}"
    source = pathlib.Path(tradewind.__file__).parent
    shutil.copytree(source, copy / "tradewind", ignore=shutil.ignore_patterns("__pycache__"))
    _change(copy / "tradewind" / "__init__.py", r'__version__ = "[^"]+"', f'__version__ = "{version}"')
    if protocol is not None:
        _change(copy / "tradewind" / "protocol" / "__init__.py", r"(?m)^VERSION = \d+$", f"VERSION = {protocol}")
    return copy


def _change(file: pathlib.Path, pattern: str, text: str) -> None:
    changed, count = re.subn(pattern, text, file.read_text())
    assert count == 1, file
    file.write_text(changed)


def begin(running: server.Server, tmp_path: pathlib.Path) -> int:
    """Three attempts that have entered and wait; the podlet's pid."""
    running.trigger("long", "r")
    deadline = time.monotonic() + 30
    while not (tmp_path / "ledger").exists() or len((tmp_path / "ledger").read_text().splitlines()) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    pid = running.podlet_pid
    assert pid is not None
    return pid


def stop_at_once(running: server.Server) -> None:
    """As an operator does who does not want to wait: two signals."""
    assert running.process is not None
    seen = running.log.read_text().count("draining")
    running.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 10
    while running.log.read_text().count("draining") == seen:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(10) == 0
    running.process = None


def assert_nothing_lost(running: server.Server, tmp_path: pathlib.Path) -> None:
    """Every body entered once and came to its end; logs are whole and say nothing twice."""
    run = running.wait_run("long", "r")
    assert run["state"] == "success"
    assert {task["try_number"] for task in run["tasks"]} == {1}
    assert sorted((tmp_path / "ledger").read_text().split()) == ["1", "2", "3"]
    for index in range(3):
        log = server.tradewind("tasks", "logs", "long", "r", f"body[{index}]", "--home", str(running.home)).stdout
        assert (log.count("begin"), log.count("end")) == (1, 1)


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_server_of_another_release_adopts_what_runs_and_replaces_the_podlet_at_once(
    tmp_path: pathlib.Path, dags: pathlib.Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    newer = make_release(tmp_path, "9.9.9")
    with server.Server(tmp_path / "home", dags) as running:
        before = begin(running, tmp_path)
        stop_at_once(running) if how == "stopped" else running.kill()
        monkeypatch.setenv("PYTHONPATH", str(newer))
        running.start()
        assert running.health()["version"] == "9.9.9"
        assert running.podlet_pid not in (None, before)
        (tmp_path / "go").touch()
        assert_nothing_lost(running, tmp_path)
        log = server.tradewind("tasks", "logs", "long", "r", "after", "--home", str(running.home)).stdout
        assert "release 9.9.9" in log


def test_a_server_of_the_same_release_keeps_the_podlet(tmp_path: pathlib.Path, dags: pathlib.Path) -> None:
    with server.Server(tmp_path / "home", dags) as running:
        before = begin(running, tmp_path)
        stop_at_once(running)
        running.start()
        assert running.podlet_pid == before
        (tmp_path / "go").touch()
        assert_nothing_lost(running, tmp_path)


def test_a_podlet_that_speaks_another_protocol_is_kept_until_it_runs_nothing_and_then_replaced(
    tmp_path: pathlib.Path, dags: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tradewind.protocol import VERSION

    newer = make_release(tmp_path, "9.9.9", protocol=VERSION + 1)
    with server.Server(tmp_path / "home", dags) as running:
        before = begin(running, tmp_path)
        stop_at_once(running)
        monkeypatch.setenv("PYTHONPATH", str(newer))
        refused = server.tradewind("standalone", "--home", str(running.home), "--dags", str(dags), check=False)
        assert refused.returncode == 2
        assert f"podlet of release {tradewind.__version__} (pid {before})" in refused.stderr
        assert "3 attempts run under it" in refused.stderr
        assert running.podlet_pid == before

        (tmp_path / "go").touch()
        deadline = time.monotonic() + 30
        while len(list((running.home / "attempts").glob("*/result"))) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        running.start()
        assert running.podlet_pid not in (None, before)
        assert_nothing_lost(running, tmp_path)
        stop_at_once(running)
        server.end_podlet(running.home, patience=0)  # it does not understand the one that asks it to end
