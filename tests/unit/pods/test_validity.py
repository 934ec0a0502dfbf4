"""What an API server would refuse is told before it is sent, with its place and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.pods.samples import build
from tradewind.pods import validity


def _told(**arguments: Any) -> list[str]:
    pod = build(**arguments)
    return [f"{problem.object}: {problem.message}" for problem in validity.check(pod, arguments)]


def test_a_usual_pod_has_no_problems() -> None:
    assert (
        _told(
            name="job",
            cmds=["a"],
            env_vars={"A": "1", "my.name": "2"},
            labels={"team": "data", "app.kubernetes.io/name": "x"},
            container_resources={"requests": {"cpu": "100m"}, "limits": {"cpu": "1", "memory": "1Gi"}},
            volumes=[{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}],
            volume_mounts=[{"name": "v", "mountPath": "/v", "subPath": "a/b"}],
            ports=[{"containerPort": 80, "name": "http"}],
            do_xcom_push=True,
        )
        == []
    )


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({"image": None}, "spec.containers[0].image"),
        ({"image": " a b"}, "spec.containers[0].image"),
        ({"namespace": "Team_1"}, "metadata.namespace"),
        ({"labels": {"a b": "x"}}, "metadata.labels['a b']"),
        ({"labels": {"a": "x y"}}, "metadata.labels['a']"),
        ({"labels": {"a": "x" * 64}}, "metadata.labels['a']"),
        ({"annotations": {"a": "x" * 300_000}}, "metadata.annotations"),
        ({"env_vars": {"A=B": "x"}}, "spec.containers[0].env[0].name"),
        ({"env_vars": [{"name": "A", "value": "x", "valueFrom": {"fieldRef": {}}}]}, "spec.containers[0].env[0]"),
        ({"env_vars": [{"name": "A", "valueFrom": {}}]}, "spec.containers[0].env[0].valueFrom"),
        ({"base_container_name": "My_Main"}, "spec.containers[0].name"),
        ({"init_containers": [{"name": "base", "image": "x"}]}, "spec.initContainers[0].name"),
        ({"volume_mounts": [{"name": "gone", "mountPath": "/x"}]}, "spec.containers[0].volumeMounts[0].name"),
        ({"volumes": [{"name": "v"}, {"name": "v"}]}, "spec.volumes[1].name"),
        ({"volumes": [{"name": "v", "emptyDir": {}, "hostPath": {}}]}, "spec.volumes[0]"),
        (
            {
                "volumes": [{"name": "v"}],
                "volume_mounts": [{"name": "v", "mountPath": "/airflow/xcom"}],
                "do_xcom_push": True,
            },
            "spec.containers[0].volumeMounts[1].mountPath",
        ),
        (
            {"volumes": [{"name": "v"}], "volume_mounts": [{"name": "v", "mountPath": "/x", "subPath": "../y"}]},
            "spec.containers[0].volumeMounts[0].subPath",
        ),
        ({"container_resources": {"limits": {"memory": "1GB"}}}, "spec.containers[0].resources.limits.memory"),
        ({"container_resources": {"limits": {"cpu": "-1"}}}, "spec.containers[0].resources.limits.cpu"),
        (
            {"container_resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "1500m"}}},
            "spec.containers[0].resources.requests.cpu",
        ),
        ({"container_security_context": {"run_as_user": 5}}, "spec.containers[0].securityContext.run_as_user"),
        ({"ports": [{"containerPort": 70000}]}, "spec.containers[0].ports[0].containerPort"),
        ({"ports": [{"containerPort": 80, "name": "Much-Too-Long-A-Name"}]}, "spec.containers[0].ports[0].name"),
        (
            {"ports": [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81, "hostPort": 8080}]},
            "spec.containers[0].ports[1].hostPort",
        ),
        (
            {"ports": [{"containerPort": 80}, {"containerPort": 80, "name": "http"}], "hostnetwork": True},
            "spec.containers[0].ports[1].hostPort",
        ),
        ({"image_pull_policy": "Sometimes"}, "spec.containers[0].imagePullPolicy"),
        ({"dnspolicy": "Mine"}, "spec.dnsPolicy"),
        ({"active_deadline_seconds": 0}, "spec.activeDeadlineSeconds"),
        ({"termination_grace_period": "5"}, "spec.terminationGracePeriodSeconds"),
        ({"hostname": "a.b"}, "spec.hostname"),
        ({"name": "UPPER.", "random_name_suffix": False}, "metadata.name"),
        ({"imag": "x"}, "argument 'imag'"),
    ],
)
def test_a_problem_names_its_place(arguments: dict[str, Any], place: str) -> None:
    told = _told(**arguments)
    assert any(line.startswith(f"{place}:") for line in told), told


def test_a_port_of_the_node_is_another_with_another_protocol_or_address() -> None:
    ports = [
        {"containerPort": 53, "hostPort": 53},
        {"containerPort": 53, "hostPort": 53, "protocol": "UDP"},
        {"containerPort": 53, "hostPort": 53, "hostIP": "127.0.0.1"},
        {"containerPort": 53},
        {"containerPort": 53},
    ]
    assert _told(ports=ports) == []


def test_a_misspelled_field_is_told_as_the_api_spells_it() -> None:
    (problem,) = validity.check(build(container_security_context={"run_as_user": 5}))
    assert problem.hint == "is 'runAsUser' meant?"


def test_an_unknown_argument_is_told_with_the_near_name() -> None:
    (problem,) = validity.check(build(), {"imag": "x"})
    assert problem.hint == "is 'image' meant?"


def test_what_still_holds_a_template_is_not_judged() -> None:
    assert (
        _told(
            image="{{ params.image }}",
            namespace="{{ ns }}",
            labels={"a": "{{ x }}"},
            container_resources={"limits": {"cpu": "{{ y }}"}},
        )
        == []
    )


def test_keys_of_plain_maps_are_the_users_own() -> None:
    assert _told(node_selector={"my_key": "x"}, labels={"my_label": "x"}) == []
