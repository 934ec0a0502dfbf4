"""Pods when something around them is killed: the podlet, their supervisor; and a podlet that takes all with it."""

from __future__ import annotations

import os
import pathlib
import random
import signal
from functools import partial
from typing import Any

import pytest

from tests.integration.pods.conftest import Pods
from tests.integration.pods.test_ends import processes_with, wait_for_line
from tests.support.podlets import Podlet, is_running, wait_until
from tradewind.model.outcome import Failed, Success
from tradewind.model.states import EndReason
from tradewind.protocol import podlet as protocol

pytestmark = pytest.mark.namespaces


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> dict[str, Any]:
    """Options of a pod that waits for a file `go` in a folder it shares with us, and writes a ledger there."""
    return {
        "spec": {"volumes": [{"name": "v", "hostPath": {"path": str(tmp_path)}}, {"name": "xcom", "emptyDir": {}}]},
        "volumeMounts": [{"name": "v", "mountPath": "/v"}, {"name": "xcom", "mountPath": "/airflow/xcom"}],
        "start": {"result": "sidecar"},
    }


WAITS = """
    echo began >> /v/ledger; echo ready
    while [ ! -e /v/go ]; do sleep 0.01; done
    echo 7 > /airflow/xcom/return.json; echo done
"""


def supervisor_of(pods: Pods, attempt_id: str) -> int:
    """Its pid, as the start fence names it."""
    return int((pods.podlet.folder(attempt_id) / "fence").read_text().split()[0])


def test_a_pod_outlives_its_podlet_and_the_next_one_tells_its_end(
    tmp_path: pathlib.Path, folder: dict[str, Any]
) -> None:
    with Podlet(tmp_path) as podlet:
        pods = Pods(podlet, tmp_path)
        attempt_id = pods.start(WAITS, **folder)
        wait_for_line(pods, attempt_id, "ready")
        podlet.kill()
        podlet.start()
        assert attempt_id in podlet.client.welcome.alive
        (tmp_path / "go").touch()
        ran = pods.end_of(attempt_id)
        assert isinstance(ran.outcome, Success)
        assert ran.values["return_value"] == 7
        assert ran.lines == ["ready", "done"]
        assert (tmp_path / "ledger").read_text() == "began\n"
        assert ran.container("base")["exit_code"] == 0


def test_a_pod_that_ended_while_no_podlet_was_there_is_told_by_the_next_one(
    tmp_path: pathlib.Path, folder: dict[str, Any]
) -> None:
    with Podlet(tmp_path) as podlet:
        pods = Pods(podlet, tmp_path)
        attempt_id = pods.start(WAITS, **folder)
        wait_for_line(pods, attempt_id, "ready")
        supervisor = supervisor_of(pods, attempt_id)
        podlet.kill()
        (tmp_path / "go").touch()
        wait_until((podlet.folder(attempt_id) / "result").exists, "the result")
        wait_until(lambda: not is_running(supervisor), "its supervisor is gone")
        podlet.start()
        ran = pods.end_of(attempt_id)
        assert ran.values["return_value"] == 7
        assert ran.lines == ["ready", "done"]


def test_an_adopted_pod_can_still_be_stopped(tmp_path: pathlib.Path, folder: dict[str, Any]) -> None:
    with Podlet(tmp_path) as podlet:
        pods = Pods(podlet, tmp_path)
        attempt_id = pods.start("echo ready; exec sleep 3999", **folder)
        wait_for_line(pods, attempt_id, "ready")
        podlet.kill()
        podlet.start()
        podlet.client.send(protocol.Stop(attempt_id=attempt_id, grace_seconds=5, reason="cleared"))
        ran = pods.end_of(attempt_id)
        assert ran.failed.reason is EndReason.STOPPED
        assert "cleared" in ran.failed.message
        assert processes_with("sleep 3999") == []


