"""Where our pod and the provider's are not alike, and why: each difference has one of three reasons.

What an API server takes for the same is the same here: an empty list or object of the spec, a variable without a value
and one with an empty one, `hostNetwork: false`.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import Any

from tradewind.pods import manifest, validity

Json = dict[str, Any]
_SECRET_VOLUME = re.compile(r"^secretvol")
_THEIRS = ("airflow_version", "airflow_kpo_in_cluster")
_OURS = ("app.kubernetes.io/managed-by", "tradewind/")


class Reason(enum.StrEnum):
    """Why a difference is right."""

    INVALID = "the provider's pod is one that an API server refuses (fields checked strictly), or none"
    IDENTITY = "our identity labels and names"
    RESULT = "the results helper"


def flat(pod: Json) -> dict[str, Any]:
    """Each value of the pod by its path, in one form."""
    spec = pod["spec"]
    for container in [*spec.get("containers", []), *(spec.get("initContainers") or [])]:
        _drop_empty(container)
        for variable in container.get("env") or []:
            if not variable.get("value") and not variable.get("valueFrom"):
                variable["value"] = ""
    _drop_empty(spec)
    _drop_empty(pod["metadata"])
    if spec.get("hostNetwork") is False:
        del spec["hostNetwork"]
    return dict(_leaves("", pod))


def _drop_empty(fields: Json) -> None:
    for name in [name for name, value in fields.items() if value in (None, [], {}) and value is not False]:
        del fields[name]


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(f"{path}.{key}" if path else key, item)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(f"{path}[{index}]", item)
    else:
        yield path, value


def without_result(pod: Json) -> Json:
    """The pod without what carries its result: volume, mount and helper of either kind."""
    spec = pod["spec"]
    spec["volumes"] = [one for one in spec.get("volumes") or [] if one.get("name") != manifest.RESULT_VOLUME]
    for group in ("containers", "initContainers"):
        spec[group] = [one for one in spec.get(group) or [] if not _carries_result(one)]
        for container in spec[group]:
            mounts = container.get("volumeMounts") or []
            container["volumeMounts"] = [one for one in mounts if one.get("name") != manifest.RESULT_VOLUME]
    return pod


def _carries_result(container: Json) -> bool:
    return container.get("name") in ("airflow-xcom-sidecar", "tradewind-result")


def is_invalid(pod: Json) -> bool:
    """Whether an API server refuses it, as the cluster's tests confirm for pods like these."""
    return bool(validity.check(pod))


def explain(path: str, theirs: Any, ours: Any) -> Reason | None:
    """Why this path may differ; None: it may not."""
    if path == "metadata.name" and _is_same_name(str(theirs), str(ours)):
        return Reason.IDENTITY
    for part in ("metadata.labels.", "metadata.annotations."):
        key = path.removeprefix(part)
        if key != path and (key in _THEIRS or key.startswith(_OURS)):
            return Reason.IDENTITY
    both_named = _SECRET_VOLUME.match(str(theirs)) and _SECRET_VOLUME.match(str(ours))
    return Reason.IDENTITY if path.endswith(".name") and both_named else None


def _is_same_name(theirs: str, ours: str) -> bool:
    """Alike but for the suffix, and for what no host name may hold."""
    stem, _, suffix = theirs.rpartition("-")
    if len(suffix) != 8:
        stem = theirs
    plain = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
    return re.sub(r"[^a-z0-9]+", "-", ours).startswith(plain[:50].rstrip("-"))
