"""`dags next`: the runs that the engine would make, told without it, and why there are none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.engine.specs import chain
from tests.unit.engine.world import START, World
from tradewind.cli import schedule
from tradewind.model.dagspec import DagSpec
from tradewind.model.events import TimePassed
from tradewind.model.ids import DagId, VersionHash
from tradewind.model.rows import DagRow
from tradewind.model.timetable import (
    AssetOrTime,
    AssetTriggered,
    Continuous,
    CronDataInterval,
    CronTrigger,
    Delta,
    DeltaTrigger,
    Never,
    Once,
    Opaque,
    Timetable,
)

HOURLY = CronDataInterval(crons=("0 * * * *",), timezone="Europe/Paris")
ROW = DagRow(dag_id=DagId("d"), version=VersionHash("v"), file="d.py")


def _spec(timetable: Timetable = HOURLY, **more: Any) -> DagSpec:
    more.setdefault("start_date", START)
    return chain(1, timetable=timetable, **more)


def _why(spec: DagSpec, dag: DagRow = ROW, *, active: int = 0, served: bool = True) -> list[str]:
    coming = schedule.find_coming(dag, spec, now=START, count=3, window_seconds=0)
    return schedule.find_reasons(dag, spec, coming, active=active, served=served)


@pytest.mark.parametrize("window", [0, 900])
@pytest.mark.parametrize("catchup", [True, False])
@pytest.mark.parametrize(
    "timetable", [HOURLY, CronTrigger(crons=("*/20 * * * *",)), DeltaTrigger(delta=Delta.of(timedelta(hours=3)))]
)
def test_what_is_told_is_what_the_engine_then_makes_and_when(
    timetable: Timetable, catchup: bool, window: float
) -> None:
    spec = _spec(timetable, start_date=START - timedelta(hours=30), catchup=catchup, max_active_runs=0)
    world = World(schedule_jitter_seconds=window)
    world.see(spec)
    world.succeed_all()
    now, made_already = world.now, len(world.runs())
    coming = schedule.find_coming(world.ledger.dags[DagId("d")], spec, now=now, count=7, window_seconds=window)
    at: list[datetime] = []
    while len(at) < len(coming.slots):
        due = world.engine.next_due()
        assert due is not None
        world.now = max(due, world.now)
        world.step(TimePassed())
        at += [world.now] * (len(world.runs()) - made_already - len(at))
        world.succeed_all()
    made = world.runs()[made_already:]
    assert [slot.logical_date for slot in coming.slots] == [run.logical_date for run in made]
    assert [max(now, slot.run_after + coming.delay) for slot in coming.slots] == at


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (_spec(Never()), "no schedule"),
        (_spec(AssetTriggered(condition={})), "on assets"),
        (_spec(end_date=START - timedelta(days=1)), "ends with its end_date, 2026-01-04"),
        (_spec(start_date=None, catchup=True), "no start_date"),
        (_spec(Opaque(classpath="their.Own", data={})), "their.Own"),
    ],
)
def test_why_there_is_no_run_is_told(spec: DagSpec, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradewind.cli.tables.local", lambda moment: moment.isoformat())
    (reason,) = _why(spec)
    assert told in reason


def test_what_holds_up_runs_that_are_to_come_is_told_beside_them() -> None:
    paused = DagRow(dag_id=DagId("d"), version=VersionHash("v"), file="d.py", paused=True)
    assert _why(_spec()) == []
    assert "dags unpause d" in _why(_spec(), paused)[0]
    assert "max_active_runs of 2" in _why(_spec(max_active_runs=2), active=2)[0]
    assert _why(_spec(max_active_runs=2), active=1) == []
    assert "standalone" in _why(_spec(), served=False)[0]
    gone = DagRow(dag_id=DagId("d"), version=VersionHash("v"), file="d.py", removed=True)
    assert _why(_spec(), gone) == ["its file d.py is gone, or no longer defines it"]


def test_of_a_continuous_schedule_only_the_next_is_known_and_once_is_told_as_made() -> None:
    assert len(schedule.find_coming(ROW, _spec(Continuous()), now=START, count=5, window_seconds=9).slots) == 1
    world = World(_spec(Once()))
    assert "scheduled once, and was made" in _why(_spec(Once()), world.ledger.dags[DagId("d")])[0]


def test_times_are_meant_in_the_zone_of_the_timetable_or_else_of_the_dag() -> None:
    assert schedule.zone_of(_spec(AssetOrTime(time=HOURLY, condition={}))) == "Europe/Paris"
    assert schedule.zone_of(_spec(Once(), timezone="Asia/Tokyo")) == "Asia/Tokyo"


def test_a_slot_of_a_changed_clock_is_shown_as_the_clocks_there_show_it() -> None:
    spec = _spec(
        CronTrigger(crons=("30 2 * * *",), timezone="Europe/Paris"), start_date=datetime(2026, 3, 28, tzinfo=UTC)
    )
    now = datetime(2026, 3, 28, 12, tzinfo=UTC)
    coming = schedule.find_coming(ROW, spec, now=now, count=3, window_seconds=0)
    shown = [schedule._row(slot, coming.delay, "Europe/Paris")["run_after_there"] for slot in coming.slots]
    assert shown == ["2026-03-28 02:30:00 CET", "2026-03-29 03:30:00 CEST", "2026-03-30 02:30:00 CEST"]
