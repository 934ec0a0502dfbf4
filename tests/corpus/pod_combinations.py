"""Combinations of the pod operator's arguments, by chance from a seed: forms that DAG files use, some of them wrong."""

from __future__ import annotations

import random
from typing import Any

Json = dict[str, Any]
CONTEXT: Json = {"ds": "2026-01-02", "run_id": "manual__2026-01-02T00:00:00+00:00", "params": {"size": "big", "n": 3}}
_DAY, _SIZE = "{{ ds }}", "{{ params.size }}"


def model(kind: str, **fields: Any) -> Json:
    """An object of the client's models."""
    return {"$": kind, "of": fields}


def _resources(draw: random.Random) -> Any:
    request, limit = draw.choice(["100m", "0.5", "1"]), draw.choice(["1", "2", "1500m"])
    memory = draw.choice(["64Mi", "1Gi", "2e8"])
    return draw.choice(
        [
            model("V1ResourceRequirements", requests={"cpu": request, "memory": memory}, limits={"cpu": limit}),
            model("V1ResourceRequirements", limits={"memory": memory, "nvidia.com/gpu": "1"}),
            {"requests": {"cpu": request}, "limits": {"cpu": limit}},
            model("V1ResourceRequirements", limits={"memory": "{{ params.n }}Gi"}),
        ]
    )


def _variables(draw: random.Random) -> Any:
    field = model("V1EnvVarSource", field_ref=model("V1ObjectFieldSelector", field_path="metadata.name"))
    literal = model("V1EnvVarSource", config_map_key_ref=model("V1ConfigMapKeySelector", name="m", key="k.txt"))
    listed = [
        model("V1EnvVar", name="PLAIN", value="1"),
        model("V1EnvVar", name="DAY", value=_DAY),
        model("V1EnvVar", name="NAME_" + _SIZE, value="x"),
        model("V1EnvVar", name="EMPTY", value=""),
        model("V1EnvVar", name="FIELD", value_from=field),
        model("V1EnvVar", name="KEY", value_from=literal),
    ]
    return draw.choice(
        [
            draw.sample(listed, draw.randint(1, 4)),
            {"A": "1", "B": _DAY, "C_" + _SIZE: "x"},
            {"NONE": None, "A": "1"},
            {"NUMBER": 5, "TRUE": True},
        ]
    )


def _volumes(draw: random.Random) -> list[Any]:
    claim = model("V1PersistentVolumeClaimVolumeSource", claim_name="claim-" + _SIZE, read_only=True)
    known = [
        model("V1Volume", name="data", persistent_volume_claim=claim),
        model("V1Volume", name="conf", config_map=model("V1ConfigMapVolumeSource", name="conf-" + _SIZE)),
        model("V1Volume", name="tmp", empty_dir=model("V1EmptyDirVolumeSource", medium="Memory", size_limit="1Gi")),
        model("V1Volume", name="host", host_path=model("V1HostPathVolumeSource", path="/data/" + _DAY)),
        model("V1Volume", name="keys", secret=model("V1SecretVolumeSource", secret_name="keys", default_mode=256)),
    ]
    return draw.sample(known, draw.randint(1, 3))


def _mounts(draw: random.Random, volumes: list[Any]) -> list[Any]:
    mounts = []
    for index, volume in enumerate(volumes):
        more: Json = draw.choice([{}, {"read_only": True}, {"sub_path": "part/" + _SIZE}])
        mounts.append(model("V1VolumeMount", name=volume["of"]["name"], mount_path=f"/mnt/{index}", **more))
    return mounts


def _secrets(draw: random.Random) -> list[Any]:
    known = [
        {"$": "Secret", "of": {"deploy_type": "env", "deploy_target": "password", "secret": "db", "key": "pw"}},
        {"$": "Secret", "of": {"deploy_type": "env", "deploy_target": None, "secret": "all"}},
        {"$": "Secret", "of": {"deploy_type": "volume", "deploy_target": "/etc/keys", "secret": "keys"}},
        {
            "$": "Secret",
            "of": {
                "deploy_type": "volume",
                "deploy_target": "/etc/one",
                "secret": "keys",
                "items": [{"key": "a", "path": "b/a"}],
            },
        },
    ]
    return draw.sample(known, draw.randint(1, 3))


