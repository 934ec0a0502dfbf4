"""Makes modules of Airflow's names when they are imported, out of the table in `table`.

An attribute is resolved when it is asked for, so a file pays for what it uses. A name that nobody has is an
ImportError, as with any module; one that is known and not here yet loads and says so when it would run.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from tradewind.compat import table
from tradewind.sdk import registry

_VERSIONS = {"2": "2.11.0", "3": "3.3.2"}


def version() -> str:
    """The version of Airflow that the file which is being loaded means."""
    return _VERSIONS[registry.meaning()]


def install() -> None:
    """Put the finder in place, once."""
    if not any(isinstance(one, Finder) for one in sys.meta_path):
        sys.meta_path.insert(0, Finder())


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds modules below `airflow` that the table knows."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> Any:
        """A spec for a module of the table, None for others."""
        if not name.startswith("airflow.") or not table.has_module(name):
            return None
        spec = importlib.machinery.ModuleSpec(name, self, is_package=True)
        spec.submodule_search_locations = _real_places(name)
        return spec

    def create_module(self, spec: Any) -> ModuleType:
        """A module whose attributes come from the table."""
        return Names(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""


class Names(ModuleType):
    """One of Airflow's modules."""

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return table.names_of(self.__name__)
        if name.startswith("__") and table.find(self.__name__, name) is None:
            raise AttributeError(name)
        found = attribute(self.__name__, name)
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *table.names_of(self.__name__)})


def attribute(module: str, name: str) -> Any:
    """What `from module import name` gives. Raises AttributeError."""
    place = table.find(module, name)
    if place is not None:
        return resolve(place, f"{module}.{name}")
    below = f"{module}.{name}"
    if table.has_module(below):
        return importlib.import_module(below)
    raise AttributeError(f"module {module!r} has no attribute {name!r}")


def resolve(place: str, classpath: str) -> Any:
    """The object behind an entry of the table."""
    kind, _, rest = place.partition("|")
    if kind == "operator":
        from tradewind.sdk import opaque

        return opaque.operator(classpath, rest)
    if kind == "later":
        from tradewind.sdk import opaque

        return opaque.thing(classpath, rest)
    if kind == "value":
        return rest
    if kind == "version":
        return version()
    where, _, name = place.partition(":")
    found: Any = importlib.import_module(f"tradewind.sdk.{where}" if where else "tradewind.sdk")
    for part in name.split(".") if name else ():
        found = getattr(found, part)
    return found


def _real_places(name: str) -> list[str]:
    """Below `airflow.providers` the folders of real provider packages are looked into as well."""
    import os

    if not (name + ".").startswith("airflow.providers."):
        return []
    tail = name.split(".")
    found = [os.path.join(folder, *tail) for folder in sys.path if "tradewind" not in folder]
    return [folder for folder in found if os.path.isdir(folder)]
