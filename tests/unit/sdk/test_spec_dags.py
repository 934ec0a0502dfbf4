"""What a DAG's own arguments become as data, what its author is warned of, and which DAGs are refused."""

from __future__ import annotations

import pathlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
import pytest

from tests.unit.sdk import dags
from tests.unit.sdk.asked import Asked
from tradewind.model import timetable
from tradewind.model.dagspec import Callbacks, DagSpec, Deadline, ParamSpec
from tradewind.sdk import BashOperator, EmptyOperator, Param, dag, supervision, task
from tradewind.sdk.deadlines import (
    BaseDeadlineReference,
    DeadlineAlert,
    DeadlineReference,
    SyncCallback,
    VariableInterval,
)
from tradewind.sdk.definition import DAG


def _noted(context: Any) -> None:
    """A callback."""


def _task() -> None:
    EmptyOperator(task_id="t")


_BERLIN = pendulum.timezone("Europe/Berlin")
_ARGUMENTS: list[tuple[str, Any, str, Any]] = [
    ("sla_miss_callback", _noted, "calls_on_sla_miss", True),
    ("schedule", None, "timetable", timetable.Never()),
    ("schedule", "@daily", "timetable", timetable.CronTrigger(crons=("0 0 * * *",))),
    ("start_date", datetime(2026, 1, 2, tzinfo=_BERLIN), "start_date", datetime(2026, 1, 1, 23, tzinfo=UTC)),
    ("start_date", datetime(2026, 1, 2, tzinfo=_BERLIN), "timezone", "Europe/Berlin"),
    ("start_date", datetime(2026, 1, 2), "start_date", datetime(2026, 1, 2, tzinfo=UTC)),  # noqa: DTZ001 - as files do
    ("end_date", datetime(2026, 2, 1, tzinfo=UTC), "end_date", datetime(2026, 2, 1, tzinfo=UTC)),
    ("catchup", True, "catchup", True),
    ("max_active_runs", 3, "max_active_runs", 3),
    ("max_active_tasks", 4, "max_active_tasks", 4),
    ("max_consecutive_failed_dag_runs", 5, "max_consecutive_failed_dag_runs", 5),
    ("dagrun_timeout", timedelta(hours=2), "dagrun_timeout_seconds", 7200),
    ("fail_fast", True, "fail_fast", True),
    ("is_paused_upon_creation", True, "is_paused_upon_creation", True),
    ("on_success_callback", _noted, "callbacks", Callbacks(on_success=True)),
    ("on_failure_callback", [_noted], "callbacks", Callbacks(on_failure=True)),
    ("params", {"n": Param(1, "how many", type="integer", minimum=0), "must": Param(type="string")}, "params", {
        "n": ParamSpec(value=1, schema={"type": "integer", "minimum": 0}, description="how many"),
        "must": ParamSpec(has_default=False, schema={"type": "string"}),
    }),
    ("render_template_as_native_obj", True, "render_template_as_native_obj", True),
    ("dag_display_name", "The DAG", "display_name", "The DAG"),
    ("description", "what it does", "description", "what it does"),
    ("doc_md", "# what it does", "doc_md", "# what it does"),
    ("tags", ["b", "a", "b"], "tags", ("a", "b")),
    ("default_args", {"owner": "ana"}, "owners", ("ana",)),
    ("default_view", "graph", "default_view", "graph"),
]  # fmt: skip
_TOLD_OTHERWISE = {"dag_id", "file", "meaning", "meaning_from", "tasks", "groups", "warnings", "deadlines"}
# Airflow's own serialised DAGs may say these; no argument here does yet.
_NOT_OF_FILES = {"extra"}


@pytest.mark.parametrize(
    ("argument", "value", "field", "expected"), _ARGUMENTS, ids=[f"{one[0]}-{one[2]}" for one in _ARGUMENTS]
)
def test_an_argument_of_a_dag_stands_in_its_field(argument: str, value: Any, field: str, expected: Any) -> None:
    assert getattr(dags.make(_task, **{argument: value}), field) == expected


def test_every_field_of_a_dag_has_a_case() -> None:
    held = {field for _, _, field, _ in _ARGUMENTS} | _TOLD_OTHERWISE | _NOT_OF_FILES
    assert held == set(DagSpec.__struct_fields__)


