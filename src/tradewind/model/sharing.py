"""Equal parts of a specification as one object: the tasks of a DAG have most of what they say in common.

Specifications are never changed, so nobody can tell the difference but by the memory that they take: of ten thousand
pods of one kind a quarter.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tradewind.model.dagspec import DagSpec, TaskSpec

_encode = msgspec.json.Encoder().encode
_DEFAULTS = {one.name: one.default for one in msgspec.structs.fields(TaskSpec) if one.name != "task_id"}
_SMALL = (bool, int, type(None))
"""There is one of each already, or it is no bigger than what points at it."""


def share(spec: DagSpec) -> DagSpec:
    """The same, where nobody else has it yet: its tasks are changed in place."""
    seen: dict[tuple[str, bytes], Any] = {}

    def known(field: str, value: Any) -> Any:
        return value if isinstance(value, _SMALL) else seen.setdefault((field, _encode(value)), value)

    for task in spec.tasks:
        arguments = getattr(task.body, "arguments", None)
        if isinstance(arguments, dict):
            for name, value in arguments.items():
                arguments[name] = known(f"arguments.{name}", value)
        for name, default in _DEFAULTS.items():
            value = getattr(task, name)
            if value is not default and (name != "body" or arguments is None):
                msgspec.structs.force_setattr(task, name, known(name, value))
    return spec
