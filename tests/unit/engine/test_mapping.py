"""Mapped tasks and groups: how many elements, when, and who sees which."""

from __future__ import annotations

from tests.unit.engine.specs import dag, group, over, task
from tests.unit.engine.world import World
from tradewind.model import commands as cmd
from tradewind.model.dagspec import ConcatLength, ConstLength, XComLength, ZipLength


def test_a_task_is_expanded_over_the_list_that_its_upstream_returned() -> None:
    world = World(dag(task("make"), task("each", "make", mapping=over("make")), task("end", "each")))
    world.trigger()
    assert world.states() == {"make": "queued", "each": "none", "end": "none"}
    world.succeed("make", returns=[1, 2])
    assert world.states() == {"make": "success", "each[0]": "queued", "each[1]": "queued", "end": "none"}
    world.succeed("each", 1)
    assert world.state("end") == "none"
    world.succeed("each", 0)
    assert world.state("end") == "queued"


def test_a_task_mapped_over_nothing_is_skipped_and_so_is_what_is_below() -> None:
    world = World(dag(task("make"), task("each", "make", mapping=over("make")), task("end", "each")))
    world.trigger()
    world.succeed("make", returns=[])
    assert world.states() == {"make": "success", "each": "skipped", "end": "skipped"}
    assert world.run_state() == "success"


def test_several_arguments_multiply() -> None:
    world = World(dag(task("make"), task("each", "make", mapping=over(2, "make"))))
    world.trigger()
    world.succeed("make", returns={"a": 1, "b": 2, "c": 3})
    assert sorted(ti.map_index for ti in world.ledger.tasks.values() if ti.task_id == "each") == list(range(6))


def test_zip_takes_the_shortest_and_concat_the_sum() -> None:
    short = ZipLength(parts=(XComLength(task_id="a"), XComLength(task_id="b")))
    long = ZipLength(parts=(XComLength(task_id="a"), XComLength(task_id="b")), longest=True)
    both = ConcatLength(parts=(short, XComLength(task_id="b"), ConstLength(n=1)))
    world = World(
        dag(
            task("a"),
            task("b"),
            task("short", "a", "b", mapping=over(short)),
            task("long", "a", "b", mapping=over(long)),
            task("both", "a", "b", mapping=over(both)),
        )
    )
    world.trigger()
    world.succeed("a", returns=[1, 2, 3])
    world.succeed("b", returns=[1, 2])
    rows = [str(ti.task_id) for ti in world.ledger.tasks.values()]
    lengths = {name: rows.count(name) for name in ("short", "long", "both")}
    assert lengths == {"short": 2, "long": 3, "both": 5}


def test_who_is_mapped_over_must_return_something_with_a_length() -> None:
    world = World(dag(task("make"), task("each", "make", mapping=over("make"))))
    world.trigger()
    world.succeed("make", returns=7)
    assert world.states() == {"make": "failed", "each": "upstream_failed"}
    assert "neither a list nor a dict" in (world.task("make").verdict or "")


def test_who_is_mapped_over_and_returns_nothing_fails() -> None:
    world = World(dag(task("make"), task("each", "make", mapping=over("make"))))
    world.trigger()
    world.succeed("make")
    assert world.states() == {"make": "failed", "each": "upstream_failed"}


def test_a_list_over_the_limit_fails_the_task_that_returned_it() -> None:
    world = World(dag(task("make"), task("each", "make", mapping=over("make"))), max_map_length=3)
    world.trigger()
    world.succeed("make", returns=[1, 2, 3, 4])
    assert world.states() == {"make": "failed", "each": "upstream_failed"}
    assert "over the limit of 3" in (world.task("make").verdict or "")


def test_arguments_that_multiply_to_too_many_elements_fail_the_mapped_task() -> None:
    world = World(dag(task("each", mapping=over(30, 40))), max_elements=1000)
    world.trigger()
    assert world.states() == {"each": "failed"}
    assert "1200 elements" in (world.task("each").verdict or "")


