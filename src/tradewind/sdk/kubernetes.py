"""Kubernetes objects as DAG files give them, made plain API JSON; and the helper classes of Airflow's provider.

Objects of the `kubernetes` package are walked by their own tables (`openapi_types`, `attribute_map`), so that any of
its versions will do and none is needed here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from tradewind import templates
from tradewind.sdk import errors


def plain(value: Any) -> Any:
    """The value as API JSON: objects by their attribute maps without what is None, containers inside."""
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if hasattr(value, "to_k8s_client_obj"):
        return plain(value.to_k8s_client_obj())  # a K8SModel of the user's own
    names = getattr(value, "attribute_map", None)
    if isinstance(names, Mapping):
        found = {api: plain(getattr(value, name, None)) for name, api in names.items()}
        return {api: item for api, item in found.items() if item is not None}
    if hasattr(value, "to_plain"):
        return value.to_plain()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    if templates.is_known_late(value):
        return value  # known only when the task runs
    return str(value)


_TEMPLATED = {
    "EnvVar": ("value", "name"),
    "V1EnvVar": ("value", "name"),
    "V1ResourceRequirements": ("limits", "requests"),
    "V1Volume": ("name", "persistent_volume_claim", "config_map"),
    "V1VolumeMount": ("name", "sub_path"),
    "V1PersistentVolumeClaimVolumeSource": ("claim_name",),
    "V1ConfigMapVolumeSource": ("name",),
    "V1EnvFromSource": ("config_map_ref",),
    "V1ConfigMapEnvSource": ("name",),
}


def template_fields(value: Any) -> Sequence[str]:
    """Which attributes of an object are templates: of Kubernetes' objects those that the provider renders."""
    return _TEMPLATED.get(type(value).__name__) or getattr(value, "template_fields", None) or ()


class EnvVar:
    """A variable, as `V1EnvVar` where the `kubernetes` package may not be there."""

    attribute_map: Mapping[str, str] = {"name": "name", "value": "value", "value_from": "valueFrom"}

    def __init__(self, name: str, value: Any = None, value_from: Any = None) -> None:
        self.name = name
        self.value = value
        self.value_from = value_from


class Secret:
    """A reference to a Kubernetes Secret; its values are never read here."""

    def __init__(
        self, deploy_type: str, deploy_target: str | None, secret: str, key: str | None = None, items: Any = None
    ) -> None:
        about = f"secret {secret!r}"
        if deploy_type not in ("env", "volume"):
            said = f"deploy_type must be 'env' or 'volume', not {deploy_type!r}"
            raise errors.ValueProblem.of("bad-secret", about, said, "env sets a variable, volume mounts a folder")
        if deploy_type == "env" and key is not None and deploy_target is None:
            said = f"key {key!r} needs a deploy_target: the variable's name"
            raise errors.ValueProblem.of("bad-secret", about, said, "without a key all keys become variables")
        if deploy_type == "volume" and not deploy_target:
            said = "deploy_type 'volume' needs a deploy_target: the folder to mount it at"
            raise errors.ValueProblem.of("bad-secret", about, said, "for example deploy_target='/etc/keys'")
        self.deploy_type = deploy_type
        self.deploy_target = deploy_target.upper() if deploy_type == "env" and deploy_target else deploy_target
        self.secret = secret
        self.key = key
        self.items = items or []

    def to_plain(self) -> dict[str, Any]:
        """As the pod builder takes it."""
        fields = {
            "deploy_type": self.deploy_type,
            "deploy_target": self.deploy_target,
            "secret": self.secret,
            "key": self.key,
            "items": plain(self.items) or None,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.to_plain() == other.to_plain()

    def __hash__(self) -> int:
        return hash((self.deploy_type, self.deploy_target, self.secret, self.key))

    def __repr__(self) -> str:
        return f"Secret({self.deploy_type}, {self.deploy_target}, {self.secret}, {self.key})"


class Port:
    """A container's port (a helper of Airflow 1)."""

    def __init__(self, name: str | None = None, container_port: int | None = None) -> None:
        self.name = name
        self.container_port = container_port

    def to_plain(self) -> dict[str, Any]:
        """As API JSON."""
        return {"name": self.name, "containerPort": self.container_port}


class PodRuntimeInfoEnv:
    """A variable from a field of the pod."""

    def __init__(self, name: str, field_path: str) -> None:
        self.name = name
        self.field_path = field_path

    def to_plain(self) -> dict[str, Any]:
        """As API JSON."""
        return {"name": self.name, "valueFrom": {"fieldRef": {"fieldPath": self.field_path}}}


class VolumeMount:
    """A mounted volume (a helper of Airflow 1)."""

    def __init__(self, name: str, mount_path: str, sub_path: str | None, read_only: bool) -> None:
        self.name = name
        self.mount_path = mount_path
        self.sub_path = sub_path
        self.read_only = read_only

    def to_plain(self) -> dict[str, Any]:
        """As API JSON."""
        found = {"name": self.name, "mountPath": self.mount_path, "subPath": self.sub_path, "readOnly": self.read_only}
        return {name: value for name, value in found.items() if value is not None}


class Volume:
    """A volume (a helper of Airflow 1): its configuration is the API's."""

    def __init__(self, name: str, configs: dict[str, Any]) -> None:
        self.name = name
        self.configs = configs

    def to_plain(self) -> dict[str, Any]:
        """As API JSON."""
        return {"name": self.name, **{key: plain(value) for key, value in self.configs.items()}}


class Resources:
    """Requests and limits (a helper of Airflow 1)."""

    def __init__(
        self,
        request_memory: Any = None,
        request_cpu: Any = None,
        request_ephemeral_storage: Any = None,
        limit_memory: Any = None,
        limit_cpu: Any = None,
        limit_gpu: Any = None,
        limit_ephemeral_storage: Any = None,
    ) -> None:
        self.requests = {"memory": request_memory, "cpu": request_cpu, "ephemeral-storage": request_ephemeral_storage}
        self.limits = {
            "memory": limit_memory, "cpu": limit_cpu, "nvidia.com/gpu": limit_gpu,
            "ephemeral-storage": limit_ephemeral_storage,
        }  # fmt: skip

    def to_plain(self) -> dict[str, Any]:
        """As API JSON."""
        both = {"requests": self.requests, "limits": self.limits}
        return {
            name: {k: str(v) for k, v in part.items() if v is not None}
            for name, part in both.items()
            if any(part.values())
        }


class OnFinishAction(str, Enum):
    """What becomes of a pod that has ended."""

    KEEP_POD = "keep_pod"
    DELETE_POD = "delete_pod"
    DELETE_SUCCEEDED_POD = "delete_succeeded_pod"
    DELETE_ACTIVE_POD = "delete_active_pod"


class OnKillAction(str, Enum):
    """What becomes of a pod whose task is stopped."""

    KEEP_POD = "keep_pod"
    DELETE_POD = "delete_pod"
