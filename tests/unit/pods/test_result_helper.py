"""The helper that hands over a pod's value: how it is put into the pod, and what its script does."""

from __future__ import annotations

import pathlib
import shutil
import signal
import subprocess
from typing import Any

import pytest

from tradewind.pods import manifest, result, result_helper
from tradewind.pods.identity import Identity
from tradewind.pods.result_helper import Helper

RESTRICTED = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def helper_of(helper: Helper | None = None, **arguments: Any) -> dict[str, Any]:
    identity = Identity(attempt_id="a" * 20, dag_id="d", task_id="t", run_id="r")
    pod = manifest.build({"image": "i", "do_xcom_push": True, **arguments}, identity)
    result_helper.add(pod, helper or Helper())
    found: dict[str, Any] = pod["spec"]["initContainers"][-1]
    return found


def test_it_is_a_native_sidecar_behind_the_init_containers_with_airflows_image_and_requests() -> None:
    found = helper_of(init_containers=[{"name": "first", "image": "i"}])
    assert (found["name"], found["restartPolicy"]) == ("airflow-xcom-sidecar", "Always")
    assert found["image"] == "alpine:3.24.2"
    assert found["resources"] == {"requests": {"cpu": "1m", "memory": "10Mi"}}
    assert found["volumeMounts"] == [{"name": "xcom", "mountPath": "/airflow/xcom"}]
    assert "securityContext" not in found


def test_a_pod_of_restricted_containers_stays_one() -> None:
    found = helper_of(container_security_context=RESTRICTED)
    # Its image may be one of root's, and a pod that must not run as root would never start.
    assert found["securityContext"] == {**RESTRICTED, "runAsUser": 65534}


def test_it_runs_as_the_main_container_does_and_has_none_of_its_privileges() -> None:
    given = {"runAsUser": 0, "privileged": True, "capabilities": {"add": ["NET_ADMIN"]}, "procMount": "Unmasked"}
    assert helper_of(container_security_context=given)["securityContext"] == {"runAsUser": 0}
    assert "securityContext" not in helper_of(security_context={"runAsUser": 1000, "runAsNonRoot": True})


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"limits": {"memory": "1Gi"}}, {"requests": {"cpu": "1m", "memory": "10Mi"}, "limits": {"memory": "32Mi"}}),
        (
            {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}},
            {"requests": {"cpu": "1m", "memory": "10Mi"}, "limits": {"cpu": "100m", "memory": "32Mi"}},
        ),
        (
            {"limits": {"cpu": "1", "memory": "1Gi"}},
            {"requests": {"cpu": "100m", "memory": "32Mi"}, "limits": {"cpu": "100m", "memory": "32Mi"}},
        ),
    ],
)
def test_it_has_limits_where_the_main_container_has_them_and_a_guaranteed_pod_stays_guaranteed(
    given: dict[str, Any], found: dict[str, Any]
) -> None:
    assert helper_of(container_resources=given)["resources"] == found


def test_what_the_site_says_is_taken_as_it_is() -> None:
    site = Helper(image="small:1", resources={}, security_context={"runAsUser": 1})
    found = helper_of(site, container_security_context=RESTRICTED)
    assert (found["image"], found["securityContext"]) == ("small:1", {"runAsUser": 1})
    assert "resources" not in found


# -- the script ----------------------------------------------------------------------------------------------------


@pytest.fixture(params=[("dash",), ("busybox", "ash"), ("bash", "--posix")], ids=lambda words: words[0])
def shell(request: pytest.FixtureRequest) -> list[str]:
    words: tuple[str, ...] = request.param
    program = shutil.which(words[0])
    assert program is not None, f"{words[0]} is not installed"
    return [program, *words[1:]]


class Stage:
    """The script with its places moved into a folder."""

    def __init__(self, folder: pathlib.Path, shell: list[str]) -> None:
        self.file = folder / "xcom" / "return.json"
        self.file.parent.mkdir()
        self._message = folder / "message"
        self._message.touch()
        script = helper_of()["command"][2]
        script = script.replace("/airflow/xcom", str(self.file.parent)).replace(
            "/dev/termination-log", str(self._message)
        )
        # What says that the trap is set; a container's first process gets no signal before.
        script = script.replace("while :; do", "echo ready >&2; while :; do", 1)
        self._command = [*shell, "-c", script]

    def play(self) -> tuple[bytes, bytes]:
        """Message and log of a helper that is stopped."""
        started = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert started.stderr is not None
        assert started.stderr.readline() == b"ready\n"
        started.send_signal(signal.SIGTERM)
        log, said = started.communicate(timeout=10)
        assert (started.returncode, said) == (0, b"")
        return self._message.read_bytes(), log


@pytest.fixture
def stage(tmp_path: pathlib.Path, shell: list[str]) -> Stage:
    return Stage(tmp_path, shell)


@pytest.mark.parametrize("value", [b"1", b'{"a": 1}\n', b"\xff\x00\r\n", b"9" * 4000], ids=len)
def test_a_short_value_is_in_message_and_log(stage: Stage, value: bytes) -> None:
    stage.file.write_bytes(value)
    for written in stage.play():
        found = result_helper.find(written)
        assert found is not None
        assert found[0].find_whole(found[1]) == value
        assert len(written) <= result.MESSAGE_LIMIT


def test_a_long_value_is_in_the_log_only(stage: Stage) -> None:
    value = bytes(range(256)) * 4096
    stage.file.write_bytes(value)
    message, log = stage.play()
    told = result_helper.find(message)
    found = result_helper.find(log)
    assert told is not None
    assert found is not None
    assert told[0].find_whole(told[1]) is None
    assert (told[0], found[0].find_whole(found[1])) == (found[0], value)


def test_no_file_is_no_value(stage: Stage) -> None:
    assert stage.play() == (b"tradewind-result/1 none 0 -\n", b"")


def test_an_empty_file_is_no_value(stage: Stage) -> None:
    stage.file.touch()
    assert stage.play() == (b"tradewind-result/1 none 0 -\n", b"")


def test_a_value_over_the_limit_is_told_and_not_written(stage: Stage) -> None:
    with stage.file.open("wb") as file:
        file.truncate(result.LIMIT + 1)
    assert stage.play() == (b"tradewind-result/1 large 4194305 -\n", b"")


def test_a_link_is_not_followed(stage: Stage) -> None:
    stage.file.symlink_to("/etc/passwd")
    assert stage.play() == (b"tradewind-result/1 irregular 0 -\n", b"")


def test_a_folder_that_is_gone_is_not_taken_for_no_value(stage: Stage) -> None:
    stage.file.parent.rmdir()
    assert stage.play() == (b"tradewind-result/1 unreadable 0 -\n", b"")


def test_without_a_hash_the_length_tells_whether_a_value_is_whole() -> None:
    found = result_helper.find(b"tradewind-result/1 value 3 -\n[1]\n")
    assert found is not None
    assert found[0].find_whole(found[1]) == b"[1]"
    assert found[0].find_whole(b"[1") is None


def test_what_another_wrote_is_nothing_of_the_helpers() -> None:
    assert result_helper.find(b"") is None
    assert result_helper.find(b"unable to retrieve container logs") is None
