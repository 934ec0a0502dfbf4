"""What a DAG file wants called when its deadlines were missed: callbacks of alerts, and `sla_miss_callback`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any

from tradewind.model.rows import DagRun
from tradewind.protocol.work import CallbackWork
from tradewind.sdk import supervision, timezone
from tradewind.worker.dagrun import moment


def calls(dag: Any, work: CallbackWork, context: Any) -> Iterable[Callable[[], Any]]:
    """One for each alert that was missed; for SLAs one for each callback, which gets all of them."""
    from tradewind.sdk import deadlines

    alerts = deadlines.watched(dag)
    if work.which == "deadline":
        context["dag_run"] = _as_data(work.run, dag.dag_display_name)
        return [partial(_call, alerts[number], work.run, number, context) for number in work.deadlines]
    tasks = list(deadlines.slas(dag))
    late = [tasks[number - len(alerts)] for number in work.deadlines]
    given = dag.sla_miss_callback or ()
    arguments = _sla_arguments(dag, work.run, late)
    return [partial(one, *arguments) for one in (given if isinstance(given, (list, tuple)) else (given,))]


def _call(alert: Any, run: DagRun, number: int, context: Any) -> Any:
    context["deadline"] = {
        "id": f"{run.dag_id}/{run.run_id}/{number}",
        "deadline_time": run.deadlines[number],
        "name": alert.name,
    }
    return alert.callback.call(context)


def _sla_arguments(dag: Any, run: DagRun, late: list[str]) -> tuple[Any, ...]:
    """As Airflow 2 gives them: the DAG, late tasks and those that hold them up as texts, and both as objects."""
    from tradewind.sdk.deadlines import SlaMiss

    date = moment(run.logical_date)
    misses = [SlaMiss(task_id, run.dag_id, date, timestamp=timezone.utcnow()) for task_id in late]
    rows = supervision.current().get_tasks(run.dag_id, run.run_id)
    blocking = [_TaskInstance(row, run) for row in rows if str(row.get("state", "none")) != "success"]
    return dag, _lines(late, date), _lines([one.task_id for one in blocking], date), misses, blocking


class _TaskInstance:
    """One that has not succeeded."""

    def __init__(self, row: dict[str, Any], run: DagRun) -> None:
        self.task_id = str(row["task_id"])
        self.map_index = int(row.get("map_index", -1))
        self.state = row.get("state")
        self.try_number = row.get("try_number", 0)
        self.dag_id, self.run_id = str(run.dag_id), str(run.run_id)
        self.execution_date = moment(run.logical_date)


def _lines(task_ids: Iterable[str], date: datetime | None) -> str:
    return "\n".join(f"{task_id} on {date.isoformat() if date else ''}" for task_id in task_ids)


def _as_data(run: DagRun, display_name: str) -> dict[str, Any]:
    """The run as callbacks of deadlines get it: not an object, but the data of Airflow's public API."""
    return {
        "dag_run_id": str(run.run_id),
        "dag_id": str(run.dag_id),
        "logical_date": _text(run.logical_date),
        "queued_at": _text(run.queued_at),
        "start_date": _text(run.started_at),
        "end_date": _text(run.ended_at),
        "duration": (run.ended_at - run.started_at).total_seconds() if run.ended_at and run.started_at else None,
        "data_interval_start": _text(run.interval_start),
        "data_interval_end": _text(run.interval_end),
        "run_after": _text(run.run_after),
        "last_scheduling_decision": None,
        "run_type": run.run_type.value,
        "state": run.state.value,
        "triggered_by": None,
        "triggering_user_name": run.triggered_by or None,
        "conf": run.conf,
        "note": run.note or None,
        "dag_versions": [],
        "bundle_version": None,
        "dag_display_name": display_name,
        "partition_key": None,
        "partition_date": None,
    }


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
