"""The embedded runtime says what it cannot honour, and what it leaves out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.pods.samples import build
from tradewind.pods import local


def test_what_a_laptop_can_give_is_taken() -> None:
    pod = build(
        volumes=[
            {"name": kind.lower(), kind: {}}
            for kind in ("configMap", "downwardAPI", "emptyDir", "hostPath", "projected", "secret")
        ],
        container_resources={"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
        security_context={"runAsUser": 1000, "fsGroup": 1000},
        init_containers=[{"name": "i", "image": "i", "restartPolicy": "Always"}],
    )
    assert local.check(pod) == []
    assert local.notes(pod) == []


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (
            {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]},
            "spec.volumes[0].persistentVolumeClaim",
        ),
        (
            {"volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]},
            "spec.volumes[0].projected.sources[0].serviceAccountToken",
        ),
        ({"host_aliases": [{"ip": "1.2.3.4"}]}, "spec.hostAliases"),
        ({"dns_config": {"nameservers": []}}, "spec.dnsConfig"),
        (
            {"init_containers": [{"name": "i", "image": "i", "lifecycle": {"preStop": {}}}]},
            "spec.initContainers[0].lifecycle",
        ),
        (
            {"container_resources": {"limits": {"nvidia.com/gpu": 1}}},
            "spec.containers[0].resources.limits.nvidia.com/gpu",
        ),
    ],
)
def test_what_cannot_be_honoured_is_refused_with_a_hint(arguments: dict[str, Any], place: str) -> None:
    (problem,) = local.check(build(**arguments))
    assert problem.object == place
    assert problem.hint != ""


def test_what_only_a_cluster_needs_is_noted() -> None:
    pod = build(node_selector={"a": "b"}, service_account_name="sa", ports=[{"containerPort": 1}])
    assert local.check(pod) == []
    assert [note.split(":")[0] for note in local.notes(pod)] == [
        "nodeSelector",
        "serviceAccountName",
        "ports of container 'base'",
    ]


def test_limits_that_nothing_keeps_and_rights_that_processes_have_not_are_noted() -> None:
    pod = build(
        container_resources={"limits": {"cpu": "1", "ephemeral-storage": "1Gi"}},
        container_security_context={"runAsUser": 1, "privileged": True, "readOnlyRootFilesystem": False},
        volumes=[
            {"name": "disk", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "memory", "emptyDir": {"sizeLimit": "1Gi", "medium": "Memory"}},
        ],
    )
    assert local.check(pod) == []
    assert [note.split(":")[0] for note in local.notes(pod)] == [
        "sizeLimit of volume 'disk'",
        "securityContext.privileged of container 'base'",
        "limit of cpu of container 'base'",
        "limit of ephemeral-storage of container 'base'",
    ]
