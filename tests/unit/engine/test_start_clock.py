"""One start clock for each try: when it runs, what it counts, who pays when it has run out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.unit.engine.specs import dag, task
from tests.unit.engine.world import World
from tradewind.model.dagspec import PodBody
from tradewind.model.events import AttemptProgress
from tradewind.model.outcome import Failed
from tradewind.model.rows import Attempt
from tradewind.model.states import AttemptPhase, EndReason

_STOPPED = Failed(message="stopped", reason=EndReason.STOPPED, entered=False)


def pods(
    *, infrastructure_retries: int = 3, retries: int = 0, execution_timeout_seconds: float | None = None, **body: Any
) -> World:
    """A run of one pod task `a`, whose attempt is created and has no pod yet."""
    body = {"startup_timeout_seconds": 30, **body}
    one = task(
        "a",
        retries=retries,
        execution_timeout_seconds=execution_timeout_seconds,
        body=PodBody(arguments={"image": "i"}, **body),
    )
    world = World(dag(one), infrastructure_retries=infrastructure_retries)
    world.trigger()
    return world


def reach(world: World, phase: AttemptPhase = AttemptPhase.SUBMITTED, **detail: str) -> Attempt:
    """The live attempt has come so far."""
    attempt = world.live_attempt("a")
    world.step(AttemptProgress(attempt_id=attempt.attempt_id, phase=phase, at=world.now, detail=detail))
    return world.live_attempt("a")


def seconds_left(world: World) -> float | None:
    at = world.live_attempt("a").deadline_at
    return None if at is None else (at - world.now).total_seconds()


def run_out(world: World, waited_for: str = "") -> None:
    """The clock runs out, and the pod is gone."""
    assert world.live_attempt("a").deadline_at is not None
    world.pass_time(seconds_left(world) or 0)
    attempt = next(one for one in world.engine.to_stop() if one.task_id == "a")
    world.step(msgspec.structs.replace(world.ended(attempt, _STOPPED), verdict=waited_for or None))


def test_while_there_is_no_pod_the_clock_stands() -> None:
    world = pods()
    world.pass_time(1000)
    assert (world.engine.to_stop(), seconds_left(world)) == ([], None)
    reach(world)
    assert seconds_left(world) == 30


def test_a_start_timeout_is_borne_once_and_fails_the_try_with_what_was_waited_for() -> None:
    world = pods(infrastructure_retries=3)
    attempt = reach(world)
    run_out(world, "No node has room.")
    assert (world.state("a"), world.task("a").verdict) == ("failed", "It did not start in time. No node has room.")
    assert (world.task("a").try_number, world.task("a").attempts_in_try) == (1, 1)
    assert world.ledger.attempts[attempt.attempt_id].reason is EndReason.START_TIMEOUT


def test_a_task_with_retries_has_another_try_with_a_whole_clock_when_its_start_took_too_long() -> None:
    world = pods(retries=1)
    reach(world)
    run_out(world, "No node has room.")
    assert world.state("a") == "up_for_retry"
    world.pass_time(400)
    reach(world)
    assert (world.task("a").try_number, seconds_left(world)) == (2, 30)


def test_an_attempt_that_was_lost_before_its_start_leaves_the_next_one_the_rest_of_the_clock() -> None:
    world = pods()
    reach(world)
    world.pass_time(20)
    world.lose("a", entered=False)
    world.pass_time(500)  # for example a quota, with no pod
    reach(world)
    assert seconds_left(world) == 10
    world.pass_time(4)
    world.lose("a", entered=False)
    reach(world)
    assert seconds_left(world) == 6


def test_a_new_try_has_a_whole_clock() -> None:
    world = pods(infrastructure_retries=1, retries=1)
    reach(world)
    world.pass_time(20)
    world.lose("a", entered=False)
    reach(world)
    world.lose("a", entered=False)
    assert world.state("a") == "up_for_retry"
    world.pass_time(400)
    reach(world)
    assert (world.task("a").try_number, seconds_left(world)) == (2, 30)


def test_without_a_schedule_timeout_one_clock_counts_from_the_pods_creation() -> None:
    world = pods()
    reach(world)
    world.pass_time(12)
    reach(world, AttemptPhase.SCHEDULED)
    assert seconds_left(world) == 18


def test_a_schedule_timeout_ends_when_a_node_is_found_and_the_startup_timeout_begins() -> None:
    world = pods(schedule_timeout_seconds=100)
    reach(world)
    assert seconds_left(world) == 100
    world.pass_time(90)
    reach(world, AttemptPhase.SCHEDULED)
    assert seconds_left(world) == 30
    reach(world, AttemptPhase.PULLED)
    assert seconds_left(world) == 30


def test_which_of_the_two_has_run_out_is_in_the_verdict() -> None:
    world = pods(schedule_timeout_seconds=5, infrastructure_retries=0)
    reach(world)
    run_out(world)
    assert world.task("a").verdict == "It was not scheduled in time."
    world = pods(schedule_timeout_seconds=5, infrastructure_retries=0)
    reach(world)
    reach(world, AttemptPhase.SCHEDULED)
    run_out(world)
    assert world.task("a").verdict == "It did not start in time."


def test_the_execution_timeout_counts_from_the_start() -> None:
    world = pods(execution_timeout_seconds=60)
    reach(world)
    world.pass_time(50)
    reach(world, AttemptPhase.STARTED)
    assert world.live_attempt("a").deadline_at == world.now + timedelta(seconds=60)


@pytest.mark.parametrize("skew", [-600, 600])
def test_a_cluster_whose_clock_is_wrong_neither_ends_a_start_at_once_nor_lets_it_last(skew: int) -> None:
    world = pods(execution_timeout_seconds=60)
    attempt = world.live_attempt("a")
    wrong = world.now + timedelta(seconds=skew)
    world.step(AttemptProgress(attempt_id=attempt.attempt_id, phase=AttemptPhase.SUBMITTED, at=wrong))
    assert seconds_left(world) == 30
    world.step(AttemptProgress(attempt_id=attempt.attempt_id, phase=AttemptPhase.STARTED, at=wrong))
    assert seconds_left(world) == 60


def test_what_a_start_waits_for_is_shown_while_it_waits_and_no_longer() -> None:
    world = pods()
    reach(world)
    assert reach(world, waiting="no node").detail == {"waiting": "no node"}
    assert seconds_left(world) == 30
    assert reach(world, waiting="an image").detail == {"waiting": "an image"}
    assert reach(world, AttemptPhase.STARTED).detail == {}
    assert reach(world, AttemptPhase.SUBMITTED, waiting="of yesterday").detail == {}
