"""Builds a v1 Pod, as plain API JSON, from the pod operator's arguments.

Order, each over the one before: the site's template, the task's (file or dict), `full_pod_spec`, the operator's own
parameters, secrets, the result's volume, identity. `restartPolicy` is always Never.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tradewind.pods import merging, naming
from tradewind.pods.identity import Identity
from tradewind.pods.problems import BadPod

RESULT_FOLDER = "/airflow/xcom"
RESULT_FILE = "/airflow/xcom/return.json"
RESULT_VOLUME = "xcom"
BASE_CONTAINER = "base"
Json = dict[str, Any]


class Defaults(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the site sets for pods that do not say it."""

    namespace: str = "default"
    template: dict[str, Any] = {}
    """A Pod that is laid under each."""


def build(arguments: Mapping[str, Any], identity: Identity, defaults: Defaults | None = None) -> Json:
    """The pod of one attempt. `arguments` are the operator's, by name, as plain JSON, rendered.

    `pod_template_file` is given as its contents (see `read_template`). Raises `BadPod`.
    """
    defaults = defaults or Defaults()
    template = _template(arguments)
    if defaults.template:
        template = merging.lay_over(defaults.template, template) if template else copy.deepcopy(defaults.template)
    pod = merging.lay_over(template, _own(arguments))
    metadata, spec = pod["metadata"], pod["spec"]
    pod["apiVersion"], pod["kind"] = "v1", "Pod"
    metadata["name"] = _name(arguments, metadata.get("name"), identity)
    metadata["namespace"] = metadata.get("namespace") or defaults.namespace
    main = spec["containers"][0]
    for secret in _list(arguments, "secrets"):
        _attach(secret, spec, main)
    if arguments.get("do_xcom_push"):
        _add_result_volume(spec, main)
    return sealed(pod, identity)


def sealed(pod: Json, identity: Identity) -> Json:
    """The pod with its identity over whatever is there, so that nothing can hide it; always run once."""
    metadata = {**pod["metadata"]}
    metadata["labels"] = {**_texts(metadata.get("labels")), **identity.labels()}
    metadata["annotations"] = {**_texts(metadata.get("annotations")), **identity.annotations()}
    return {**pod, "metadata": metadata, "spec": {**pod["spec"], "restartPolicy": "Never"}}


def read_template(text: str) -> Json:
    """The contents of a pod template file. Raises `BadPod` for what is no YAML object."""
    import yaml  # few pods have a template, and the podlet holds this module for good

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadPod.of("pod_template_file", f"is no YAML: {error}") from error
    if not isinstance(found, dict):
        raise BadPod.of("pod_template_file", f"holds {type(found).__name__}, not a Pod")
    return found


def base_container(pod: Mapping[str, Any]) -> Json:
    """The main container: the first one, as the merge puts it."""
    found: Json = pod["spec"]["containers"][0]
    return found


# -- layers --------------------------------------------------------------------------------------------------------


def _template(arguments: Mapping[str, Any]) -> Json:
    template: Json = {}
    for name in ("pod_template_file", "pod_template_dict"):
        given = arguments.get(name)
        if isinstance(given, str):
            raise BadPod.of(name, "is not read yet", "give its contents: pods.manifest.read_template")
        if given:
            template = _object(name, given)
            break
    whole = arguments.get("full_pod_spec")
    return merging.lay_over(template, _object("full_pod_spec", whole)) if whole else template


def _own(arguments: Mapping[str, Any]) -> Json:
    get = arguments.get
    return {
        "metadata": _given(
            {
                "name": get("name"),
                "namespace": get("namespace"),
                "labels": _texts(get("labels")),
                "annotations": _texts(get("annotations")),
            }
        ),
        "spec": {**_own_spec(arguments), "containers": [_own_container(arguments)], "restartPolicy": "Never"},
    }


def _own_spec(arguments: Mapping[str, Any]) -> Json:
    get = arguments.get
    return _given(
        {
            "activeDeadlineSeconds": get("active_deadline_seconds"),
            "affinity": get("affinity"),
            "automountServiceAccountToken": get("automount_service_account_token"),
            "dnsConfig": get("dns_config"),
            "dnsPolicy": get("dnspolicy"),
            "hostAliases": get("host_aliases"),
            "hostNetwork": get("hostnetwork") or None,
            "hostname": get("hostname"),
            "imagePullSecrets": _pull_secrets(get("image_pull_secrets")),
            "initContainers": _list(arguments, "init_containers"),
            "nodeSelector": get("node_selector"),
            "priorityClassName": get("priority_class_name"),
            "runtimeClassName": get("runtime_class_name"),
            "schedulerName": get("schedulername"),
            "securityContext": get("security_context"),
            "serviceAccountName": get("service_account_name"),
            "subdomain": get("subdomain"),
            "terminationGracePeriodSeconds": get("termination_grace_period"),
            "tolerations": _list(arguments, "tolerations"),
            "volumes": _list(arguments, "volumes"),
        }
    )


