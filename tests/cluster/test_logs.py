"""Logs of pods of a real cluster: of all containers asked for, whole, with what the cluster said, in few requests."""

from __future__ import annotations

import base64
import contextlib
import json
import pathlib
import sqlite3
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import server as servers
from tests.support.cluster_api import Namespace, wait_until
from tests.support.cluster_runs import Place

pytestmark = pytest.mark.cluster

_THREE = """
from kubernetes.client import models as k8s

def beside(name, script, **more):
    return k8s.V1Container(name=name, image=IMAGE, command=["sh", "-c", script], **more)

first = beside("prepares", "echo prepared")
proxy = beside("proxy", "echo proxied; sleep 600")
spec = k8s.V1Pod(spec=k8s.V1PodSpec(containers=[k8s.V1Container(name="base"), proxy], init_containers=[first]))
"""


@pytest.fixture
def place(tmp_path: pathlib.Path, kubeconfig: pathlib.Path, namespace: Namespace, busybox: str) -> Place:
    return Place(tmp_path, kubeconfig, namespace, busybox)


@pytest.fixture
def server(place: Place) -> Iterator[servers.Server]:
    made = servers.Server(place.home, place.dags, *place.options)
    yield made
    made.stop()


def _shown(place: Place, task_id: str, *options: str) -> list[str]:
    """What `tasks logs` prints."""
    done = servers.tradewind(
        "tasks", "logs", "pods", "latest", task_id, "--home", str(place.home), "--no-timestamps", *options
    )
    return done.stdout.splitlines()


def test_logs_of_all_containers_asked_for_are_told_apart(place: Place) -> None:
    run = place.run(
        _THREE
        + """
pod("all", "sleep 1; echo mine", full_pod_spec=spec, container_logs=True, init_container_logs=True)
pod("unnamed", "sleep 1; echo mine", full_pod_spec=spec, container_logs=["base", "proxy"],
    container_name_log_prefix_enabled=False)
pod("quiet", "echo mine", full_pod_spec=spec, get_logs=False)
"""
    )
    assert run["state"] == "success"
    assert sorted(place.log("all")) == ["[prepares] prepared", "[proxy] proxied", "mine"]
    assert [line for line in _shown(place, "all", "--container", "proxy") if "~ " not in line] == ["[proxy] proxied"]
    assert _shown(place, "all", "--container", "base") == ["mine"]
    assert sorted(line for line in _shown(place, "unnamed") if "~ " not in line) == ["mine", "proxied"]
    assert place.log("quiet") == []


def test_what_the_cluster_says_of_a_start_is_in_the_log_and_of_a_failure_the_specification(place: Place) -> None:
    run = place.run("""
        pod("starts", "true")
        pod("silent", "exit 1", log_events_on_startup=False, log_pod_spec_on_failure=False)
        pod("fails", "exit 1", env_vars={"API_TOKEN": "not-for-people"})
        pod("all", "sleep 1; exit 1", log_events_on_failure=True, log_events_on_startup=False)
        pod("waits", "true", startup_timeout_seconds=6, volumes=[{"name": "v", "secret": {"secretName": "absent"}}],
            volume_mounts=[{"name": "v", "mountPath": "/v"}])
    """)
    assert run["state"] == "failed"
    steps = [line.split(":")[0] for line in place.events("starts")]
    assert [step for step in steps if not step.startswith("Warning ")] == ["Scheduled", "Pulled", "Created", "Started"]
    assert place.events("silent") == []
    told = "\n".join(place.events("fails"))
    assert "kind: Pod" in told
    assert "not-for-people" not in told
    assert {line.split(":")[0] for line in place.events("all")} >= {"Scheduled", "Started"}
    assert any(line.startswith("Warning FailedMount: ") for line in place.events("waits"))
    assert any(event["reason"] == "FailedMount" for event in _detail(place, "waits")["events"])


def _detail(place: Place, task_id: str) -> dict[str, Any]:
    """What is kept with its attempt."""
    with contextlib.closing(sqlite3.connect(place.home / "tradewind.db")) as database:
        rows = database.execute("SELECT body FROM attempt").fetchall()
    attempts = [json.loads(row[0]) for row in rows]
    return dict(next(one["detail"] for one in attempts if one["task_id"] == task_id))


def test_a_line_of_a_megabyte_and_bytes_that_are_no_text_are_kept(place: Place) -> None:
    junk = base64.b64encode(bytes(range(256))).decode()
    run = place.run(f"""
        pod("long", "printf '%01000000d' 0; echo; echo after")
        pod("binary", "echo {junk} | base64 -d; echo; echo after")
    """)
    assert run["state"] == "success"
    assert "".join(place.log("long")) == "0" * 1_000_000 + "after"
    told = place.log("binary")
    assert told[-1] == "after"
    assert "\\x80\\x81" in told[-2]


@pytest.mark.long
def test_a_hundred_thousand_lines_at_once_are_whole(place: Place) -> None:
    # A container that ends as it floods loses lines on its node: containerd does not write them down.
    run = place.run('pod("floods", "seq 100000; sleep 1")')
    assert run["state"] == "success"
    assert place.log("floods") == [str(number) for number in range(1, 100_001)]


def test_log_lines_that_come_late_come_at_once_to_one_who_follows(place: Place, server: servers.Server) -> None:
    place.write('pod("talks", "echo first; sleep 600")')
    server.start()
    server.trigger("pods", "r")
    wait_until(lambda: list(place.home.glob("attempts/*/cluster-pod.json")) != [], "an attempt")
    with subprocess.Popen(
        [*servers.COMMAND, "tasks", "logs", "pods", "r", "talks", "-f", "--no-timestamps", "--home", str(place.home)],
        stdout=subprocess.PIPE, text=True, env=servers.environment(),
    ) as following:  # fmt: skip
        try:
            assert following.stdout is not None
            assert next(line for line in following.stdout if not line.startswith("~")) == "first\n"
        finally:
            following.kill()
