"""The objects that a task gives as YAML, and the pods that they would make. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tradewind.ports import errors

Json = dict[str, Any]


def objects(arguments: Mapping[str, Any]) -> Iterator[Json]:
    """Each of them, lists taken apart. Raises `errors.Rejected`."""
    try:
        documents = list(yaml.safe_load_all(str(arguments.get("objects") or "")))
    except yaml.YAMLError as error:
        raise errors.Rejected(f"is no YAML: {error}", object="the YAML", code="bad-yaml") from error
    for one in documents:
        if one is None:
            continue
        if not isinstance(one, dict) or not one.get("apiVersion") or not one.get("kind"):
            said = f"holds something without apiVersion and kind: {str(one)[:80]!r}"
            raise errors.Rejected(said, object="the YAML", code="bad-yaml", hint="each object names both")
        kind = str(one["kind"])
        if kind.endswith("List") and isinstance(one.get("items"), list):
            of_items = {"apiVersion": one["apiVersion"], "kind": kind.removesuffix("List")} if kind != "List" else {}
            yield from ({**of_items, **item} for item in one["items"])
        else:
            yield one


def pod_specs(one: Any) -> Iterator[Json]:
    """Pod specifications in an object, however deep: a Pod's own, the templates of a Deployment, a Job, a CronJob."""
    if isinstance(one, Mapping):
        if isinstance(one.get("containers"), list):
            yield dict(one)
        for value in one.values():
            yield from pod_specs(value)
    elif isinstance(one, list):
        for value in one:
            yield from pod_specs(value)
