"""What a branch or a short circuit decided against."""

from __future__ import annotations

from collections.abc import Iterable

from tradewind.engine.core import Core
from tradewind.engine.finish import finish
from tradewind.engine.live import LiveRun
from tradewind.model.rows import TaskInstance
from tradewind.model.states import TaskState

_NOT_BEGUN = (TaskState.NONE, TaskState.SCHEDULED)


def skip_below(core: Core, live: LiveRun, ti: TaskInstance, skips: Iterable[str]) -> None:
    """Skip these tasks at once, whatever their trigger rules: of a mapped group only those of the same element."""
    graph = live.graph
    wanted = {one for one in skips if one in graph.tasks}
    for task_id in sorted(wanted, key=graph.order.__getitem__):
        for other in _same_element(live, ti, task_id):
            if other.state in _NOT_BEGUN and not _waits_for_past(live, task_id):
                finish(core, live, other, TaskState.SKIPPED, f"{ti.task_id} decided against it")


def all_below(live: LiveRun, task_id: str) -> tuple[str, ...]:
    """Everything below a short circuit but teardowns."""
    tasks = live.graph.tasks
    return tuple(one for one in live.graph.relatives(task_id, down=True) if not tasks[one].is_teardown)


def _waits_for_past(live: LiveRun, task_id: str) -> bool:
    """Such a task is skipped where it is looked at, once the past allows it."""
    task = live.graph.tasks[task_id]
    return task.wait_for_past_depends_before_skipping and (task.depends_on_past or task.wait_for_downstream)


def _same_element(live: LiveRun, ti: TaskInstance, task_id: str) -> list[TaskInstance]:
    rows = list(live.nodes[task_id].rows.values())
    group_id = live.graph.common_group(ti.task_id, task_id)
    mine = live.part(ti.task_id, ti.map_index, group_id)
    if mine is None:
        # An element says nothing about a task outside of its mapped group, as in Airflow.
        return rows if ti.map_index < 0 else []
    # One that is not expanded yet stands for all elements; each is looked at by itself when it is there.
    return [row for row in rows if row.map_index >= 0 and live.part(task_id, row.map_index, group_id) == mine]
