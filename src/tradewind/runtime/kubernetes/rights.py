"""The rights that a control plane uses in a namespace of tasks, by the feature that needs them.

Invariant: what is not named here is not asked for. The Role that is printed, what `doctor` looks at and the account of
the cluster tests are made of this table, so a request that is new in the code fails a test until it is named here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """Verbs on one resource. `resource` may have a subresource, "pods/log"."""

    resource: str
    verbs: tuple[str, ...]
    group: str = ""

    @property
    def rule(self) -> Json:
        """As a Role has it."""
        return {"apiGroups": [self.group], "resources": [self.resource], "verbs": list(self.verbs)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """What some of the rights are for."""

    name: str
    told: str
    rights: tuple[Right, ...]
    default: bool = False
    """It is part of a Role unless others are named."""


FEATURES: Sequence[Feature] = (
    Feature(
        name="pods",
        told="tasks as pods, and their logs; nothing works without it",
        rights=(
            Right(resource="pods", verbs=("create", "delete", "get", "list", "watch")),
            Right(resource="pods/log", verbs=("get",)),
        ),
        default=True,
    ),
    Feature(
        name="events",
        told="what the cluster says of a pod, in its log and in `tradewind pods show`",
        rights=(Right(resource="events", verbs=("list", "watch")),),
        default=True,
    ),
    Feature(
        name="results",
        told="values (do_xcom_push) of pods whose other containers run on: they are ended, so that it can be read",
        rights=(Right(resource="pods", verbs=("patch",)),),
        default=True,
    ),
    Feature(
        name="jobs",
        told="KubernetesJobOperator, and its kin that delete and patch Jobs",
        rights=(Right(resource="jobs", group="batch", verbs=("create", "delete", "get", "list", "patch", "watch")),),
    ),
    Feature(
        name="exec",
        told="KubernetesPodExecOperator",
        rights=(Right(resource="pods/exec", verbs=("create", "get")),),
    ),
    Feature(
        name="quota",
        told="`tradewind doctor` tells how full quotas are",
        rights=(Right(resource="resourcequotas", verbs=("list",)),),
    ),
)


def chosen(names: Iterable[str]) -> list[Right]:
    """The rights of "pods" and of the features that are named. Raises KeyError for a name that there is not."""
    known = {feature.name: feature for feature in FEATURES}
    wanted = {known[name].name for name in names} | {"pods"}
    return [right for feature in FEATURES if feature.name in wanted for right in feature.rights]


def usual() -> list[str]:
    """The features of a Role unless others are named."""
    return [feature.name for feature in FEATURES if feature.default]


def role(namespace: str, rights: Iterable[Right], *, account: str, home: str) -> list[Json]:
    """Role and RoleBinding in a namespace of tasks, for a service account of namespace `home`."""
    group = "rbac.authorization.k8s.io"
    metadata = {"name": account, "namespace": namespace}
    return [
        {
            "apiVersion": f"{group}/v1",
            "kind": "Role",
            "metadata": metadata,
            "rules": [right.rule for right in rights],
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": account},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": home}],
        },
    ]


def service_account(name: str, namespace: str) -> Json:
    """The account."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}
