"""What installed provider packages say of themselves, by their entry point `apache_airflow_provider`.

Read once in a process and only when something asks: it takes in a module of each package.
"""

from __future__ import annotations

import functools
import importlib.metadata
import logging
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any

GROUP = "apache_airflow_provider"
_log = logging.getLogger(__name__)
_HOOKS_HERE = {
    "fs": "tradewind.sdk.hooks.filesystem.FSHook",
    "kubernetes": "tradewind.sdk.hooks.kubernetes.KubernetesHook",
    "package_index": "tradewind.sdk.hooks.package_index.PackageIndexHook",
    "smtp": "tradewind.sdk.hooks.smtp.SmtpHook",
}
"""Hooks by type of connection of the providers that are here without a package."""


@functools.cache
def file_system_modules() -> tuple[str, ...]:
    """Modules that know how to open an object store, by dotted name."""
    return tuple(str(name) for one in _infos() for name in one.get("filesystems") or ())


def hook_class(conn_type: str) -> Any:
    """The hook of a type of connection: the one of an installed package, else one that is here, else None."""
    found = _hooks_by_type().get(conn_type) or _HOOKS_HERE.get(conn_type)
    return pkgutil.resolve_name(found) if found else None


@functools.cache
def decorator(name: str) -> Any:
    """What `@task.NAME` is by an installed package, None where none brings it."""
    for one in _infos():
        for kind in one.get("task-decorators") or ():
            if kind["name"] == name:
                return pkgutil.resolve_name(kind["class-name"])
    return None


@functools.cache
def _hooks_by_type() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for one in _infos():
        for kind in one.get("connection-types") or ():
            found.setdefault(str(kind["connection-type"]), str(kind["hook-class-name"]))
    return found


def _infos() -> Iterator[Mapping[str, Any]]:
    yield from (_info(point) for point in importlib.metadata.entry_points(group=GROUP))


def _info(point: importlib.metadata.EntryPoint) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = point.load()()
    except Exception as error:  # noqa: BLE001 - one package that is broken does not take the others along
        _log.warning("the provider package of %s says nothing of itself: %s", point.module, error)
        return {}
    return found
