"""Bytes of the API become views."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.runtime_kubernetes import api_server as api
from tradewind.pods import view as views
from tradewind.pods.identity import Identity
from tradewind.ports import errors
from tradewind.runtime.kubernetes import decode
from tradewind.runtime.kubernetes.decode import Bookmark, PodChanged, PodDeleted, Refused

IDENTITY = Identity(attempt_id="a" * 20, dag_id="d", task_id="t", run_id="r", try_number=2, map_index=3)
RUNNING: dict[str, Any] = {"running": {"startedAt": "2026-01-01T00:00:03Z"}}
KILLED: dict[str, Any] = {
    "terminated": {
        "exitCode": 137,
        "signal": 9,
        "reason": "OOMKilled",
        "message": "said at its end",
        "startedAt": "2026-01-01T00:00:03Z",
        "finishedAt": "2026-01-01T00:00:05Z",
        "containerID": "containerd://1",
    }
}


def whole_pod() -> dict[str, Any]:
    """A pod with everything that a view shows, and much that it does not."""
    pod = api.pod("one", version=7)
    pod["metadata"] |= {
        "annotations": {**IDENTITY.annotations(), "kubectl.kubernetes.io/last-applied-configuration": "{}"},
        "labels": IDENTITY.labels(),
        "deletionTimestamp": "2026-01-01T00:01:00Z",
        "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:status": {}}}],
    }
    pod["spec"] = {
        "nodeName": "n1",
        "activeDeadlineSeconds": 60,
        "containers": [
            {"name": "base", "image": "b", "resources": {"limits": {"memory": "512Mi", "cpu": "1"}}},
            {"name": "proxy", "image": "p", "resources": {}},
        ],
        "initContainers": [{"name": "side", "image": "s", "restartPolicy": "Always"}, {"name": "first", "image": "f"}],
    }
    pod["status"] = {
        "phase": "Failed",
        "reason": "Evicted",
        "message": "low on memory",
        "startTime": "2026-01-01T00:00:02Z",
        "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T00:00:01Z"},
            {
                "type": "DisruptionTarget",
                "status": "True",
                "reason": "PreemptionByScheduler",
                "lastTransitionTime": "2026-01-01T00:00:04Z",
            },
            {"type": "Ready", "status": "False", "reason": "PodFailed", "message": "why", "lastProbeTime": None},
        ],
        "initContainerStatuses": [
            {"name": "side", "state": RUNNING, "lastState": KILLED, "restartCount": 2, "ready": True},
            {"name": "first", "state": {"terminated": {"exitCode": 0, "startedAt": None, "finishedAt": None}}},
        ],
        "containerStatuses": [
            {"name": "base", "state": KILLED, "image": "b:1", "containerID": "containerd://1"},
            {"name": "proxy", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no"}}, "ready": False},
            {"name": "gone"},
            {"name": "unstartable", "state": {"terminated": {"exitCode": 128, "startedAt": "1970-01-01T00:00:00Z"}}},
        ],
    }
    return pod


@pytest.mark.parametrize(
    "pod",
    [
        whole_pod(),
        api.pod("one"),
        {"metadata": {"name": "n", "uid": "u"}},
        {**api.pod("x"), "status": None, "spec": None},
    ],
)
def test_a_decoded_pod_is_the_view_of_its_json(pod: dict[str, Any]) -> None:
    assert decode.pod(json.dumps(pod).encode()) == views.from_api(pod)


def test_what_decides_is_in_the_view() -> None:
    view = decode.pod(json.dumps(whole_pod()).encode())
    assert view.identity == IDENTITY
    assert (view.scheduled_at, view.accepted_at) == (
        datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC),
    )
    assert (view.disruption, view.disrupted_at) == (
        "PreemptionByScheduler",
        datetime(2026, 1, 1, 0, 0, 4, tzinfo=UTC),
    )
    assert view.deleted
    assert view.deletion_at == datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
    assert view.main is not None
    assert (view.main.reason, view.main.exit_code, view.main.signal) == ("OOMKilled", 137, 9)
    assert (view.main.memory_limit, view.main.message, view.main.container_id) == (
        "512Mi",
        "said at its end",
        "containerd://1",
    )
    assert view.containers[-1].started_at is None
    side = view.containers[0]
    assert (side.role, side.state, side.restarts, side.ready) == ("sidecar", "running", 2, True)
    assert (side.last_reason, side.last_exit_code) == ("OOMKilled", 137)


def test_a_pod_that_is_not_ours_has_no_identity() -> None:
    pod = api.pod("one")
    pod["metadata"]["annotations"] = {"tradewind/attempt-id": "a"}
    assert decode.pod(json.dumps(pod).encode()).identity is None


def test_events_are_told_apart() -> None:
    assert isinstance(decode.event(api.event("ADDED", api.pod("one"))), PodChanged)
    assert isinstance(decode.event(api.event("MODIFIED", api.pod("one"))), PodChanged)
    assert isinstance(decode.event(api.event("DELETED", api.pod("one"))), PodDeleted)
    assert decode.event(api.bookmark(12)) == Bookmark(resource_version="12")
    refused = decode.event(api.event("ERROR", api.status(410)))
    assert isinstance(refused, Refused)
    assert refused.status.code == 410


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"<html>",
        b"\xff\xfe",
        b"[]",
        b'{"type":"ADDED"}',
        b'{"type":"SURPRISE","object":{}}',
        b'{"type":"ADDED","object":{"metadata":{"name":"no uid"}}}',
        b'{"type":"DELETED","object":{"kind":"Status","status":"Failure"}}',
    ],
)
def test_nonsense_is_an_error(line: bytes) -> None:
    with pytest.raises(errors.Transient) as caught:
        decode.event(line)
    assert caught.value.code == "nonsense"


def test_a_list_is_decoded_between_other_work() -> None:
    body = json.dumps({"metadata": {"resourceVersion": "5"}, "items": [api.pod(f"p{n}") for n in range(1000)]}).encode()

    async def scene() -> int:
        turns = 0
        reading = asyncio.create_task(decode.page(body))
        while not reading.done():
            turns += 1
            await asyncio.sleep(0)
        assert len((await reading).pods) == 1000
        return turns

    assert asyncio.run(scene()) >= 20
