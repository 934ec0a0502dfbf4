"""Lays one pod over another, by the rules of Airflow's provider.

A value of the upper pod wins where it is true as Python sees it; an empty one leaves the lower pod's. Values are
replaced whole, not merged inside, except: labels and annotations by key; containers by position and init containers by
name, of which env, envFrom, ports, volumeMounts and volumeDevices are joined; volumes and init containers are joined.
"""

from __future__ import annotations

import copy
from typing import Any

from tradewind.pods.problems import BadPod

_JOINED_IN_CONTAINERS = ("volumeMounts", "env", "envFrom", "ports", "volumeDevices")
_JOINED_IN_METADATA = ("managedFields", "finalizers", "ownerReferences")
Json = dict[str, Any]


def lay_over(lower: Json, upper: Json) -> Json:
    """The upper pod over the lower one; neither is changed."""
    merged = _filled(lower, upper)
    merged["metadata"] = _metadata(lower.get("metadata") or {}, upper.get("metadata") or {})
    merged["spec"] = _spec(lower.get("spec") or {}, upper.get("spec") or {})
    return merged


def _metadata(lower: Json, upper: Json) -> Json:
    merged = _filled(lower, upper)
    for name in ("labels", "annotations"):
        if lower.get(name) or upper.get(name):
            merged[name] = {**(lower.get(name) or {}), **(upper.get(name) or {})}
    return _joined(merged, lower, upper, _JOINED_IN_METADATA, "metadata")


def _spec(lower: Json, upper: Json) -> Json:
    merged = _joined(_filled(lower, upper), lower, upper, ("volumes",), "spec")
    merged["containers"] = _containers(lower.get("containers") or [], upper.get("containers") or [])
    inits = _init_containers(lower.get("initContainers") or [], upper.get("initContainers") or [])
    if inits:
        merged["initContainers"] = inits
    return merged


def _containers(lower: list[Json], upper: list[Json]) -> list[Json]:
    both = [_container(below, above) for below, above in zip(lower, upper, strict=False)]
    return both + copy.deepcopy(lower[len(both) :] or upper[len(both) :])


def _init_containers(lower: list[Json], upper: list[Json]) -> list[Json]:
    above = {container.get("name"): container for container in upper}
    below = {container.get("name") for container in lower}
    merged = [
        _container(container, above[container.get("name")])
        if container.get("name") in above
        else copy.deepcopy(container)
        for container in lower
    ]
    return merged + [copy.deepcopy(container) for container in upper if container.get("name") not in below]


def _container(lower: Json, upper: Json) -> Json:
    return _joined(_filled(lower, upper), lower, upper, _JOINED_IN_CONTAINERS, "a container")


def _filled(lower: Json, upper: Json) -> Json:
    merged = copy.deepcopy(upper)
    for name, value in lower.items():
        if not merged.get(name) and value is not None:
            merged[name] = copy.deepcopy(value)
    return merged


def _joined(merged: Json, lower: Json, upper: Json, names: tuple[str, ...], where: str) -> Json:
    for name in names:
        below, above = lower.get(name) or [], upper.get(name) or []
        for value in (below, above):
            if not isinstance(value, list):
                raise BadPod.of(name, f"must be a list in {where}, not {type(value).__name__}")
        if below or above:
            merged[name] = copy.deepcopy(below) + copy.deepcopy(above)
    return merged
