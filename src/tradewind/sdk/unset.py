"""`NOTSET` and `SET_DURING_EXECUTION`: what an argument holds that was not given, or that its task sets itself."""

from __future__ import annotations

from typing import Any


class ArgNotSet:
    """The type of `NOTSET`."""

    _name = "NOTSET"
    _only: ArgNotSet

    def __new__(cls) -> ArgNotSet:
        if "_only" not in vars(cls):
            cls._only = super().__new__(cls)
        return cls._only

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return self._name

    def __reduce__(self) -> str:
        return self._name

    def __copy__(self) -> ArgNotSet:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> ArgNotSet:
        return self


class SetDuringExecution(ArgNotSet):
    """The type of `SET_DURING_EXECUTION`."""

    _name = "SET_DURING_EXECUTION"


NOTSET = ArgNotSet()
SET_DURING_EXECUTION = SetDuringExecution()
"""An argument that the task itself sets, when it runs."""


def is_arg_set(value: Any) -> bool:
    """Whether an argument was given."""
    return not isinstance(value, ArgNotSet)
