"""Stand-ins for the web frameworks that plugins import: an Airflow has them, a Tradewind need not.

A plugin of Airflow often brings macros or listeners and views beside them. Where Flask or FastAPI is not installed, the
views stand on what is made here and come to nothing; all else of the plugin is loaded as it is. What is installed is
used, and outside of `stand_ins` an absent package is absent, so a DAG file that imports one is told. Unlike names of
Airflow's that have nothing behind them (`sdk.standin`), these refuse nothing: no task ever gets one.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any

from tradewind.compat import modules

_PACKAGES = frozenset(
    {
        "a2wsgi", "connexion", "fastapi", "flask", "flask_appbuilder", "flask_babel", "flask_caching", "flask_cors",
        "flask_jwt_extended", "flask_limiter", "flask_login", "flask_session", "flask_sqlalchemy", "flask_wtf",
        "starlette", "uvicorn", "werkzeug", "wtforms",
    }
)  # fmt: skip
_OF_AIRFLOW = frozenset({"airflow.www", "airflow.api_fastapi", "airflow.api_connexion"})


@contextmanager
def stand_ins() -> Iterator[list[str]]:
    """Inside the block absent web packages can be imported. Gives the names of those that were, as they come."""
    modules.install()  # puts itself first, where nobody did it yet
    others, airflows = _Finder(_PACKAGES), _Finder(_OF_AIRFLOW)
    sys.meta_path.append(others)  # the last to be asked: what is there is found by others
    sys.meta_path.insert(0, airflows)  # the first: of these names the table knows that DAG files cannot use them
    try:
        yield others.packages_made
    finally:
        for finder in (others, airflows):
            sys.meta_path.remove(finder)
            for name in finder.made:
                sys.modules.pop(name, None)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds packages, and whatever is asked for below them."""

    def __init__(self, packages: frozenset[str]) -> None:
        self._packages = packages
        self.made: list[str] = []
        self.packages_made: list[str] = []

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> Any:
        """A spec for one of the packages and what is below what was made here, None for others."""
        if name not in self._packages and name.rpartition(".")[0] not in self.made:
            return None  # a part that an installed package has not is an ImportError, as ever
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: Any) -> ModuleType:
        """A module that has every name."""
        self.made.append(spec.name)
        if spec.name in self._packages:
            self.packages_made.append(spec.name)
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""


class _Module(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _part(name)
        setattr(self, name, made)
        return made


class _Kind(type):
    """The type of parts: whatever is read from one is a part too."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _part(name)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """As a decorator it leaves the function as it is; else one is made."""
        return args[0] if _decorates(args, kwargs) else super().__call__(*args, **kwargs)


class _Part(metaclass=_Kind):
    """A class, a function or a value of a framework: to derive from, to call, to decorate with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Takes everything."""

    def __class_getitem__(cls, item: Any) -> Any:
        return cls

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _part(name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return args[0] if _decorates(args, kwargs) else type(self)()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was begun."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())


def _part(name: str) -> Any:
    return _Kind(name, (_Part,), {})


def _decorates(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return len(args) == 1 and not kwargs and isinstance(args[0], FunctionType)
