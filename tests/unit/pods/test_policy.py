"""A site's policy names the fields of a pod that it does not allow."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.pods.samples import build
from tradewind.pods import policy
from tradewind.pods.policy import Policy

_CLOSED = Policy(
    namespaces=("team-*",), images=("registry.local/*",), service_accounts=("default", "runner"), host_access=False
)
_ALLOWED: dict[str, Any] = {"namespace": "team-a", "image": "registry.local/job:1"}


def test_a_pod_within_the_policy_passes_and_without_a_policy_any_does() -> None:
    assert policy.check(build(**_ALLOWED, service_account_name="runner"), _CLOSED) == []
    assert policy.check(build(hostnetwork=True), Policy()) == []


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"namespace": "kube-system"}, "metadata.namespace"),
        ({"image": "docker.io/any"}, "spec.containers[0].image"),
        ({"service_account_name": "admin"}, "spec.serviceAccountName"),
        ({"hostnetwork": True}, "spec.hostNetwork"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "spec.volumes[0].hostPath"),
        ({"ports": [{"containerPort": 80, "hostPort": 80}]}, "spec.containers[0].ports[0].hostPort"),
        (
            {"container_security_context": {"privileged": True}},
            "spec.containers[0].securityContext.privileged",
        ),
        (
            {"container_security_context": {"capabilities": {"add": ["SYS_ADMIN"]}}},
            "spec.containers[0].securityContext.capabilities.add",
        ),
        (
            {"init_containers": [{"name": "i", "image": "other"}]},
            "spec.initContainers[0].image",
        ),
    ],
)
def test_what_is_not_allowed_is_named_by_its_field(arguments: dict[str, Any], path: str) -> None:
    (problem,) = policy.check(build(**{**_ALLOWED, **arguments}), _CLOSED)
    assert (problem.object, problem.code) == (path, "against-policy")
    assert "runtime.kubernetes.policy" in problem.hint
