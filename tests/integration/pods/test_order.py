"""Several containers: their order, what is logged of each, and who decides when the pod is over."""

from __future__ import annotations

import pathlib
from datetime import datetime
from typing import Any

import pytest

from tests.integration.pods.conftest import IMAGE, Pods
from tests.integration.pods.test_ends import processes_with
from tradewind.model.outcome import Success
from tradewind.model.states import EndReason

pytestmark = pytest.mark.namespaces
SHARED = {"volumes": [{"name": "shared", "emptyDir": {}}]}
MOUNTS = [{"name": "shared", "mountPath": "/shared"}]


def container(name: str, script: str, **options: Any) -> dict[str, Any]:
    """A container with the shared volume."""
    return {"name": name, "image": IMAGE, "command": ["sh", "-c", script], "volumeMounts": MOUNTS, **options}


def test_init_containers_run_one_after_the_other_before_the_main_one(pods: Pods) -> None:
    inits = [
        container("first", "sleep 0.1; echo first >> /shared/order"),
        container("second", "echo second >> /shared/order"),
    ]
    ran = pods.run("cat /shared/order", spec={**SHARED, "initContainers": inits}, volumeMounts=MOUNTS)
    assert ran.lines == ["first", "second"]


def test_an_init_container_that_fails_ends_the_pod_and_its_last_lines_are_shown(pods: Pods) -> None:
    inits = [container("prepare", "echo no such table; exit 4"), container("never", "echo never > /shared/never")]
    ran = pods.run("echo never", spec={**SHARED, "initContainers": inits}, volumeMounts=MOUNTS)
    assert ran.failed.message == "Init container 'prepare' failed with exit code 4."
    assert ran.lines == ["[prepare] no such table"]
    assert ran.container("base")["state"] == "waiting"
    assert ran.ended.started_at is None


def test_the_start_is_that_of_the_main_container(pods: Pods) -> None:
    ran = pods.run("true", spec={**SHARED, "initContainers": [container("slow", "sleep 0.3")]}, volumeMounts=MOUNTS)
    ended = datetime.fromisoformat(ran.container("slow")["finished_at"])
    assert ran.ended.started_at is not None
    assert ran.ended.started_at >= ended


def test_what_an_init_container_left_running_does_not_reach_the_next_one(pods: Pods) -> None:
    inits = [container("first", "setsid sh -c 'while :; do echo alive > /shared/alive; sleep 0.01; done' & sleep 0.1")]
    ran = pods.run(
        "rm -f /shared/alive; sleep 0.2; ls /shared; echo end",
        spec={**SHARED, "initContainers": inits},
        volumeMounts=MOUNTS,
    )
    assert ran.lines == ["end"]


def test_a_sidecar_runs_beside_the_main_container_and_does_not_keep_the_pod(pods: Pods) -> None:
    script = "trap 'exit 0' TERM; echo up > /shared/up; while :; do sleep 0.01; done"
    inits = [container("helper", script, restartPolicy="Always")]
    ran = pods.run(
        "while [ ! -e /shared/up ]; do sleep 0.01; done; echo saw it",
        spec={**SHARED, "initContainers": inits},
        volumeMounts=MOUNTS,
    )
    assert isinstance(ran.outcome, Success)
    assert ran.lines == ["saw it"]
    assert ran.container("helper")["role"] == "sidecar"


def test_a_sidecar_that_ends_is_started_again(pods: Pods) -> None:
    inits = [container("helper", "echo up >> /shared/starts; exit 1", restartPolicy="Always")]
    ran = pods.run(
        "while [ $(wc -l < /shared/starts) -lt 2 ]; do sleep 0.01; done; echo twice",
        spec={**SHARED, "initContainers": inits},
        volumeMounts=MOUNTS,
    )
    assert ran.lines == ["twice"]


def test_a_sidecar_that_cannot_be_started_ends_the_pod_and_is_named(pods: Pods) -> None:
    inits = [{**container("helper", ""), "command": ["no-such-helper"], "restartPolicy": "Always"}]
    ran = pods.run("echo never", spec={**SHARED, "initContainers": inits}, volumeMounts=MOUNTS)
    assert "Init container 'helper' could not be started: 'no-such-helper' is not found" in ran.failed.message
    assert ran.lines == []


