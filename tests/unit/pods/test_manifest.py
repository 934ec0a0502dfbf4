"""A manifest says what the operator's arguments say, laid over each other as Airflow's provider does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.pods.samples import WHO, build, main_container
from tradewind.pods import manifest
from tradewind.pods.identity import Identity, safe_label
from tradewind.pods.problems import BadPod


def test_every_parameter_of_the_manifest_reaches_its_field() -> None:
    pod = build(
        active_deadline_seconds=60,
        affinity={"nodeAffinity": {"x": 1}},
        annotations={"note": "n"},
        arguments=["a", 1],
        automount_service_account_token=False,
        base_container_name="main",
        cmds=["run"],
        configmaps=["settings"],
        container_resources={"limits": {"memory": "1Gi"}},
        container_security_context={"runAsUser": 1},
        dns_config={"nameservers": ["1.1.1.1"]},
        dnspolicy="None",
        env_from=[{"secretRef": {"name": "s"}}],
        env_vars={"A": "1", "B": None},
        host_aliases=[{"ip": "1.2.3.4"}],
        hostname="h",
        hostnetwork=True,
        image_pull_policy="Always",
        image_pull_secrets="one,two",
        init_containers=[{"name": "init", "image": "i"}],
        labels={"team": "data", "empty": None},
        node_selector={"disk": "ssd"},
        pod_runtime_info_envs=[{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        ports=[{"containerPort": 80}],
        priority_class_name="high",
        runtime_class_name="gvisor",
        schedulername="mine",
        security_context={"fsGroup": 2},
        service_account_name="sa",
        subdomain="sub",
        termination_grace_period=5,
        termination_message_policy="FallbackToLogsOnError",
        tolerations=[{"key": "k"}],
        volume_mounts=[{"name": "v", "mountPath": "/v"}],
        volumes=[{"name": "v", "emptyDir": {}}],
        namespace="team",
    )
    assert pod["metadata"]["namespace"] == "team"
    assert pod["metadata"]["labels"]["team"] == "data"
    assert pod["metadata"]["labels"]["empty"] == ""
    assert pod["metadata"]["annotations"]["note"] == "n"
    assert pod["spec"] == {
        "activeDeadlineSeconds": 60,
        "affinity": {"nodeAffinity": {"x": 1}},
        "automountServiceAccountToken": False,
        "dnsConfig": {"nameservers": ["1.1.1.1"]},
        "dnsPolicy": "None",
        "hostAliases": [{"ip": "1.2.3.4"}],
        "hostNetwork": True,
        "hostname": "h",
        "imagePullSecrets": [{"name": "one"}, {"name": "two"}],
        "initContainers": [{"name": "init", "image": "i"}],
        "nodeSelector": {"disk": "ssd"},
        "priorityClassName": "high",
        "restartPolicy": "Never",
        "runtimeClassName": "gvisor",
        "schedulerName": "mine",
        "securityContext": {"fsGroup": 2},
        "serviceAccountName": "sa",
        "subdomain": "sub",
        "terminationGracePeriodSeconds": 5,
        "tolerations": [{"key": "k"}],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "containers": [
            {
                "name": "main",
                "image": "python:3.12",
                "command": ["run"],
                "args": ["a", "1"],
                "env": [
                    {"name": "A", "value": "1"},
                    {"name": "B", "value": ""},
                    {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                ],
                "envFrom": [{"secretRef": {"name": "s"}}, {"configMapRef": {"name": "settings"}}],
                "imagePullPolicy": "Always",
                "ports": [{"containerPort": 80}],
                "resources": {"limits": {"memory": "1Gi"}},
                "securityContext": {"runAsUser": 1},
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "volumeMounts": [{"name": "v", "mountPath": "/v"}],
            }
        ],
    }


def test_a_small_pod_holds_nothing_that_was_not_said() -> None:
    pod = build()
    assert pod["spec"] == {
        "containers": [{"name": "base", "image": "python:3.12", "terminationMessagePolicy": "File"}],
        "restartPolicy": "Never",
    }
    assert pod["metadata"]["namespace"] == "default"


def test_the_operator_wins_over_the_whole_pod_and_that_over_the_template() -> None:
    template = {
        "metadata": {"labels": {"a": "t", "b": "t"}, "namespace": "t"},
        "spec": {
            "restartPolicy": "Always",
            "serviceAccountName": "t",
            "priorityClassName": "t",
            "nodeSelector": {"t": "1"},
            "containers": [{"name": "any", "image": "t", "env": [{"name": "T", "value": "t"}], "workingDir": "/t"}],
        },
    }
    whole = {
        "metadata": {"labels": {"b": "f", "c": "f"}},
        "spec": {"serviceAccountName": "f", "containers": [{"env": [{"name": "F", "value": "f"}]}]},
    }
    pod = build(image="o", pod_template_dict=template, full_pod_spec=whole, labels={"c": "o"}, node_selector={"o": "1"})
    assert {name: pod["metadata"]["labels"][name] for name in "abc"} == {"a": "t", "b": "f", "c": "o"}
    spec = pod["spec"]
    assert (spec["restartPolicy"], spec["serviceAccountName"], spec["priorityClassName"]) == ("Never", "f", "t")
    assert spec["nodeSelector"] == {"o": "1"}, "values are replaced whole"
    assert main_container(pod) == {
        "name": "base",
        "image": "o",
        "workingDir": "/t",
        "env": [{"name": "T", "value": "t"}, {"name": "F", "value": "f"}],
        "terminationMessagePolicy": "File",
    }
    assert pod["metadata"]["namespace"] == "t"


def test_containers_beside_the_main_one_and_init_containers_stay() -> None:
    template = {
        "spec": {
            "containers": [{"name": "x"}, {"name": "beside", "image": "b"}],
            "initContainers": [{"name": "one", "image": "t", "env": [{"name": "A"}]}, {"name": "two", "image": "t"}],
            "volumes": [{"name": "t", "emptyDir": {}}],
        }
    }
    pod = build(
        pod_template_dict=template,
        init_containers=[{"name": "one", "image": "o", "env": [{"name": "B"}]}, {"name": "three", "image": "o"}],
        volumes=[{"name": "o", "emptyDir": {}}],
    )
    assert [one["name"] for one in pod["spec"]["containers"]] == ["base", "beside"]
    assert pod["spec"]["initContainers"] == [
        {"name": "one", "image": "o", "env": [{"name": "A"}, {"name": "B"}]},
        {"name": "two", "image": "t"},
        {"name": "three", "image": "o"},
    ]
    assert [one["name"] for one in pod["spec"]["volumes"]] == ["t", "o"]


def test_a_template_file_is_taken_before_a_template_dict() -> None:
    text = "spec: {serviceAccountName: file, containers: [{name: base}]}"
    pod = build(
        pod_template_file=manifest.read_template(text), pod_template_dict={"spec": {"serviceAccountName": "dict"}}
    )
    assert pod["spec"]["serviceAccountName"] == "file"


@pytest.mark.parametrize("text", ["- a list", "just text", "a: [", ""])
def test_a_template_file_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(BadPod, match="pod_template_file"):
        manifest.read_template(text)


def test_the_arguments_are_left_as_they_were() -> None:
    volumes: list[Any] = [{"name": "v", "emptyDir": {}}]
    build(volumes=volumes, do_xcom_push=True, secrets=[{"deploy_type": "volume", "deploy_target": "/s", "secret": "s"}])
    assert volumes == [{"name": "v", "emptyDir": {}}]


def test_secrets_become_references() -> None:
    pod = build(
        secrets=[
            {"deploy_type": "env", "deploy_target": "sql_conn", "secret": "s1", "key": "conn"},
            {"deploy_type": "env", "deploy_target": None, "secret": "s2", "key": None},
            {
                "deploy_type": "volume",
                "deploy_target": "/keys",
                "secret": "s3",
                "key": None,
                "items": [{"key": "k", "path": "p"}],
            },
        ]
    )
    main = main_container(pod)
    assert main["env"] == [{"name": "SQL_CONN", "valueFrom": {"secretKeyRef": {"name": "s1", "key": "conn"}}}]
    assert main["envFrom"] == [{"secretRef": {"name": "s2"}}]
    (volume,) = pod["spec"]["volumes"]
    assert volume["secret"] == {"secretName": "s3", "items": [{"key": "k", "path": "p"}]}
    assert main["volumeMounts"] == [{"name": volume["name"], "mountPath": "/keys", "readOnly": True}]


@pytest.mark.parametrize(
    "secret",
    [
        {"deploy_type": "file", "secret": "s"},
        {"deploy_type": "volume", "secret": "s"},
        {"deploy_type": "env", "secret": "s", "key": "k"},
        "s",
    ],
)
def test_a_secret_that_makes_no_sense_is_refused(secret: Any) -> None:
    with pytest.raises(BadPod, match="secrets"):
        build(secrets=[secret])


def test_a_task_that_pushes_its_result_gets_the_folder_for_it() -> None:
    pod = build(do_xcom_push=True, volumes=[{"name": "v", "emptyDir": {}}])
    assert pod["spec"]["volumes"][0] == {"name": "xcom", "emptyDir": {}}
    assert main_container(pod)["volumeMounts"][0] == {"name": "xcom", "mountPath": "/airflow/xcom"}
    assert len(pod["spec"]["containers"]) == 1


@pytest.mark.parametrize("argument", ["cmds", "arguments", "volumes", "tolerations", "env_vars", "secrets"])
def test_an_argument_of_a_wrong_type_is_refused_by_name(argument: str) -> None:
    with pytest.raises(BadPod, match=f"argument '{argument}'"):
        build(**{argument: "text"})


def test_the_identity_cannot_be_hidden_by_labels_of_the_user() -> None:
    pod = build(labels={"dag_id": "other", "tradewind/attempt-id": "other"})
    assert pod["metadata"]["labels"]["dag_id"] == "etl"
    assert pod["metadata"]["labels"]["tradewind/attempt-id"] == WHO.attempt_id
    assert pod["metadata"]["labels"]["try_number"] == "2"
    assert pod["metadata"]["annotations"]["tradewind/run-id"] == WHO.run_id


def test_a_mapped_task_tells_its_index() -> None:
    identity = Identity(attempt_id="x", dag_id="d", task_id="t", run_id="r", map_index=3)
    assert identity.labels()["map_index"] == "3"
    assert "map_index" not in WHO.labels()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("manual__2026-01-01T00:00:00+00:00", "manual__2026-01-01T0000000000-c16bac33f"),
        ("x" * 63, "x" * 63),
        ("x" * 64, "x" * 53 + "-" + "c1bb4f81d"),
        ("-a-", "a-6f8f57715"),
    ],
)
def test_a_label_keeps_to_airflows_rule(text: str, expected: str) -> None:
    value = safe_label(text)
    assert value.rsplit("-", 1)[0] == expected.rsplit("-", 1)[0]
    assert len(value) <= 63


def test_the_sites_template_lies_under_that_of_the_task() -> None:
    site: dict[str, Any] = {
        "metadata": {"labels": {"site": "1", "team": "site"}, "namespace": "site"},
        "spec": {"imagePullSecrets": [{"name": "pull"}], "containers": [{"name": "base", "env": [{"name": "SITE"}]}]},
    }
    own = {"metadata": {"labels": {"team": "own"}}, "spec": {"containers": [{"image": "own:1"}], "nodeName": "n"}}
    pod = manifest.build({"pod_template_dict": own}, WHO, manifest.Defaults(namespace="other", template=site))
    assert pod["metadata"]["namespace"] == "site"
    assert (pod["metadata"]["labels"]["site"], pod["metadata"]["labels"]["team"]) == ("1", "own")
    assert (pod["spec"]["imagePullSecrets"], pod["spec"]["nodeName"]) == ([{"name": "pull"}], "n")
    assert (main_container(pod)["image"], main_container(pod)["env"]) == ("own:1", [{"name": "SITE"}])
    alone = manifest.build({"image": "i"}, WHO, manifest.Defaults(template=site))
    assert alone["spec"]["imagePullSecrets"] == [{"name": "pull"}]
    assert site["metadata"]["labels"] == {"site": "1", "team": "site"}
