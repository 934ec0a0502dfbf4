"""Renders values: texts, and what is inside lists, tuples, dicts, sets and objects with `template_fields`.

A context is any mapping and is never copied: one that computes its values when asked stays lazy. Objects with template
fields are changed in place and only once, however often they are met.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import jinja2
import jinja2.nativetypes

from tradewind.templates import problems
from tradewind.templates.detection import DEFAULT_MARKERS, FieldsOf, is_known_late, own_fields


def render(
    value: Any,
    context: Mapping[str, Any],
    env: jinja2.Environment,
    *,
    template_ext: Sequence[str] = (),
    seen: set[int] | None = None,
    fields_of: FieldsOf = own_fields,
) -> Any:
    """Render `value`. Raises Jinja's errors, those of the template's code, and those of `resolve`.

    `fields_of` tells which attributes of an object are templates.
    """
    return _Rendering(context, env, tuple(template_ext), set() if seen is None else seen, fields_of).of(value)


def render_fields(
    parent: Any,
    names: Sequence[str],
    context: Mapping[str, Any],
    env: jinja2.Environment,
    *,
    template_ext: Sequence[str] = (),
    seen: set[int] | None = None,
    fields_of: FieldsOf = own_fields,
) -> None:
    """Render the attributes `names` of `parent` in place. An error is marked with its field (see `problems.where`)."""
    _Rendering(context, env, tuple(template_ext), set() if seen is None else seen, fields_of).fields(parent, names)


class _Rendering:
    def __init__(
        self,
        context: Mapping[str, Any],
        env: jinja2.Environment,
        extensions: tuple[str, ...],
        seen: set[int],
        fields_of: FieldsOf,
    ) -> None:
        self._context = context
        self._env = env
        self._extensions = extensions
        self._seen = seen
        self._fields_of = fields_of
        self._native = isinstance(env, jinja2.nativetypes.NativeEnvironment)
        self._plain = not self._native and _has_usual_syntax(env)

    def of(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if id(value) in self._seen:
            return value
        if with_rendered_text := getattr(value, "with_rendered_text", None):
            return with_rendered_text(self._inline)
        if is_known_late(value):
            return value.resolve(self._context)
        if isinstance(value, tuple):
            parts = [self.of(item) for item in value]
            return tuple(parts) if type(value) is tuple else type(value)(*parts)
        if isinstance(value, list):
            return [self.of(item) for item in value]
        if isinstance(value, dict):
            return {key: self.of(item) for key, item in value.items()}
        if isinstance(value, set):
            return {self.of(item) for item in value}
        self._nested(value)
        return value

    def fields(self, parent: Any, names: Sequence[str]) -> None:
        for name in names:
            value = self._field(parent, name)
            if not _is_something(value):
                continue
            try:
                if callable(value):
                    rendered = value(context=self._context, jinja_env=self._env)
                else:
                    rendered = self.of(value)
            except Exception as error:
                problems.mark(error, field=name, template=value)
                raise
            if rendered is not value:
                setattr(parent, name, rendered)

    def _field(self, parent: Any, name: str) -> Any:
        try:
            return getattr(parent, name)
        except AttributeError:
            kind = type(parent).__name__
            raise AttributeError(f"{kind} names {name!r} in template_fields, but has no such attribute") from None

    def _nested(self, value: Any) -> None:
        self._seen.add(id(value))
        if names := self._fields_of(value):
            self.fields(value, names)

    def _text(self, text: str) -> Any:
        if self._extensions and text.endswith(self._extensions):
            return self._fill(self._env.get_template(text))
        return self._inline(text)

    def _inline(self, text: str) -> Any:
        if self._plain and "\r" not in text and not any(marker in text for marker in DEFAULT_MARKERS):
            return text.removesuffix("\n")  # as Jinja would
        return self._fill(self._env.from_string(text))

    def _fill(self, template: jinja2.Template) -> Any:
        names = _Names(self._context, template.globals)
        try:
            pieces = template.root_render_func(
                self._env.context_class(self._env, names, template.name, template.blocks)  # type: ignore[arg-type]
            )
            return jinja2.nativetypes.native_concat(pieces) if self._native else "".join(pieces)
        except Exception:  # noqa: BLE001 - raised again, its traceback pointing into the template
            self._env.handle_exception()


def _has_usual_syntax(env: jinja2.Environment) -> bool:
    starts = (env.variable_start_string, env.block_start_string, env.comment_start_string)
    own_lines = env.line_statement_prefix or env.line_comment_prefix or env.keep_trailing_newline
    return starts == DEFAULT_MARKERS and not own_lines


def _is_something(value: Any) -> bool:
    try:
        return bool(value)
    except Exception:  # noqa: BLE001 - a data frame, say, refuses to be true or false; it is rendered
        return True


class _Names(MutableMapping[str, Any]):
    """What a template sees: the context, then the environment's globals; nothing is computed before it is asked for."""

    def __init__(self, context: Mapping[str, Any], names: Mapping[str, Any]) -> None:
        self._context = context
        self._globals = names

    def __getitem__(self, key: str) -> Any:
        if key in self._context:
            return self._context[key]
        return self._globals[key]

    def __contains__(self, key: object) -> bool:
        return key in self._context or key in self._globals

    def __iter__(self) -> Iterator[str]:
        yield from self._context
        yield from (key for key in self._globals if key not in self._context)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def copy(self) -> dict[str, Any]:
        """The globals only: Jinja asks for it when it rewrites a traceback, where computing values would hurt."""
        return dict(self._globals)

    def __setitem__(self, key: str, value: Any) -> None:
        raise TypeError(f"a template cannot set {key!r} in its context")

    def __delitem__(self, key: str) -> None:
        raise TypeError(f"a template cannot delete {key!r} from its context")
