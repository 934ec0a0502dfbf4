"""Branches, short circuits and skips: what is skipped, and what runs all the same."""

from __future__ import annotations

from tests.unit.engine import specs
from tests.unit.engine.specs import dag, group, over, task
from tests.unit.engine.world import World
from tradewind.model import commands as cmd


def test_a_branch_skips_what_it_decided_against_at_once() -> None:
    world = World(dag(task("b"), task("left", "b"), task("right", "b"), task("end", "left", "right")))
    world.trigger()
    world.branch("b", "right")
    assert world.states() == {"b": "success", "left": "queued", "right": "skipped", "end": "skipped"}


def test_a_join_below_a_branch_runs_with_none_failed_min_one_success() -> None:
    rule = "none_failed_min_one_success"
    world = World(dag(task("b"), task("left", "b"), task("right", "b"), task("end", "left", "right", rule=rule)))
    world.trigger()
    world.branch("b", "right")
    world.succeed("left")
    assert world.state("end") == "queued"


def test_a_nested_branch_skips_through_its_inner_branch() -> None:
    world = World(
        dag(
            task("outer"),
            task("inner", "outer"),
            task("other", "outer"),
            task("x", "inner"),
            task("y", "inner"),
            task("join", "x", "y", rule="none_failed_min_one_success"),
            task("end", "join", "other", rule="none_failed_min_one_success"),
        )
    )
    world.trigger()
    world.branch("outer", "inner")
    world.succeed("other")
    assert world.states() == {
        "outer": "success", "inner": "skipped", "other": "success", "x": "skipped", "y": "skipped",
        "join": "skipped", "end": "queued",
    }  # fmt: skip


def test_a_branch_into_a_group_skips_the_first_tasks_of_the_other_group() -> None:
    world = World(
        dag(
            task("b"),
            task("g1.a", "b", group_id="g1"),
            task("g1.b", "g1.a", group_id="g1"),
            task("g2.a", "b", group_id="g2"),
            task("g2.b", "g2.a", group_id="g2"),
            groups=(group("g1"), group("g2")),
        )
    )
    world.trigger()
    world.branch("b", "g2.a")
    assert world.states() == {
        "b": "success", "g1.a": "queued", "g1.b": "none", "g2.a": "skipped", "g2.b": "skipped",
    }  # fmt: skip


def test_a_short_circuit_skips_everything_below_whatever_the_trigger_rules() -> None:
    world = World(dag(task("s"), task("a", "s"), task("b", "a", rule="all_done"), task("other")))
    world.trigger()
    world.branch("s", "a", all_below=True)
    assert world.states() == {"s": "success", "a": "skipped", "b": "skipped", "other": "queued"}


def test_a_short_circuit_that_respects_trigger_rules_lets_all_done_run() -> None:
    world = World(dag(task("s"), task("a", "s"), task("b", "a", rule="all_done")))
    world.trigger()
    world.branch("s", "a")
    assert world.states() == {"s": "success", "a": "skipped", "b": "queued"}


def test_a_short_circuit_spares_teardowns() -> None:
    world = World(
        dag(
            task("s"),
            task("work", "s"),
            task("down", "work", rule="all_done", is_teardown=True),
        )
    )
    world.trigger()
    world.branch("s", "work", all_below=True)
    assert world.states() == {"s": "success", "work": "skipped", "down": "queued"}


def test_a_task_that_skips_itself_skips_what_is_below_by_its_trigger_rule() -> None:
    world = World(dag(task("a"), task("b", "a"), task("c", "a", rule="all_done"), task("d", "a", rule="none_failed")))
    world.trigger()
    world.skip("a")
    assert world.states() == {"a": "skipped", "b": "skipped", "c": "queued", "d": "queued"}


def test_a_task_decided_against_stays_skipped_when_it_is_cleared_alone() -> None:
    world = World(dag(task("b"), task("left", "b"), task("right", "b")))
    run = world.trigger()
    world.branch("b", "right")
    world.succeed("left")
    chosen = cmd.TaskSelection(dag_id="d", run_id=run.run_id, task_ids=("right",))
    assert world.command(cmd.ClearTasks(selection=chosen)).ok
    assert world.state("right") == "skipped"
    assert world.run_state() == "success"


def test_a_branch_inside_a_mapped_group_skips_only_in_its_own_element() -> None:
    world = World(
        dag(
            task("g.b", group_id="g"),
            task("g.x", "g.b", group_id="g"),
            task("g.y", "g.b", group_id="g"),
            groups=(group("g", mapping=over(2)),),
        )
    )
    world.trigger()
    world.branch("g.b", "g.x", map_index=0)
    world.branch("g.b", "g.y", map_index=1)
    assert world.states() == {
        "g.b[0]": "success", "g.b[1]": "success", "g.x[0]": "skipped", "g.x[1]": "queued",
        "g.y[0]": "queued", "g.y[1]": "skipped",
    }  # fmt: skip


def test_a_chain_of_empty_tasks_ends_in_the_decision_that_starts_it() -> None:
    world = World(dag(*[task(f"t{n}", *([f"t{n - 1}"] if n else []), body=specs.EMPTY) for n in range(50)]))
    world.trigger()
    assert set(world.states().values()) == {"success"}
    assert world.run_state() == "success"
    assert world.ledger.attempts == {}


def test_elements_of_a_mapped_branch_decide_nothing_about_a_task_that_is_not_mapped() -> None:
    world = World(dag(task("branch", mapping=over(2)), task("a", "branch"), task("b", "branch")))
    world.trigger()
    for index in range(2):
        world.branch("branch", "b", map_index=index)
    assert world.states() == {"branch[0]": "success", "branch[1]": "success", "a": "queued", "b": "queued"}