def test_a_dag_says_its_file_and_how_its_meaning_was_found() -> None:
    with DAG("d", schedule=None) as made:
        _task()
    spec = dags.spec_of(made, meaning="2", meaning_from="imports")
    assert (spec.file, spec.meaning, spec.meaning_from) == ("dags/one.py", "2", "imports")


def test_a_dag_that_says_nothing_means_what_its_airflow_means() -> None:
    with dags.of_meaning("2"), DAG("d", start_date=dags.START) as old:
        _task()
        before = dags.spec_of(old, meaning="2")
    with dags.of_meaning("3"), DAG("d", start_date=dags.START) as new:
        _task()
        after = dags.spec_of(new, meaning="3")
    daily = timetable.DeltaDataInterval(delta=timetable.Delta(days=1))
    assert (before.timetable, before.catchup) == (daily, True)
    assert (after.timetable, after.catchup) == (timetable.Never(), False)


def test_the_earliest_start_and_the_latest_end_of_its_tasks_count() -> None:
    def fill() -> None:
        EmptyOperator(
            task_id="t", start_date=datetime(2025, 6, 1, tzinfo=UTC), end_date=datetime(2027, 1, 1, tzinfo=UTC)
        )

    spec = dags.make(fill, end_date=datetime(2026, 2, 1, tzinfo=UTC))
    assert (spec.start_date, spec.end_date) == (datetime(2025, 6, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


def test_a_decorated_function_makes_a_dag_with_its_arguments_as_params() -> None:
    @task
    def show(word: str) -> None: ...

    @dag(schedule=None, tags=["x"])
    def greeting(word: str = "hello") -> None:
        """What it does."""
        show(word)

    spec = dags.spec_of(greeting())
    assert (spec.dag_id, spec.doc_md, spec.tags) == ("greeting", "What it does.", ("x",))
    assert spec.params == {"word": ParamSpec(value="hello")}


def test_documentation_is_read_from_the_file_that_is_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / "about.md").write_text("# from a file", encoding="utf-8")
    assert dags.make(_task, doc_md=str(tmp_path / "about.md")).doc_md == "# from a file"


@pytest.mark.parametrize(
    ("argument", "value", "words"),
    [
        ("concurrency", 4, "concurrency is called max_active_tasks today"),
        ("fail_stop", True, "fail_stop is called fail_fast today"),
        ("orientation", "TB", "orientation has no effect here; the graph is drawn left to right"),
        ("access_control", {"role": {"can_read"}}, "access_control has no effect here"),
        ("default_args", {"catchup": False}, "catchup has no effect in default_args"),
        ("default_args", {"schedule": "@daily"}, "schedule has no effect in default_args"),
    ],
)
def test_what_is_renamed_misplaced_or_without_effect_is_a_warning(argument: str, value: Any, words: str) -> None:
    (warning,) = dags.make(_task, **{argument: value}).warnings
    assert warning.startswith("DAG 'd': ")
    assert words in warning


def test_deadlines_of_runs_and_slas_of_tasks_are_watched_in_that_order() -> None:
    def fill() -> None:
        BashOperator.partial(task_id="b", sla=timedelta(minutes=5)).expand(bash_command=["x"])
        EmptyOperator(task_id="t", sla=timedelta(hours=1))

    calls = SyncCallback(print)
    alerts = [
        DeadlineAlert(DeadlineReference.DAGRUN_LOGICAL_DATE, timedelta(hours=2), calls, name="n"),
        DeadlineAlert(DeadlineReference.FIXED_DATETIME(dags.START), timedelta(0), calls),
        DeadlineAlert(DeadlineReference.AVERAGE_RUNTIME(5, 2), timedelta(minutes=1), calls),
    ]
    spec = dags.make(fill, deadline=alerts, sla_miss_callback=print)
    assert spec.deadlines == (
        Deadline(reference="logical_date", interval_seconds=7200, name="n"),
        Deadline(reference="fixed_datetime", interval_seconds=0, fixed=dags.START),
        Deadline(reference="average_runtime", interval_seconds=60, max_runs=5, min_runs=2),
        Deadline(reference="run_after", interval_seconds=300, task_id="b"),
        Deadline(reference="run_after", interval_seconds=3600, task_id="t"),
    )
    assert (spec.calls_on_sla_miss, spec.warnings) == (True, ())


def test_a_deadline_with_a_reference_of_its_own_loads_and_says_that_nobody_watches_it() -> None:
    class Moon(BaseDeadlineReference):
        pass

    alert = DeadlineAlert(Moon(), timedelta(0), SyncCallback(print))
    spec = dags.make(_task, deadline=alert)
    assert spec.deadlines == ()
    assert "counts from Moon, a reference of its own, and is not watched" in spec.warnings[0]


def test_an_interval_from_a_variable_is_read_while_the_file_is_loaded() -> None:
    alert = DeadlineAlert(DeadlineReference.DAGRUN_QUEUED_AT, VariableInterval("wait"), SyncCallback(print))
    asked: Any = Asked({"wait": "90"})
    with supervision.installed(asked):
        assert dags.make(_task, deadline=alert).deadlines[0].interval_seconds == 90
        asked.variables["wait"] = "soon"
        problem = dags.problem_of(lambda: dags.make(_task, deadline=alert))
    assert (problem.object, "'soon'" in problem.message, problem.hint) == ("Variable 'wait'", True, "for example 3600")


def test_a_reference_that_is_none_is_told_with_those_there_are() -> None:
    word: Any = "queued"
    alert = DeadlineAlert(word, timedelta(0), SyncCallback(print))
    problem = dags.problem_of(lambda: dags.make(_task, deadline=alert))
    assert "reference must be one of DeadlineReference, got str" in problem.message
    assert "DAGRUN_QUEUED_AT" in problem.hint


def test_renamed_arguments_are_taken() -> None:
    spec = dags.make(_task, concurrency=4, fail_stop=True)
    assert (spec.max_active_tasks, spec.fail_fast) == (4, True)


def test_a_scheduled_dag_whose_meaning_nothing_tells_is_warned_of() -> None:
    with DAG("d", schedule="@daily", start_date=dags.START) as made:
        _task()
    assert any("set dags.airflow" in warning for warning in dags.spec_of(made, meaning_from="").warnings)
    assert dags.spec_of(made, meaning_from="imports").warnings == ()


_REFUSED: list[tuple[str, dict[str, Any], str, str, str]] = [
    ("a word that is no schedule", {"schedule": "@dayly"}, "schedule", "@daily", "DAG 'd'"),
    ("a cron with a field too many", {"schedule": "99 * * * *"}, "99", "", "DAG 'd'"),
    ("a number as schedule", {"schedule": 5}, "int: 5", "timedelta(hours=1)", "DAG 'd'"),
    ("two schedules", {"schedule": "@daily", "schedule_interval": "@hourly"}, "more than once", "schedule=", "DAG 'd'"),
    ("a start date as text", {"start_date": "2026-01-01"}, "start_date must be a datetime", "pendulum", "DAG 'd'"),
    ("text for a switch", {"catchup": "False"}, "catchup must be True or False", "without quotes", "DAG 'd'"),
    ("text for a number", {"max_active_runs": "3"}, "max_active_runs must be a whole number", "quotes", "DAG 'd'"),
    ("a switch for a number", {"max_active_tasks": True}, "max_active_tasks must be a whole number", "", "DAG 'd'"),
    ("tags as a text", {"tags": "one"}, "tags must be a list", "['one', 'two']", "DAG 'd'"),
    ("a number as timeout", {"dagrun_timeout": 60}, "dagrun_timeout must be a timedelta", "hours=2", "DAG 'd'"),
    ("a span as deadline", {"deadline": timedelta(1)}, "deadline must be a DeadlineAlert", "DeadlineAlert(", "DAG 'd'"),
    ("a typing error", {"shedule": "@daily"}, "no argument 'shedule'", "is 'schedule' meant", "DAG 'd'"),
    ("defaults that are no dict", {"default_args": [1]}, "default_args must be a dict", "retries", "DAG 'd'"),
    ("a text as start in defaults", {"default_args": {"start_date": "x"}}, "start_date of default_args", "", "DAG 'd'"),
    ("a text as end in defaults", {"default_args": {"end_date": "x"}}, "end_date of default_args", "", "DAG 'd'"),
    ("params that are no dict", {"params": [1]}, "params must be a dict", "default", "params"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message", "hint", "about"), [one[1:] for one in _REFUSED], ids=[one[0] for one in _REFUSED]
)
def test_a_dag_with_a_wrong_argument_is_refused(arguments: dict[str, Any], message: str, hint: str, about: str) -> None:
    problem = dags.problem_of(lambda: dags.make(_task, **arguments))
    assert problem.object == about
    assert message in problem.message
    assert hint in problem.hint


def test_dates_of_default_args_may_be_texts_in_the_dags_zone() -> None:
    dates = {"start_date": "2026-07-14T02:00:00+02:00", "end_date": "2026-08-01"}
    made = DAG("d", schedule=None, default_args=dates)
    assert made.default_args["start_date"] == datetime(2026, 7, 14, tzinfo=UTC)
    assert made.default_args["end_date"] == datetime(2026, 7, 31, 22, tzinfo=UTC)


def test_a_name_with_forbidden_letters_is_refused() -> None:
    problem = dags.problem_of(lambda: DAG("my dag", schedule=None))
    assert "my dag" in problem.object + problem.message


def test_a_circle_is_told_task_by_task() -> None:
    def fill() -> None:
        a, b, c = (EmptyOperator(task_id=name) for name in "abc")
        a >> b >> c >> a

    problem = dags.problem_of(lambda: dags.make(fill))
    assert (problem.object, problem.code) == ("DAG 'd'", "cycle")
    assert "a -> b -> c -> a" in problem.message


def test_a_second_task_of_one_name_is_refused() -> None:
    def fill() -> None:
        _task()
        _task()

    problem = dags.problem_of(lambda: dags.make(fill))
    assert problem.object == "task 't' of DAG 'd'"
    assert "unique" in problem.hint


def test_a_scheduled_dag_needs_values_for_its_params_and_a_manual_one_does_not() -> None:
    params = {"must": Param(type="string")}
    assert dags.make(_task, params=params).params["must"].has_default is False
    problem = dags.problem_of(lambda: dags.make(_task, schedule="@daily", params=params))
    assert (problem.code, problem.object) == ("param-without-value", "param 'must'")


def test_a_default_that_breaks_its_own_schema_is_refused() -> None:
    problem = dags.problem_of(lambda: dags.make(_task, schedule="@daily", params={"n": Param("x", type="integer")}))
    assert problem.object == "param 'n'"
    assert "a whole number, got str: 'x'" in problem.message


def test_fail_fast_refuses_other_trigger_rules() -> None:
    def fill() -> None:
        EmptyOperator(task_id="t", trigger_rule="all_done")

    problem = dags.problem_of(lambda: dags.make(fill, fail_fast=True))
    assert problem.object == "task 't'"
    assert "all_done" in problem.message


_TASKS_REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("a trigger rule with a typing error", {"trigger_rule": "all_sucess"}, "'all_sucess'", "is 'all_success' meant"),
    ("a weight rule that is none", {"weight_rule": "heavy"}, "'heavy'", "absolute, downstream, upstream"),
    ("no slots", {"pool_slots": 0}, "at least 1", "one slot"),
    ("retries in words", {"retries": "three"}, "retries must be a whole number", "without quotes"),
    ("a text for a span", {"execution_timeout": "1h"}, "execution_timeout must be a timedelta", "minutes=30"),
    ("a callback that was called", {"on_failure_callback": "mail"}, "must be a function", "without calling"),
    ("an argument with a typing error", {"retrys": 3}, "no argument 'retrys'", "is 'retries' meant"),
]


@pytest.mark.parametrize(
    ("arguments", "message", "hint"), [one[1:] for one in _TASKS_REFUSED], ids=[one[0] for one in _TASKS_REFUSED]
)
@pytest.mark.parametrize("way", ["operator", "mapped"])
def test_a_task_with_a_wrong_argument_is_refused(way: str, arguments: dict[str, Any], message: str, hint: str) -> None:
    def fill() -> None:
        if way == "operator":
            BashOperator(task_id="t", bash_command="true", **arguments)
        else:
            BashOperator.partial(task_id="t", **arguments).expand(bash_command=["true"])

    problem = dags.problem_of(lambda: dags.make(fill))
    assert "'t'" in problem.object
    assert message in problem.message
    assert hint in problem.hint
