"""What timetables and schedules in DAG files become as data."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
import pytest
from dateutil.relativedelta import relativedelta

from tests.unit.sdk import dags
from tradewind.model import timetable as model
from tradewind.model.dagspec import Meaning
from tradewind.sdk import EmptyOperator, errors, timetables
from tradewind.sdk.assets import Asset

_ONE, _TWO = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
_ABROAD = pendulum.datetime(2026, 1, 1, 1, tz="Europe/Berlin")
_A, _B = Asset("a"), Asset("b")

_MADE: list[tuple[str, Any, model.Timetable]] = [
    ("null", timetables.NullTimetable(), model.Never()),
    ("once", timetables.OnceTimetable(), model.Once()),
    ("continuous", timetables.ContinuousTimetable(), model.Continuous()),
    (
        "cron with intervals",
        timetables.CronDataIntervalTimetable("0 6 * * *", timezone="Europe/Berlin"),
        model.CronDataInterval(crons=("0 6 * * *",), timezone="Europe/Berlin"),
    ),
    (
        "a preset, and a zone as an object",
        timetables.CronTriggerTimetable("@daily", timezone=pendulum.timezone("Asia/Tokyo")),
        model.CronTrigger(crons=("0 0 * * *",), timezone="Asia/Tokyo"),
    ),
    (
        "a trigger with an interval, at once",
        timetables.CronTriggerTimetable("0 6 * * *", timezone="UTC", interval=timedelta(hours=2), run_immediately=True),
        model.CronTrigger(crons=("0 6 * * *",), interval_seconds=7200, run_immediately=True),
    ),
    (
        "at once within a span",
        timetables.CronTriggerTimetable("0 6 * * *", timezone="UTC", run_immediately=timedelta(minutes=5)),
        model.CronTrigger(crons=("0 6 * * *",), run_immediately=300.0),
    ),
    (
        "an interval in months",
        timetables.CronTriggerTimetable("0 6 1 * *", timezone="UTC", interval=relativedelta(months=1)),
        model.CronTrigger(crons=("0 6 1 * *",), interval=model.Delta(months=1, relative=True)),
    ),
    (
        "several crons",
        timetables.MultipleCronTriggerTimetable("0 6 * * *", "0 18 * * *", timezone="UTC"),
        model.CronTrigger(crons=("0 6 * * *", "0 18 * * *")),
    ),
    (
        "spans with intervals",
        timetables.DeltaDataIntervalTimetable(timedelta(hours=6)),
        model.DeltaDataInterval(delta=model.Delta(seconds=21600)),
    ),
    (
        "spans",
        timetables.DeltaTriggerTimetable(relativedelta(months=1), interval=timedelta(hours=1)),
        model.DeltaTrigger(delta=model.Delta(months=1, relative=True), interval_seconds=3600),
    ),
    (
        "events are sorted, told once, and in UTC",
        timetables.EventsTimetable([_TWO, _ABROAD, _ONE], restrict_to_events=True, description="two days"),
        model.Events(dates=(_ONE, _TWO), restrict_to_events=True, description="two days"),
    ),
    (
        "by time or by assets",
        timetables.AssetOrTimeSchedule(timetable=timetables.OnceTimetable(), assets=[_A]),
        model.AssetOrTime(
            time=model.Once(), condition={"all": [{"asset": {"uri": "a", "name": "a", "group": "asset"}}]}
        ),
    ),
]


@pytest.mark.parametrize(("made", "data"), [one[1:] for one in _MADE], ids=[one[0] for one in _MADE])
def test_a_timetable_tells_its_data(made: Any, data: model.Timetable) -> None:
    assert made.to_timetable() == data
    spec = dags.make(lambda: EmptyOperator(task_id="t"), schedule=made, max_active_runs=1)
    assert spec.timetable == data


_SCHEDULES: list[tuple[Any, Meaning, model.Timetable]] = [
    (None, "3", model.Never()),
    ("None", "2", model.Never()),
    ([], "3", model.Never()),
    ("@once", "3", model.Once()),
    ("@continuous", "3", model.Continuous()),
    ("0 6 * * *", "2", model.CronDataInterval(crons=("0 6 * * *",))),
    ("0 6 * * *", "3", model.CronTrigger(crons=("0 6 * * *",))),
    (timedelta(hours=6), "2", model.DeltaDataInterval(delta=model.Delta(seconds=21600))),
    (timedelta(hours=6), "3", model.DeltaTrigger(delta=model.Delta(seconds=21600))),
    (relativedelta(months=1), "3", model.DeltaTrigger(delta=model.Delta(months=1, relative=True))),
]


@pytest.mark.parametrize(("schedule", "meaning", "data"), _SCHEDULES, ids=[f"{s!r:.24}-{m}" for s, m, _ in _SCHEDULES])
def test_a_schedule_means_what_its_airflow_means(schedule: Any, meaning: Meaning, data: model.Timetable) -> None:
    spec = dags.make(lambda: EmptyOperator(task_id="t"), meaning=meaning, schedule=schedule, **_within(schedule))
    assert spec.timetable == data


def _within(schedule: Any) -> dict[str, Any]:
    """A continuous DAG has one run at a time."""
    return {"max_active_runs": 1} if schedule == "@continuous" else {}


_A_TOLD, _B_TOLD = ({"asset": {"uri": name, "name": name, "group": "asset"}} for name in ("a", "b"))


@pytest.mark.parametrize(
    ("schedule", "condition"),
    [
        (_A, _A_TOLD),
        ([_A, _B], {"all": [_A_TOLD, _B_TOLD]}),
        (_A & _B, {"all": [_A_TOLD, _B_TOLD]}),
        (_A | _B, {"any": [_A_TOLD, _B_TOLD]}),
    ],
)
def test_assets_make_a_schedule(schedule: Any, condition: dict[str, Any]) -> None:
    found = dags.make(lambda: EmptyOperator(task_id="t"), schedule=schedule).timetable
    assert found == model.AssetTriggered(condition=condition)


class OwnTimetable(timetables.BaseTimetable):
    """One of the user's."""

    def __init__(self, hour: int) -> None:
        self.hour = hour

    def serialize(self) -> dict[str, Any]:
        return {"hour": self.hour}

    def next_dagrun_info(self, **_: Any) -> None:
        return None


