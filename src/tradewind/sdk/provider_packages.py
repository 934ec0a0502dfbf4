"""What installed provider packages say of themselves, by their entry point `apache_airflow_provider`.

Read once in a process and only when something asks: it takes in a module of each package.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import logging
from collections.abc import Iterator, Mapping
from typing import Any

GROUP = "apache_airflow_provider"
_log = logging.getLogger(__name__)


@functools.cache
def file_system_modules() -> tuple[str, ...]:
    """Modules that know how to open an object store, by dotted name."""
    return tuple(str(name) for one in _infos() for name in one.get("filesystems") or ())


@functools.cache
def hook_classes() -> Mapping[str, str]:
    """Type of connection → dotted name of the hook that is made of it."""
    found: dict[str, str] = {}
    for one in _infos():
        for kind in one.get("connection-types") or ():
            found.setdefault(str(kind["connection-type"]), str(kind["hook-class-name"]))
    return found


def distribution_of(dotted: str) -> str:
    """The package that a provider's dotted name is in: for messages."""
    for point in importlib.metadata.entry_points(group=GROUP):
        if dotted.startswith(point.module.rpartition(".")[0] + "."):
            return point.dist.name if point.dist is not None else point.module
    return ""


def load(dotted: str) -> Any:
    """What a dotted name of a provider says: `airflow.providers.x.y.Name`."""
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _infos() -> Iterator[Mapping[str, Any]]:
    yield from (_info(point) for point in importlib.metadata.entry_points(group=GROUP))


def _info(point: importlib.metadata.EntryPoint) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = point.load()()
    except Exception as error:  # noqa: BLE001 - one package that is broken does not take the others along
        _log.warning("the provider package of %s says nothing of itself: %s", point.module, error)
        return {}
    return found
