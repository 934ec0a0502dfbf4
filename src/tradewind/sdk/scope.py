"""Where in a DAG file one stands: inside which `with DAG(...)` and which `with TaskGroup(...)`.

Operators made inside a block belong to it without being told. The stacks are context variables, so a thread or task
that a file starts while loading sees the blocks that were open where it began.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradewind.sdk.definition import DAG
    from tradewind.sdk.group import TaskGroup

_dags: ContextVar[tuple[DAG, ...]] = ContextVar("tradewind_dags", default=())
_groups: ContextVar[tuple[TaskGroup, ...]] = ContextVar("tradewind_groups", default=())


def enter_dag(dag: DAG) -> None:
    """Open a DAG's block."""
    _dags.set((*_dags.get(), dag))
    _groups.set((*_groups.get(), dag.task_group))


def leave_dag() -> DAG | None:
    """Close the innermost DAG's block."""
    if not (dags := _dags.get()):
        return None
    _dags.set(dags[:-1])
    _groups.set(_groups.get()[:-1])
    return dags[-1]


def current_dag() -> DAG | None:
    """The innermost DAG whose block is open."""
    dags = _dags.get()
    return dags[-1] if dags else None


def enter_group(group: TaskGroup) -> None:
    """Open a group's block."""
    _groups.set((*_groups.get(), group))


def leave_group() -> None:
    """Close the innermost group's block."""
    _groups.set(_groups.get()[:-1])


def current_group(dag: DAG | None) -> TaskGroup | None:
    """The innermost open group of this DAG, its root group outside of any."""
    groups = _groups.get()
    if groups and (dag is None or groups[-1].dag is dag):
        return groups[-1]
    return dag.task_group if dag is not None else None


class DagContext:
    """Airflow's name for the stack of open DAGs."""

    @classmethod
    def get_current(cls) -> DAG | None:
        """The innermost open DAG."""
        return current_dag()

    @classmethod
    def get_current_dag(cls) -> DAG | None:
        """The same, under its name in Airflow 2."""
        return current_dag()


class TaskGroupContext:
    """Airflow's name for the stack of open groups."""

    @classmethod
    def get_current(cls, dag: DAG | None = None) -> TaskGroup | None:
        """The innermost open group."""
        return current_group(dag or current_dag())

    @classmethod
    def get_current_task_group(cls, dag: DAG | None = None) -> TaskGroup | None:
        """The same, under its name in Airflow 2."""
        return current_group(dag or current_dag())
