"""Tasks without a process: empty ones, waits for a moment, for another DAG, triggering runs, the latest only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from tests.unit.engine.specs import chain, dag, group, over, task
from tests.unit.engine.world import START, World
from tradewind.model import commands as cmd
from tradewind.model.dagspec import Callbacks, LatestOnlyBody, TriggerRunBody, WaitTaskBody, WaitTimeBody
from tradewind.model.states import RunState, TaskState
from tradewind.model.timetable import CronDataInterval

DAILY = CronDataInterval(crons=("0 0 * * *",))


def test_a_wait_for_a_moment_holds_no_attempt_and_ends_by_itself() -> None:
    world = World(dag(task("wait", body=WaitTimeBody(after_seconds=60, anchor="start")), task("next", "wait")))
    world.trigger()
    assert (world.state("wait"), world.running()) == ("deferred", [])
    world.restart()
    assert world.engine.next_due() == world.now + timedelta(seconds=60)
    world.pass_time(60)
    assert world.states() == {"wait": "success", "next": "queued"}


def test_a_moment_that_has_passed_is_not_waited_for() -> None:
    world = World(dag(task("wait", body=WaitTimeBody(at=START - timedelta(days=1)))))
    world.trigger()
    assert world.run_state() == "success"


def test_a_wait_after_the_data_interval_counts_from_its_end() -> None:
    world = World(dag(task("wait", body=WaitTimeBody(after_seconds=3600))))
    world.trigger(logical_date=START - timedelta(minutes=30))
    assert world.task("wait").due_at == START + timedelta(minutes=30)


def test_latest_only_skips_below_in_a_run_that_is_not_the_latest() -> None:
    spec = dag(
        task("latest", body=LatestOnlyBody()),
        task("a", "latest"),
        task("b", "a", rule="all_done"),
        timetable=DAILY,
        start_date=START - timedelta(days=3),
        catchup=True,
        max_active_runs=10,
    )
    world = World()
    world.now += timedelta(seconds=1)
    world.see(spec)
    states = {run.run_id[11:21]: world.states(run.run_id) for run in world.runs()}
    assert states == {
        "2026-01-02": {"latest": "success", "a": "skipped", "b": "queued"},
        "2026-01-03": {"latest": "success", "a": "skipped", "b": "queued"},
        "2026-01-04": {"latest": "success", "a": "queued", "b": "none"},
    }


def test_latest_only_lets_runs_by_hand_through() -> None:
    world = World(dag(task("latest", body=LatestOnlyBody()), task("a", "latest"), timetable=DAILY))
    world.trigger(logical_date=START - timedelta(days=100))
    assert world.states() == {"latest": "success", "a": "queued"}


# -- triggering ----------------------------------------------------------------------------------------------------


def _trigger(**more: Any) -> World:
    body = TriggerRunBody(dag_id="other", **more)
    return World(dag(task("go", body=body), task("end", "go")), chain(1, dag_id="other"))


def test_a_task_triggers_a_run_of_another_dag() -> None:
    world = _trigger(run_id="made", conf={"x": 1})
    world.trigger()
    assert world.states() == {"go": "success", "end": "queued"}
    made = world.run("made", "other")
    assert (made.conf, made.triggered_by, made.state.value) == ({"x": 1}, "d.go", "running")


def test_tasks_that_trigger_at_one_moment_make_runs_of_their_own() -> None:
    body = TriggerRunBody(dag_id="other")
    world = World(dag(task("go", body=body, mapping=over(3))), chain(1, dag_id="other"))
    world.trigger()
    world.pass_time()
    assert (world.run_state(), len(world.runs("other"))) == ("success", 3)


def test_a_dag_that_triggers_itself_for_ever_does_so_a_little_at_each_moment() -> None:
    world = World(dag(task("go", body=TriggerRunBody(dag_id="d"))))
    world.trigger()
    for moments in range(1, 5):
        assert len(world.runs()) == 1 + 2 * moments
        world.pass_time(1)


def test_callbacks_of_a_task_without_a_worker_are_asked_for() -> None:
    callbacks = Callbacks(on_success=True, on_failure=True, on_skipped=True)
    body = TriggerRunBody(dag_id="other", run_id="made", skip_if_exists=True)
    world = World(dag(task("go", body=body, callbacks=callbacks)), chain(1, dag_id="other"))
    world.trigger(run_id="one")
    world.trigger(run_id="two")
    assert world.callbacks() == [("on_success", "go"), ("on_skipped", "go")]


def test_a_task_that_waits_for_the_run_it_triggered_ends_with_it() -> None:
    world = _trigger(run_id="made", wait=True)
    world.trigger()
    assert (world.state("go"), world.running()) == ("deferred", ["t0"])
    world.restart()
    world.succeed("t0")
    assert world.states("manual__" + START.isoformat()) == {"go": "success", "end": "queued"}


def test_a_task_that_waits_for_a_run_fails_when_that_fails() -> None:
    world = _trigger(run_id="made", wait=True)
    world.trigger()
    world.fail("t0")
    assert world.state("go") == "failed"
    assert "Run 'made' of DAG 'other' is failed." in (world.task("go").verdict or "")


def test_a_run_that_ended_while_no_engine_looked_is_found_in_the_database() -> None:
    world = _trigger(run_id="made", wait=True)
    world.trigger()
    made = world.run("made", "other")
    world.succeed("t0")
    waiting = world.task("go")
    # As if the leader had died between the two: the other run is over, the wait is not.
    name = f"run:other/{made.run_id}"
    world.ledger.tasks[waiting.run_key, "go", -1] = replace(waiting, state=TaskState.DEFERRED, waits_for=name)
    end = world.task("end")
    world.ledger.tasks[waiting.run_key, "end", -1] = replace(end, state=TaskState.NONE)
    for one in world.alive():
        del world.ledger.attempts[one.attempt_id]
    world.ledger.runs[waiting.run_key] = replace(world.ledger.runs[waiting.run_key], state=RunState.RUNNING)
    world.restart()
    assert world.state("go") == "success"


def test_a_run_that_exists_fails_the_task_or_skips_it_or_is_run_again() -> None:
    for more, state in (({}, "failed"), ({"skip_if_exists": True}, "skipped"), ({"reset": True}, "success")):
        world = _trigger(run_id="made", **more)
        world.trigger("other", run_id="made")
        world.succeed_all()
        world.trigger()
        assert world.state("go") == state
        assert world.run_state("made", "other") == ("running" if "reset" in more else "success")


def test_a_task_cannot_trigger_a_dag_that_does_not_exist_or_is_paused() -> None:
    world = World(dag(task("go", body=TriggerRunBody(dag_id="nobody"))))
    world.trigger()
    assert (world.state("go"), world.task("go").verdict) == ("failed", "There is no DAG 'nobody'.")
    world = _trigger(fail_when_paused=True)
    world.command(cmd.SetPaused(dag_id="other", paused=True))
    world.trigger()
    assert world.task("go").verdict == "DAG 'other' is paused."


def test_a_native_task_that_fails_is_tried_again() -> None:
    body = TriggerRunBody(dag_id="later", run_id="made")
    world = World(dag(task("go", body=body, retries=1, retry_delay_seconds=10)))
    world.trigger()
    assert world.state("go") == "up_for_retry"
    world.see(chain(1, dag_id="later"))
    world.pass_time(10)
    assert (world.state("go"), world.task("go").try_number) == ("success", 2)


# -- waiting for another DAG ---------------------------------------------------------------------------------------


def _wait(**more: Any) -> World:
    body = WaitTaskBody(dag_id="other", **more)
    other = dag(
        task("x"), task("g.y", "x", group_id="g"), task("z", "g.y"), dag_id="other", groups=(group("g"),)
    )  # fmt: skip
    return World(dag(task("wait", body=body), task("end", "wait")), other)


def test_a_task_waits_for_a_task_of_another_dag_at_the_same_date() -> None:
    world = _wait(task_ids=("x",))
    world.trigger(logical_date=START)
    assert world.state("wait") == "deferred"
    world.trigger("other", logical_date=START - timedelta(days=1))
    world.trigger("other", run_id="same", logical_date=START)
    assert world.state("wait") == "deferred"
    world.succeed("x", run_id="same")
    assert world.state("wait") == "success"


def test_a_task_waits_for_a_group_or_for_the_whole_run() -> None:
    for more, steps in (({"group_id": "g"}, ["x", "g.y"]), ({}, ["x", "g.y", "z"])):
        world = _wait(**more)
        world.trigger("other", logical_date=START)
        world.trigger(logical_date=START)
        for step in steps:
            assert world.state("wait") == "deferred"
            world.succeed(step)
        assert world.state("wait") == "success"


def test_what_was_over_long_ago_is_found_in_the_database() -> None:
    world = _wait(task_ids=("x",), delta_seconds=86400)
    world.trigger("other", logical_date=START - timedelta(days=1))
    world.succeed_all()
    world.trigger(logical_date=START)
    assert world.state("wait") == "success"


def test_a_failure_there_fails_or_skips_the_wait() -> None:
    for soft, state in ((False, "failed"), (True, "skipped")):
        world = _wait(task_ids=("x",), failed_states=("failed",), soft_fail=soft)
        world.trigger("other", logical_date=START)
        world.trigger(logical_date=START)
        world.fail("x")
        assert world.state("wait") == state


def test_a_wait_ends_when_its_time_is_over() -> None:
    world = _wait(task_ids=("x",), timeout_seconds=60)
    world.trigger(logical_date=START)
    world.pass_time(60)
    assert (world.state("wait"), world.task("wait").verdict) == (
        "failed",
        "Task 'x' of DAG 'other' did not come within 60 s.",
    )


def test_a_wait_that_checks_existence_fails_at_once_for_what_does_not_exist() -> None:
    world = _wait(task_ids=("nobody",), check_existence=True)
    world.trigger(logical_date=START)
    assert world.task("wait").verdict == "DAG 'other' has no task 'nobody'."


def test_cancelling_a_run_ends_its_waits() -> None:
    world = _wait(task_ids=("x",))
    run = world.trigger(logical_date=START)
    world.command(cmd.CancelRun(dag_id="d", run_id=run.run_id))
    assert world.states() == {"wait": "failed", "end": "skipped"}
    assert world.run_state() == "failed"
