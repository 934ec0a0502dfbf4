"""Values that are known only when a task runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tradewind.model import dagspec


class ResolveMixin:
    """A value that is known only when a task runs; rendering replaces it by what `resolve` gives."""

    def iter_references(self) -> Iterator[tuple[Any, str]]:
        """Tasks that it comes from, each with the key of the XCom."""
        raise NotImplementedError

    def resolve(self, context: Mapping[str, Any]) -> Any:
        """The whole value."""
        raise NotImplementedError

    def length(self) -> dagspec.Length:
        """Its length where a task is mapped over it, as data."""
        raise TypeError(f"cannot map over {type(self).__name__}")

    def count(self, context: Mapping[str, Any]) -> int:
        """Its length, now."""
        return len(self.resolve(context))

    def resolve_element(self, context: Mapping[str, Any], index: int) -> Any:
        """One element of it."""
        raise TypeError(f"cannot map over {type(self).__name__}")


def references(value: Any) -> Iterator[tuple[Any, str]]:
    """Tasks that a value comes from, looking inside lists, tuples, sets, dicts and objects with template fields."""
    if isinstance(value, ResolveMixin):
        yield from value.iter_references()
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from references(item)
    elif value is not None and not isinstance(value, (str, int, float, type)) and hasattr(value, "task_id"):
        for name in getattr(value, "template_fields", None) or ():
            yield from references(getattr(value, name, None))
