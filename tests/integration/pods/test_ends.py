"""How pods end: by themselves, by limits and deadlines, on request; and that nothing of them stays."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess

import pytest

from tests.integration.pods.conftest import Pods
from tests.support.podlets import wait_until
from tradewind.model.outcome import Skipped, Success
from tradewind.model.states import EndReason
from tradewind.protocol import podlet as protocol

pytestmark = pytest.mark.namespaces


def processes_with(mark: str) -> list[str]:
    """Command lines that hold a text, of all processes of this machine."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            if mark in line:
                found.append(line)
    return found


def wait_for_line(pods: Pods, attempt_id: str, line: str) -> None:
    """Until the container has said it."""
    wait_until(lambda: line in pods.podlet.lines(attempt_id), line)


def test_an_exit_code_is_kept_and_told(pods: Pods) -> None:
    ran = pods.run("echo before; exit 3")
    assert (ran.failed.reason, ran.failed.exit_code, ran.failed.retry) == (EndReason.ERROR, 3, True)
    assert ran.failed.message == "Container 'base' failed with exit code 3."
    assert ran.lines == ["before"]
    assert ran.container("base")["exit_code"] == 3


def test_an_exit_code_that_means_skip_skips(pods: Pods) -> None:
    ran = pods.run("exit 99", start={"skip_exit_codes": (99,)})
    assert isinstance(ran.outcome, Skipped)
    assert pods.run("exit 98", start={"skip_exit_codes": (99,)}).failed.exit_code == 98


def test_a_program_killed_by_a_signal_is_told_so(pods: Pods) -> None:
    ran = pods.run("kill -SEGV $$$$")  # "$$" is one "$" in a command
    assert (ran.failed.reason, ran.failed.signal) == (EndReason.KILLED, signal.SIGSEGV)
    assert "SIGSEGV" in ran.failed.message


def test_a_command_that_is_not_found_names_it_and_where_it_was_looked_for(pods: Pods) -> None:
    ran = pods.run(command=["no-such-program"])
    assert (
        "could not be started: 'no-such-program' is not found in PATH /usr/local/bin:/usr/bin:/bin"
        in ran.failed.message
    )


def test_more_memory_than_its_limit_is_told_as_out_of_memory(pods: Pods) -> None:
    program = "x = bytearray(300 << 20); print('had it')"
    limits = {"limits": {"memory": "64Mi"}}
    ran = pods.run(command=["python3", "-c", program], resources=limits)
    assert ran.failed.reason is EndReason.OOM_KILLED
    assert ran.failed.message == "Container 'base' was OOMKilled at its limit of 64Mi."
    assert "had it" not in ran.lines


def test_the_termination_message_is_part_of_the_sentence(pods: Pods) -> None:
    ran = pods.run("echo 'no rows today' > /dev/termination-log; exit 1")
    assert ran.failed.message == "Container 'base' failed with exit code 1: no rows today"
    own = pods.run("echo mine > /run/why; exit 1", terminationMessagePath="/run/why")
    assert own.failed.message.endswith(": mine")
    assert not os.path.exists("/run/why")


def test_the_end_of_the_log_stands_in_for_a_termination_message_where_asked(pods: Pods) -> None:
    ran = pods.run("echo working; echo broken >&2; exit 1", terminationMessagePolicy="FallbackToLogsOnError")
    assert ran.failed.message == "Container 'base' failed with exit code 1: working broken"


def test_a_daemonised_child_is_gone_with_its_container(pods: Pods) -> None:
    mark = f"31{os.getpid()}7"
    ran = pods.run(f"setsid sleep {mark} >/dev/null 2>&1 & (setsid setsid sleep {mark} &) ; echo left")
    assert isinstance(ran.outcome, Success)
    assert processes_with(f"sleep {mark}") == []


