"""Operators that are known by name only: they keep their place in the graph, and running one is a clear error.

A class is made per dotted name; any argument is taken and kept, and a subclass with an `execute` of its own is the
user's code and runs.
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar

from tradewind.model import dagspec
from tradewind.sdk import errors
from tradewind.sdk.arguments import DEFAULTS
from tradewind.sdk.operator import BaseOperator

_PLACE = frozenset({"task_id", "dag", "task_group", "params", "default_args", "_airflow_mapped_validation_only"})


class OpaqueOperator(BaseOperator):
    """Takes any argument; cannot run."""

    classpath: ClassVar[str] = ""
    reason: ClassVar[str] = ""
    takes_any: ClassVar[bool] = True

    def __init__(self, **kwargs: Any) -> None:
        own = {name: kwargs.pop(name) for name in list(kwargs) if name not in DEFAULTS and name not in _PLACE}
        super().__init__(**kwargs)
        self.opaque_arguments = own
        for name, value in own.items():
            if not hasattr(type(self), name):
                object.__setattr__(self, name, value)

    def execute(self, context: Any) -> Any:
        """Refuse."""
        raise errors.NotHereYet(type(self).classpath.rsplit(".", 1)[-1], type(self).reason)

    @staticmethod
    def body(task: Any) -> dagspec.Body:
        """The task as data: opaque, unless a subclass has an `execute` of its own."""
        kind = task.operator_class if task.is_mapped else type(task)
        if kind.execute is not OpaqueOperator.execute:
            return dagspec.PythonBody()
        return dagspec.OpaqueBody(classpath=kind.classpath, reason=kind.reason)


@functools.cache
def operator(classpath: str, reason: str) -> type[OpaqueOperator]:
    """The class of this dotted name."""
    module, _, name = classpath.rpartition(".")
    made: type[OpaqueOperator] = type(
        name, (OpaqueOperator,), {"classpath": classpath, "reason": reason, "__module__": module}
    )
    return made
