"""Setups and teardowns: Airflow's rules."""

from __future__ import annotations

from typing import Any

from tests.unit.engine.specs import dag, task
from tests.unit.engine.world import World
from tradewind.model import commands as cmd
from tradewind.model.dagspec import DagSpec


def _spec(**down: Any) -> DagSpec:
    return dag(
        task("up", is_setup=True),
        task("work", "up"),
        task("more", "work"),
        task(
            "down", "more", "up", rule="all_done_setup_success", is_teardown=True, setup_of=("up",), **down
        ),
    )  # fmt: skip


def test_a_teardown_runs_although_the_work_failed() -> None:
    world = World(_spec())
    world.trigger()
    world.succeed("up")
    world.fail("work")
    assert world.states() == {"up": "success", "work": "failed", "more": "upstream_failed", "down": "queued"}
    world.succeed("down")
    assert world.run_state() == "failed"


def test_a_teardown_does_not_run_where_its_setup_failed() -> None:
    world = World(_spec())
    world.trigger()
    world.fail("up")
    assert set(world.states().values()) == {"failed", "upstream_failed"}
    assert world.state("down") == "upstream_failed"


def test_a_teardown_is_skipped_where_its_setup_was_skipped() -> None:
    world = World(_spec())
    world.trigger()
    world.skip("up")
    assert world.states() == {"up": "skipped", "work": "skipped", "more": "skipped", "down": "skipped"}


def test_a_failed_teardown_does_not_fail_the_run() -> None:
    world = World(_spec())
    world.trigger()
    for name in ("up", "work", "more"):
        world.succeed(name)
    world.fail("down")
    assert world.run_state() == "success"


def test_a_failed_teardown_fails_the_run_where_it_says_so() -> None:
    world = World(_spec(on_failure_fail_dagrun=True))
    world.trigger()
    for name in ("up", "work", "more"):
        world.succeed(name)
    world.fail("down")
    assert world.run_state() == "failed"


def test_a_task_waits_for_a_setup_further_above_whatever_its_own_trigger_rule() -> None:
    world = World(
        dag(
            task("up", is_setup=True),
            task("a", "up"),
            task("b", "a", rule="all_done"),
            task("down", "b", "up", rule="all_done_setup_success", is_teardown=True, setup_of=("up",)),
        )
    )
    world.trigger()
    world.fail("up")
    assert world.states() == {"up": "failed", "a": "upstream_failed", "b": "upstream_failed", "down": "upstream_failed"}


def test_a_teardown_waits_for_everything_between_its_setup_and_itself() -> None:
    world = World(
        dag(
            task("up", is_setup=True),
            task("a", "up"),
            task("b", "up"),
            task("c", "b"),
            task("d", "c", "a", rule="one_done"),
            task("down", "d", "up", rule="all_done_setup_success", is_teardown=True, setup_of=("up",)),
        )
    )
    world.trigger()
    world.succeed("up")
    world.succeed("a")
    world.succeed("d")
    assert world.state("down") == "none"
    world.succeed("b")
    world.succeed("c")
    assert world.state("down") == "queued"


def test_clearing_work_clears_its_setup_and_teardown_too() -> None:
    world = World(_spec())
    run = world.trigger()
    world.succeed_all()
    assert world.run_state() == "success"
    world.command(cmd.ClearTasks(selection=cmd.TaskSelection(dag_id="d", run_id=run.run_id, task_ids=("work",))))
    assert world.states() == {"up": "queued", "work": "none", "more": "success", "down": "none"}
    world.succeed_all()
    assert world.run_state() == "success"


def test_clearing_a_setup_clears_its_teardown_too() -> None:
    world = World(_spec())
    run = world.trigger()
    world.succeed_all()
    world.command(cmd.ClearTasks(selection=cmd.TaskSelection(dag_id="d", run_id=run.run_id, task_ids=("up",))))
    assert world.states() == {"up": "queued", "work": "success", "more": "success", "down": "none"}


def test_a_cancelled_run_still_tears_down() -> None:
    world = World(_spec())
    run = world.trigger()
    world.succeed("up")
    world.command(cmd.CancelRun(dag_id="d", run_id=run.run_id))
    assert world.run_state() == "running"
    world.fail("work", message="stopped")
    assert world.states() == {"up": "success", "work": "failed", "more": "skipped", "down": "queued"}
    world.succeed("down")
    assert world.run_state() == "failed"
    assert world.run().verdict == "The run was cancelled."


def test_a_task_that_always_runs_does_not_wait_for_setups_further_above() -> None:
    world = World(
        dag(
            task("up", is_setup=True),
            task("a", "up"),
            task("b", "a", rule="always"),
            task("down", "b", "up", rule="all_done_setup_success", is_teardown=True, setup_of=("up",)),
        )
    )
    world.trigger()
    assert world.running() == ["up", "b"]
