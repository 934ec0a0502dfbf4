"""A pod operator's worker and its pod when something ends between them: the worker, the control plane, the podlet."""

from __future__ import annotations

import os
import pathlib
import signal
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import server as servers
from tests.support.cluster_api import wait_until

pytestmark = pytest.mark.namespaces

_SETTINGS = """
[[runtime.local.images]]
pattern = "tools:*"
path = "/usr/local/bin:/usr/bin:/bin"
"""
_FILE = """
from datetime import datetime
import os
from airflow import DAG
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

class Ours(KubernetesPodOperator):
    def execute(self, context):
        print("before, in", os.getpid(), flush=True)
        result = super().execute(context)
        print("after", result)
        return result

    def on_kill(self):
        print("on_kill")
        super().on_kill()

with DAG("pods", start_date=datetime(2026, 1, 1), schedule=None):
    Ours(task_id="t", image="tools:1", do_xcom_push=True, termination_grace_period=1, cmds=["sh", "-c", {script!r}])
"""
_WAITS = (
    "echo in the pod; while ! test -e {gate}; do sleep 0.1; done; echo 7 > /airflow/xcom/return.json; echo done; true"
)


class Place:
    """A server with one DAG, whose pod ends when a file is there."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.home = folder / "home"
        self.gate = folder / "gate"
        dags = folder / "dags"
        dags.mkdir()
        (dags / "pods.py").write_text(textwrap.dedent(_FILE).format(script=_WAITS.format(gate=self.gate)))
        (folder / "tradewind.toml").write_text(_SETTINGS)
        self.server = servers.Server(self.home, dags, "--settings", str(folder / "tradewind.toml"))

    def begin(self) -> int:
        """Start a run, and wait until its pod runs; the worker's pid."""
        self.server.start()
        self.server.trigger("pods", "r")
        wait_until(lambda: "in the pod" in self.live(of_pod=True), "the pod runs")
        return int(self.live(of_pod=False).split("before, in ")[1].split()[0])

    def live(self, *, of_pod: bool) -> str:
        """What its pod wrote so far, or the worker."""
        files = [file for file in self.home.glob("attempts/*/out") if (file.parent.suffix == ".pod") == of_pod]
        return "".join(file.read_text() for file in files)

    def end(self) -> dict[str, Any]:
        """The task when its run is finished and its log is at rest."""
        run = self.server.wait_run("pods", "r")
        wait_until(lambda: bool(list(self.home.glob("logs/run=*/t/*.log"))), "the log is at rest")
        task: dict[str, Any] = run["tasks"][0]
        return task

    def log(self) -> list[str]:
        """The whole log, without times."""
        files = self.home.glob("logs/run=*/t/*.log")
        return [line.split(" ", 3)[3] for file in files for line in file.read_text().splitlines()]


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.server.stop()


def test_a_pod_whose_worker_was_killed_is_followed_and_the_verdict_says_which_code_did_not_run(place: Place) -> None:
    worker = place.begin()
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: not pathlib.Path(f"/proc/{worker}").exists(), "the worker is gone")
    assert place.server.run("pods", "r")["state"] == "running"
    place.gate.touch()
    task = place.end()
    assert task["state"] == "failed"
    assert task["verdict"].startswith("Its process was killed by SIGKILL. Its pod t-")
    assert "was followed to its end: It completed." in task["verdict"]
    assert "what its execute() does after the pod" in task["verdict"]
    assert [line for line in place.log() if line in ("in the pod", "done")] == ["in the pod", "done"]


def test_a_control_plane_that_was_killed_finds_worker_and_pod_and_the_pods_value_arrives_once(place: Place) -> None:
    worker = place.begin()
    place.server.kill()
    place.server.start()
    assert pathlib.Path(f"/proc/{worker}").exists()
    place.gate.touch()
    task = place.end()
    assert task["state"] == "success"
    assert task["try_number"] == 1
    told = [line for line in place.log() if not line.startswith("image ")]
    assert told == [f"before, in {worker}", "in the pod", "done", "after 7"]


def test_a_pod_that_ended_while_the_control_plane_was_down_is_taken_with_its_value(place: Place) -> None:
    worker = place.begin()
    place.server.kill()
    place.gate.touch()
    wait_until(lambda: "done" in place.live(of_pod=True), "the pod has ended")
    place.server.start()
    assert place.end()["state"] == "success"
    assert [line for line in place.log() if not line.startswith("image ")][-1] == "after 7"
    assert not pathlib.Path(f"/proc/{worker}").exists()


@pytest.mark.long
def test_a_worker_that_was_killed_while_the_control_plane_was_down_leaves_its_pod_to_its_end(place: Place) -> None:
    worker = place.begin()
    place.server.kill()
    os.kill(worker, signal.SIGKILL)
    place.server.start()
    assert place.server.run("pods", "r")["state"] == "running"
    place.gate.touch()
    assert "was followed to its end" in place.end()["verdict"]


def test_a_task_that_is_stopped_ends_worker_and_pod_and_calls_on_kill(place: Place) -> None:
    worker = place.begin()
    servers.tradewind("runs", "cancel", "pods", "r", "--home", str(place.home))
    task = place.end()
    assert task["state"] in ("failed", "skipped")
    assert "on_kill" in place.log()
    assert not pathlib.Path(f"/proc/{worker}").exists()
    wait_until(lambda: not list(place.home.glob("attempts/*")), "nothing is left of it")


@pytest.mark.long
def test_a_podlet_that_was_killed_with_the_worker_leaves_nothing_waiting(place: Place) -> None:
    worker = place.begin()
    podlet = place.server.podlet_pid
    assert podlet is not None
    os.kill(podlet, signal.SIGKILL)
    wait_until(lambda: place.server.podlet_pid not in (None, podlet), "another podlet is there")
    assert pathlib.Path(f"/proc/{worker}").exists()
    place.gate.touch()
    task = place.end()
    assert task["state"] == "success"
    told = [line for line in place.log() if not line.startswith("image ")]
    assert told == [f"before, in {worker}", "in the pod", "done", "after 7"]