def test_when_its_supervisor_is_killed_nothing_of_the_pod_runs_on(pods: Pods) -> None:
    attempt_id = pods.start("setsid sleep 4111 & echo ready; exec sleep 4111", resources={"limits": {"memory": "64Mi"}})
    wait_for_line(pods, attempt_id, "ready")
    os.kill(supervisor_of(pods, attempt_id), signal.SIGKILL)
    ran = pods.end_of(attempt_id)
    assert (ran.failed.reason, ran.failed.signal, ran.failed.entered) == (EndReason.KILLED, signal.SIGKILL, True)
    wait_until(lambda: processes_with("sleep 4111") == [], "its processes are gone")
    assert list(pathlib.Path("/sys/fs/cgroup").rglob(f"*{attempt_id}*")) == []


def test_a_podlet_that_belongs_to_its_control_plane_takes_pods_down_with_it(tmp_path: pathlib.Path) -> None:
    with Podlet(tmp_path, "--ephemeral") as podlet:
        pods = Pods(podlet, tmp_path)
        attempt_id = pods.start("trap '' TERM; setsid sleep 4222 & echo ready; sleep 4222")
        wait_for_line(pods, attempt_id, "ready")
        podlet.kill()
        wait_until(lambda: processes_with("sleep 4222") == [], "all is gone")


def test_a_control_plane_that_goes_takes_pods_of_an_ephemeral_podlet_down(tmp_path: pathlib.Path) -> None:
    with Podlet(tmp_path, "--ephemeral") as podlet:
        pods = Pods(podlet, tmp_path)
        attempt_id = pods.start("trap '' TERM; setsid sleep 4333 & echo ready; sleep 4333")
        wait_for_line(pods, attempt_id, "ready")
        podlet.client.close()
        wait_until(lambda: processes_with("sleep 4333") == [], "all is gone")
        assert podlet.process is not None
        podlet.process.wait(10)


def start_again(podlet: Podlet) -> None:
    """Start it; a fork that is a moment old may still hold the old one's socket, and then one connects once more."""
    podlet.start_only()
    while True:
        try:
            podlet.client = podlet.connect()
        except (ConnectionError, EOFError):
            continue
        return


def entries(folder: pathlib.Path) -> list[int]:
    """Numbers of the pods whose code ran, once for each time it did."""
    ledger = folder / "ledger"
    return [int(line) for line in ledger.read_text().split()] if ledger.exists() else []


def has_entries(folder: pathlib.Path, count: int) -> bool:
    """So many have begun."""
    return len(entries(folder)) >= count


def test_however_often_the_podlet_is_killed_no_pod_runs_twice_and_each_has_one_end(tmp_path: pathlib.Path) -> None:
    chance = random.Random(7)
    mounts = [{"name": "v", "mountPath": "/v"}]
    spec = {"volumes": [{"name": "v", "hostPath": {"path": str(tmp_path)}}]}
    ids: list[str] = []
    ends: dict[str, protocol.Ended] = {}
    with Podlet(tmp_path) as podlet:
        pods = Pods(podlet, tmp_path)
        for _ in range(8):
            ids += [
                pods.start(f"echo {len(ids) + number} >> /v/ledger; sleep 0.05", spec=spec, volumeMounts=mounts)
                for number in range(6)
            ]
            # Some are not begun, some run, some have ended.
            enough = len(entries(tmp_path)) + chance.randint(0, 5)
            wait_until(partial(has_entries, tmp_path, enough), "some of them begin")
            podlet.kill()
            start_again(podlet)
        known = {*podlet.client.welcome.alive, *podlet.client.welcome.ended}
        for attempt_id in known:
            ends[attempt_id] = podlet.client.end_of(attempt_id)
    ran = entries(tmp_path)
    assert len(ran) == len(set(ran))
    for number, attempt_id in enumerate(ids):
        if attempt_id not in ends:
            assert number not in ran  # its request did not reach a podlet, which the control plane sees by Welcome
        elif number in ran:
            assert isinstance(ends[attempt_id].result.outcome, Success), ends[attempt_id]
        else:
            outcome = ends[attempt_id].result.outcome
            assert isinstance(outcome, Failed)
            assert (outcome.reason, outcome.entered) == (EndReason.NEVER_STARTED, False)
    assert len(ran) >= len(ids) / 4
