"""Fields of the API by the names that the official client's models give them."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes import client

from tradewind.runtime.kubernetes import model_names

_CHOSEN = {"annotations": {"someKey": "a"}, "labels": {"aB": "c"}}


def test_fields_are_spelled_and_what_users_chose_is_not() -> None:
    job = {
        "apiVersion": "batch/v1",
        "metadata": {"creationTimestamp": "x", **_CHOSEN},
        "spec": {"ttlSecondsAfterFinished": 1, "template": {"spec": {"nodeSelector": {"aB": "c"}, "hostIPC": True}}},
        "status": {"conditions": [{"lastProbeTime": "y"}]},
    }
    assert model_names.spelled(job) == {
        "api_version": "batch/v1",
        "metadata": {"creation_timestamp": "x", **_CHOSEN},
        "spec": {
            "ttl_seconds_after_finished": 1,
            "template": {"spec": {"node_selector": {"aB": "c"}, "host_ipc": True}},
        },
        "status": {"conditions": [{"last_probe_time": "y"}]},
    }


@pytest.mark.parametrize("kind", ["V1JobSpec", "V1JobStatus", "V1ObjectMeta", "V1PodSpec", "V1Container", "V1Probe"])
def test_names_are_those_of_the_client(kind: str) -> None:
    model: Any = getattr(client, kind)
    for ours, api in model.attribute_map.items():
        (spelled,) = model_names.spelled({api: 1})
        assert spelled == ours
