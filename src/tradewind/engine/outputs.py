"""The parts of a pod's value, where its task has multiple outputs: each key of the dict is an XCom of its own too.

A worker does this for Python bodies; a pod has no worker. Values are looked at only as far as their outermost level.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tradewind.model.dagspec import PodBody, TaskSpec
from tradewind.model.outcome import Result, XComPush


def has_parts(task: TaskSpec | None) -> bool:
    """Whether what it returns is to be taken apart here."""
    return task is not None and task.multiple_outputs and isinstance(task.body, PodBody)


def problem(returned: XComPush | None) -> str:
    """Why a value has no parts; empty where it has, or where there is no value."""
    if returned is None or returned.kind == "dict":
        return ""
    return "The task has multiple outputs, and what it returned is not a dict."


def with_parts(result: Result) -> Result:
    """The result with the parts of its value before it, as Airflow pushes them."""
    pushes: list[XComPush] = []
    for push in result.xcoms:
        if push.key == "return_value" and push.kind == "dict":
            pushes += _parts(push.value)
        pushes.append(push)
    return msgspec.structs.replace(result, xcoms=tuple(pushes))


def _parts(value: bytes) -> Iterator[XComPush]:
    for key, raw in msgspec.json.decode(value, type=dict[str, msgspec.Raw]).items():
        text = bytes(raw)
        kind, length = "other", None
        if text[:1] == b"[":
            kind, length = "list", len(msgspec.json.decode(text, type=list[msgspec.Raw]))
        elif text[:1] == b"{":
            kind, length = "dict", len(msgspec.json.decode(text, type=dict[str, msgspec.Raw]))
        yield XComPush(key=key, value=text, kind=kind, length=length)
