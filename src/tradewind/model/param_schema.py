"""What a parameter's value must be: its JSON schema, checked.

The same is asked where a run is made and where its tasks begin, so that no run exists whose tasks refuse its conf.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any

from tradewind.model.dagspec import ParamSpec

_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "True or False",
    "array": "a list",
    "object": "a dict",
    "null": "nothing",
}


def problem_of_conf(params: Mapping[str, ParamSpec], conf: Mapping[str, Any]) -> tuple[str, str] | None:
    """The first parameter that this conf leaves without a value or gives a bad one, and what is wrong; None if none."""
    for name, param in params.items():
        if name not in conf and not param.has_default:
            return name, "it has no value"
        value = conf.get(name, param.value)
        if param.schema and (problem := violation(value, param.schema)) is not None:
            return name, problem
    return None


def violation(value: Any, schema: Mapping[str, Any]) -> str | None:
    """What is wrong with a value, None where nothing is. Plain types are checked without loading jsonschema."""
    if set(schema) <= {"type", "title", "description", "section", "description_md", "source"}:
        kinds = schema.get("type")
        if kinds is None:
            return None
        names = [kinds] if isinstance(kinds, str) else list(kinds)
        if any(_is_kind(value, name) for name in names):
            return None
        wanted = " or ".join(_KINDS.get(name, name) for name in names)
        return f"the value must be {wanted}, got {type(value).__name__}: {value!r}"
    import jsonschema

    checker = jsonschema.FormatChecker()
    checker.checks("date-time", raises=ValueError)(_is_moment)
    checker.checks("date", raises=ValueError)(_is_date)
    checker.checks("time", raises=ValueError)(_is_time)
    validator = jsonschema.Draft202012Validator(dict(schema), format_checker=checker)
    for error in validator.iter_errors(value):
        return f"{error.message} (schema: {json.dumps(dict(schema), default=str)})"
    return None


def _is_kind(value: Any, name: str) -> bool:
    if name == "null":
        return value is None
    if name == "boolean":
        return isinstance(value, bool)
    if name == "integer":
        return not isinstance(value, bool) and (
            isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        )
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    kinds: dict[str, tuple[type, ...]] = {"string": (str,), "array": (list, tuple), "object": (dict,)}
    return isinstance(value, kinds.get(name, (object,)))


def _is_moment(value: object) -> bool:
    if isinstance(value, str):
        import dateutil.parser

        dateutil.parser.parse(value)
    return True


def _is_date(value: object) -> bool:
    if isinstance(value, str):
        datetime.date.fromisoformat(value)
    return True


def _is_time(value: object) -> bool:
    if isinstance(value, str):
        datetime.time.fromisoformat(value)
    return True
