"""Pods as the objects that user code expects: of the `kubernetes` package where it is installed, else like them.

The classes are walked by their own tables (`openapi_types`, `attribute_map`), so any version will do. Nothing is
imported before the first object is made: a worker that shows its pod to nobody stays small.
"""

from __future__ import annotations

import datetime as dt
import importlib
import importlib.util
import re
from collections.abc import Iterator, Mapping
from typing import Any

_OF_LIST = re.compile(r"list\[(.+)\]$")
_OF_DICT = re.compile(r"dict[\[(]str, (.+)[\])]$")
_PLAIN = frozenset({"str", "int", "float", "bool", "object"})
_TIMES = frozenset({"datetime", "date"})
_MAPS = frozenset({"labels", "annotations", "limits", "requests", "nodeSelector", "matchLabels"})
"""Their keys are the user's own."""


class ApiObject:
    """API JSON by attributes, spelled as the `kubernetes` package spells them: `pod.spec.restart_policy`."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.__dict__.update({_snake(name): _wrapped(name, value) for name, value in fields.items()})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None  # as attributes of those classes that were never given

    def to_plain(self) -> dict[str, Any]:
        """As API JSON."""
        return {_camel(name): _unwrapped(value) for name, value in vars(self).items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """As the package's objects: by Python's names."""
        return {name: _unwrapped(value) for name, value in vars(self).items()}

    def __repr__(self) -> str:
        return f"ApiObject({self.to_plain()!r})"


def pod(fields: Mapping[str, Any]) -> Any:
    """A V1Pod."""
    return of("V1Pod", fields)


def of(kind: str, fields: Mapping[str, Any]) -> Any:
    """An object of this class of the API."""
    if importlib.util.find_spec("kubernetes") is None:
        return ApiObject(fields)
    models: Any = importlib.import_module("kubernetes.client.models")
    return _made(models, kind, fields)


def _made(models: Any, kind: str, fields: Mapping[str, Any]) -> Any:
    known: Any = getattr(models, kind)
    given = dict(_given(models, known, fields))
    return known(**given)


def _given(models: Any, known: Any, fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, api in known.attribute_map.items():
        if (value := fields.get(api)) is not None:
            yield name, _converted(models, known.openapi_types[name], value)


def _converted(models: Any, kind: str, value: Any) -> Any:
    if (found := _OF_LIST.match(kind)) is not None:
        return [_converted(models, found[1], item) for item in value]
    if (found := _OF_DICT.match(kind)) is not None:
        return {key: _converted(models, found[1], item) for key, item in value.items()}
    if kind in _TIMES and isinstance(value, str):
        return dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
    if kind in _PLAIN or not isinstance(value, Mapping) or not hasattr(models, kind):
        return value
    return _made(models, kind, value)


def _wrapped(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value) if name in _MAPS else ApiObject(value)
    return [_wrapped(name, item) for item in value] if isinstance(value, list) else value


def _unwrapped(value: Any) -> Any:
    if isinstance(value, ApiObject):
        return value.to_plain()
    return [_unwrapped(item) for item in value] if isinstance(value, list) else value


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))
