"""`@asset` and `@asset.multi`: a function that makes a DAG of one task, whose outlet is the asset.

The DAG is there with its schedule, inlets and outlets; running its task is a later step, like all that assets do.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import Any

from tradewind.model import dagspec
from tradewind.sdk import errors
from tradewind.sdk.assets import Asset, AssetAll
from tradewind.sdk.definition import DAG
from tradewind.sdk.operators.python import PythonOperator

_REASON = "the body of @asset is a later step of this program; use @task with outlets"
_FILLED = ("self", "context", "outlet_events")


class _AssetMainOperator(PythonOperator):
    """The one task of such a DAG; its name is Airflow's."""

    @staticmethod
    def body(_task: Any) -> dagspec.Body:
        """Opaque."""
        return dagspec.OpaqueBody(classpath="airflow.sdk.asset", reason=_REASON)

    def execute(self, context: Any) -> Any:
        """Refuse."""
        raise errors.NotHereYet("@asset", _REASON)


class _Source:
    """The arguments of a DAG, to make one with."""

    def __init__(self, *, schedule: Any, dag_id: str | None = None, **arguments: Any) -> None:
        self._dag_id = dag_id
        self._arguments = {"schedule": schedule, "catchup": False, "auto_register": True, **arguments}

    def _make(self, default_dag_id: str, function: Any, outlets: list[Any]) -> None:
        with DAG(self._dag_id or default_dag_id, **self._arguments):
            if not getattr(function, "_airflow_is_task_decorator", False):
                _AssetMainOperator(
                    task_id=function.__name__,
                    python_callable=function,
                    inlets=_inlets(function),
                    outlets=outlets,
                )
                return
            if "outlets" in function.kwargs:
                raise TypeError("a task inside @asset names no outlets: they are the asset's")
            function.kwargs["outlets"] = outlets
            function()


class AssetDefinition(Asset):
    """The asset that a function makes."""

    def __init__(self, function: Any, **given: Any) -> None:
        super().__init__(**given)
        self._function = function


class MultiAssetDefinition(AssetAll):
    """The assets that a function makes; a DAG can be scheduled on all of them."""

    def __init__(self, function: Any, outlets: Collection[Any]) -> None:
        super().__init__(*outlets)
        self.name = function.__name__
        self._function = function


class _Multi(_Source):
    """`@asset.multi`."""

    def __init__(self, *, outlets: Collection[Any], **arguments: Any) -> None:
        super().__init__(**arguments)
        self._outlets = outlets

    def __call__(self, function: Callable[..., Any]) -> MultiAssetDefinition:
        _check(function)
        if not self._outlets:
            raise ValueError("no outlets provided")
        made = MultiAssetDefinition(function, self._outlets)
        self._make(function.__name__, function, list(self._outlets))
        return made


class asset(_Source):  # noqa: N801 - Airflow's name
    """`@asset`."""

    multi = _Multi

    def __init__(
        self,
        *,
        name: str | None = None,
        uri: Any = None,
        group: str = Asset.asset_type,
        extra: dict[str, Any] | None = None,
        watchers: list[Any] | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self._name = name
        self._about = {"uri": uri, "group": group, "extra": extra, "watchers": watchers}

    def __call__(self, function: Callable[..., Any]) -> AssetDefinition:
        _check(function)
        name = self._name or function.__name__
        made = AssetDefinition(function, name=name, **self._about)
        self._make(name, function, [made])
        return made


def _check(function: Any) -> None:
    if function.__name__ != function.__qualname__:
        raise ValueError("@asset takes a function at the top of its file, not one inside another")


def _inlets(function: Any) -> list[Any]:
    """Parameters without a default name the assets that the function reads."""
    found = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(f"@asset reads the names of parameters, and {name!r} stands for any number of them")
        if name not in _FILLED and parameter.default is parameter.empty:
            found.append(Asset.ref(name=name))
    return found
