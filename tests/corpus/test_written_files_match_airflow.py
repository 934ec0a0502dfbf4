"""DAG files written for the tests, shaped like those of production, against the Airflow that each of them means.

`dags/two` is in the style of Airflow 1.10 and 2 and compared with Airflow 2, `dags/three` with Airflow 3. The lists
below say which files there are.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from tests.corpus import models

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]

_DAGS = Path(__file__).with_name("dags")
TWO = (
    "bash_nightly",
    "branch_classic",
    "branch_dates",
    "callbacks",
    "conditions",
    "continuous",
    "custom_branch",
    "dag_without_with",
    "datasets_two",
    "days_ago_start",
    "display_names",
    "documented",
    "dummy_chain",
    "edges_every_way",
    "external_sensor",
    "external_sensor_old",
    "fan_in_out",
    "generated",
    "group_edges",
    "groups_defaults",
    "groups_nested",
    "labels",
    "latest_only",
    "limits",
    "macros_filters",
    "mapping_basic",
    "mapping_groups",
    "mapping_kwargs",
    "operator_subclass",
    "params_two",
    "past",
    "paused",
    "pod_contrib",
    "pod_secrets",
    "presets",
    "python_context",
    "retries",
    "sensor_subclass",
    "setup_two",
    "short_circuit",
    "silent_defaults",
    "sqls",
    "star_import",
    "task_kinds",
    "taskflow_basic",
    "taskflow_outputs",
    "time_sensors",
    "timetables_two",
    "trigger_old_path",
    "trigger_other",
    "trigger_rules",
    "variables_on_top",
    "virtualenvs",
    "weights_pools",
    "xcom_classic",
    "zones",
)
THREE = (
    "sdk_asset_decorator",
    "sdk_assets",
    "sdk_branches",
    "sdk_callbacks",
    "sdk_chain_of_loops",
    "sdk_compat",
    "sdk_custom",
    "sdk_edges",
    "sdk_exceptions",
    "sdk_groups",
    "sdk_loops",
    "sdk_mapping",
    "sdk_options",
    "sdk_params",
    "sdk_plain",
    "sdk_pods",
    "sdk_retry_defaults",
    "sdk_schedules",
    "sdk_sensors",
    "sdk_setup",
    "sdk_silent",
    "sdk_store",
    "sdk_taskflow",
    "sdk_templates",
    "sdk_trigger",
    "sdk_virtualenvs",
    "sdk_weekday",
    "sdk_xcomargs",
)
MAJORS = {**dict.fromkeys(TWO, "2"), **dict.fromkeys(THREE, "3")}


def path_of(name: str) -> Path:
    return _DAGS / ("two" if MAJORS[name] == "2" else "three") / f"{name}.py"


@functools.cache
def theirs(major: str) -> dict[str, dict[str, Any]]:
    return models.of_airflow([path_of(name) for name, its in MAJORS.items() if its == major], major)


@functools.cache
def ours() -> dict[str, dict[str, Any]]:
    return models.of_ours([path_of(name) for name in MAJORS])


def test_the_lists_name_every_file_and_two_thirds_are_of_airflow_2() -> None:
    assert {path.stem for path in _DAGS.glob("*/*.py")} == set(MAJORS)
    assert len(MAJORS) >= 80
    assert len(TWO) >= 2 * len(THREE)


@pytest.mark.parametrize("name", MAJORS)
def test_the_model_of_a_file_written_for_the_tests_is_airflows(name: str, record_property: Any) -> None:
    path = str(path_of(name))
    expected, found = theirs(MAJORS[name])[path], ours()[path]
    opaque = ", opaque: " + ", ".join(found["opaque"]) if found["opaque"] else ""
    record_property("loaded", f"native, as {found['meaning']}{opaque}")
    record_property("dags", len(found["dags"]))
    assert expected["error"] is None
    assert found["problems"] == []
    assert found["meaning"] == MAJORS[name]
    assert sorted(found["dags"]) == sorted(expected["dags"])
    for dag_id, model in expected["dags"].items():
        told = models.differences(model, found["dags"][dag_id], opaque=found["opaque"], major=MAJORS[name])
        assert told == [], "\n".join(told)
    record_property("model", "equal")
