"""ExternalTaskMarker: who clears it clears the task of the other DAG that it marks, and so on from DAG to DAG."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.unit.engine.specs import dag, over, task
from tests.unit.engine.world import START, World
from tradewind.model import commands as cmd
from tradewind.model.dagspec import DagSpec, MarkTaskBody
from tradewind.model.outcome import LeftToEngine


def marking(dag_id: str, other: str, **more: Any) -> DagSpec:
    """Of first → mark, which marks `first` of the other DAG; after → is below."""
    mark = task(
        "mark", "first", body=MarkTaskBody(dag_id=other, task_id="first", **more), operator="ExternalTaskMarker"
    )
    return dag(task("first"), mark, task("after", "mark"), dag_id=dag_id)


def done(*specs: DagSpec, **dates: Any) -> World:
    """Each DAG ran at START, or where it is told."""
    world = World(*specs)
    for spec in specs:
        world.trigger(spec.dag_id, "r", logical_date=dates.get(spec.dag_id, START))
        world.succeed_all()
    return world


def clear(world: World, *task_ids: str, dag_id: str = "a", **more: Any) -> cmd.CommandResult:
    command = {name: more.pop(name) for name in ("dry_run", "dependent_dags", "newest_version") if name in more}
    chosen = cmd.TaskSelection(dag_id=dag_id, run_id="r", task_ids=task_ids, **more)
    return world.command(cmd.ClearTasks(selection=chosen, **command))


def cleared(world: World, dag_id: str) -> set[str]:
    """Tasks of the DAG's run that are to run again."""
    return {name for name, state in world.states("r", dag_id).items() if state != "success"}


def test_a_cleared_marker_clears_the_marked_task_and_what_is_below_it() -> None:
    end = dag(task("above"), task("first", "above"), task("last", "first"), dag_id="b")
    world = done(marking("a", "b"), end)
    result = clear(world, "first", downstream=True)
    assert (result.touched, result.message) == (5, "with tasks of b, which markers name")
    assert cleared(world, "a") == {"first", "mark", "after"}
    assert cleared(world, "b") == {"first", "last"}
    assert world.run_state("r", "b") == "running"
    world.succeed_all()
    assert (world.run_state("r", "a"), world.run_state("r", "b")) == ("success", "success")


def test_a_marker_that_is_not_cleared_clears_nothing_elsewhere() -> None:
    world = done(marking("a", "b"), dag(task("first"), dag_id="b"))
    assert clear(world, "first").touched == 1
    assert cleared(world, "b") == set()


def test_markers_are_followed_from_dag_to_dag() -> None:
    world = done(marking("a", "b"), marking("b", "c"), dag(task("first"), dag_id="c"))
    assert clear(world, "mark").touched == 5
    assert (cleared(world, "b"), cleared(world, "c")) == ({"first", "mark", "after"}, {"first"})


def test_a_chain_of_more_markers_than_the_first_allows_clears_nothing() -> None:
    specs = [marking("a", "b", recursion_depth=2), marking("b", "c"), marking("c", "d"), dag(task("first"), dag_id="d")]
    world = done(*specs)
    result = clear(world, "mark")
    assert (result.ok, result.code) == (False, "recursion-depth")
    assert "at 'mark' of DAG 'c', and recursion_depth of the first is 2" in result.message
    assert [cleared(world, one) for one in "abcd"] == [set()] * 4
    world = done(marking("a", "b", recursion_depth=3), *specs[1:])
    assert clear(world, "mark").ok
    assert cleared(world, "d") == {"first"}


def test_markers_that_mark_each_other_end_where_they_began() -> None:
    world = done(marking("a", "b"), marking("b", "a"))
    assert clear(world, "mark").touched == 6
    assert cleared(world, "a") == cleared(world, "b") == {"first", "mark", "after"}


def test_runs_that_left_memory_long_ago_are_found() -> None:
    world = done(marking("a", "b"), marking("b", "c"), dag(task("first"), dag_id="c"))
    world.restart()
    assert clear(world, "mark").touched == 5


def test_the_marked_run_is_that_of_the_same_logical_date_or_of_the_date_that_is_given() -> None:
    day = START + timedelta(days=1)
    other = dag(task("first"), dag_id="b")
    world = done(marking("a", "b"), other, b=day)
    assert clear(world, "mark").touched == 1
    world = done(marking("a", "b", date=day), other, b=day)
    assert clear(world, "mark").touched == 2
    assert cleared(world, "b") == {"first"}


def test_marked_dags_runs_and_tasks_that_are_not_there_do_not_matter() -> None:
    world = World(marking("a", "nobody"), dag(task("x"), dag_id="b"))
    world.trigger("a", "r", logical_date=START)
    world.succeed_all()
    assert clear(world, "mark").touched == 1
    world = done(marking("a", "b"), dag(task("x"), dag_id="b"))
    assert clear(world, "mark").touched == 1


def test_only_what_failed_is_cleared_elsewhere_too_where_that_is_asked() -> None:
    world = World(marking("a", "b"), dag(task("first"), task("last", "first"), dag_id="b"))
    world.trigger("a", "r", logical_date=START)
    world.fail("first")
    world.trigger("b", "r", logical_date=START)
    world.succeed("first")
    world.fail("last")
    assert clear(world, only_failed=True).touched == 4
    assert world.states("r", "b") == {"first": "success", "last": "queued"}


def test_a_dry_run_lists_tasks_over_dags_and_clears_nothing() -> None:
    world = done(marking("a", "b"), dag(task("first", mapping=over(2)), dag_id="b"))
    result = clear(world, "mark", dry_run=True)
    assert [(one.dag_id, one.run_id, one.task_id, one.map_index, one.state) for one in result.tasks] == [
        ("a", "r", "mark", -1, "success"), ("b", "r", "first", 0, "success"), ("b", "r", "first", 1, "success"),
    ]  # fmt: skip
    assert result.touched == 3
    assert cleared(world, "a") == cleared(world, "b") == set()


def test_other_dags_can_be_left_alone() -> None:
    world = done(marking("a", "b"), dag(task("first"), dag_id="b"))
    assert clear(world, "mark", dependent_dags=False).touched == 1
    assert cleared(world, "b") == set()


def test_the_newest_version_is_taken_by_the_runs_of_the_cleared_dag_alone() -> None:
    world = done(marking("a", "b"), dag(task("first"), dag_id="b"))
    for dag_id in ("a", "b"):
        world.see(marking(dag_id, "b") if dag_id == "a" else dag(task("first"), dag_id="b"), version="v2")
    assert clear(world, "mark", newest_version=True).touched == 2
    assert [world.run("r", one).version for one in "ab"] == ["a@v2", "b@v1"]


def test_what_a_worker_found_out_about_a_marker_counts_and_is_kept_while_it_is_cleared() -> None:
    other = dag(task("first"), dag_id="b")
    world = World(dag(task("first"), task("mark", "first"), dag_id="a"), other)
    world.trigger("a", "r", logical_date=START)
    world.succeed("first")
    world.end("mark", LeftToEngine(body=MarkTaskBody(dag_id="b", task_id="first")))
    assert world.run_state("r", "a") == "success"
    world.trigger("b", "r", logical_date=START)
    world.succeed_all()
    world.restart()
    assert clear(world, "first", "mark").touched == 3
    assert world.states("r", "a") == {"first": "queued", "mark": "none"}
    assert clear(world, "mark", dry_run=True).touched == 2
