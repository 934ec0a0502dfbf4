"""`NOTSET`: the value of an argument that was not given, where None means something."""

from __future__ import annotations

from typing import Any


class ArgNotSet:
    """The type of `NOTSET`."""

    _only: ArgNotSet | None = None

    def __new__(cls) -> ArgNotSet:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "NOTSET"

    def __reduce__(self) -> str:
        return "NOTSET"

    def __copy__(self) -> ArgNotSet:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> ArgNotSet:
        return self


NOTSET = ArgNotSet()


def is_arg_set(value: Any) -> bool:
    """Whether an argument was given."""
    return value is not NOTSET
