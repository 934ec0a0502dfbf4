"""Makes modules of Airflow's names when they are imported, out of the table in `table`.

An attribute is resolved when it is asked for, so a file pays for what it uses. A name that nobody has is an
ImportError, as with any module; one that is known and not here yet loads and says so when it would run.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

from tradewind.compat import metadata, providers, table


def install() -> None:
    """Put the finder in place, once."""
    if not any(isinstance(one, Finder) for one in sys.meta_path):
        sys.meta_path.insert(0, Finder())


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds modules below `airflow` that the table knows, and those of providers."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> Any:
        """A spec for a module of the table or of a provider, None for others."""
        if not name.startswith("airflow."):
            return None
        if not table.has_module(name):
            return providers.find_spec(name, path) if name.startswith(providers.HEADS) else None
        spec = importlib.machinery.ModuleSpec(name, self, is_package=True)
        spec.submodule_search_locations = providers.real_places(name)
        return spec

    def find_distributions(self, context: Any = None) -> Iterator[Any]:
        """What `importlib.metadata` says of Airflow's own packages."""
        return metadata.find(context)

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
    kind, is_kind, rest = place.partition("|")
    if is_kind:
        return _KINDS[kind](rest, classpath)
    where, _, name = place.partition(":")
    found: Any = importlib.import_module(f"tradewind.sdk.{where}" if where else "tradewind.sdk")
    for part in name.split(".") if name else ():
        found = getattr(found, part)
    return found


def _operator(reason: str, classpath: str) -> Any:
    from tradewind.sdk import opaque

    return opaque.operator(classpath, reason)


def _thing(reason: str, classpath: str) -> Any:
    from tradewind.sdk import standin

    return standin.thing(classpath, reason)


def _refused(reason: str, classpath: str) -> Any:
    from tradewind.sdk import standin

    return standin.thing(classpath, reason, refused=True)


def _moved(target: str, _classpath: str) -> Any:
    module, _, name = target.rpartition(".")
    return getattr(importlib.import_module(module), name)


_KINDS: dict[str, Callable[[str, str], Any]] = {
    "operator": _operator,
    "later": _thing,
    "refused": _refused,
    "moved": _moved,
    "value": lambda text, _: text,
    "version": lambda *_: metadata.version(),
}
