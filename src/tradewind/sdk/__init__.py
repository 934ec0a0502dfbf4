"""What DAG files import: DAGs, tasks, operators, parameters, and what they read while they run.

The names are Airflow's. They are resolved when first asked for, so that a file pays for what it uses.
"""

from __future__ import annotations

from typing import Any

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

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return list(__all__)
