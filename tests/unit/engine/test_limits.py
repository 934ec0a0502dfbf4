"""Limits: pools, runs, DAGs, tasks, the installation. A task that is held back never keeps another one from running."""

from __future__ import annotations

from tests.unit.engine.specs import chain, dag, over, task
from tests.unit.engine.world import World
from tradewind.model import commands as cmd
from tradewind.model.dagspec import WaitTimeBody, WeightRule
from tradewind.model.outcome import Rescheduled

ABSOLUTE = WeightRule.ABSOLUTE


def test_the_installation_launches_no_more_than_its_parallelism() -> None:
    world = World(dag(*[task(f"t{n}") for n in range(5)]), parallelism=2)
    world.trigger()
    assert world.running() == ["t0", "t1"]
    world.succeed("t0")
    assert world.running() == ["t1", "t2"]


def test_a_pool_holds_back_what_does_not_fit_and_lets_smaller_ones_by() -> None:
    world = World(dag(task("big", pool="p", pool_slots=3, priority_weight=9), task("small", pool="p"), task("other")))
    world.command(cmd.SetPool(name="p", slots=2))
    world.trigger()
    assert world.running() == ["small", "other"]
    world.command(cmd.SetPool(name="p", slots=4))
    assert world.running() == ["small", "other", "big"]


def test_tasks_of_a_pool_that_does_not_exist_wait_for_it() -> None:
    world = World(dag(task("a", pool="later"), task("b")))
    world.trigger()
    assert world.running() == ["b"]
    world.command(cmd.SetPool(name="later", slots=1))
    assert world.running() == ["b", "a"]


def test_a_pool_without_a_limit_takes_everything() -> None:
    world = World(dag(*[task(f"t{n}", pool="p") for n in range(5)]))
    world.command(cmd.SetPool(name="p", slots=-1))
    world.trigger()
    assert len(world.running()) == 5


def test_a_deleted_pool_holds_its_tasks_back_until_it_is_there_again() -> None:
    world = World(dag(task("a", pool="p"), task("b", "a", pool="p")))
    world.command(cmd.SetPool(name="p", slots=1))
    world.trigger()
    assert world.command(cmd.DeletePool(name="p")).ok
    world.succeed("a")
    assert world.running() == []
    world.command(cmd.SetPool(name="p", slots=1))
    assert world.running() == ["b"]


def test_max_active_tasks_is_a_limit_of_each_run_in_airflow_3_and_of_the_dag_in_airflow_2() -> None:
    for meaning, expected in (("3", 4), ("2", 2)):
        world = World(dag(*[task(f"t{n}") for n in range(3)], max_active_tasks=2, meaning=meaning))
        world.trigger(run_id="one")
        world.trigger(run_id="two")
        assert len(world.running()) == expected
        world.succeed_all()
        assert [run.state.value for run in world.runs()] == ["success", "success"]


def test_a_run_at_its_limit_does_not_hold_back_another_run() -> None:
    world = World(dag(task("a"), task("b"), max_active_tasks=1))
    world.trigger(run_id="one")
    world.trigger(run_id="two")
    assert [one.run_key for one in world.alive()] == [1, 2]
    world.succeed("a", run_id="two")
    assert world.running() == ["a", "b"]


def test_a_limit_of_one_task_over_all_runs_does_not_hold_back_its_siblings() -> None:
    world = World(dag(task("narrow", max_active_tis_per_dag=1, priority_weight=9), task("wide")))
    for run_id in ("one", "two", "three"):
        world.trigger(run_id=run_id)
    assert sorted(world.running()) == ["narrow", "wide", "wide", "wide"]
    world.succeed("narrow", run_id="one")
    assert world.state("narrow", run_id="two") == "queued"
    assert world.state("narrow", run_id="three") == "scheduled"


def test_a_limit_of_one_task_in_each_run_counts_its_elements() -> None:
    world = World(dag(task("each", mapping=over(5), max_active_tis_per_dagrun=2), task("other")))
    world.trigger()
    assert world.running() == ["each[0]", "each[1]", "other"]
    world.succeed("each", 0)
    assert world.running() == ["each[1]", "other", "each[2]"]
    world.succeed_all()
    assert world.run_state() == "success"


def test_a_heavier_task_goes_first() -> None:
    light = task("light", priority_weight=1, weight_rule=ABSOLUTE)
    heavy = task("heavy", priority_weight=5, weight_rule=ABSOLUTE)
    world = World(dag(light, heavy), parallelism=1)
    world.trigger()
    assert world.running() == ["heavy"]


def test_weights_are_added_up_downstream_or_upstream_as_the_rule_says() -> None:
    world = World(dag(task("short"), task("long"), task("below", "long")), parallelism=1)
    world.trigger()
    assert world.running() == ["long"]
    up = WeightRule.UPSTREAM
    world = World(dag(task("a"), task("x", weight_rule=up), task("b", "a", weight_rule=up)), parallelism=1)
    world.trigger()
    world.succeed("a")
    assert world.running() == ["b"]


def test_the_earlier_run_goes_first_among_equals() -> None:
    world = World(chain(1), parallelism=1)
    world.trigger(run_id="blocker")
    world.trigger(run_id="late")
    world.now = world.now.replace(year=2025)
    world.trigger(run_id="early")
    world.succeed("t0", run_id="blocker")
    assert world.state("t0", run_id="early") == "queued"


def test_max_active_runs_makes_runs_wait_in_order() -> None:
    world = World(chain(1, max_active_runs=1))
    for run_id in ("one", "two", "three"):
        world.pass_time(1)
        world.trigger(run_id=run_id)
    assert [run.state.value for run in world.runs()] == ["running", "queued", "queued"]
    world.succeed_all()
    assert [run.state.value for run in world.runs()] == ["success"] * 3


def test_a_raised_limit_of_runs_counts_from_the_newest_version_on() -> None:
    world = World(chain(1, max_active_runs=1))
    world.trigger(run_id="one")
    world.trigger(run_id="two")
    world.see(chain(1, max_active_runs=2), version="v2")
    assert [run.state.value for run in world.runs()] == ["running", "running"]


def test_while_a_dag_is_paused_nothing_more_of_it_is_launched() -> None:
    world = World(chain(2), chain(1, dag_id="other"))
    world.trigger()
    world.command(cmd.SetPaused(dag_id="d", paused=True))
    world.succeed("t0")
    assert world.states() == {"t0": "success", "t1": "scheduled"}
    world.trigger("other")
    assert world.running() == ["t0"]
    world.command(cmd.SetPaused(dag_id="d", paused=False))
    assert world.running() == ["t0", "t1"]


def test_a_task_that_waits_to_be_run_again_holds_no_slot() -> None:
    world = World(dag(task("sensor", pool="p"), task("other", pool="p")))
    world.command(cmd.SetPool(name="p", slots=1))
    world.trigger()
    assert world.running() == ["sensor"] or world.running() == ["other"]
    name = world.running()[0]
    world.end(name, Rescheduled(at=world.now.replace(hour=5)))
    assert world.running() == [({"sensor", "other"} - {name}).pop()]


def test_a_pool_counts_deferred_tasks_only_where_it_says_so() -> None:
    wait = WaitTimeBody(after_seconds=60, anchor="start")
    for counted, expected in ((True, ["free"]), (False, ["free", "held"])):
        world = World(dag(task("wait", body=wait, pool="p"), task("held", pool="p"), task("free")))
        world.command(cmd.SetPool(name="p", slots=1, include_deferred=counted))
        world.trigger()
        assert sorted(world.running()) == expected
        world.pass_time(60)
        assert sorted(world.running()) == ["free", "held"]