def test_a_pod_that_is_stopped_gets_sigterm_first(pods: Pods) -> None:
    attempt_id = pods.start("trap 'echo cleaned up; exit 0' TERM; echo ready; while :; do sleep 0.01; done")
    wait_for_line(pods, attempt_id, "ready")
    pods.podlet.client.send(protocol.Stop(attempt_id=attempt_id, grace_seconds=20, reason="cancelled by ann"))
    ran = pods.end_of(attempt_id)
    assert ran.failed.reason is EndReason.STOPPED
    assert "cancelled by ann" in ran.failed.message
    assert ran.lines[-1] == "cleaned up"


def test_a_pod_that_ignores_sigterm_is_killed_after_the_grace(pods: Pods) -> None:
    mark = f"32{os.getpid()}7"
    attempt_id = pods.start(f"trap '' TERM; sleep {mark} & echo ready; wait; while :; do sleep 0.01; done")
    wait_for_line(pods, attempt_id, "ready")
    pods.podlet.client.send(protocol.Stop(attempt_id=attempt_id, grace_seconds=0.2))
    ran = pods.end_of(attempt_id)
    assert (ran.failed.reason, ran.failed.signal) == (EndReason.STOPPED, signal.SIGKILL)
    assert "SIGKILL" in ran.failed.message
    assert processes_with(f"sleep {mark}") == []


def test_the_grace_that_the_pod_asks_for_is_kept_to(pods: Pods) -> None:
    attempt_id = pods.start(
        "trap '' TERM; echo ready; while :; do sleep 0.01; done", spec={"terminationGracePeriodSeconds": 0}
    )
    wait_for_line(pods, attempt_id, "ready")
    pods.podlet.client.send(protocol.Stop(attempt_id=attempt_id, grace_seconds=3600))
    assert pods.end_of(attempt_id).failed.reason is EndReason.STOPPED


def test_a_pod_past_its_active_deadline_is_ended_as_timed_out(pods: Pods) -> None:
    spec = {"activeDeadlineSeconds": 1, "terminationGracePeriodSeconds": 0}
    ran = pods.run(command=["sleep", "3600"], spec=spec)
    assert ran.failed.reason is EndReason.TIMED_OUT
    assert "active deadline of 1 s" in ran.failed.message


def test_the_start_is_told_before_the_end_and_only_once(pods: Pods) -> None:
    attempt_id = pods.start("echo ready; read line < /dev/null; sleep 0.3")
    started = pods.podlet.client.take(protocol.Started, lambda one: one.attempt_id == attempt_id)
    ran = pods.end_of(attempt_id)
    assert ran.ended.started_at == started.at
    assert started.at <= ran.ended.at


def test_the_same_request_twice_runs_the_pod_once(pods: Pods, tmp_path: pathlib.Path) -> None:
    spec = {"volumes": [{"name": "v", "hostPath": {"path": str(tmp_path)}}]}
    attempt_id = pods.start(
        "echo ran >> /v/ledger; sleep 0.2", spec=spec, volumeMounts=[{"name": "v", "mountPath": "/v"}]
    )
    request = protocol.StartPod(attempt_id=attempt_id, manifest={"spec": {"containers": []}})
    pods.podlet.client.send(request)
    pods.end_of(attempt_id)
    assert (tmp_path / "ledger").read_text() == "ran\n"


def test_no_cgroup_mount_or_file_is_left_when_a_pod_is_released(pods: Pods) -> None:
    ran = pods.run(
        "echo x > /v/x",
        resources={"limits": {"memory": "64Mi"}},
        spec={"volumes": [{"name": "v", "emptyDir": {"medium": "Memory"}}]},
        volumeMounts=[{"name": "v", "mountPath": "/v"}],
    )
    attempt_id = ran.ended.attempt_id
    pods.podlet.client.send(protocol.Release(attempt_ids=(attempt_id,)))
    wait_until(lambda: not pods.podlet.folder(attempt_id).exists(), "the folder is gone")
    assert attempt_id not in pathlib.Path("/proc/self/mounts").read_text()
    found = subprocess.run(
        ["find", "/sys/fs/cgroup", "-name", f"*{attempt_id}*"], capture_output=True, text=True, check=False
    )
    assert found.stdout == ""
