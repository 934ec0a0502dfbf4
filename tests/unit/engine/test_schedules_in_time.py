"""Schedules as time really goes: restarts, changed clocks, sleep, pauses, limits, and DAGs that change meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.unit.engine.specs import chain
from tests.unit.engine.world import START, World
from tradewind.model import commands as cmd
from tradewind.model.dagspec import DagSpec
from tradewind.model.events import TimePassed
from tradewind.model.timetable import (
    CronDataInterval,
    CronTrigger,
    Delta,
    DeltaTrigger,
    Events,
    Once,
    Timetable,
    slots_between,
)

HOUR = timedelta(hours=1)
HOURLY = CronDataInterval(crons=("0 * * * *",))
TICKS = CronTrigger(crons=("0 * * * *",))
DAILY = CronTrigger(crons=("0 0 * * *",))


def _spec(timetable: Timetable = TICKS, **more: Any) -> DagSpec:
    more.setdefault("start_date", START)
    more.setdefault("max_active_runs", 1000)
    return chain(1, timetable=timetable, **more)


def _dates(world: World, dag_id: str = "d") -> list[datetime]:
    return [run.logical_date for run in world.runs(dag_id) if run.logical_date is not None]


def _go(
    world: World, to: datetime, *, step: timedelta | None = None, between: Callable[[], None] | None = None
) -> None:
    """Let time pass as the leader does: from timer to timer, or in steps; runs succeed at once."""
    while world.now < to:
        due = world.engine.next_due()
        world.now = min(to, world.now + step if step else max(world.now, due or to))
        world.step(TimePassed())
        if between is not None:
            between()
        world.succeed_all()
        if between is not None:
            between()
        due = world.engine.next_due()
        assert due is None or due > world.now, "what is due is done"


# -- restarts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("catchup", [True, False])
@pytest.mark.parametrize("timetable", [HOURLY, TICKS, DeltaTrigger(delta=Delta.of(timedelta(minutes=50)))])
def test_a_restart_between_any_two_steps_makes_no_run_twice_and_loses_none(timetable: Timetable, catchup: bool) -> None:
    steady, restarted = (World(_spec(timetable, catchup=catchup)) for _ in range(2))
    _go(steady, START + 26 * HOUR)
    _go(restarted, START + 26 * HOUR, between=restarted.restart)
    assert _dates(restarted) == _dates(steady)
    assert len(set(_dates(steady))) == len(_dates(steady)) >= 25
    assert {run.state.value for run in restarted.runs()} == {"success"}


def test_a_batch_that_was_not_committed_is_decided_again_after_the_restart() -> None:
    world = World(_spec())
    for _ in range(5):
        world.now += HOUR
        world.decide(TimePassed())
        assert world.engine.pending().facts, "a run would have been made"
        world.restart()  # the batch is lost with the process
        world.pass_time(0)
        world.succeed_all()
    assert _dates(world) == [START + n * HOUR for n in range(6)]


@pytest.mark.parametrize("catchup", [True, False])
def test_time_without_a_server_is_made_up_for_with_catchup_and_only_its_end_without(catchup: bool) -> None:
    world = World(_spec(catchup=catchup))
    _go(world, START + 2 * HOUR)
    world.now += timedelta(days=3)
    world.restart()
    world.succeed_all()
    made = _dates(world)
    last = START + 2 * HOUR + timedelta(days=3)
    assert made[:3] == [START, START + HOUR, START + 2 * HOUR]
    assert made[3:] == ([START + n * HOUR for n in range(3, 75)] if catchup else [last])
    _go(world, last + HOUR)
    assert _dates(world)[-1] == last + HOUR


# -- clocks that change --------------------------------------------------------------------------------------------

CHANGES = [
    ("Europe/Paris", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Paris", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("America/St_Johns", datetime(2026, 3, 8, 5, 30, tzinfo=UTC)),
    ("Africa/Casablanca", datetime(2026, 2, 15, 2, tzinfo=UTC)),
    ("Africa/Casablanca", datetime(2026, 3, 22, 2, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),
    ("Pacific/Chatham", datetime(2026, 4, 4, 14, tzinfo=UTC)),
]


@pytest.mark.parametrize(("zone", "change"), CHANGES)
@pytest.mark.parametrize("kind", [CronDataInterval, CronTrigger])
@pytest.mark.parametrize("cron", ["0 * * * *", "30 2 * * *", "0 0 * * *", "*/20 * * * *", "15 1 * * *"])
@pytest.mark.parametrize("catchup", [True, False])
def test_where_clocks_change_every_slot_of_the_timetable_gets_one_run_and_none_comes_early(
    zone: str, change: datetime, kind: Any, cron: str, catchup: bool
) -> None:
    timetable = kind(crons=(cron,), timezone=zone)
    begin, end = change - timedelta(days=2, hours=7), change + timedelta(days=2, hours=7)
    world = World()
    world.now = begin
    world.see(_spec(timetable, start_date=begin, catchup=catchup))
    _go(world, end, between=world.restart)
    made = _dates(world)
    assert len(set(made)) == len(made)
    assert all(run.run_after <= (run.started_at or end) for run in world.runs())
    wanted = [slot.logical_date for slot in slots_between(timetable, begin, end) if slot.run_after <= end]
    if catchup:
        assert made == wanted
    else:
        assert set(made) >= {date for date in wanted if date is not None and abs(date - change) > timedelta(hours=27)}


@pytest.mark.parametrize("kind", [CronDataInterval, CronTrigger])
@pytest.mark.parametrize("catchup", [True, False])
def test_half_an_hour_of_summer_time_does_not_end_a_schedule(kind: Any, catchup: bool) -> None:
    timetable = kind(crons=("0 * * * *",), timezone="Australia/Lord_Howe")
    begin = datetime(2026, 10, 3, tzinfo=UTC)
    world = World()
    world.now = begin
    world.see(_spec(timetable, start_date=begin, catchup=catchup))
    _go(world, begin + timedelta(days=3))
    where = ZoneInfo("Australia/Lord_Howe")
    assert _dates(world)[-1] >= begin + timedelta(days=3) - 2 * HOUR
    assert all(date.astimezone(where).minute in (0, 30) for date in _dates(world))


# -- a clock that is set -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("catchup", "made"), [(True, 10), (False, 1)])
def test_a_step_forwards_makes_what_is_due_at_once(catchup: bool, made: int) -> None:
    world = World(_spec(catchup=catchup))
    world.pass_time(60)
    before = len(_dates(world))
    world.now += 10 * HOUR
    world.step()  # a wake-up of any kind, with no event
    assert len(_dates(world)) - before == made
    assert _dates(world)[-1] == START + 10 * HOUR


@pytest.mark.parametrize("catchup", [True, False])
def test_a_step_backwards_makes_nothing_twice_and_goes_on_where_it_was(catchup: bool) -> None:
    world = World(_spec(catchup=catchup))
    _go(world, START + 5 * HOUR)
    made = _dates(world)
    world.now -= 3 * HOUR + timedelta(minutes=10)
    world.restart()
    _go(world, START + 5 * HOUR + timedelta(minutes=59), between=world.restart)
    assert _dates(world) == made
    _go(world, START + 7 * HOUR)
    assert _dates(world) == [*made, START + 6 * HOUR, START + 7 * HOUR]


# -- pauses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("catchup", [True, False])
def test_unpaused_it_makes_all_that_it_missed_with_catchup_and_the_newest_without(catchup: bool) -> None:
    world = World(_spec(catchup=catchup))
    world.command(cmd.SetPaused(dag_id="d", paused=True))
    before = len(_dates(world))
    world.pass_time(9.5 * 3600)
    assert world.engine.next_due() is None, "a paused DAG wakes nobody"
    assert len(_dates(world)) == before
    world.command(cmd.SetPaused(dag_id="d", paused=False))
    world.succeed_all()
    made = _dates(world)[before:]
    assert made == ([START + n * HOUR for n in range(1, 10)] if catchup else [START + 9 * HOUR])
    assert world.engine.next_due() == START + 10 * HOUR


def test_a_run_that_waits_when_its_dag_is_paused_starts_after_it() -> None:
    world = World(_spec(max_active_runs=1, catchup=True))
    world.trigger(run_id="waits")
    world.command(cmd.SetPaused(dag_id="d", paused=True))
    world.succeed_all()
    assert world.run_state("waits") == "queued"
    world.restart()
    world.command(cmd.SetPaused(dag_id="d", paused=False))
    assert world.run_state("waits") == "running"


# -- limits --------------------------------------------------------------------------------------------------------


def test_at_max_active_runs_the_schedule_waits_and_goes_on_in_order() -> None:
    world = World(_spec(max_active_runs=2, catchup=True))
    world.pass_time(10 * 3600)
    assert len(_dates(world)) == 2
    for n in range(2, 8):
        world.restart()
        world.succeed("t0")
        assert _dates(world) == [START + hour * HOUR for hour in range(n + 1)]


def test_at_max_active_runs_without_catchup_only_the_newest_follows() -> None:
    world = World(_spec(max_active_runs=1))
    world.pass_time(10 * 3600)
    assert len(_dates(world)) == 1
    world.succeed("t0")
    assert _dates(world) == [START, START + 10 * HOUR]


def test_a_run_of_a_backfill_takes_no_room_from_the_schedule() -> None:
    world = World(_spec(max_active_runs=1))
    world.command(cmd.CreateBackfill(dag_id="d", start=START - 9 * HOUR, end=START - HOUR))
    world.succeed("t0", run_id=f"scheduled__{START.isoformat()}")
    world.pass_time(3600)
    assert START + HOUR in _dates(world)


def test_a_date_that_has_a_run_already_gets_no_other() -> None:
    """As Airflow: by hand, or by a backfill whose range was ahead of the schedule."""
    world = World(_spec(catchup=True))
    world.trigger(run_id="mine", logical_date=START + HOUR)
    world.succeed_all()
    _go(world, START + 3 * HOUR, between=world.restart)
    assert sorted(_dates(world)) == [START + n * HOUR for n in range(4)]
    assert sum(run.run_id == "mine" for run in world.runs()) == 1


# -- what changes between versions ---------------------------------------------------------------------------------


def test_after_the_end_date_there_is_no_run_and_nothing_to_wake_for() -> None:
    world = World(_spec(end_date=START + 3 * HOUR, catchup=True))
    _go(world, START + 9 * HOUR)
    assert _dates(world) == [START + n * HOUR for n in range(4)]
    assert world.engine.next_due() is None
    world.see(_spec(end_date=START + 10 * HOUR, catchup=True), version="v2")
    world.succeed_all()
    assert _dates(world) == [START + n * HOUR for n in range(10)], "an end that is moved on is made up for"


def test_a_start_date_in_the_future_is_waited_for_and_one_moved_back_changes_no_past() -> None:
    world = World(_spec(start_date=START + 5 * HOUR, catchup=True))
    assert world.engine.next_due() == START + 5 * HOUR
    _go(world, START + 6 * HOUR)
    world.see(_spec(start_date=START - 90 * HOUR, catchup=True), version="v2")
    world.succeed_all()
    assert _dates(world) == [START + 5 * HOUR, START + 6 * HOUR]
    world.see(_spec(start_date=START + 20 * HOUR, catchup=True), version="v3")
    assert world.engine.next_due() == START + 7 * HOUR, "as in Airflow: ticks go on after the last one"
    world.see(_spec(HOURLY, start_date=START + 20 * HOUR, catchup=True), version="v4")
    assert world.engine.next_due() == START + 21 * HOUR


@pytest.mark.parametrize("catchup", [True, False])
def test_a_changed_schedule_goes_on_after_the_last_run_of_the_old_one(catchup: bool) -> None:
    world = World(_spec(TICKS, catchup=catchup))
    _go(world, START + 2 * HOUR)
    world.see(_spec(CronTrigger(crons=("30 * * * *",)), catchup=catchup), version="v2")
    _go(world, START + 4 * HOUR, between=world.restart)
    half = timedelta(minutes=30)
    assert _dates(world)[3:] == [START + 2 * HOUR + half, START + 3 * HOUR + half]
    world.see(_spec(DAILY, catchup=catchup), version="v3")
    assert world.engine.next_due() == START + timedelta(days=1)
    world.see(_spec(Events(dates=(START + 7 * HOUR,)), catchup=catchup), version="v4")
    assert world.engine.next_due() == START + 7 * HOUR
    world.see(chain(1), version="v5")
    assert world.engine.next_due() is None


def test_a_change_from_an_interval_to_a_tick_makes_no_date_twice() -> None:
    world = World(_spec(HOURLY, catchup=True))
    _go(world, START + 3 * HOUR)
    world.see(_spec(TICKS, catchup=True), version="v2")
    _go(world, START + 6 * HOUR)
    assert len(set(_dates(world))) == len(_dates(world))
    world.see(_spec(HOURLY, catchup=True), version="v3")
    _go(world, START + 9 * HOUR)
    assert len(set(_dates(world))) == len(_dates(world))


# -- jitter --------------------------------------------------------------------------------------------------------


def _jittered(window: float, *specs: DagSpec) -> World:
    return World(*specs, schedule_jitter_seconds=window)


def test_with_jitter_dags_of_one_moment_are_made_one_after_the_other_with_dates_unchanged() -> None:
    names = [f"d{n}" for n in range(40)]
    world = _jittered(600, *(_spec(dag_id=name, start_date=START + HOUR) for name in names))
    at: dict[str, datetime] = {}
    while len(at) < len(names):
        due = world.engine.next_due()
        assert due is not None
        world.now = due
        world.step(TimePassed())
        at |= {name: world.now for name in names if world.runs(name) and name not in at}
    delays = sorted((moment - START - HOUR).total_seconds() for moment in at.values())
    assert delays[0] >= 0
    assert delays[-1] < 600
    assert len(set(delays)) > 35
    assert max(later - earlier for earlier, later in itertools.pairwise(delays)) < 120
    assert {run.logical_date for name in names for run in world.runs(name)} == {START + HOUR}
    assert {run.run_after for name in names for run in world.runs(name)} == {START + HOUR}
    again = _jittered(600, _spec(dag_id="d7", start_date=START + HOUR))
    assert again.engine.next_due() == at["d7"], "a DAG keeps its place"


@pytest.mark.parametrize("catchup", [True, False])
@pytest.mark.parametrize("timetable", [HOURLY, TICKS, CronTrigger(crons=("*/5 * * * *",))])
def test_with_jitter_no_date_is_lost_or_made_twice(timetable: Timetable, catchup: bool) -> None:
    plain = World(_spec(timetable, catchup=catchup))
    world = _jittered(5000, _spec(timetable, catchup=catchup))
    _go(plain, START + 10 * HOUR)
    _go(world, START + 12 * HOUR, between=world.restart)
    assert _dates(world)[: len(_dates(plain))] == _dates(plain)
    assert len(set(_dates(world))) == len(_dates(world))


def test_jitter_leaves_runs_by_hand_and_schedules_without_moments_alone() -> None:
    world = _jittered(600, _spec(Once()))
    assert len(world.runs()) == 1
    assert world.trigger(run_id="now").state.value == "running"