def test_a_timetable_of_the_users_own_is_held_and_told_by_name() -> None:
    found = dags.make(lambda: EmptyOperator(task_id="t"), schedule=OwnTimetable(6)).timetable
    assert isinstance(found, model.Opaque)
    assert (found.classpath.rpartition(".")[2], found.data) == ("OwnTimetable", {"hour": 6})


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: timetables.CronTriggerTimetable("61 * * * *", timezone="UTC"), "61"),
        (lambda: timetables.CronTriggerTimetable("0 6 * * *", timezone="Europe/Nowhere"), "Europe/Nowhere"),
    ],
)
def test_a_timetable_that_cannot_be_kept_is_refused_with_its_dag(make: Any, word: str) -> None:
    problem = dags.problem_of(lambda: dags.make(lambda: EmptyOperator(task_id="t"), schedule=make()))
    assert problem.object == "DAG 'd'"
    assert word in problem.message


def test_a_continuous_dag_has_one_run_at_a_time() -> None:
    problem = dags.problem_of(lambda: dags.make(lambda: EmptyOperator(task_id="t"), schedule="@continuous"))
    assert (problem.object, problem.hint) == ("DAG 'd'", "add max_active_runs=1")


def test_no_cron_at_all_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="cron expression required"):
        timetables.MultipleCronTriggerTimetable(timezone="UTC")


def test_a_problem_survives_pickling_with_its_class() -> None:
    problem = dags.problem_of(lambda: dags.make(lambda: EmptyOperator(task_id="t"), schedule="@dayly"))
    with pytest.raises(errors.DagProblem) as caught:
        dags.make(lambda: EmptyOperator(task_id="t"), schedule="@dayly")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), again.problem) == (type(caught.value), problem)
