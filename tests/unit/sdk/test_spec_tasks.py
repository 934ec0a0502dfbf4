"""What a task's arguments become as data: each field of TaskSpec, from the operator, defaults or partial()."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.unit.sdk import dags
from tradewind.model import dagspec
from tradewind.model.dagspec import Callbacks, TaskSpec, TriggerRule, WeightRule
from tradewind.sdk import BashOperator, EmptyOperator, TaskGroup
from tradewind.sdk.assets import Asset
from tradewind.sdk.definition import DAG


def _noted(context: Any) -> None:
    """A callback."""


_WHEN = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
_ABROAD = datetime(2026, 3, 4, 7, 6, tzinfo=timezone(timedelta(hours=2)))

# argument of an operator, the value given, the field, what stands there
_ARGUMENTS: list[tuple[str, Any, str, Any]] = [
    ("trigger_rule", "none_failed", "trigger_rule", TriggerRule.NONE_FAILED),
    ("retries", 4, "retries", 4),
    ("retry_delay", timedelta(minutes=2), "retry_delay_seconds", 120),
    ("retry_delay", 90, "retry_delay_seconds", 90),
    ("retry_exponential_backoff", True, "retry_backoff", 2),
    ("retry_exponential_backoff", 1.5, "retry_backoff", 1.5),
    ("max_retry_delay", timedelta(hours=1), "max_retry_delay_seconds", 3600),
    ("execution_timeout", timedelta(seconds=30), "execution_timeout_seconds", 30),
    ("start_date", _WHEN, "start_date", _WHEN),
    ("end_date", _ABROAD, "end_date", _WHEN),
    ("depends_on_past", True, "depends_on_past", True),
    ("wait_for_downstream", True, "wait_for_downstream", True),
    ("wait_for_downstream", True, "depends_on_past", True),
    ("ignore_first_depends_on_past", True, "ignore_first_depends_on_past", True),
    ("wait_for_past_depends_before_skipping", True, "wait_for_past_depends_before_skipping", True),
    ("pool", "narrow", "pool", "narrow"),
    ("pool_slots", 3, "pool_slots", 3),
    ("priority_weight", 7, "priority_weight", 7),
    ("weight_rule", "absolute", "weight_rule", WeightRule.ABSOLUTE),
    ("queue", "slow", "queue", "slow"),
    ("executor", "LocalExecutor", "executor", "LocalExecutor"),
    ("max_active_tis_per_dag", 2, "max_active_tis_per_dag", 2),
    ("max_active_tis_per_dagrun", 5, "max_active_tis_per_dagrun", 5),
    ("do_xcom_push", False, "do_xcom_push", False),
    ("multiple_outputs", True, "multiple_outputs", True),
    ("on_execute_callback", _noted, "callbacks", Callbacks(on_execute=True)),
    ("on_success_callback", [_noted], "callbacks", Callbacks(on_success=True)),
    ("on_failure_callback", _noted, "callbacks", Callbacks(on_failure=True)),
    ("on_retry_callback", _noted, "callbacks", Callbacks(on_retry=True)),
    ("on_skipped_callback", _noted, "callbacks", Callbacks(on_skipped=True)),
    ("email", "one@site.test, two@site.test", "email", ("one@site.test", "two@site.test")),
    ("email", ["one@site.test"], "email", ("one@site.test",)),
    ("email_on_failure", False, "email_on_failure", False),
    ("email_on_retry", False, "email_on_retry", False),
    ("owner", "ana", "owner", "ana"),
    ("task_display_name", "The task", "display_name", "The task"),
    ("doc_md", "# what it does", "doc_md", "# what it does"),
    ("map_index_template", "{{ task.task_id }}", "map_index_template", "{{ task.task_id }}"),
    ("inlets", [Asset("in")], "inlets", ({"name": "in", "uri": "in"},)),
    ("outlets", Asset("out"), "outlets", ({"name": "out", "uri": "out"},)),
]
# Told by the graph, the class or the templates: the cases are in test_spec_graph and below.
_TOLD_OTHERWISE = {
    "task_id", "body", "operator", "upstream", "group_id", "mapping", "is_setup", "is_teardown",
    "on_failure_fail_dagrun", "setup_of", "ui_color", "ui_fgcolor", "template_fields", "templated", "params",
    "edge_labels", "ignore_downstream_trigger_rules",
}  # fmt: skip
# No argument of Airflow's says these; the site's settings or Airflow's own serialised DAGs do.
_NOT_OF_FILES = {"retry_jitter", "infrastructure_retries", "rerun_after_infrastructure_loss", "extra"}

_IDS = [f"{argument}={value!r:.20}" for argument, value, _, _ in _ARGUMENTS]
_each = pytest.mark.parametrize(("argument", "value", "field", "expected"), _ARGUMENTS, ids=_IDS)


def _found(task: TaskSpec, field: str) -> Any:
    value = getattr(task, field)
    if field in ("inlets", "outlets"):
        return tuple({name: one[name] for name in ("name", "uri")} for one in value)
    return value


@_each
def test_an_argument_of_a_task_stands_in_its_field(argument: str, value: Any, field: str, expected: Any) -> None:
    with DAG("d", schedule=None) as dag:
        BashOperator(task_id="t", bash_command="true", **{argument: value})
    assert _found(dags.task_of(dag), field) == expected


@_each
def test_default_args_of_the_dag_say_what_a_task_does_not(argument: str, value: Any, field: str, expected: Any) -> None:
    with DAG("d", schedule=None, default_args={argument: value}) as dag:
        BashOperator(task_id="t", bash_command="true")
    assert _found(dags.task_of(dag), field) == expected


@_each
def test_partial_of_a_mapped_task_takes_the_argument_too(argument: str, value: Any, field: str, expected: Any) -> None:
    with DAG("d", schedule=None) as dag:
        BashOperator.partial(task_id="t", **{argument: value}).expand(bash_command=["true"])
    assert _found(dags.task_of(dag), field) == expected


def test_every_field_of_a_task_has_a_case() -> None:
    held = {field for _, _, field, _ in _ARGUMENTS} | _TOLD_OTHERWISE | _NOT_OF_FILES
    assert held == set(TaskSpec.__struct_fields__)


def test_the_nearest_default_args_win() -> None:
    with DAG("d", schedule=None, default_args={"retries": 1, "owner": "dag", "pool": "of_dag"}) as dag:
        group = TaskGroup("g", default_args={"retries": 2, "owner": "group"})
        with group:
            BashOperator(task_id="t", bash_command="true", default_args={"retries": 3})
            BashOperator(task_id="u", bash_command="true", default_args={"retries": 3}, retries=4)
    first, second = dags.task_of(dag, "g.t"), dags.task_of(dag, "g.u")
    assert (first.retries, first.owner, first.pool) == (3, "group", "of_dag")
    assert second.retries == 4


def test_defaults_that_a_file_of_airflow_2_has_are_its_own() -> None:
    def fill() -> None:
        BashOperator(task_id="t", bash_command="true")

    assert dags.make(fill, meaning="2").tasks[0].ignore_first_depends_on_past is True
    assert dags.make(fill, meaning="3").tasks[0].ignore_first_depends_on_past is False


def test_a_task_that_says_nothing_has_defaults_only() -> None:
    with DAG("d", schedule=None) as dag:
        EmptyOperator(task_id="t")
    expected = TaskSpec(
        task_id="t", body=dagspec.EmptyBody(), operator="EmptyOperator", ignore_first_depends_on_past=False,
        ui_color="#e8f7e4", ui_fgcolor="#000",
    )  # fmt: skip
    assert dags.task_of(dag) == expected


def test_the_class_tells_name_colours_and_template_fields() -> None:
    class Loud(BashOperator):
        ui_color = "#f00"
        ui_fgcolor = "#fff"
        template_fields = ("bash_command", "mood")
        custom_operator_name = "Very Loud"

        def __init__(self, *, mood: str = "", **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.mood = mood

    with DAG("d", schedule=None) as dag:
        Loud(task_id="t", bash_command="true")
        Loud(task_id="u", bash_command="true", mood="{{ ds }}")
    task = dags.task_of(dag)
    assert (task.operator, task.ui_color, task.ui_fgcolor) == ("Very Loud", "#f00", "#fff")
    assert task.template_fields == ("bash_command", "mood")
    assert (task.templated, dags.task_of(dag, "u").templated) == (False, True)


def test_params_of_a_task_are_told_where_they_differ_from_the_dags() -> None:
    with DAG("d", schedule=None, params={"a": 1, "b": 2}) as dag:
        BashOperator(task_id="t", bash_command="true", params={"b": 3, "c": 4})
        BashOperator(task_id="u", bash_command="true")
    assert dags.task_of(dag).params == {"b": 3, "c": 4}
    assert dags.task_of(dag, "u").params == {}
