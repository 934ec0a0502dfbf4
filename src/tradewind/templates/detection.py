"""Would rendering change this value? Asked of every template field when a file is loaded.

Errs to the side of yes: a yes costs one rendering, a wrong no would send braces to the task.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

FieldsOf = Callable[[Any], Sequence[str]]
DEFAULT_MARKERS = ("{{", "{%", "{#")
_OWN_DELIMITERS = frozenset(
    {
        "block_start_string",
        "variable_start_string",
        "comment_start_string",
        "line_statement_prefix",
        "line_comment_prefix",
        "extensions",
        "finalize",
        "keep_trailing_newline",
    }
)


def own_fields(value: Any) -> Sequence[str]:
    """The fields that an object says are templates."""
    found: Sequence[str] = getattr(value, "template_fields", None) or ()
    return found


def markers_of(dag: Any, *, native: bool | None = None) -> tuple[str, ...]:
    """What opens a template in this DAG. `("",)`, which every text contains, where any text may be changed: a DAG with
    its own delimiters, or with native values (there the text "5" becomes the number).
    """
    if native is None:
        native = bool(getattr(dag, "render_template_as_native_obj", False))
    own = getattr(dag, "jinja_environment_kwargs", None) or {}
    return ("",) if native or _OWN_DELIMITERS & set(own) else DEFAULT_MARKERS


def has_template(
    value: Any,
    template_ext: Sequence[str] = (),
    *,
    markers: Sequence[str] = DEFAULT_MARKERS,
    field: bool = False,
    fields_of: FieldsOf = own_fields,
) -> bool:
    """True when a text inside `value` opens a template or names a template file, or a value inside it is known only at
    run time (it has `resolve`). `field`: the value is a template field itself, which may be a function to be called.
    """
    if field and callable(value):
        return True
    return _Search(tuple(template_ext), tuple(markers), fields_of).finds(value)


def has_text(
    value: Any,
    template_ext: Sequence[str] = (),
    *,
    markers: Sequence[str] = DEFAULT_MARKERS,
    fields_of: FieldsOf = own_fields,
) -> bool:
    """As `has_template` of a field, but values known only at run time do not count: they need no Jinja."""
    return callable(value) or _Search(tuple(template_ext), tuple(markers), fields_of, late=False).finds(value)


def is_known_late(value: Any) -> bool:
    """Whether it has its value only at run time: something with `resolve` that is no path (these have one, too)."""
    return (
        not isinstance(value, (os.PathLike, type))
        and not hasattr(value, "with_rendered_text")
        and getattr(value, "resolve", None) is not None
    )


def settle(value: Any) -> Any:
    """What rendering does to a value without templates: Jinja drops one newline at the end of a text.

    For fields that are never rendered because `has_template` said no, in containers of the plain kinds.
    """
    if isinstance(value, str):
        return value[:-1] if value.endswith("\n") and type(value) is str else value
    if type(value) in (list, tuple, set):
        return type(value)(settle(item) for item in value)
    if type(value) is dict:
        return {key: settle(item) for key, item in value.items()}
    return value


def resolved(value: Any, context: Mapping[str, Any]) -> Any:
    """What rendering makes of a value in which `has_text` found nothing."""
    if isinstance(value, str):
        return settle(value)
    if type(value) in (list, tuple, set):
        return type(value)(resolved(item, context) for item in value)
    if type(value) is dict:
        return {key: resolved(item, context) for key, item in value.items()}
    return value.resolve(context) if is_known_late(value) else value


_CONTAINERS = frozenset({dict, list, tuple, set})


class _Search:
    def __init__(
        self, extensions: tuple[str, ...], markers: tuple[str, ...], fields_of: FieldsOf, *, late: bool = True
    ) -> None:
        self._late = late
        self._fields_of = fields_of
        self._extensions = extensions
        self._markers = markers
        self._seen: set[int] = set()

    def finds(self, value: Any) -> bool:
        if isinstance(value, str):
            return self._in_text(value)
        if value is None or isinstance(value, (int, float, bytes)):
            return False
        if id(value) in self._seen:
            return False
        self._seen.add(id(value))
        if not self._late and isinstance(value, (dict, list, tuple, set)) and type(value) not in _CONTAINERS:
            return True  # rendering makes a plain one of it
        if isinstance(value, dict):
            return any(self.finds(item) for item in value.values())
        if isinstance(value, (list, tuple, set)):
            return any(self.finds(item) for item in value)
        if isinstance(value, (os.PathLike, type)):
            return False
        if hasattr(value, "with_rendered_text"):
            return any(marker in str(value) for marker in self._markers)
        if is_known_late(value):
            return self._late
        inside = self if self._late else _Search(self._extensions, self._markers, self._fields_of)
        return any(inside.finds(getattr(value, name, None)) for name in self._fields_of(value))

    def _in_text(self, text: str) -> bool:
        if self._extensions and text.endswith(self._extensions):
            return True
        if "\r" in text:  # Jinja makes newlines of them
            return True
        return any(marker in text for marker in self._markers)
