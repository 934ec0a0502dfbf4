"""What commands print as JSON about a run: the fixed shape of `tradewind run --output json`.

`{"dag_id","run_id","airflow","logical_date","state","tasks":[…],"xcom":{"TASK" or "TASK[I]":{"KEY":VALUE}}}`,
with `"missed_deadlines":["MOMENT",…]` where there are any.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tradewind.model.rows import DagRun, TaskInstance, XComRow
from tradewind.model.states import TaskState


def moment(value: datetime | None) -> str | None:
    """ISO 8601, or null."""
    return None if value is None else value.isoformat()


def run_document(run: DagRun, tasks: Sequence[TaskInstance], xcoms: Sequence[XComRow] | None = None) -> dict[str, Any]:
    """The object for one run; XComs only where they were asked for."""
    document: dict[str, Any] = {
        "dag_id": run.dag_id,
        "run_id": run.run_id,
        "airflow": run.meaning,
        "logical_date": moment(run.logical_date),
        "state": run.state.value,
        "tasks": [task_document(task) for task in sorted(tasks, key=lambda one: (one.task_id, one.map_index))],
    }
    if run.missed_deadlines:
        document["missed_deadlines"] = [moment(run.deadlines[number]) for number in run.missed_deadlines]
    if xcoms is not None:
        document["xcom"] = xcom_document(xcoms)
    return document


def task_document(task: TaskInstance) -> dict[str, Any]:
    """A task's last try."""
    return {
        "task_id": task.task_id,
        "map_index": task.map_index,
        "state": None if task.state is TaskState.NONE else task.state.value,
        "try_number": task.try_number,
        "start_date": moment(task.started_at),
        "end_date": moment(task.ended_at),
        "verdict": task.verdict,
    }


def xcom_document(rows: Sequence[XComRow]) -> dict[str, dict[str, Any]]:
    """Values by task (with its map index where it has one) and key."""
    document: dict[str, dict[str, Any]] = {}
    for row in rows:
        name = row.task_id if row.map_index < 0 else f"{row.task_id}[{row.map_index}]"
        document.setdefault(name, {})[row.key] = json.loads(row.value)
    return document
