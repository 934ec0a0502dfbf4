"""Which keys a context has, and how each is computed: Airflow 3.3's, and those that Airflow 2 also had.

Keys that depend on the logical date are missing, as in Airflow 3, in a run that has none. `Scene` is the source.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tradewind.sdk import context as sdk_context
from tradewind.worker.context import Maker

if TYPE_CHECKING:
    import pendulum

    from tradewind.worker.scene import Scene


def _ds(scene: Scene) -> str:
    return _date(scene).strftime("%Y-%m-%d")


def _ts(scene: Scene) -> str:
    return _date(scene).isoformat()


def _date(scene: Scene) -> pendulum.DateTime:
    found = scene.dag_run.logical_date
    if found is None:
        raise KeyError("logical_date")
    return found


def _key_text(scene: Scene) -> str:
    last = scene.dag_run.run_id if scene.dag_run.logical_date is None else _ds(scene).replace("-", "")
    return f"{scene.dag_run.dag_id}__{scene.ti.task_id}__{last}"


def _shifted(scene: Scene, days: int) -> str:
    return (_date(scene) + timedelta(days=days)).strftime("%Y-%m-%d")


def _next_date(scene: Scene) -> pendulum.DateTime | None:
    """Airflow 2: the end of the interval; a manual run's next date is its own."""
    run = scene.dag_run
    return run.logical_date if run.external_trigger else run.data_interval_end


def _previous_date(scene: Scene) -> pendulum.DateTime | None:
    run = scene.dag_run
    if run.external_trigger or run.data_interval_start is None or run.data_interval_end is None:
        return run.logical_date
    return run.data_interval_start - (run.data_interval_end - run.data_interval_start)


def _day(date: pendulum.DateTime | None) -> str | None:
    return None if date is None else date.strftime("%Y-%m-%d")


def _nodash(day: str | None) -> str | None:
    return None if day is None else day.replace("-", "")


_ALWAYS: dict[str, Maker] = {
    "conn": lambda _: sdk_context.ConnectionAccessor(),
    "dag": lambda scene: scene.dag,
    "dag_run": lambda scene: scene.dag_run,
    "inlet_events": lambda _: sdk_context.inlet_events(),
    "inlets": lambda scene: scene.task.inlets,
    "macros": lambda _: sdk_context.macros(),
    "map_index_template": lambda scene: scene.task.map_index_template,
    "outlet_events": lambda _: sdk_context.outlet_events(),
    "outlets": lambda scene: scene.task.outlets,
    "partition_date": lambda scene: scene.dag_run.partition_date,
    "partition_key": lambda scene: scene.dag_run.partition_key,
    "params": lambda scene: scene.params,
    "prev_end_date_success": lambda scene: _of_previous_success(scene, "end_date"),
    "prev_start_date_success": lambda scene: _of_previous_success(scene, "start_date"),
    "run_id": lambda scene: scene.dag_run.run_id,
    "task": lambda scene: scene.task,
    "task_instance": lambda scene: scene.ti,
    "task_instance_key_str": _key_text,
    "task_reschedule_count": lambda scene: scene.reschedule_count,
    "task_state_store": lambda _: sdk_context.state_store(),
    "test_mode": lambda _: False,
    "ti": lambda scene: scene.ti,
    "triggering_asset_events": lambda _: {},
    "try_number": lambda scene: scene.ti.try_number,
    "var": lambda _: sdk_context.variables(),
}

_WITH_DATE: dict[str, Maker] = {
    "data_interval_end": lambda scene: scene.dag_run.data_interval_end,
    "data_interval_start": lambda scene: scene.dag_run.data_interval_start,
    "ds": _ds,
    "ds_nodash": lambda scene: _ds(scene).replace("-", ""),
    "logical_date": _date,
    "prev_data_interval_end_success": lambda scene: _of_previous_success(scene, "data_interval_end"),
    "prev_data_interval_start_success": lambda scene: _of_previous_success(scene, "data_interval_start"),
    "ts": _ts,
    "ts_nodash": lambda scene: _date(scene).strftime("%Y%m%dT%H%M%S"),
    "ts_nodash_with_tz": lambda scene: _ts(scene).replace("-", "").replace(":", ""),
}

_OF_AIRFLOW_2: dict[str, Maker] = {
    "conf": lambda _: sdk_context.configuration(),
    "execution_date": _date,
    "next_ds": lambda scene: _day(_next_date(scene)),
    "next_ds_nodash": lambda scene: _nodash(_day(_next_date(scene))),
    "next_execution_date": _next_date,
    "prev_ds": lambda scene: _day(_previous_date(scene)),
    "prev_ds_nodash": lambda scene: _nodash(_day(_previous_date(scene))),
    "prev_execution_date": _previous_date,
    "prev_execution_date_success": lambda scene: _of_previous_success(scene, "logical_date"),
    "tomorrow_ds": lambda scene: _shifted(scene, 1),
    "tomorrow_ds_nodash": lambda scene: _shifted(scene, 1).replace("-", ""),
    "yesterday_ds": lambda scene: _shifted(scene, -1),
    "yesterday_ds_nodash": lambda scene: _shifted(scene, -1).replace("-", ""),
}

_MAPPED: dict[str, Maker] = {"expanded_ti_count": lambda scene: scene.map_length}

DISTANT = frozenset(
    {
        "prev_data_interval_end_success",
        "prev_data_interval_start_success",
        "prev_end_date_success",
        "prev_execution_date_success",
        "prev_start_date_success",
    }
)
"""Keys for which the control plane is asked."""


def _table(*parts: Mapping[str, Maker]) -> dict[str, Maker]:
    return {key: maker for part in parts for key, maker in part.items()}


_OF_TASKS = {
    ("3", False): _table(_ALWAYS, _MAPPED),
    ("3", True): _table(_ALWAYS, _MAPPED, _WITH_DATE),
    ("2", False): _table(_ALWAYS, _MAPPED, {"conf": _OF_AIRFLOW_2["conf"]}),
    ("2", True): _table(_ALWAYS, _MAPPED, _WITH_DATE, _OF_AIRFLOW_2),
}
_NEEDING_A_TASK = frozenset(
    {
        "expanded_ti_count", "inlet_events", "inlets", "map_index_template", "outlet_events", "outlets", "task",
        "task_instance", "task_instance_key_str", "task_reschedule_count", "ti", "try_number",
    }
)  # fmt: skip
_OF_RUNS = {
    which: {key: maker for key, maker in table.items() if key not in _NEEDING_A_TASK}
    for which, table in _OF_TASKS.items()
}


def makers(meaning: str, *, has_date: bool, has_task: bool = True) -> Mapping[str, Maker]:
    """The keys of a run's contexts, shared by all of them; those of a DAG's own callbacks are about no task."""
    return (_OF_TASKS if has_task else _OF_RUNS)[meaning, has_date]


def _of_previous_success(scene: Scene, name: str) -> Any:
    run = scene.previous_success
    return None if run is None else getattr(run, name)
