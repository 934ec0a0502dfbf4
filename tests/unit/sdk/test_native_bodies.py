"""Sensors and triggers as data: what the engine does alone, what takes a worker, what is refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.sdk.dags import make, problem_of
from tradewind.model.dagspec import (
    Body,
    MarkTaskBody,
    PythonBody,
    TriggerRunBody,
    WaitTaskBody,
    WaitTimeBody,
)
from tradewind.sdk.operators.python import PythonOperator
from tradewind.sdk.operators.trigger_dagrun import TriggerDagRunOperator
from tradewind.sdk.sensors import time as times
from tradewind.sdk.sensors.external_task import ExternalTaskMarker, ExternalTaskSensor
from tradewind.sdk.sensors.filesystem import FileSensor

WEEK = 7 * 86400.0
NOON = dt.datetime(2026, 2, 3, 12, tzinfo=dt.UTC)


def _body(made: Callable[[], Any]) -> Body:
    return next(task.body for task in make(made).tasks if task.task_id == "t")


_PLAIN: list[tuple[str, Callable[[], Any], Body]] = [
    (
        "a time of day", lambda: times.TimeSensor(task_id="t", target_time=dt.time(11, 30)),
        WaitTimeBody(clock="11:30:00", timeout_seconds=WEEK),
    ),
    (
        "a deferred time of day", lambda: times.TimeSensorAsync(task_id="t", target_time=dt.time(11, 30)),
        WaitTimeBody(clock="11:30:00"),
    ),
    (
        "a span", lambda: times.TimeDeltaSensor(task_id="t", delta=dt.timedelta(minutes=5), timeout=60, soft_fail=True),
        WaitTimeBody(after_seconds=300, timeout_seconds=60, soft_fail=True),
    ),
    (
        "minutes", lambda: times.TimeDeltaSensor(task_id="t", delta=5),
        WaitTimeBody(after_seconds=300, timeout_seconds=WEEK),
    ),
    (
        "a span from the task's start", lambda: times.WaitSensor(task_id="t", time_to_wait=dt.timedelta(seconds=9)),
        WaitTimeBody(after_seconds=9, anchor="start"),
    ),
    (
        "a moment", lambda: times.DateTimeSensor(task_id="t", target_time=NOON),
        WaitTimeBody(at=NOON, timeout_seconds=WEEK),
    ),
    (
        "a moment as text, deferred",
        lambda: times.DateTimeSensorAsync(task_id="t", target_time="2026-02-03T13:00:00+01:00"), WaitTimeBody(at=NOON),
    ),
    (
        "another DAG's tasks a day before",
        lambda: ExternalTaskSensor(
            task_id="t", external_dag_id="other", external_task_ids=["a", "b"], execution_delta=dt.timedelta(days=1),
            failed_states=["failed"], skipped_states=["skipped"], check_existence=True, mode="reschedule",
        ),
        WaitTaskBody(
            dag_id="other", task_ids=("a", "b"), delta_seconds=86400, failed_states=("failed",),
            skipped_states=("skipped",), check_existence=True, timeout_seconds=WEEK,
        ),
    ),
    (
        "another DAG's group", lambda: ExternalTaskSensor(task_id="t", external_dag_id="o", external_task_group_id="g"),
        WaitTaskBody(dag_id="o", group_id="g", timeout_seconds=WEEK),
    ),
    (
        "a run", lambda: TriggerDagRunOperator(
            task_id="t", trigger_dag_id="o", trigger_run_id="r", conf={"x": 1}, logical_date=NOON, note="why",
            wait_for_completion=True, allowed_states=["success", "failed"], failed_states=[], reset_dag_run=True,
            fail_when_dag_is_paused=True,
        ),
        TriggerRunBody(
            dag_id="o", run_id="r", conf={"x": 1}, logical_date=NOON.isoformat(), note="why", wait=True, reset=True,
            allowed_states=("success", "failed"), failed_states=(), fail_when_paused=True,
        ),
    ),
    (
        "a run of Airflow 2's argument",
        lambda: TriggerDagRunOperator(task_id="t", trigger_dag_id="o", execution_date="2026-02-03 12:00"),
        TriggerRunBody(dag_id="o", logical_date=NOON.isoformat()),
    ),
    (
        "a marker", lambda: ExternalTaskMarker(task_id="t", external_dag_id="o", external_task_id="x"),
        MarkTaskBody(dag_id="o", task_id="x"),
    ),
    (
        "a marker of Airflow 2's argument", lambda: ExternalTaskMarker(
            task_id="t", external_dag_id="o", external_task_id="x", execution_date="{{execution_date}}",
            recursion_depth=3,
        ),
        MarkTaskBody(dag_id="o", task_id="x", recursion_depth=3),
    ),
    (
        "a marker of a date",
        lambda: ExternalTaskMarker(task_id="t", external_dag_id="o", external_task_id="x", logical_date=NOON),
        MarkTaskBody(dag_id="o", task_id="x", date=NOON),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("made", "expected"), [case[1:] for case in _PLAIN], ids=[case[0] for case in _PLAIN])
def test_what_needs_no_code_is_done_by_the_engine(made: Callable[[], Any], expected: Body) -> None:
    assert _body(made) == expected


class _Own(TriggerDagRunOperator):
    def execute(self, context: Any) -> Any:
        return super().execute(context)


_WORKER: list[tuple[str, Callable[[], Any]]] = [
    ("a template", lambda: TriggerDagRunOperator(task_id="t", trigger_dag_id="o", conf={"d": "{{ ds }}"})),
    ("a subclass", lambda: _Own(task_id="t", trigger_dag_id="o")),
    ("a mapping", lambda: TriggerDagRunOperator.partial(task_id="t").expand(trigger_dag_id=["a", "b"])),
    ("a callback", lambda: times.TimeDeltaSensor(task_id="t", delta=dt.timedelta(1), on_success_callback=print)),
    ("a function", lambda: ExternalTaskSensor(task_id="t", external_dag_id="o", execution_date_fn=lambda at: at)),
    ("a templated moment", lambda: times.DateTimeSensor(task_id="t", target_time="{{ ds }}")),
    ("no moment", lambda: times.DateTimeSensor(task_id="t", target_time="tomorrow or so")),
    (
        "a marker of another date", lambda: ExternalTaskMarker(
            task_id="t", external_dag_id="o", external_task_id="x", logical_date="{{ macros.ds_add(ds, 1) }}"
        ),
    ),
    (
        "a marker of a templated task",
        lambda: ExternalTaskMarker(task_id="t", external_dag_id="o", external_task_id="{{ params.x }}"),
    ),
    ("a day of the week", lambda: times.DayOfWeekSensor(task_id="t", week_day="Monday")),
    ("arguments that are no JSON", lambda: TriggerDagRunOperator(task_id="t", trigger_dag_id="o", conf={"x": object})),
    (
        "a result of another task",
        lambda: ExternalTaskSensor(
            task_id="t", external_dag_id=PythonOperator(task_id="u", python_callable=str).output
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize("made", [case[1] for case in _WORKER], ids=[case[0] for case in _WORKER])
def test_what_needs_code_or_a_template_has_a_worker_first(made: Callable[[], Any]) -> None:
    assert isinstance(_body(made), PythonBody)


def test_a_deferred_file_sensor_gives_its_place_up_between_questions() -> None:
    assert _body(lambda: FileSensor(task_id="t", filepath="x", deferrable=True)) == PythonBody(
        sensor=True, reschedule=True, sensor_timeout_seconds=WEEK
    )


_WRONG: list[tuple[str, Callable[[], Any]]] = [
    ("bad-week-day", lambda: times.DayOfWeekSensor(task_id="t", week_day="Moonday")),
    ("bad-week-day", lambda: times.DayOfWeekSensor(task_id="t", week_day=3)),
    ("wrong-type", lambda: times.TimeSensor(task_id="t", target_time="11:30")),
    ("bad-state", lambda: TriggerDagRunOperator(task_id="t", trigger_dag_id="o", allowed_states=["skipped"])),
    ("wrong-type", lambda: TriggerDagRunOperator(task_id="t", trigger_dag_id="o", logical_date=3)),
    ("bad-state", lambda: ExternalTaskSensor(task_id="t", external_dag_id="o", allowed_states=["skipped"])),
    (
        "bad-state",
        lambda: ExternalTaskSensor(task_id="t", external_dag_id="o", external_task_id="x", allowed_states=["done"]),
    ),
    (
        "duplicate-state",
        lambda: ExternalTaskSensor(task_id="t", external_dag_id="o", external_task_id="x", failed_states=["success"]),
    ),
    (
        "only-one",
        lambda: ExternalTaskSensor(task_id="t", external_dag_id="o", external_task_id="x", external_task_ids=["y"]),
    ),
    (
        "only-one",
        lambda: ExternalTaskSensor(
            task_id="t", external_dag_id="o", execution_delta=dt.timedelta(1), execution_date_fn=lambda at: at
        ),
    ),
    (
        "bad-depth",
        lambda: ExternalTaskMarker(task_id="t", external_dag_id="o", external_task_id="x", recursion_depth=0),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("code", "made"), _WRONG)
def test_arguments_that_make_no_sense_are_refused_when_the_file_loads(code: str, made: Callable[[], Any]) -> None:
    assert problem_of(lambda: make(made)).code == code
