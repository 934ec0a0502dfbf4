"""What a site allows in pods, whoever wrote the DAG file: looked at in each as it is sent, after templates and hooks.

Patterns are those of `fnmatch`. An empty list allows all.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tradewind.model.problem import Problem

_CODE = "against-policy"
_HINT = "the site's policy is runtime.kubernetes.policy in the settings"
Json = Mapping[str, Any]


class Policy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The default allows everything."""

    namespaces: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    service_accounts: tuple[str, ...] = ()
    host_access: bool = True
    """The node's network, processes, directories, ports and privileges."""


def check(pod: Json, policy: Policy) -> list[Problem]:
    """What it does not allow, by field path."""
    return list(_check(pod, policy))


def check_namespace(namespace: str, policy: Policy) -> list[Problem]:
    """Whether anything may be done there at all."""
    return list(_allowed("metadata.namespace", namespace, policy.namespaces))


def _check(pod: Json, policy: Policy) -> Iterator[Problem]:
    spec = pod["spec"]
    yield from _allowed("metadata.namespace", pod["metadata"].get("namespace"), policy.namespaces)
    account = spec.get("serviceAccountName") or "default"
    yield from _allowed("spec.serviceAccountName", account, policy.service_accounts)
    for path, container in _containers(spec):
        yield from _allowed(f"{path}.image", container.get("image"), policy.images)
    if not policy.host_access:
        for path in _of_the_host(spec):
            yield Problem(code=_CODE, object=path, message="reaches into the node, which is not allowed", hint=_HINT)


def _allowed(path: str, value: Any, patterns: tuple[str, ...]) -> Iterator[Problem]:
    if patterns and not any(fnmatch.fnmatchcase(str(value), pattern) for pattern in patterns):
        said = f"{value!r} is not allowed; allowed: {', '.join(patterns)}"
        yield Problem(code=_CODE, object=path, message=said, hint=_HINT)


def _of_the_host(spec: Json) -> Iterator[str]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield f"spec.{name}"
    for index, volume in enumerate(spec.get("volumes") or []):
        if volume.get("hostPath"):
            yield f"spec.volumes[{index}].hostPath"
    for path, container in _containers(spec):
        security = container.get("securityContext") or {}
        if security.get("privileged"):
            yield f"{path}.securityContext.privileged"
        if (security.get("capabilities") or {}).get("add"):
            yield f"{path}.securityContext.capabilities.add"
        for index, port in enumerate(container.get("ports") or []):
            if port.get("hostPort"):
                yield f"{path}.ports[{index}].hostPort"


def _containers(spec: Json) -> Iterator[tuple[str, Json]]:
    for group in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(group) or []):
            yield f"spec.{group}[{index}]", container