def _container(draw: random.Random, name: str, **fields: Any) -> Json:
    more: Json = draw.choice(
        [{}, {"command": ["sh"]}, {"env": [model("V1EnvVar", name="C", value=_DAY)]}, {"image_pull_policy": "Always"}]
    )
    return model("V1Container", **{"name": name, "image": "side:1", **more, **fields})


def _affinity() -> Json:
    term = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


def _template(draw: random.Random) -> Json:
    """A Pod as YAML has it."""
    container: Json = {"name": "base"} | draw.choice([{"image": "template:1"}, {}])
    container |= draw.choice([{}, {"env": [{"name": "T", "value": _DAY}]}, {"args": ["t"], "tty": True}])
    container |= draw.choice([{}, {"resources": {"limits": {"cpu": "3"}}}, {"ports": [{"containerPort": 80}]}])
    spec: Json = {"containers": [container]}
    spec |= draw.choice([{}, {"restartPolicy": "Always"}, {"serviceAccountName": "template", "hostNetwork": True}])
    spec |= draw.choice([{}, {"nodeSelector": {"from": "template"}}, {"securityContext": {"fsGroup": 7}}])
    if draw.random() < 0.3:
        spec["containers"].append({"name": "side", "image": "side:2"})
    if draw.random() < 0.3:
        spec["volumes"] = [{"name": "template", "emptyDir": {}}]
        container["volumeMounts"] = [{"name": "template", "mountPath": "/template"}]
    if draw.random() < 0.3:
        spec["initContainers"] = [{"name": "init", "image": "init:t", "args": ["t"]}]
    metadata: Json = draw.choice([{}, {"name": "from-template"}, {"namespace": "template"}])
    metadata = metadata | draw.choice([{}, {"labels": {"team": "template", "more": "1"}, "annotations": {"a": "t"}}])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _whole(draw: random.Random) -> Json:
    containers = [_container(draw, "base", image="whole:1")]
    if draw.random() < 0.4:
        containers.append(_container(draw, "side"))
    spec: Json = draw.choice(
        [{}, {"node_selector": {"whole": "1"}}, {"priority_class_name": "high", "host_ipc": False}]
    )
    metadata: Json = draw.choice(
        [{}, {"labels": {"team": "whole"}}, {"name": "whole", "annotations": {"a": "w", "b": "w"}}]
    )
    return model(
        "V1Pod",
        metadata=model("V1ObjectMeta", **metadata),
        spec=model("V1PodSpec", containers=containers, **spec),
    )


