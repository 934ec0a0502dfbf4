"""Scheduled runs: what a timetable asks for, with catchup and without, and DAGs whose timetable cannot be kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.unit.engine.specs import chain, dag, task
from tests.unit.engine.world import START, World
from tradewind.model import commands as cmd
from tradewind.model.dagspec import Callbacks, DagSpec
from tradewind.model.ids import DagId
from tradewind.model.timetable import Continuous, CronDataInterval, CronTrigger, Once, Opaque

HOURLY = CronDataInterval(crons=("0 * * * *",))


def _spec(**more: Any) -> DagSpec:
    more.setdefault("timetable", HOURLY)
    return chain(1, **more)


def _ids(world: World) -> list[str]:
    return [run.run_id for run in world.runs()]


def test_a_run_is_made_when_its_interval_has_ended() -> None:
    world = World(_spec(start_date=START))
    assert (_ids(world), world.engine.next_due()) == ([], START + timedelta(hours=1))
    world.pass_time(3600)
    assert _ids(world) == [f"scheduled__{START.isoformat()}"]
    assert world.run().interval_end == START + timedelta(hours=1)
    assert world.engine.next_due() == START + timedelta(hours=2)


def test_with_catchup_every_slot_since_the_start_date_gets_its_run() -> None:
    world = World(_spec(start_date=START - timedelta(hours=3), catchup=True))
    assert len(_ids(world)) == 3


def test_without_catchup_only_the_last_slot_gets_its_run() -> None:
    world = World(_spec(start_date=START - timedelta(hours=30)))
    assert _ids(world) == [f"scheduled__{(START - timedelta(hours=1)).isoformat()}"]


def test_a_dag_that_was_paused_for_long_makes_only_the_last_run_without_catchup() -> None:
    world = World(_spec(start_date=START))
    world.command(cmd.SetPaused(dag_id="d", paused=True))
    world.pass_time(5 * 3600)
    assert _ids(world) == []
    world.command(cmd.SetPaused(dag_id="d", paused=False))
    assert _ids(world) == [f"scheduled__{(START + timedelta(hours=4)).isoformat()}"]


def test_scheduled_runs_wait_while_as_many_are_active_as_may_be() -> None:
    world = World(_spec(start_date=START - timedelta(hours=3), catchup=True, max_active_runs=1))
    assert len(_ids(world)) == 1
    due = world.engine.next_due()
    assert due is None or due > world.now, "a slot that waits for room is no timer"
    world.succeed_all()
    assert [run.state.value for run in world.runs()] == ["success"] * 3


def test_a_restart_makes_no_run_twice_and_none_too_few() -> None:
    world = World(_spec(start_date=START))
    world.pass_time(3600)
    world.restart()
    world.pass_time(3600)
    assert len(_ids(world)) == 2


def test_a_run_id_that_is_taken_already_is_passed_over() -> None:
    world = World(_spec(start_date=START))
    world.trigger(run_id=f"scheduled__{START.isoformat()}")
    world.succeed_all()
    world.pass_time(3600)
    assert len(_ids(world)) == 1
    assert world.engine.next_due() == START + timedelta(hours=2)


def test_once_makes_one_run_and_continuous_the_next_when_the_last_has_ended() -> None:
    world = World(_spec(timetable=Once(), start_date=START))
    assert len(_ids(world)) == 1
    world.succeed_all()
    world.pass_time(3600)
    assert len(_ids(world)) == 1
    world = World(_spec(timetable=Continuous(), start_date=START, max_active_runs=1))
    for n in range(1, 4):
        assert len(_ids(world)) == n
        world.pass_time(60)
        world.succeed("t0")


def test_a_removed_dag_gets_no_runs_until_it_is_back() -> None:
    world = World(_spec(start_date=START))
    world.see(_spec(start_date=START), removed=True)
    world.pass_time(3600)
    assert _ids(world) == []
    world.see(_spec(start_date=START))
    assert len(_ids(world)) == 1


def test_a_timetable_that_cannot_be_kept_sets_only_its_own_dag_aside() -> None:
    bad = chain(1, dag_id="bad", timetable=Opaque(classpath="their.Own", data={}), start_date=START)
    world = World(bad, _spec(start_date=START))
    assert list(world.engine.problems()) == ["bad"]
    assert "their.Own" in str(world.engine.problems()["bad"])
    world.pass_time(3600)
    assert len(_ids(world)) == 1
    result = world.command(cmd.TriggerRun(dag_id="bad"))
    assert (result.ok, result.code) == (False, "timetable-not-computable")
    world.see(chain(1, dag_id="bad"), version="v2")
    assert list(world.engine.problems()) == []


def test_cron_expressions_in_airflow_3_run_at_the_tick() -> None:
    world = World(_spec(timetable=CronTrigger(crons=("30 * * * *",)), start_date=START))
    world.pass_time(1800)
    assert world.run().logical_date == START + timedelta(minutes=30)


def test_after_so_many_failed_runs_in_a_row_a_dag_is_paused() -> None:
    world = World(chain(1, max_consecutive_failed_dag_runs=3, callbacks=Callbacks(on_failure=True)))
    for n, good in enumerate((False, False, True, False, False)):
        world.pass_time(60)
        world.trigger(run_id=f"r{n}")
        (world.succeed if good else world.fail)("t0")
        assert not world.ledger.dags[DagId("d")].paused
    world.restart()
    world.pass_time(60)
    world.trigger(run_id="last")
    world.fail("t0")
    assert world.ledger.dags[DagId("d")].paused


def test_a_run_with_a_start_in_the_future_waits_for_it() -> None:
    world = World(dag(task("a")))
    world.trigger(run_after=START + timedelta(hours=1))
    assert (world.run_state(), world.engine.next_due()) == ("queued", START + timedelta(hours=1))
    world.restart()
    world.pass_time(3600)
    assert world.run_state() == "running"
