"""Modules below `airflow.providers` that the table does not have: the real ones where installed, stand-ins elsewhere.

A provider's package is found in the environment that the file is loaded in, and of a real Airflow beside it nothing
else is. Where it is not installed, or needs something of Airflow that is not here, its operators keep their place in
the graph and its other names can be imported, each with a note: a task that uses one fails, and its author knows early.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from tradewind.compat import table
from tradewind.sdk import opaque, registry, standin

_HEAD = "airflow.providers."
_CONTRIB = "airflow.contrib."
HEADS = (_HEAD, _CONTRIB)
"""Below these a module is looked for here."""
_FAMILIES = frozenset({"apache", "atlassian", "cncf", "common", "dbt", "microsoft"})
"""First parts of providers whose names have two."""
_OURS = ("airflow.providers.standard", "airflow.providers.cncf.kubernetes", "airflow.providers.common.compat")
"""Providers of which a name that the table lacks is a mistake, unless the real package has it."""
_FOLDERS = frozenset(
    {
        "assets", "datasets", "decorators", "executors", "hooks", "links", "log", "models", "notifications",
        "notifiers", "operators", "secrets", "sensors", "transfers", "triggers", "utils",
    }
)  # fmt: skip
"""Folders of a provider that hold modules; what is imported from a module in one of them is a name."""
_OF_OPERATORS = frozenset({"operators", "sensors", "transfers"})


def find_spec(name: str, path: Sequence[str] | None) -> importlib.machinery.ModuleSpec | None:
    """The spec of a module below `HEADS`, None where it is a mistake."""
    if name.startswith(_CONTRIB):
        return importlib.machinery.ModuleSpec(name, _Absent(), is_package=True)
    found = importlib.machinery.PathFinder.find_spec(name, path) if path else None
    if found is not None:
        if found.loader is not None:
            found.loader = _Real(found.loader)  # type: ignore[assignment]
        return found
    if _is_below(name, _OURS) or real_places(_provider(name)):
        return None
    return importlib.machinery.ModuleSpec(name, _Absent(), is_package=True)


def absent(module: str) -> str | None:
    """What to tell of a provider's module that a file imports and that is not installed; None where it is here."""
    if not module.startswith(_HEAD) or table.has_module(module) or _is_below(module, _OURS):
        return None
    if real_places(_provider(module)):
        return None
    return f"{module} is imported and not here: a task that needs it fails; install {distribution(module)}"


def real_places(name: str) -> list[str]:
    """Folders of the import path that hold this package below `airflow.providers`; none for any other package."""
    if not (name + ".").startswith(_HEAD):
        return []
    tail = name.split(".")
    found = [os.path.join(folder, *tail) for folder in sys.path]
    return [folder for folder in found if os.path.isdir(folder)]


def distribution(name: str) -> str:
    """The package to install: `airflow.providers.apache.hive.hooks` → `apache-airflow-providers-apache-hive`."""
    return "apache-airflow-providers-" + _provider(name).removeprefix(_HEAD).replace(".", "-").replace("_", "-")


class _Absent(importlib.abc.Loader):
    """Makes modules of providers that are not installed."""

    def create_module(self, spec: Any) -> ModuleType:
        """A module that has any name."""
        if spec.name.startswith(_CONTRIB):
            return Absent(spec.name, "Airflow 2 dissolved contrib; import its successor from airflow.providers")
        package = distribution(spec.name)
        reason = f"its provider is not among what runs here; install {package} where the file is loaded"
        return Absent(spec.name, reason)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""


class _Real:
    """Loads a module of an installed provider; one that asks for what is not here becomes a stand-in."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: Any) -> ModuleType | None:
        """As the real loader does."""
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code, or put a stand-in in its place."""
        try:
            self._loader.exec_module(module)
        except ImportError as error:
            if not _is_about_airflow(error):
                raise
            name = module.__name__
            reason = f"{distribution(name)} is installed, and {name} needs what is not here: {error}"
            sys.modules[name] = _standing_in(module, reason)


class Absent(ModuleType):
    """A provider's module without its provider: any name can be imported from it."""

    def __init__(self, name: str, reason: str, *, is_real: bool = False) -> None:
        super().__init__(name, reason)
        self.__dict__.update(_reason=reason, _is_real=is_real)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        below = f"{self.__name__}.{name}"
        if name == name.lower() and not _is_in_folder(self.__name__) and self._may_hold(below):
            return importlib.import_module(below)
        found = stand_in(below, self.__dict__["_reason"])
        setattr(self, name, found)
        return found

    def _may_hold(self, below: str) -> bool:
        """Whether a name may be a module: any, unless the package is installed and shows which it has."""
        return not self.__dict__["_is_real"] or importlib.util.find_spec(below) is not None


def stand_in(classpath: str, reason: str) -> Any:
    """What stands for a name of a provider, with a note for the file's author."""
    module, _, name = classpath.rpartition(".")
    parts = set(module.split("."))
    is_operator = name.endswith(("Operator", "Sensor")) or (bool(parts & _OF_OPERATORS) and _is_class(name))
    if is_operator:
        return opaque.operator(classpath, reason)
    registry.miss(f"{classpath} is not here: a task that uses it fails; {reason}")
    return standin.thing(classpath, reason)


def _standing_in(real: ModuleType, reason: str) -> Absent:
    made = Absent(real.__name__, reason, is_real=True)
    made.__spec__, made.__path__ = real.__spec__, getattr(real, "__path__", [])
    return made


def _is_about_airflow(error: ImportError) -> bool:
    name = error.name or ""
    return name.split(".")[0] == "airflow" and not name.startswith(_HEAD)


def _provider(name: str) -> str:
    """The package of the provider that a module belongs to."""
    parts = name.split(".")
    length = 4 if len(parts) > 3 and parts[2] in _FAMILIES else 3
    return ".".join(parts[:length])


def _is_in_folder(name: str) -> bool:
    """Whether a module lies in one of the folders of its provider, so that what it holds are no modules."""
    first = 2 if name.startswith(_CONTRIB) else 3
    return any(part in _FOLDERS for part in name.split(".")[first:-1])


def _is_class(name: str) -> bool:
    return name[:1].isupper() and not name.isupper()


def _is_below(name: str, heads: Sequence[str]) -> bool:
    return any((name + ".").startswith(head + ".") for head in heads)