def test_a_mapped_task_whose_source_was_skipped_is_skipped() -> None:
    world = World(dag(task("make"), task("each", "make", mapping=over("make"), rule="all_done")))
    world.trigger()
    world.skip("make")
    assert world.states() == {"make": "skipped", "each": "skipped"}


def test_a_failing_element_fails_what_needs_all_and_leaves_the_others_running() -> None:
    world = World(dag(task("each", mapping=over(3)), task("end", "each")))
    world.trigger()
    world.fail("each", 1)
    assert world.states() == {"each[0]": "queued", "each[1]": "failed", "each[2]": "queued", "end": "upstream_failed"}


def test_a_task_mapped_over_a_mapped_task_counts_the_elements_that_returned_something() -> None:
    world = World(dag(task("first", mapping=over(3)), task("second", "first", mapping=over("first"), rule="all_done")))
    world.trigger()
    world.succeed("first", 0, returns=1)
    world.fail("first", 1)
    world.succeed("first", 2, returns=1)
    assert world.states() == {
        "first[0]": "success", "first[1]": "failed", "first[2]": "success",
        "second[0]": "queued", "second[1]": "queued",
    }  # fmt: skip


def test_tasks_of_a_mapped_group_see_only_their_own_element() -> None:
    world = World(
        dag(
            task("g.a", group_id="g"),
            task("g.b", "g.a", group_id="g"),
            task("g.c", "g.b", group_id="g", rule="one_failed"),
            task("end", "g.b"),
            groups=(group("g", mapping=over(2)),),
        )
    )
    world.trigger()
    world.fail("g.a", 0)
    world.succeed("g.a", 1)
    assert world.states() == {
        "g.a[0]": "failed", "g.a[1]": "success", "g.b[0]": "upstream_failed", "g.b[1]": "queued",
        "g.c[0]": "queued", "g.c[1]": "none", "end": "upstream_failed",
    }  # fmt: skip
    world.succeed("g.b", 1)
    assert world.state("g.c", 1) == "skipped"


def test_a_mapped_group_is_expanded_when_its_list_is_there() -> None:
    world = World(
        dag(
            task("make"),
            task("g.a", "make", group_id="g"),
            task("g.b", "g.a", group_id="g"),
            groups=(group("g", mapping=over("make")),),
        )
    )
    world.trigger()
    assert world.states() == {"make": "queued", "g.a": "none", "g.b": "none"}
    world.succeed("make", returns=[1, 2])
    world.succeed("g.a", 1)
    assert world.states() == {
        "make": "success", "g.a[0]": "queued", "g.a[1]": "success", "g.b[0]": "none", "g.b[1]": "queued",
    }  # fmt: skip


def test_a_mapped_group_over_nothing_is_skipped_as_a_whole() -> None:
    world = World(
        dag(
            task("make"),
            task("g.a", "make", group_id="g"),
            task("g.b", "g.a", group_id="g"),
            task("end", "g.b", rule="none_failed"),
            groups=(group("g", mapping=over("make")),),
        )
    )
    world.trigger()
    world.succeed("make", returns=[])
    assert world.states() == {"make": "success", "g.a": "skipped", "g.b": "skipped", "end": "queued"}


def test_nested_mapped_groups_multiply_and_their_tasks_see_the_outer_element() -> None:
    world = World(
        dag(
            task("o.a", group_id="o"),
            task("o.i.b", "o.a", group_id="o.i"),
            task("o.c", "o.i.b", group_id="o"),
            groups=(group("o", mapping=over(2)), group("o.i", "o", mapping=over(3))),
        )
    )
    world.trigger()
    world.fail("o.a", 0)
    world.succeed("o.a", 1)
    inner = [world.state("o.i.b", index) for index in range(6)]
    assert inner == ["upstream_failed"] * 3 + ["queued"] * 3
    for index in (3, 4, 5):
        world.succeed("o.i.b", index)
    assert [world.state("o.c", index) for index in range(2)] == ["upstream_failed", "queued"]


