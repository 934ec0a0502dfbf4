"""The world around the control plane breaks: its database restarts, its disk fills, it is killed while tasks run."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import sqlite3
import subprocess
import textwrap
import time
from collections.abc import Iterator

import pytest

from tests.support import postgres, server
from tests.support.podlets import wait_until

LOOPS = """
import time
from airflow.sdk import DAG, task
with DAG("steps", default_args={"retries": 0}):
    @task
    def step(n, before=None):
        time.sleep(0.2)
        return n
    last = None
    for n in range(12):
        last = step.override(task_id=f"s{n}")(n, last)
"""


def write(folder: pathlib.Path, text: str) -> pathlib.Path:
    folder.mkdir(exist_ok=True)
    (folder / "dag.py").write_text(textwrap.dedent(text))
    return folder


def test_a_restart_of_postgresql_in_the_middle_of_a_run_loses_nothing(
    tmp_path: pathlib.Path, postgres_cluster: postgres.Cluster
) -> None:
    dags = write(tmp_path / "dags", LOOPS)
    with postgres_cluster.database() as database:
        settings = tmp_path / "tradewind.toml"
        settings.write_text(f'[database]\nurl = "{database.url}"\n')
        home = tmp_path / "home"
        home.mkdir()
        (home / "tradewind.toml").write_text(settings.read_text())
        with server.Server(home, dags) as running:
            running.trigger("steps", "r")
            time.sleep(1.0)
            postgres_cluster.restart(immediate=True)
            run = running.wait_run("steps", "r")
            assert run["state"] == "success"
            assert {task["try_number"] for task in run["tasks"]} == {1}


def test_what_runs_while_the_control_plane_is_killed_is_adopted_and_not_run_again(tmp_path: pathlib.Path) -> None:
    ledger = tmp_path / "ledger"
    dags = write(
        tmp_path / "dags",
        f"""
        import time
        from airflow.sdk import DAG, task
        with DAG("long"):
            @task
            def body():
                with open({str(ledger)!r}, "a") as file:
                    file.write("entered\\n")
                time.sleep(3)
                print("still here")
                return "done"
            body()
        """,
    )
    with server.Server(tmp_path / "home", dags) as running:
        running.trigger("long", "r")
        deadline = time.monotonic() + 20
        while not ledger.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        running.kill()
        running.start()
        run = running.wait_run("long", "r")
        assert (run["state"], run["tasks"][0]["try_number"]) == ("success", 1)
        assert ledger.read_text() == "entered\n"
        log = server.tradewind("tasks", "logs", "long", "r", "body", "--home", str(running.home)).stdout
        assert log.count("still here") == 1


@pytest.fixture
def small_disk(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.namespaces
def test_a_full_disk_stops_nothing_for_good_and_the_store_stays_whole(
    small_disk: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    dags = write(tmp_path / "dags", LOOPS)
    home = small_disk / "home"
    home.mkdir()
    (home / "tradewind.toml").write_text("[retention]\nmin_free_mb = 0\n")  # the disk is to become full
    with server.Server(home, dags) as running:
        running.trigger("steps", "before")
        time.sleep(0.8)
        filler = small_disk / "filler"
        _fill(filler)
        time.sleep(2)
        filler.unlink()
        run = running.wait_run("steps", "before")
        assert run["state"] in ("success", "failed")
        if run["state"] == "failed":
            verdicts = " ".join(task["verdict"] or "" for task in run["tasks"])
            assert "space" in verdicts or "disk" in verdicts
        running.trigger("steps", "after")
        assert running.wait_run("steps", "after")["state"] == "success"
    with contextlib.closing(sqlite3.connect(small_disk / "home" / "tradewind.db")) as database:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]


@pytest.mark.namespaces
def test_a_podlet_that_dies_on_a_full_disk_has_a_successor(small_disk: pathlib.Path, tmp_path: pathlib.Path) -> None:
    dags = write(tmp_path / "dags", LOOPS)
    home = small_disk / "home"
    home.mkdir()
    (home / "tradewind.toml").write_text("[retention]\nmin_free_mb = 0\n")  # the disk is to become full
    with server.Server(home, dags) as running:
        first = running.podlet_pid
        assert first is not None
        filler = small_disk / "filler"
        _fill(filler)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: running.podlet_pid not in (None, first), "another podlet is there")
        filler.unlink()
        running.trigger("steps", "after")
        assert running.wait_run("steps", "after")["state"] == "success"


def _fill(filler: pathlib.Path) -> None:
    """Take what its disk has left."""
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 12))
