"""What the embedded runtime makes of a manifest: honoured, noted in the log, or refused before anything starts.

Refused is what would change the program's result; noted is what only a cluster needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tradewind.model.problem import Problem
from tradewind.pods.problems import at

VOLUMES = frozenset({"configMap", "downwardAPI", "emptyDir", "hostPath", "projected", "secret"})
"""Kinds of volumes that are mounted here."""

_REFUSED_IN_POD = {
    "dnsConfig": "names are resolved as this machine does",
    "hostAliases": "names are resolved as this machine does; write them into /etc/hosts",
    "ephemeralContainers": "they are for debugging in a cluster",
}
_NOTED_IN_POD = {
    "affinity": "there is one node",
    "dnsPolicy": "names are resolved as this machine does",
    "hostIPC": "processes share this machine's IPC, or not, as the podlet does",
    "hostPID": "a container sees its own processes only",
    "hostname": "the name is this machine's",
    "imagePullSecrets": "no image is pulled",
    "nodeSelector": "there is one node",
    "priorityClassName": "there is one node",
    "runtimeClassName": "containers are plain processes",
    "schedulerName": "there is one node",
    "serviceAccountName": "no token is mounted",
    "shareProcessNamespace": "each container sees its own processes only",
    "subdomain": "there is no cluster DNS",
    "tolerations": "there is one node",
    "topologySpreadConstraints": "there is one node",
}
_REFUSED_IN_CONTAINER = {
    "lifecycle": "hooks are not run here; do it in the command",
    "volumeDevices": "block devices are not mounted here",
}
_NOTED_IN_CONTAINER = {
    "livenessProbe": "nothing is probed here",
    "ports": "processes share this machine's network",
    "readinessProbe": "nothing is probed here",
    "startupProbe": "nothing is probed here",
    "stdin": "there is no input",
    "tty": "there is no terminal",
}
_HONOURED_SECURITY = frozenset(
    {
        "allowPrivilegeEscalation",
        "fsGroup",
        "fsGroupChangePolicy",
        "runAsGroup",
        "runAsNonRoot",
        "runAsUser",
        "supplementalGroups",
    }
)
_NOTED_LIMITS = {
    "cpu": "nothing limits the CPU time of a process here",
    "ephemeral-storage": "nothing limits the disk space of a process here",
}
Json = Mapping[str, Any]


def check(manifest: Json) -> list[Problem]:
    """What cannot be honoured here: the pod is refused."""
    return list(_check(manifest))


def notes(manifest: Json) -> list[str]:
    """What is left out here without changing what the program does, for the first lines of its log."""
    spec = manifest.get("spec") or {}
    found = [f"{name}: {why}" for name, why in _NOTED_IN_POD.items() if spec.get(name)]
    found += _security_notes("", spec)
    for volume in spec.get("volumes") or []:
        if (empty := volume.get("emptyDir") or {}).get("sizeLimit") and empty.get("medium") != "Memory":
            found.append(f"sizeLimit of volume {volume.get('name')!r}: nothing limits the size of a folder here")
    for _, container in _containers(spec):
        whose = f" of container {container.get('name')!r}"
        found += [f"{name}{whose}: {why}" for name, why in _NOTED_IN_CONTAINER.items() if container.get(name)]
        found += _security_notes(whose, container)
        limits = (container.get("resources") or {}).get("limits") or {}
        found += [f"limit of {name}{whose}: {why}" for name, why in _NOTED_LIMITS.items() if limits.get(name)]
    return found


def _security_notes(whose: str, given: Json) -> list[str]:
    fields = sorted((given.get("securityContext") or {}).items())
    return [
        f"securityContext.{name}{whose}: has no effect on plain processes"
        for name, value in fields
        if value and name not in _HONOURED_SECURITY
    ]


def _check(manifest: Json) -> Iterator[Problem]:
    spec = manifest.get("spec") or {}
    for name, why in _REFUSED_IN_POD.items():
        if spec.get(name):
            yield at(f"spec.{name}", "cannot be honoured by the embedded runtime", why)
    for index, volume in enumerate(spec.get("volumes") or []):
        for kind in sorted(set(volume) - {"name"} - VOLUMES):
            hint = "use a hostPath or an emptyDir here, or run it in a cluster"
            yield at(f"spec.volumes[{index}].{kind}", "is a kind of volume that only a cluster has", hint)
        yield from _projected(f"spec.volumes[{index}].projected.sources", volume.get("projected") or {})
    for path, container in _containers(spec):
        for name, why in _REFUSED_IN_CONTAINER.items():
            if container.get(name):
                yield at(f"{path}.{name}", "cannot be honoured by the embedded runtime", why)
        yield from _resources(path, container)


def _projected(path: str, projected: Json) -> Iterator[Problem]:
    for index, source in enumerate(projected.get("sources") or []):
        for kind in sorted(set(source) - {"configMap", "downwardAPI", "secret"}):
            yield at(f"{path}[{index}].{kind}", "only a cluster can give it", "leave it out when running here")


def _resources(path: str, container: Json) -> Iterator[Problem]:
    limits = (container.get("resources") or {}).get("limits") or {}
    for name in sorted(set(limits) - {"cpu", "memory", "ephemeral-storage"}):
        yield at(
            f"{path}.resources.limits.{name}", "this machine's runtime has no such resource", "run it in a cluster"
        )


def _containers(spec: Json) -> Iterator[tuple[str, Json]]:
    for group in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(group) or []):
            yield f"spec.{group}[{index}]", container
