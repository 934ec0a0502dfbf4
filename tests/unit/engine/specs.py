"""Builders of DAG specifications for tests of the engine."""

from __future__ import annotations

from typing import Any

from tradewind.model.dagspec import (
    ConstLength,
    DagSpec,
    EmptyBody,
    GroupSpec,
    Length,
    Mapping,
    PythonBody,
    TaskSpec,
    TriggerRule,
    XComLength,
)

PYTHON = PythonBody()
EMPTY = EmptyBody()


def task(task_id: str, *upstream: str, rule: str = "all_success", body: Any = PYTHON, **more: Any) -> TaskSpec:
    """A Python task below these."""
    return TaskSpec(
        task_id=task_id, body=body, upstream=tuple(sorted(upstream)), trigger_rule=TriggerRule(rule), **more
    )


def over(*lengths: Length | str | int) -> Mapping:
    """Mapped over literal lengths and upstreams' values."""
    parts = tuple((f"arg{number}", _length(one)) for number, one in enumerate(lengths))
    return Mapping(kind="expand", arguments=parts)


def _length(one: Length | str | int) -> Length:
    if isinstance(one, str):
        return XComLength(task_id=one)
    return ConstLength(n=one) if isinstance(one, int) else one


def group(group_id: str, parent: str | None = None, mapping: Mapping | None = None) -> GroupSpec:
    return GroupSpec(group_id=group_id, parent_id=parent, mapping=mapping)


def dag(*tasks: TaskSpec, dag_id: str = "d", groups: tuple[GroupSpec, ...] = (), **more: Any) -> DagSpec:
    """A DAG of these tasks, upstreams first."""
    return DagSpec(dag_id=dag_id, file="d.py", tasks=tasks, groups=groups, **more)


def chain(count: int, **more: Any) -> DagSpec:
    """Tasks t0 → t1 → …"""
    tasks = [task(f"t{n}", *([f"t{n - 1}"] if n else [])) for n in range(count)]
    return dag(*tasks, **more)
