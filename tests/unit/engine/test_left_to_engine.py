"""What a worker leaves to the engine, and how long a wait may be."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.engine.specs import chain, dag, over, task
from tests.unit.engine.world import START, World
from tradewind.model.dagspec import LatestOnlyBody, NativeBody, TriggerRunBody, WaitTaskBody, WaitTimeBody
from tradewind.model.outcome import LeftToEngine


def _world(**more: Any) -> World:
    world = World(dag(task("t", **more), task("next", "t")), chain(1, dag_id="other"))
    world.trigger(logical_date=START)
    return world


def _leave(world: World, body: NativeBody, **where: Any) -> None:
    world.end("t", LeftToEngine(body=body), **where)


def test_a_wait_that_a_worker_left_holds_no_attempt_and_survives_a_restart() -> None:
    world = _world()
    _leave(world, WaitTimeBody(at=START + timedelta(seconds=60)))
    assert (world.state("t"), world.running()) == ("deferred", [])
    world.restart()
    world.pass_time(60)
    assert world.states() == {"t": "success", "next": "queued"}


def test_a_run_that_a_worker_left_to_trigger_is_made_and_waited_for_over_a_restart() -> None:
    world = _world()
    _leave(world, TriggerRunBody(dag_id="other", run_id="made", wait=True, conf={"x": 1}, note="because"))
    made = world.run("made", "other")
    assert (world.state("t"), made.conf, made.note) == ("deferred", {"x": 1}, "because")
    world.restart()
    world.succeed("t0")
    assert world.states(dag_id="d") == {"t": "success", "next": "queued"}


def test_the_id_of_a_triggered_run_is_an_xcom() -> None:
    world = _world()
    _leave(world, TriggerRunBody(dag_id="other", run_id="made"))
    (row,) = (row for row in world.ledger.xcoms.values() if row.key == "trigger_run_id")
    assert json.loads(row.value) == "made"


def test_elements_of_a_mapped_task_leave_waits_of_their_own() -> None:
    world = _world(mapping=over(2))
    _leave(world, WaitTimeBody(at=START + timedelta(seconds=10)), map_index=0)
    _leave(world, WaitTimeBody(at=START + timedelta(seconds=20)), map_index=1)
    world.pass_time(10)
    assert world.states() == {"t[0]": "success", "t[1]": "deferred", "next": "none"}


def test_a_left_task_that_fails_is_tried_again_by_its_worker() -> None:
    world = _world(retries=1, retry_delay_seconds=5)
    _leave(world, TriggerRunBody(dag_id="nobody"))
    assert world.state("t") == "up_for_retry"
    world.pass_time(5)
    assert (world.running(), world.task("t").native) == (["t"], None)


def test_a_run_of_a_later_day_does_not_start_before() -> None:
    world = _world()
    later = (START + timedelta(days=1)).isoformat()
    _leave(world, TriggerRunBody(dag_id="other", run_id="made", run_after=later))
    assert (world.state("t"), world.run_state("made", "other")) == ("success", "queued")
    world.pass_time(86400)
    assert world.run_state("made", "other") == "running"


@pytest.mark.parametrize("soft", [False, True])
def test_a_wait_for_a_moment_gives_up_when_its_time_is_over(soft: bool) -> None:
    world = _world(retries=3)
    _leave(world, WaitTimeBody(at=START + timedelta(days=9), timeout_seconds=60, soft_fail=soft))
    world.pass_time(60)
    assert world.state("t") == ("skipped" if soft else "failed")
    assert (world.task("t").verdict or "").endswith("did not come within 60 s.")


def test_an_execution_timeout_ends_a_wait_and_is_tried_again() -> None:
    world = _world(retries=1, retry_delay_seconds=5, execution_timeout_seconds=30)
    _leave(world, WaitTimeBody(at=START + timedelta(days=9), timeout_seconds=60))
    world.pass_time(30)
    assert (world.state("t"), world.task("t").verdict) == (
        "up_for_retry",
        f"Its moment, {(START + timedelta(days=9)).isoformat()}, did not come within 30 s.",
    )


@pytest.mark.parametrize(
    ("clock", "zone", "moment"),
    [
        ("11:30:00", "UTC", datetime(2026, 1, 5, 11, 30, tzinfo=UTC)),
        ("11:30:00", "America/New_York", datetime(2026, 1, 4, 16, 30, tzinfo=UTC)),
        ("20:00:00", "America/New_York", datetime(2026, 1, 5, 1, 0, tzinfo=UTC)),
    ],
)
def test_a_time_of_day_is_that_of_the_day_there_when_the_task_begins(clock: str, zone: str, moment: datetime) -> None:
    world = World(dag(task("t", body=WaitTimeBody(clock=clock)), timezone=zone))
    world.trigger()
    if moment <= START:
        assert world.state("t") == "success"
    else:
        assert world.task("t").due_at == moment


def test_a_task_waits_for_several_dates_whatever_their_order() -> None:
    world = _world()
    days = [START - timedelta(days=1), START - timedelta(days=2)]
    _leave(world, WaitTaskBody(dag_id="other", dates=tuple(days)))
    for number, day in enumerate(reversed(days)):
        assert world.state("t") == "deferred"
        world.restart()
        world.trigger("other", run_id=f"r{number}", logical_date=day)
        world.succeed("t0", run_id=f"r{number}")
    assert world.state("t") == "success"


def test_what_the_latest_only_follows_is_its_value() -> None:
    world = World(dag(task("latest", body=LatestOnlyBody()), task("a", "latest"), task("b", "latest")))
    world.trigger()
    (row,) = world.ledger.xcoms.values()
    assert (row.key, json.loads(row.value), world.task("latest").result_length) == ("return_value", ["a", "b"], 2)


def test_the_timeout_of_a_rescheduled_sensor_counts_from_its_first_try() -> None:
    world = _world(retries=2, retry_delay_seconds=0)
    world.start("t")
    world.reschedule("t", 10)
    first = world.task("t").first_rescheduled_at
    world.pass_time(10)
    world.fail("t")
    world.pass_time(1)
    world.reschedule("t", 10)
    assert (first, world.task("t").first_rescheduled_at, world.task("t").try_number) == (START, START, 2)