def _simple(draw: random.Random) -> dict[str, Any]:
    """Arguments that stand for themselves, each with forms to choose from."""
    toleration = {"key": "k", "operator": "Exists", "effect": "NoSchedule"}
    return {
        "namespace": ["team-a", "team-" + _SIZE],
        "name": ["job", "job-" + _DAY, "Job_With.Dots", "x" * 80, "a.b"],
        "random_name_suffix": [True, False],
        "labels": [{"team": "data"}, {"day": _DAY, "none": None}, {"tradewind/attempt-id": "mine"}, {"bad key!": "x"}],
        "annotations": [{"note": "n"}, {"note": "the " + _DAY}],
        "hostname": ["node-" + _SIZE, "h"],
        "subdomain": ["sub"],
        "cmds": [["echo"], ["sh", "-c", "echo " + _DAY]],
        "arguments": [["a", "b.yaml"], [_DAY, "{{ params.n }}"], [5, True]],
        "env_from": [
            [model("V1EnvFromSource", secret_ref=model("V1SecretEnvSource", name="s"), prefix="P_")],
            [model("V1EnvFromSource", config_map_ref=model("V1ConfigMapEnvSource", name="m-" + _SIZE))],
        ],
        "configmaps": [["one"], ["one", "two-" + _SIZE]],
        "pod_runtime_info_envs": [
            [model("V1EnvVar", name="IP", value_from=model("V1EnvVarSource", field_ref=_field("status.podIP")))]
        ],
        "ports": [[model("V1ContainerPort", name="http", container_port=80)]],
        "image_pull_policy": ["Always", "IfNotPresent", "Sometimes"],
        "image_pull_secrets": ["one,two", [model("V1LocalObjectReference", name="pull")]],
        "hostnetwork": [True, False],
        "host_aliases": [[model("V1HostAlias", ip="10.0.0.1", hostnames=["a", "b"])]],
        "dnspolicy": ["Default", "ClusterFirstWithHostNet"],
        "dns_config": [model("V1PodDNSConfig", nameservers=["1.1.1.1"], searches=["a.b"])],
        "node_selector": [{"disk": "ssd"}, {"size": _SIZE}],
        "affinity": [_affinity(), {}],
        "tolerations": [[toleration], [model("V1Toleration", **toleration), toleration]],
        "priority_class_name": ["high"],
        "schedulername": ["mine"],
        "runtime_class_name": ["gvisor"],
        "service_account_name": ["runner"],
        "automount_service_account_token": [True, False],
        "security_context": [{"runAsUser": 1000, "fsGroup": 5}, model("V1PodSecurityContext", run_as_non_root=True)],
        "container_security_context": [
            {"allowPrivilegeEscalation": False},
            model("V1SecurityContext", run_as_user=7, capabilities=model("V1Capabilities", drop=["ALL"])),
            {"run_as_user": 7},
        ],
        "base_container_name": ["main", "main-" + _SIZE, "base"],
        "termination_grace_period": [0, 5],
        "active_deadline_seconds": [60, 0],
        "termination_message_policy": ["FallbackToLogsOnError", "File"],
        "do_xcom_push": [True],
        "get_logs": [False],
        "skip_on_exit_code": [99],
        "on_finish_action": ["keep_pod", "delete_succeeded_pod"],
        "deferrable": [True],
        "startup_timeout_seconds": [5],
        "trigger_kwargs": [{"a": _DAY}],
    }


def _field(path: str) -> Json:
    return model("V1ObjectFieldSelector", field_path=path)


def combination(draw: random.Random) -> Json:
    """One: what the oracle is asked, and what we are."""
    simple = _simple(draw)
    names = draw.sample(sorted(simple), draw.choice([0, 1, 2, 4, 8, 16]))
    found = {name: draw.choice(simple[name]) for name in names}
    if draw.random() < 0.9:
        found["image"] = draw.choice(["alpine:3", "team/image:" + _DAY, "registry.local:5000/a/b@sha256:" + "0" * 64])
    for name, make in (("env_vars", _variables), ("container_resources", _resources), ("secrets", _secrets)):
        if draw.random() < 0.3:
            found[name] = make(draw)
    if draw.random() < 0.3:
        found["volumes"] = volumes = _volumes(draw)
        if draw.random() < 0.9:
            found["volume_mounts"] = _mounts(draw, volumes)
    if draw.random() < 0.2:
        found["init_containers"] = [
            _container(draw, "init"),
            *([_container(draw, "second")] if draw.random() < 0.3 else []),
        ]
    if draw.random() < 0.25:
        found["pod_template_file"] = {"$": "file", "of": _template(draw)}
    elif draw.random() < 0.25:
        found["pod_template_dict"] = _template(draw)
    if draw.random() < 0.2:
        found["full_pod_spec"] = _whole(draw)
    task_id = draw.choice(["load", "group.load_day", "Load.The_Big-One", "t" * 100])
    return {"task_id": task_id, "arguments": found, "context": CONTEXT}