def test_a_longer_list_after_a_clear_adds_elements_and_a_shorter_one_removes_them() -> None:
    world = World(dag(task("make"), task("each", "make", mapping=over("make")), task("end", "each")))
    run = world.trigger()
    world.succeed("make", returns=[1, 2])
    world.succeed_all()
    everything = cmd.ClearTasks(selection=cmd.TaskSelection(dag_id="d", run_id=run.run_id))
    assert world.command(everything).ok
    world.succeed("make", returns=[1, 2, 3])
    assert [world.state("each", index) for index in range(3)] == ["queued"] * 3
    world.succeed_all()
    assert world.run_state() == "success"
    assert world.command(everything).ok
    world.succeed("make", returns=[1])
    assert [world.state("each", index) for index in range(3)] == ["queued", "removed", "removed"]
    world.succeed_all()
    assert (world.state("end"), world.run_state()) == ("success", "success")


def test_an_element_that_was_too_many_before_a_clear_is_too_many_after_it() -> None:
    world = World(dag(task("make"), task("each", "make", mapping=over("make")), task("slow")))
    run = world.trigger()
    chosen = cmd.TaskSelection(dag_id="d", run_id=run.run_id, task_ids=("make",), downstream=True)
    world.succeed("make", returns=[1, 2])
    world.succeed("each", 1)
    for _ in range(3):
        world.succeed("each", 0)
        assert world.command(cmd.ClearTasks(selection=chosen)).ok
        world.succeed("make", returns=[1])
        assert [world.state("each", index) for index in range(2)] == ["queued", "removed"]


def test_a_fan_out_keeps_the_counters_right_and_survives_a_restart() -> None:
    world = World(dag(task("make"), task("each", "make", mapping=over("make")), task("end", "each")))
    world.trigger()
    world.succeed("make", returns=list(range(5)))
    world.succeed("each", 2)
    world.restart()
    world.succeed_all()
    assert world.run_state() == "success"
    assert world.ledger.counted() == world.ledger.recount()


def test_a_mapped_upstream_counts_as_one_so_the_order_of_its_ends_does_not_matter() -> None:
    for order in ((0, 1), (1, 0)):
        world = World(dag(task("each", mapping=over(3)), task("end", "each")))
        world.trigger()
        for index in order:
            (world.skip if index else world.fail)("each", index)
        world.succeed("each", 2)
        assert world.state("end") == "upstream_failed"


def test_a_mapped_upstream_that_is_over_with_a_skipped_element_skips_though_another_goes_on() -> None:
    world = World(dag(task("a", mapping=over(2)), task("b", mapping=over(2)), task("end", "a", "b")))
    world.trigger()
    world.skip("b", 0)
    world.skip("a", 0)
    assert world.state("end") == "none"
    world.succeed("a", 1)
    assert world.state("end") == "skipped"


def test_an_element_that_runs_while_the_list_becomes_shorter_is_stopped_and_removed() -> None:
    world = World(dag(task("make"), task("each", "make", mapping=over("make"))))
    run = world.trigger()
    world.succeed("make", returns=[1, 2])
    world.fail("each", 0)
    chosen = cmd.TaskSelection(dag_id="d", run_id=run.run_id, task_ids=("make",))
    world.command(cmd.ClearTasks(selection=chosen))
    world.command(cmd.ClearTasks(selection=cmd.TaskSelection(dag_id="d", run_id=run.run_id, map_indexes=(0,))))
    world.succeed("make", returns=[1])
    assert [one.map_index for one in world.engine.to_stop()] == [1]
    world.fail("each", 1, message="SIGTERM")
    world.succeed("each", 0)
    assert (world.state("each", 1), world.run_state()) == ("removed", "success")