def _own_container(arguments: Mapping[str, Any]) -> Json:
    get = arguments.get
    maps = [{"configMapRef": {"name": name}} for name in _list(arguments, "configmaps")]
    return _given(
        {
            "name": get("base_container_name") or BASE_CONTAINER,
            "image": get("image"),
            "command": _words(arguments, "cmds"),
            "args": _words(arguments, "arguments"),
            "env": _env(get("env_vars")) + _list(arguments, "pod_runtime_info_envs"),
            "envFrom": _list(arguments, "env_from") + maps,
            "imagePullPolicy": get("image_pull_policy"),
            "ports": _list(arguments, "ports"),
            "resources": get("container_resources"),
            "securityContext": get("container_security_context"),
            "terminationMessagePolicy": get("termination_message_policy") or "File",
            "volumeMounts": _list(arguments, "volume_mounts"),
        }
    )


def _name(arguments: Mapping[str, Any], given: str | None, identity: Identity) -> str:
    if arguments.get("random_name_suffix", True):
        return naming.pod_name(given or identity.task_id, identity.attempt_id)
    return naming.exact_name(given) if given else naming.slug(identity.task_id)[: naming.LONGEST].rstrip("-")


# -- secrets and the result ----------------------------------------------------------------------------------------


def _attach(secret: Any, spec: Json, main: Json) -> None:
    fields = _object("secrets", secret)
    name, target, key = fields.get("secret"), fields.get("deploy_target"), fields.get("key")
    kind = fields.get("deploy_type")
    if kind == "volume":
        if not target:
            raise BadPod.of("secrets", f"secret {name!r} as a volume needs a deploy_target: the folder to mount it at")
        volume = "secretvol-" + hashlib.sha256(f"{name}\0{target}".encode()).hexdigest()[:16]
        source = _given({"secretName": name, "items": fields.get("items")})
        spec.setdefault("volumes", []).append({"name": volume, "secret": source})
        main.setdefault("volumeMounts", []).append({"name": volume, "mountPath": target, "readOnly": True})
    elif kind == "env" and key is not None:
        if not target:
            raise BadPod.of("secrets", f"key {key!r} of secret {name!r} needs a deploy_target: the variable's name")
        reference = {"secretKeyRef": {"name": name, "key": key}}
        main.setdefault("env", []).append({"name": str(target).upper(), "valueFrom": reference})
    elif kind == "env":
        main.setdefault("envFrom", []).append({"secretRef": {"name": name}})
    else:
        raise BadPod.of("secrets", f"deploy_type {kind!r} of secret {name!r}", "it is 'env' or 'volume'")


def _add_result_volume(spec: Json, main: Json) -> None:
    spec.setdefault("volumes", []).insert(0, {"name": RESULT_VOLUME, "emptyDir": {}})
    main.setdefault("volumeMounts", []).insert(0, {"name": RESULT_VOLUME, "mountPath": RESULT_FOLDER})


# -- forms in which arguments come ---------------------------------------------------------------------------------


def _env(given: Any) -> list[Json]:
    if not given:
        return []
    if isinstance(given, Mapping):
        return [{"name": name, "value": _text(value)} for name, value in given.items()]
    if isinstance(given, list):
        return [copy.deepcopy(_object("env_vars", item)) for item in given]
    raise BadPod.of("env_vars", f"is {type(given).__name__}", "a list of V1EnvVar or a dict of texts is needed")


def _pull_secrets(given: Any) -> list[Json]:
    if not given:
        return []
    if isinstance(given, str):
        return [{"name": name.strip()} for name in given.split(",")]
    return [{"name": one} if isinstance(one, str) else _object("image_pull_secrets", one) for one in given]


def _words(arguments: Mapping[str, Any], name: str) -> list[str]:
    return [_text(word) for word in _list(arguments, name)]


def _list(arguments: Mapping[str, Any], name: str) -> list[Any]:
    given = arguments.get(name)
    if not given:
        return []
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Sequence):
        raise BadPod.of(name, f"must be a list, not {type(given).__name__}: {str(given)[:80]!r}")
    return copy.deepcopy(list(given))


def _object(name: str, given: Any) -> Json:
    if not isinstance(given, Mapping):
        raise BadPod.of(name, f"must be an object, not {type(given).__name__}: {str(given)[:80]!r}")
    return copy.deepcopy(dict(given))


def _texts(given: Any) -> dict[str, str]:
    return {str(key): "" if value is None else _text(value) for key, value in (given or {}).items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _given(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value not in (None, [], {}, "")}
