"""How far an attempt's pod came, whether it is over, and how it ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tradewind.model.outcome import Failed, Skipped, Success
from tradewind.model.states import AttemptPhase, EndReason
from tradewind.pods.identity import Identity
from tradewind.pods.view import ContainerView, PodView
from tradewind.runtime.kubernetes import phases

T0 = datetime(2026, 1, 1, tzinfo=UTC)
OURS = Identity(attempt_id="a" * 20, dag_id="d", task_id="t", run_id="r")


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def pod(*others: ContainerView, main: dict[str, Any] | None = None, **fields: Any) -> PodView:
    containers = (ContainerView(name="base", role="main", **(main or {})), *others)
    told = {"identity": OURS, "name": "p", "uid": "u", "namespace": "a", "created_at": T0, **fields}
    return PodView(containers=containers, **told)


def ended(code: int, **more: Any) -> dict[str, Any]:
    return {"state": "terminated", "exit_code": code, "started_at": at(3), "finished_at": at(5), **more}


def test_phases_are_told_in_order_with_the_clusters_times() -> None:
    seen = pod(main={"state": "running", "started_at": at(3)}, scheduled_at=at(1), node="n1")
    told = phases.progress(seen)
    assert [(one.phase, one.at) for one in told] == [
        (AttemptPhase.SUBMITTED, T0),
        (AttemptPhase.SCHEDULED, at(1)),
        (AttemptPhase.PULLED, at(3)),
        (AttemptPhase.STARTED, at(3)),
    ]
    assert {(one.attempt_id, one.pod_name, one.pod_uid, one.namespace, one.node) for one in told} == {
        ("a" * 20, "p", "u", "a", "n1")
    }


def test_a_pod_that_waits_for_a_node_is_only_submitted() -> None:
    assert [one.phase for one in phases.progress(pod())] == [AttemptPhase.SUBMITTED]


def test_a_container_that_could_not_be_started_did_not_start() -> None:
    seen = pod(main=ended(128, reason="StartError"), scheduled_at=at(1))
    assert AttemptPhase.STARTED not in [one.phase for one in phases.progress(seen)]


def test_a_pod_that_is_not_ours_says_nothing() -> None:
    assert phases.progress(pod(identity=None)) == []


@pytest.mark.parametrize(
    ("seen", "over"),
    [
        (pod(phase="Pending"), False),
        (pod(phase="Running", main={"state": "running", "started_at": at(3)}), False),
        (pod(phase="Running", main=ended(0)), True),
        (pod(ContainerView(name="istio", state="running"), phase="Running", main=ended(1)), True),
        (pod(ContainerView(name="other", **ended(0)), phase="Running", main={"state": "running"}), False),
        (pod(phase="Failed", reason="Evicted"), True),
        (pod(phase="Unknown", main={"state": "running"}), False),
        (pod(phase="Running", main={"state": "running"}, deleted=True), False),
    ],
)
def test_the_main_container_or_the_whole_pod_ends_an_attempt(seen: PodView, over: bool) -> None:
    assert phases.is_over(seen) is over


def test_a_success_and_a_skip() -> None:
    assert phases.outcome(pod(main=ended(0))) == (Success(), "Container 'base' completed.")
    assert isinstance(phases.outcome(pod(main=ended(99)), skip_exit_codes=(99,))[0], Skipped)


@pytest.mark.parametrize(
    ("seen", "reason", "entered"),
    [
        (pod(main=ended(1)), EndReason.ERROR, True),
        (pod(main={"state": "running", "started_at": at(3)}), EndReason.LOST, True),
        (pod(main={"state": "waiting", "reason": "ImagePullBackOff"}), EndReason.NEVER_STARTED, False),
        (pod(phase="Failed", reason="Evicted"), EndReason.EVICTED, False),
        (pod(main=ended(143), disruption="PreemptionByScheduler", disrupted_at=at(4)), EndReason.PREEMPTED, True),
        (pod(main={"state": "waiting"}, disruption="PreemptionByScheduler"), EndReason.PREEMPTED, False),
        (pod(main=ended(128, reason="StartError", message="no such file")), EndReason.ERROR, False),
    ],
)
def test_a_failure_says_whose_it_was_and_whether_the_code_began(
    seen: PodView, reason: EndReason, entered: bool
) -> None:
    found, sentence = phases.outcome(seen)
    assert isinstance(found, Failed)
    assert (found.reason, found.entered, found.message) == (reason, entered, sentence)


def test_an_end_has_the_containers_time_or_that_of_seeing_it() -> None:
    assert phases.ended_at(pod(main=ended(0)), at(60)) == at(5)
    assert phases.ended_at(pod(phase="Failed", reason="Evicted"), at(60)) == at(60)
