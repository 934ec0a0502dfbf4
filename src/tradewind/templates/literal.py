"""A value that is given as it is, though it stands in a template field."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Literal:
    """Its `value` comes out of rendering untouched, braces and all."""

    value: Any

    def iter_references(self) -> tuple[()]:
        """No other task is asked for its value."""
        return ()

    def resolve(self, context: Any = None, *_: Any, **__: Any) -> Any:
        """The value itself."""
        return self.value


def literal(value: Any) -> Literal:
    """Keep Jinja away from `value`."""
    return Literal(value)
