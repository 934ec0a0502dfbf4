"""Failures: the user's budget, the infrastructure's budget, and time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.engine.specs import chain, dag, task
from tests.unit.engine.world import World
from tradewind.engine import retries
from tradewind.model import commands as cmd
from tradewind.model.dagspec import Callbacks, PodBody
from tradewind.model.outcome import Failed, Success
from tradewind.model.rows import Attempt
from tradewind.model.states import EndReason


def test_a_failed_try_is_followed_by_another_after_the_delay() -> None:
    world = World(dag(task("a", retries=1, retry_delay_seconds=60)))
    world.trigger()
    world.fail("a")
    assert world.state("a") == "up_for_retry"
    assert world.engine.next_due() == world.now + timedelta(seconds=60)
    world.pass_time(59)
    assert world.state("a") == "up_for_retry"
    world.pass_time(1)
    assert (world.state("a"), world.task("a").try_number) == ("queued", 2)
    world.fail("a")
    assert (world.state("a"), world.run_state()) == ("failed", "failed")


def test_a_failure_that_asks_for_no_retry_is_final() -> None:
    world = World(dag(task("a", retries=3)))
    world.trigger()
    world.fail("a", retry=False)
    assert world.state("a") == "failed"


def test_a_retry_policy_of_the_task_names_its_own_delay() -> None:
    world = World(dag(task("a", retries=1)))
    world.trigger()
    world.fail("a", delay_seconds=7)
    assert world.task("a").due_at == world.now + timedelta(seconds=7)


@pytest.mark.parametrize(
    ("arguments", "try_number", "seconds"),
    [
        ({}, 3, 10),
        ({"retry_backoff": 2, "retry_jitter": False}, 1, 10),
        ({"retry_backoff": 2, "retry_jitter": False}, 4, 80),
        ({"retry_backoff": 3, "retry_jitter": False}, 3, 90),
        ({"retry_backoff": 1, "retry_jitter": False}, 2, 20),
        ({"retry_backoff": 2}, 2, 30),
        ({"retry_backoff": 2, "max_retry_delay_seconds": 25}, 4, 25),
        ({"max_retry_delay_seconds": 5}, 1, 10),
        ({"retry_backoff": 2, "retry_jitter": False}, 5000, 86400),
        ({"retry_backoff": 2, "max_retry_delay_seconds": 25}, 5000, 25),
    ],
)
def test_the_delay_grows_as_the_task_says(arguments: dict[str, Any], try_number: int, seconds: float) -> None:
    draws = World().draws
    spec = task("a", retries=9, retry_delay_seconds=10, **arguments)
    assert retries.retry_seconds(spec, try_number, None, draws) == seconds


def test_a_lost_attempt_whose_code_never_began_is_launched_again_in_the_same_try() -> None:
    world = World(chain(1))
    world.trigger()
    world.lose("t0", entered=False)
    ti = world.task("t0")
    assert (ti.state.value, ti.try_number, ti.attempts_in_try) == ("queued", 1, 2)


def test_a_lost_attempt_whose_code_had_begun_fails_a_task_without_retries() -> None:
    world = World(chain(1))
    world.trigger()
    world.lose("t0")
    assert world.state("t0") == "failed"


def test_a_lost_attempt_of_a_task_with_retries_is_paid_by_the_infrastructure() -> None:
    world = World(dag(task("a", retries=1)))
    world.trigger()
    for _ in range(3):
        world.lose("a")
    assert (world.task("a").try_number, world.task("a").attempts_in_try) == (1, 4)
    world.lose("a")
    assert world.state("a") == "up_for_retry"
    world.pass_time(300)
    assert (world.task("a").try_number, world.task("a").attempts_in_try) == (2, 1)
    world.lose("a")
    assert (world.task("a").try_number, world.task("a").attempts_in_try) == (2, 2)


def test_a_task_may_forbid_or_allow_to_be_run_twice() -> None:
    world = World(
        dag(
            task("never", retries=2, rerun_after_infrastructure_loss=False),
            task("always", rerun_after_infrastructure_loss=True),
        )
    )
    world.trigger()
    world.lose("never")
    world.lose("always")
    assert world.states() == {"always": "queued", "never": "up_for_retry"}


def test_what_the_user_did_is_no_infrastructure_loss() -> None:
    world = World(dag(task("a", retries=1)))
    world.trigger()
    world.end("a", Failed(message="OOM", reason=EndReason.OOM_KILLED))
    assert world.state("a") == "up_for_retry"


def test_a_rescheduled_task_is_run_again_in_the_same_try() -> None:
    world = World(chain(1))
    world.trigger()
    world.start("t0")
    began = world.now
    world.now += timedelta(seconds=5)
    world.reschedule("t0", 30)
    assert world.state("t0") == "up_for_reschedule"
    world.pass_time(30)
    world.start("t0")
    ti = world.task("t0")
    assert (ti.state.value, ti.try_number, ti.attempts_in_try, ti.first_started_at) == ("running", 1, 2, began)
    world.fail("t0")
    assert world.state("t0") == "failed"


def test_a_sensor_so_quick_that_its_start_is_not_told_counts_its_timeout_all_the_same() -> None:
    world = World(chain(1))
    world.trigger()
    began = world.now
    for _ in range(3):
        world.reschedule("t0", 30)
        world.pass_time(30)
    ti = world.task("t0")
    assert (ti.first_rescheduled_at, ti.first_started_at, ti.attempts_in_try) == (began, began, 4)


def test_a_task_that_defers_itself_fails_and_says_why() -> None:
    world = World(dag(task("a", retries=5, callbacks=Callbacks(on_failure=True))))
    world.trigger()
    world.defer("a")
    assert world.state("a") == "failed"
    assert "triggers come with a later version" in (world.task("a").verdict or "")
    assert world.callbacks() == [("on_failure", "a")]


# -- time ----------------------------------------------------------------------------------------------------------


def _stopping(world: World) -> list[Attempt]:
    return world.engine.to_stop()


def test_a_pod_that_runs_longer_than_its_execution_timeout_is_stopped_and_fails() -> None:
    world = World(dag(task("a", body=PodBody(arguments={}), execution_timeout_seconds=10)))
    world.trigger()
    world.start("a")
    world.pass_time(9)
    assert _stopping(world) == []
    world.pass_time(1)
    assert [one.task_id for one in _stopping(world)] == ["a"]
    world.fail("a", message="SIGTERM")
    assert world.task("a").verdict == "Its execution timeout passed."
    assert next(iter(world.ledger.attempts.values())).reason is EndReason.TIMED_OUT


def test_a_worker_has_a_few_seconds_to_end_by_itself_at_the_execution_timeout() -> None:
    world = World(dag(task("a", execution_timeout_seconds=10)))
    world.trigger()
    world.start("a")
    world.pass_time(12)
    assert _stopping(world) == []
    world.pass_time(3)
    assert len(_stopping(world)) == 1


def test_a_success_at_the_last_moment_counts_although_the_stop_was_asked_for() -> None:
    world = World(dag(task("a", body=PodBody(arguments={}), execution_timeout_seconds=10)))
    world.trigger()
    world.start("a")
    world.pass_time(10)
    world.end("a", Success())
    assert world.state("a") == "success"


def test_a_run_that_takes_longer_than_its_timeout_fails_and_nothing_of_it_goes_on() -> None:
    callbacks = Callbacks(on_failure=True)
    world = World(chain(2, dagrun_timeout_seconds=60, callbacks=callbacks))
    world.trigger()
    world.start("t0")
    world.pass_time(60)
    assert world.states() == {"t0": "running", "t1": "skipped"}
    assert [one.task_id for one in _stopping(world)] == ["t0"]
    world.fail("t0", message="SIGTERM")
    assert world.states() == {"t0": "skipped", "t1": "skipped"}
    assert (world.run_state(), world.run().verdict) == ("failed", "The run's timeout passed.")
    assert world.callbacks() == [("on_failure", None)]


def test_a_restart_in_the_middle_of_a_timeout_still_ends_the_run_as_failed() -> None:
    world = World(chain(2, dagrun_timeout_seconds=60))
    world.trigger()
    world.pass_time(60)
    world.restart()
    assert [one.task_id for one in _stopping(world)] == ["t0"]
    world.fail("t0", message="SIGTERM")
    assert (world.run_state(), world.run().verdict) == ("failed", "The run's timeout passed.")


def test_with_fail_fast_the_first_failure_ends_the_others_but_not_teardowns() -> None:
    world = World(
        dag(
            task("bad"),
            task("busy"),
            task("later", "busy"),
            task("down", "busy", rule="all_done", is_teardown=True),
            fail_fast=True,
        )
    )
    world.trigger()
    world.fail("bad")
    assert world.states() == {"bad": "failed", "busy": "queued", "down": "none", "later": "skipped"}
    world.fail("busy", message="stopped")
    assert world.states() == {"bad": "failed", "busy": "failed", "down": "queued", "later": "skipped"}
    world.succeed("down")
    assert world.run_state() == "failed"


def test_callbacks_of_tasks_are_asked_for_where_the_worker_did_not_run_them() -> None:
    callbacks = Callbacks(on_failure=True, on_retry=True)
    world = World(dag(task("a", retries=1, retry_delay_seconds=0, callbacks=callbacks)))
    world.trigger()
    world.fail("a", callbacks_ran=True)
    world.pass_time()
    assert world.callbacks() == []
    world.fail("a")
    assert world.callbacks() == [("on_failure", "a")]


def test_callbacks_of_a_run_are_asked_for_again_after_a_clear() -> None:
    world = World(chain(1, callbacks=Callbacks(on_success=True)))
    run = world.trigger()
    world.succeed_all()
    world.command(cmd.ClearTasks(selection=cmd.TaskSelection(dag_id="d", run_id=run.run_id)))
    world.succeed_all()
    assert world.callbacks() == [("on_success", None), ("on_success", None)]
