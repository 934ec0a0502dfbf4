"""What DAG files import: DAGs, tasks, operators, parameters, and what they read while they run.

The names are Airflow's. They are resolved when first asked for, so that a file pays for what it uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewind.sdk.branching import BaseBranchOperator, BranchMixIn, SkipMixin
    from tradewind.sdk.definition import DAG, dag
    from tradewind.sdk.edges import EdgeModifier, Label, chain, chain_linear, cross_downstream
    from tradewind.sdk.group import TaskGroup
    from tradewind.sdk.group_decorator import task_group
    from tradewind.sdk.mapped import MappedOperator
    from tradewind.sdk.operator import BaseOperator
    from tradewind.sdk.operators.bash import BashOperator
    from tradewind.sdk.operators.empty import EmptyOperator
    from tradewind.sdk.operators.latest_only import LatestOnlyOperator
    from tradewind.sdk.operators.python import BranchPythonOperator, PythonOperator, ShortCircuitOperator
    from tradewind.sdk.params import Param, ParamsDict
    from tradewind.sdk.sensors.sensor import BaseSensorOperator, PokeReturnValue
    from tradewind.sdk.states import DagRunState, TaskInstanceState, TriggerRule, WeightRule
    from tradewind.sdk.task_decorator import result, setup, task, teardown
    from tradewind.sdk.xcom_arg import XComArg

_PLACES = {
    "definition": ("DAG", "dag"),
    "operator": ("BaseOperator",),
    "mapped": ("MappedOperator",),
    "task_decorator": ("task", "setup", "teardown", "result"),
    "group_decorator": ("task_group",),
    "group": ("TaskGroup",),
    "xcom_arg": ("XComArg",),
    "edges": ("Label", "EdgeModifier", "chain", "chain_linear", "cross_downstream"),
    "params": ("Param", "ParamsDict"),
    "states": ("TriggerRule", "WeightRule", "TaskInstanceState", "DagRunState"),
    "branching": ("BaseBranchOperator", "BranchMixIn", "SkipMixin"),
    "sensors.sensor": ("BaseSensorOperator", "PokeReturnValue"),
    "operators.bash": ("BashOperator",),
    "operators.empty": ("EmptyOperator",),
    "operators.python": ("PythonOperator", "BranchPythonOperator", "ShortCircuitOperator"),
    "operators.latest_only": ("LatestOnlyOperator",),
}
_HOMES = {name: module for module, names in _PLACES.items() for name in names}

__all__ = [
    "DAG",
    "BaseBranchOperator",
    "BaseOperator",
    "BaseSensorOperator",
    "BashOperator",
    "BranchMixIn",
    "BranchPythonOperator",
    "DagRunState",
    "EdgeModifier",
    "EmptyOperator",
    "Label",
    "LatestOnlyOperator",
    "MappedOperator",
    "Param",
    "ParamsDict",
    "PokeReturnValue",
    "PythonOperator",
    "ShortCircuitOperator",
    "SkipMixin",
    "TaskGroup",
    "TaskInstanceState",
    "TriggerRule",
    "WeightRule",
    "XComArg",
    "chain",
    "chain_linear",
    "cross_downstream",
    "dag",
    "result",
    "setup",
    "task",
    "task_group",
    "teardown",
]


def _find(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


if not TYPE_CHECKING:  # or a type checker would take any name for one of ours
    __getattr__ = _find


def __dir__() -> list[str]:
    return list(__all__)
