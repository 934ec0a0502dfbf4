"""Tasks that depend on the past: the run before must have gone well, wherever it is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.unit.engine.specs import dag, task
from tests.unit.engine.world import START, World
from tradewind.model import commands as cmd
from tradewind.model.dagspec import DagSpec


def _spec(**more: Any) -> DagSpec:
    return dag(task("a", depends_on_past=True, **more), task("b", "a"))


def _days(world: World, *days: int) -> None:
    for day in days:
        world.trigger(run_id=f"day{day}", logical_date=START + timedelta(days=day))


def test_the_first_run_of_a_dag_depends_on_nothing() -> None:
    world = World(_spec())
    _days(world, 1)
    assert world.state("a") == "queued"


def test_a_task_waits_until_it_succeeded_in_the_run_before() -> None:
    world = World(_spec())
    _days(world, 1, 2)
    assert [world.state("a", run_id="day1"), world.state("a", run_id="day2")] == ["queued", "none"]
    world.succeed("a", run_id="day1")
    assert world.state("a", run_id="day2") == "queued"


def test_a_skip_in_the_run_before_is_as_good_as_a_success() -> None:
    world = World(_spec())
    _days(world, 1, 2)
    world.skip("a")
    assert world.state("a", run_id="day2") == "queued"


def test_a_failure_in_the_run_before_holds_the_task_back_until_it_is_cleared_and_succeeds() -> None:
    world = World(_spec())
    _days(world, 1)
    world.fail("a")
    assert world.run_state("day1") == "failed"
    _days(world, 2)
    assert (world.state("a", run_id="day2"), world.run_state("day2")) == ("none", "running")
    world.restart()
    assert (world.state("a", run_id="day2"), world.run_state("day2")) == ("none", "running")
    world.command(cmd.ClearTasks(selection=cmd.TaskSelection(dag_id="d", run_id="day1")))
    world.succeed("a", run_id="day1")
    assert world.state("a", run_id="day2") == "queued"


def test_the_run_before_is_found_by_its_date_and_not_by_the_order_of_creation() -> None:
    world = World(_spec())
    _days(world, 3, 1)
    assert [world.state("a", run_id="day3"), world.state("a", run_id="day1")] == ["queued", "queued"]
    world = World(_spec())
    _days(world, 1, 3)
    world.fail("a", run_id="day1")
    _days(world, 2)
    chosen = cmd.TaskSelection(dag_id="d", run_id="day1", task_ids=("a",))
    world.command(cmd.MarkTasks(selection=chosen, state="success"))
    assert [world.state("a", run_id="day2"), world.state("a", run_id="day3")] == ["queued", "none"]


def test_wait_for_downstream_also_waits_for_what_is_directly_below() -> None:
    world = World(_spec(wait_for_downstream=True))
    _days(world, 1, 2)
    world.succeed("a", run_id="day1")
    assert world.state("a", run_id="day2") == "none"
    world.succeed("b", run_id="day1")
    assert world.state("a", run_id="day2") == "queued"


def test_a_task_that_was_not_in_the_run_before_is_its_first_one() -> None:
    world = World(dag(task("b")))
    _days(world, 1)
    world.see(_spec(), version="v2")
    _days(world, 2)
    assert world.state("a", run_id="day2") == "queued"


def test_a_task_that_does_not_ignore_its_first_run_waits_for_ever() -> None:
    world = World(dag(task("b")))
    _days(world, 1)
    world.see(_spec(ignore_first_depends_on_past=False), version="v2")
    _days(world, 2)
    assert (world.state("a", run_id="day2"), world.run_state("day2")) == ("none", "running")


def test_with_catchup_runs_by_hand_are_no_past() -> None:
    world = World(dag(task("a", depends_on_past=True), catchup=True))
    _days(world, 1)
    world.fail("a")
    _days(world, 2)
    assert world.state("a", run_id="day2") == "queued"


def test_a_skip_by_trigger_rule_waits_for_the_past_where_the_task_says_so() -> None:
    spec = dag(
        task("top"),
        task("a", "top", depends_on_past=True, wait_for_past_depends_before_skipping=True),
    )
    world = World(spec)
    _days(world, 1, 2)
    world.skip("top", run_id="day2")
    assert world.state("a", run_id="day2") == "none"
    world.succeed("top", run_id="day1")
    world.succeed("a", run_id="day1")
    assert world.state("a", run_id="day2") == "skipped"


def test_finished_runs_leave_memory_when_no_run_looks_back_at_them() -> None:
    world = World(_spec())
    _days(world, 1)
    world.succeed_all()
    first = world.run("day1").run_key
    assert world.engine.run(first) is None
    _days(world, 2)
    assert world.engine.run(first) is not None
    world.succeed_all()
    world.pass_time()
    assert world.engine.run(first) is None
