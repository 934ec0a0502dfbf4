"""Plugins: what teams add to Airflow's names, and the site's policies about DAGs.

A plugin is a class that derives from `AirflowPlugin`. Its macros are `macros.NAME` in templates and
`airflow.macros.NAME` in files; its listeners are told of each attempt. What belongs to later steps is kept and noted.
"""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, ClassVar

from tradewind.sdk import errors, macros, registry

_log = logging.getLogger("airflow.plugins")
_LATER = (
    "timetables", "priority_weight_strategies", "operator_extra_links", "global_operator_extra_links",
    "appbuilder_views", "appbuilder_menu_items", "flask_blueprints", "fastapi_apps", "fastapi_root_middlewares",
    "external_views", "react_apps", "partition_mappers", "windows",
)  # fmt: skip


class AirflowPlugin:
    """A plugin; subclasses set `name` and lists of what they bring."""

    name: str | None = None
    macros: ClassVar[list[Any]] = []
    listeners: ClassVar[list[Any]] = []
    hooks: ClassVar[list[Any]] = []
    operators: ClassVar[list[Any]] = []
    executors: ClassVar[list[Any]] = []

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        """Called when the plugin was loaded."""


class Plugins:
    """Those of a process, by name."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[type[AirflowPlugin], str]] = {}

    def take(self, module: ModuleType, place: str) -> None:
        """Take the plugins of a module. Raises DagProblem where one has no name, or another has it."""
        for kind in list(vars(module).values()):
            if isinstance(kind, type) and issubclass(kind, AirflowPlugin) and kind is not AirflowPlugin:
                self.add(kind, place)

    def add(self, kind: type[AirflowPlugin], place: str) -> None:
        """Take one plugin."""
        about = f"plugin {kind.__name__} of {place}"
        if not kind.name:
            raise errors.DagProblem.of("plugin-without-name", about, "it has no name", "set name = '...' in the class")
        before = self._found.get(kind.name)
        if before is not None and before[0] is not kind:
            said = f"its name {kind.name!r} is that of {before[0].__name__} of {before[1]} too"
            raise errors.DagProblem.of("two-plugins", about, said, "give each plugin a name of its own")
        self._found[kind.name] = (kind, place)
        _install_macros(kind)
        for what in _LATER:
            if getattr(kind, what, None):
                registry.note(f"{about}: its {what} are a later step of this program and have no effect yet")
        kind.on_load()

    def listeners(self) -> list[Any]:
        """Listeners of all plugins."""
        return [one for kind, _ in self._found.values() for one in kind.listeners]

    def names(self) -> list[str]:
        """In order of loading."""
        return list(self._found)


def _install_macros(kind: type[AirflowPlugin]) -> None:
    if not kind.macros:
        return
    assert kind.name is not None
    module = ModuleType(f"airflow.macros.{kind.name}")
    for one in kind.macros:
        setattr(module, one.__name__, one)
    sys.modules[module.__name__] = module
    setattr(macros, kind.name, module)


def hookimpl(function: Any = None, **_: Any) -> Any:
    """Marks a function of a listener or policy; both are found by their names."""
    return function if function is not None else lambda real: real


def tell(listeners: Iterable[Any], which: str, **told: Any) -> None:
    """Call a hook of all listeners with what it asks for; one that raises is logged and changes nothing."""
    for listener in listeners:
        hook = getattr(listener, which, None)
        if not callable(hook):
            continue
        try:
            _call(hook, told)
        except Exception:  # noqa: BLE001 - what it does is beside the task
            _log.exception("listener %s.%s failed", getattr(listener, "__name__", type(listener).__name__), which)


def _call(hook: Callable[..., Any], told: dict[str, Any]) -> None:
    asked = inspect.signature(hook).parameters
    hook(**{name: told.get(name) for name in asked})