def test_another_container_that_cannot_be_started_is_told_in_the_log(pods: Pods) -> None:
    others = [{**container("other", ""), "command": ["no-such-other"]}]
    ran = pods.run("sleep 0.2; echo main", spec={**SHARED, "containers": others}, volumeMounts=MOUNTS)
    assert isinstance(ran.outcome, Success)
    assert "[other] could not be started: 'no-such-other' is not found in PATH" in ran.lines[0]


def test_the_contents_of_volumes_are_gone_with_the_pod(pods: Pods) -> None:
    ran = pods.run("mkdir -p /shared/a/b && echo x > /shared/a/b/c", spec=SHARED, volumeMounts=MOUNTS)
    assert not (pods.podlet.folder(ran.ended.attempt_id) / "pod" / "volumes").exists()


def test_other_containers_end_with_the_main_one(pods: Pods) -> None:
    others = [container("other", "trap '' TERM; sleep 3777 & wait; sleep 3777")]
    spec = {**SHARED, "containers": others, "terminationGracePeriodSeconds": 0}
    ran = pods.run("sleep 0.1", spec=spec, volumeMounts=MOUNTS)
    assert isinstance(ran.outcome, Success)
    assert processes_with("sleep 3777") == []


def test_a_deadline_that_passes_after_the_main_containers_end_changes_nothing(pods: Pods) -> None:
    others = [container("stubborn", "trap '' TERM; while :; do sleep 0.01; done")]
    spec = {**SHARED, "containers": others, "terminationGracePeriodSeconds": 2, "activeDeadlineSeconds": 1}
    ran = pods.run("true", spec=spec, volumeMounts=MOUNTS)
    assert isinstance(ran.outcome, Success)


def test_another_containers_end_does_not_end_the_pod(pods: Pods) -> None:
    ran = pods.run(
        "sleep 0.2; echo end", spec={**SHARED, "containers": [container("other", "exit 1")]}, volumeMounts=MOUNTS
    )
    assert isinstance(ran.outcome, Success)
    assert ran.container("other")["exit_code"] == 1


def test_output_of_others_is_in_the_log_where_asked_with_their_names(pods: Pods) -> None:
    spec = {**SHARED, "initContainers": [container("prepare", "echo one; printf two")]}
    quiet = pods.run("echo main", spec=spec, volumeMounts=MOUNTS)
    assert quiet.lines == ["main"]
    loud = pods.run("echo main", spec=spec, volumeMounts=MOUNTS, start={"logged": ("prepare", "base")})
    assert loud.lines == ["[prepare] one", "[prepare] two", "main"]
    silent = pods.run("echo main", spec=spec, volumeMounts=MOUNTS, start={"logged": ()})
    assert silent.lines == []


def test_notes_are_the_first_lines_and_sensitive_values_are_in_none(pods: Pods) -> None:
    ran = pods.run(
        "echo the word is s3cr3t; echo s3cr3t > /dev/termination-log; exit 1",
        start={"notes": ("image i: stood in by venv v",), "masked": ("s3cr3t",)},
    )
    assert ran.lines == ["image i: stood in by venv v", "the word is ***"]
    assert ran.failed.message.endswith(": ***")
    files = [path for path in pods.podlet.folder(ran.ended.attempt_id).rglob("*") if path.is_file()]
    assert {path.name for path in files if b"s3cr3t" in path.read_bytes()} <= {"base"}  # its own termination message


def test_a_volume_of_a_secret_is_never_on_a_disk(pods: Pods) -> None:
    pods.keep(pods.secrets, "deep", key="v3ry-d33p")
    spec = {"volumes": [{"name": "s", "secret": {"secretName": "deep"}}]}
    ran = pods.run("wc -c < /s/key", spec=spec, volumeMounts=[{"name": "s", "mountPath": "/s"}])
    assert ran.lines == ["9"]
    home: pathlib.Path = pods.podlet.home
    on_disk = [path for path in home.rglob("*") if path.is_file() and not path.is_symlink()]
    assert [path for path in on_disk if b"v3ry-d33p" in path.read_bytes()] == []


def test_a_failed_start_of_a_mount_is_told_with_its_path(pods: Pods) -> None:
    ran = pods.run(
        "echo never",
        spec={"volumes": [{"name": "c", "downwardAPI": {"items": []}}, {"name": "e", "emptyDir": {}}]},
        volumeMounts=[{"name": "c", "mountPath": "/c"}, {"name": "e", "mountPath": "/c/inside"}],
    )
    assert ran.failed.reason is EndReason.ERROR
    assert "could not be started: /c/inside: Read-only file system" in ran.failed.message
