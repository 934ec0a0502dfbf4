"""Which example files of the Airflow wheels are run here and in Airflow, with what, and why others are not.

Every file of the wheels is in one of the two tables; a test holds them to that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.corpus import oracle


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """How one file is run, on both sides."""

    conf: Mapping[str, Any] | None = None
    """What its runs are triggered with."""
    beside: tuple[str, ...] = ()
    """Files and folders of the same examples that it needs beside it."""
    of_the_clock: frozenset[str] = field(default_factory=frozenset)
    """XComs ("TASK.KEY") that hold the wall clock. The logical date is no such thing: both sides get the same one."""
    moment: Callable[[datetime], object] = lambda _: ""
    """What of the present its end depends on; Airflow is asked once for each."""


PLAIN = Case()
RUN: Mapping[str, Case] = {
    "example_bash_decorator": Case(of_the_clock=frozenset({"get_file_stats.return_value"})),
    "example_bash_operator": PLAIN,
    "example_branch_datetime_operator": Case(moment=lambda now: now.hour >= 15),
    "example_branch_day_of_week_operator": Case(moment=lambda now: now.weekday()),
    "example_branch_labels": PLAIN,
    "example_branch_python_dop_operator_3": PLAIN,
    "example_complex": PLAIN,
    "example_display_name": PLAIN,
    "example_dynamic_task_mapping": PLAIN,
    "example_dynamic_task_mapping_with_no_taskflow_operators": PLAIN,
    "example_external_task_child_deferrable": PLAIN,
    "example_failed_dag": PLAIN,
    "example_latest_only": PLAIN,
    "example_latest_only_with_trigger": PLAIN,
    "example_measurement_correction_decorator": PLAIN,
    "example_measurement_correction_operator": PLAIN,
    "example_nested_branch_dag": PLAIN,
    "example_params_trigger_ui": PLAIN,
    "example_params_ui_tutorial": Case(conf={"required_field": "given at the start"}),
    "example_passing_params_via_test_command": PLAIN,
    "example_sensor_decorator": PLAIN,
    "example_setup_teardown": PLAIN,
    "example_setup_teardown_taskflow": PLAIN,
    "example_short_circuit_decorator": PLAIN,
    "example_short_circuit_operator": PLAIN,
    "example_simplest_dag": PLAIN,
    "example_skip_dag": PLAIN,
    "example_task_group": PLAIN,
    "example_task_group_decorator": PLAIN,
    "example_trigger_controller_dag": Case(
        beside=("example_trigger_target_dag.py",), of_the_clock=frozenset({"test_trigger_dagrun.trigger_run_id"})
    ),
    "example_trigger_target_dag": Case(conf={"message": "Hello World"}),
    "example_xcom": PLAIN,
    "example_xcomargs": PLAIN,
    "tutorial": Case(of_the_clock=frozenset({"print_date.return_value"})),
    "tutorial_dag": PLAIN,
    "tutorial_taskflow_api": PLAIN,
    "tutorial_taskflow_templates": Case(beside=("sql",)),
}

_NETWORK = "asks a server on the network"
_PACKAGES = "installs packages from an index"
_ASSETS = "next step: assets"
_STORES = "next step: state stores"
EXCLUDED: Mapping[str, str] = {
    "example_analytics": f"{_NETWORK}; needs object stores and datafusion",
    "example_asset_alias": _ASSETS,
    "example_asset_alias_with_no_taskflow": _ASSETS,
    "example_asset_allow_teams": _ASSETS,
    "example_asset_decorator": _ASSETS,
    "example_asset_partition": _ASSETS,
    "example_asset_state_store": _STORES,
    "example_asset_with_watchers": "next step: assets and triggers",
    "example_assets": _ASSETS,
    "example_branch_operator": f"{_PACKAGES}; its branches draw lots",
    "example_branch_operator_decorator": f"{_PACKAGES}; its branches draw lots",
    "example_custom_weight": "next step: weight strategies of plugins",
    "example_dag_decorator": _NETWORK,
    "example_external_task_marker_dag": "waits for another DAG's runs, and for a group that no DAG has",
    "example_external_task_parent_deferrable": "next step: deferrable operators",
    "example_hitl_operator": "next step: a person's answers",
    "example_inlet_event_extra": _ASSETS,
    "example_kubernetes_executor": "needs a Kubernetes",
    "example_local_kubernetes_executor": "needs a Kubernetes",
    "example_outlet_event_extra": _ASSETS,
    "example_python_decorator": _PACKAGES,
    "example_python_operator": _PACKAGES,
    "example_retry_policy": _NETWORK,
    "example_sensors": "next step: deferrable operators; some sensors wait for a time of day",
    "example_task_state_store": _STORES,
    "example_task_state_store_async": _STORES,
    "example_task_state_store_mapped": _STORES,
    "example_time_delta_sensor_async": "next step: deferrable operators",
    "example_workday_timetable": "next step: timetables of plugins",
    "tutorial_objectstorage": _NETWORK,
    "tutorial_taskflow_api_virtualenv": _PACKAGES,
}


def beside(path: Path, case: Case) -> tuple[Path, ...]:
    """The paths of what lies beside a file."""
    return tuple(
        path.parent / name if (path.parent / name).exists() else oracle.example(name[:-3]) for name in case.beside
    )


def theirs(name: str) -> dict[str, dict[str, Any]]:
    """How Airflow ends the file's DAGs."""
    path, case = oracle.example(name), RUN[name]
    return oracle.states_of(path, conf=case.conf, beside=beside(path, case), moment=case.moment(datetime.now(UTC)))
