"""A pod's end is told as a reason and one sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests.unit.pods.samples import build
from tradewind.model.states import EndReason
from tradewind.pods import verdict, view
from tradewind.pods.view import ContainerView, PodView


def _main(**fields: Any) -> PodView:
    return PodView(containers=(ContainerView(**{"name": "base", "role": "main", "state": "terminated", **fields}),))


@pytest.mark.parametrize(
    ("seen", "reason", "sentence"),
    [
        (_main(exit_code=0), EndReason.COMPLETED, "Container 'base' completed."),
        (_main(exit_code=3), EndReason.ERROR, "Container 'base' failed with exit code 3."),
        (_main(exit_code=3, message="no\nluck"), EndReason.ERROR, "Container 'base' failed with exit code 3: no luck"),
        (
            _main(exit_code=127),
            EndReason.ERROR,
            "Container 'base' failed with exit code 127 (its command was not found).",
        ),
        (
            _main(exit_code=137, reason="OOMKilled", memory_limit="512Mi"),
            EndReason.OOM_KILLED,
            "Container 'base' was OOMKilled at its limit of 512Mi.",
        ),
        (
            _main(exit_code=137, reason="OOMKilled"),
            EndReason.OOM_KILLED,
            "Container 'base' was OOMKilled: the node ran out of memory.",
        ),
        (_main(exit_code=137), EndReason.KILLED, "Container 'base' was killed by SIGKILL."),
        (_main(signal=11, exit_code=139), EndReason.KILLED, "Container 'base' was killed by SIGSEGV."),
        (
            _main(exit_code=128, reason="StartError", message="exec: no such file"),
            EndReason.ERROR,
            "Container 'base' could not be started: exec: no such file.",
        ),
        (
            PodView(reason="Evicted", node="n1", message="low on memory"),
            EndReason.EVICTED,
            "The pod was evicted on node n1: low on memory",
        ),
        (PodView(reason="NodeLost", node="n1"), EndReason.NODE_LOST, "The pod was lost with its node n1."),
        (
            PodView(reason="DeadlineExceeded", deadline_seconds=60),
            EndReason.TIMED_OUT,
            "The pod ran longer than its active deadline of 60 s.",
        ),
        (
            PodView(reason="OutOfmemory"),
            EndReason.NEVER_STARTED,
            "The pod was not admitted (OutOfmemory).",
        ),
        (
            PodView(
                containers=(
                    ContainerView(
                        name="base", role="main", state="waiting", reason="ImagePullBackOff", message="no such image"
                    ),
                )
            ),
            EndReason.NEVER_STARTED,
            "Container 'base' never started (ImagePullBackOff: no such image).",
        ),
        (
            PodView(conditions={"PodScheduled": "False Unschedulable: 0/3 nodes"}),
            EndReason.NEVER_STARTED,
            "The pod never started: False Unschedulable: 0/3 nodes",
        ),
        (
            _main(state="running"),
            EndReason.LOST,
            "The pod went away while container 'base' ran; nobody can say how it ended.",
        ),
        (
            PodView(
                containers=(
                    ContainerView(name="prepare", role="init", state="terminated", exit_code=1),
                    ContainerView(name="base", role="main", state="waiting"),
                )
            ),
            EndReason.ERROR,
            "Init container 'prepare' failed with exit code 1.",
        ),
    ],
)
def test_an_end_has_a_reason_and_a_sentence(seen: PodView, reason: EndReason, sentence: str) -> None:
    judged = verdict.judge(seen)
    assert (judged.reason, judged.sentence) == (reason, sentence)


def _disrupted(why: str, **main: Any) -> PodView:
    """A pod that the cluster took away at second 10."""
    fields = {"exit_code": 143, "finished_at": datetime(2026, 1, 1, 0, 0, 12, tzinfo=UTC), **main}
    seen = _main(**fields)
    at = datetime(2026, 1, 1, 0, 0, 10, tzinfo=UTC)
    return msgspec.structs.replace(seen, node="n1", disruption=why, disrupted_at=at)


@pytest.mark.parametrize(
    ("why", "reason", "sentence"),
    [
        ("PreemptionByScheduler", EndReason.PREEMPTED, "The pod was preempted on node n1 by one of higher priority."),
        ("EvictionByEvictionAPI", EndReason.EVICTED, "The pod was evicted on node n1."),
        (
            "DeletionByTaintManager",
            EndReason.NODE_LOST,
            "The pod was taken off its node n1, whose taints it does not tolerate.",
        ),
        ("DeletionByPodGC", EndReason.NODE_LOST, "The pod was lost with its node n1."),
        (
            "TerminationByKubelet",
            EndReason.EVICTED,
            "The pod was ended by the kubelet on node n1, which lacks room or shuts down.",
        ),
        ("SomethingNew", EndReason.EVICTED, "The pod was taken away on node n1 (SomethingNew)."),
    ],
)
def test_what_the_cluster_took_away_is_not_the_users_doing(why: str, reason: EndReason, sentence: str) -> None:
    for seen in (_disrupted(why), _disrupted(why, state="running", exit_code=None, finished_at=None)):
        judged = verdict.judge(seen)
        assert (judged.reason, judged.sentence) == (reason, sentence)
        assert judged.reason.is_infrastructure


def test_an_end_before_the_disruption_is_the_containers_own() -> None:
    early = datetime(2026, 1, 1, 0, 0, 9, tzinfo=UTC)
    assert verdict.judge(_disrupted("EvictionByEvictionAPI", finished_at=early, exit_code=3)).reason is EndReason.ERROR


def test_who_completes_or_runs_out_of_memory_while_it_is_taken_away_did_so() -> None:
    assert verdict.judge(_disrupted("EvictionByEvictionAPI", exit_code=0)).reason is EndReason.COMPLETED
    killed = _disrupted("EvictionByEvictionAPI", exit_code=137, reason="OOMKilled")
    assert verdict.judge(killed).reason is EndReason.OOM_KILLED


def test_a_skip_exit_code_is_no_failure() -> None:
    judged = verdict.judge(_main(exit_code=99), skip_exit_codes=(99,))
    assert judged.skipped
    assert judged.reason is EndReason.COMPLETED


def test_a_view_is_read_from_the_api() -> None:
    pod = build(
        container_resources={"limits": {"memory": "512Mi"}},
        init_containers=[{"name": "side", "image": "s", "restartPolicy": "Always"}, {"name": "first", "image": "f"}],
    )
    pod["status"] = {
        "phase": "Failed",
        "initContainerStatuses": [
            {"name": "side", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}},
            {"name": "first", "state": {"terminated": {"exitCode": 0}}},
        ],
        "containerStatuses": [
            {
                "name": "base",
                "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-01T00:00:05Z"}},
            }
        ],
        "conditions": [{"type": "Ready", "status": "False", "reason": "PodFailed"}],
    }
    seen = view.from_api(pod)
    assert [(one.name, one.role, one.state) for one in seen.containers] == [
        ("side", "sidecar", "running"),
        ("first", "init", "terminated"),
        ("base", "main", "terminated"),
    ]
    assert verdict.sentence(seen) == "Container 'base' was OOMKilled at its limit of 512Mi."


@pytest.mark.parametrize("code", [137, 143])
def test_a_container_that_a_deletion_killed_is_lost_with_its_pod(code: int) -> None:
    killed = _main(exit_code=code, finished_at=datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC))
    deleted = msgspec.structs.replace(killed, deletion_at=datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC))
    judged = verdict.judge(deleted)
    name = verdict.signal_name(code - 128)
    assert judged.reason is EndReason.LOST
    assert judged.sentence == f"The pod was deleted while container 'base' ran, which ended by {name}."


def test_a_container_that_failed_or_had_no_memory_did_so_though_its_pod_is_deleted() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    failed, oom = _main(exit_code=3), _main(exit_code=137, reason="OOMKilled")
    seen = [msgspec.structs.replace(one, deletion_at=at) for one in (failed, oom)]
    assert [verdict.judge(one).reason for one in seen] == [EndReason.ERROR, EndReason.OOM_KILLED]
