"""What people ask for: clear, mark, cancel, note, pools, DAGs, backfills; and what is refused, with a hint."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.engine.specs import chain, dag, over, task
from tests.unit.engine.world import START, World
from tradewind.model import commands as cmd
from tradewind.model.dagspec import Callbacks, ParamSpec, TriggerRunBody
from tradewind.model.timetable import CronDataInterval

LONG_AGO = START - timedelta(days=99)
HOURLY = CronDataInterval(crons=("0 * * * *",))


def _clear(world: World, *task_ids: str, run_id: str | None = None, **more: Any) -> cmd.CommandResult:
    newest, keep = more.pop("newest_version", False), more.pop("keep_run_state", False)
    chosen = cmd.TaskSelection(dag_id="d", run_id=run_id or world.run().run_id, task_ids=task_ids, **more)
    return world.command(cmd.ClearTasks(selection=chosen, newest_version=newest, keep_run_state=keep))


def _mark(world: World, state: Any, *task_ids: str, run_id: str | None = None, **more: Any) -> cmd.CommandResult:
    chosen = cmd.TaskSelection(dag_id="d", run_id=run_id or world.run().run_id, task_ids=task_ids, **more)
    return world.command(cmd.MarkTasks(selection=chosen, state=state))


def _done(count: int = 3, **more: Any) -> World:
    world = World(chain(count, **more))
    world.trigger()
    world.succeed_all()
    return world


# -- clear ---------------------------------------------------------------------------------------------------------


def test_a_cleared_task_runs_again_as_its_next_try_and_its_run_ends_again() -> None:
    world = _done()
    assert _clear(world, "t1").touched == 1
    assert (world.states(), world.run_state()) == ({"t0": "success", "t1": "queued", "t2": "success"}, "running")
    assert (world.task("t1").try_number, world.run().clear_number) == (2, 1)
    world.succeed("t1")
    assert world.run_state() == "success"


def test_a_cleared_task_has_its_retries_again() -> None:
    world = World(dag(task("a", retries=1, retry_delay_seconds=10)))
    world.trigger()
    world.fail("a")
    world.pass_time(10)
    world.fail("a")
    assert world.state("a") == "failed"
    _clear(world, "a")
    world.fail("a")
    assert (world.state("a"), world.task("a").try_number, world.task("a").max_tries) == ("up_for_retry", 3, 3)


def test_clear_takes_what_is_below_or_above_with_it_where_asked() -> None:
    world = _done()
    _clear(world, "t1", downstream=True)
    assert world.states() == {"t0": "success", "t1": "queued", "t2": "none"}
    world = _done()
    _clear(world, "t1", upstream=True)
    assert world.states() == {"t0": "queued", "t1": "none", "t2": "success"}


def test_clear_may_take_only_what_failed() -> None:
    world = World(chain(3))
    world.trigger()
    world.succeed("t0")
    world.fail("t1")
    assert _clear(world, only_failed=True).touched == 2
    assert world.states() == {"t0": "success", "t1": "queued", "t2": "none"}


def test_a_running_attempt_is_stopped_before_its_task_runs_again() -> None:
    world = World(chain(2))
    world.trigger()
    world.start("t0")
    _clear(world, "t0")
    assert world.state("t0") == "restarting"
    assert [one.task_id for one in world.engine.to_stop()] == ["t0"]
    world.fail("t0", message="SIGTERM")
    assert (world.state("t0"), world.task("t0").try_number) == ("queued", 2)
    assert world.state("t1") == "none"


def test_an_attempt_that_ends_well_just_before_its_stop_still_runs_again() -> None:
    world = World(chain(2))
    world.trigger()
    _clear(world, "t0")
    world.succeed("t0")
    assert world.states() == {"t0": "queued", "t1": "none"}


def test_the_xcoms_of_a_cleared_task_are_gone() -> None:
    world = World(chain(2))
    world.trigger()
    world.succeed("t0", returns=1)
    assert len(world.ledger.xcoms) == 1
    _clear(world, "t0")
    assert len(world.ledger.xcoms) == 0


def test_one_element_can_be_cleared() -> None:
    world = World(dag(task("each", mapping=over(3)), task("end", "each")))
    world.trigger()
    world.succeed_all()
    _clear(world, "each", map_indexes=(1,), downstream=True)
    assert world.states() == {"each[0]": "success", "each[1]": "queued", "each[2]": "success", "end": "none"}


def test_past_and_future_take_other_runs_of_the_dag_from_the_database() -> None:
    world = World(chain(1))
    for day in range(5):
        world.trigger(run_id=f"day{day}", logical_date=START - timedelta(days=9 - day))
    world.succeed_all()
    assert _clear(world, "t0", run_id="day2", past=True).touched == 3
    assert [run.state.value for run in world.runs()] == ["running"] * 3 + ["success"] * 2
    world.succeed_all()
    assert _clear(world, "t0", run_id="day2", future=True).touched == 3
    assert [run.state.value for run in world.runs()] == ["success"] * 2 + ["running"] * 3
    world.succeed_all()
    assert _clear(world, "t0", run_id="day2", future=True, past=True).touched == 5


def test_the_state_of_the_run_may_be_kept() -> None:
    world = _done(1)
    _clear(world, "t0", keep_run_state=True)
    assert (world.state("t0"), world.run_state()) == ("none", "success")


def test_with_the_newest_version_removed_tasks_are_marked_so_and_new_ones_run() -> None:
    world = World(chain(3))
    world.trigger()
    world.succeed("t0")
    world.fail("t1")
    world.see(dag(task("t0"), task("t1", "t0"), task("new", "t1")), version="v2")
    _clear(world, only_failed=True, newest_version=True)
    assert world.states() == {"t0": "success", "t1": "queued", "t2": "removed", "new": "none"}
    world.restart()
    world.succeed_all()
    assert (world.state("new"), world.run_state()) == ("success", "success")
    assert world.ledger.counted() == world.ledger.recount()


def test_a_task_that_runs_while_its_version_loses_it_is_stopped_and_removed() -> None:
    world = World(dag(task("old"), task("a")))
    world.trigger()
    world.succeed("a")
    world.see(dag(task("a")), version="v2")
    _clear(world, "a", newest_version=True)
    assert [one.task_id for one in world.engine.to_stop()] == ["old"]
    world.fail("old", message="SIGTERM")
    world.succeed("a")
    assert (world.states(), world.run_state()) == ({"a": "success", "old": "removed"}, "success")


# -- marks ---------------------------------------------------------------------------------------------------------


def test_a_task_marked_success_lets_what_is_below_go_on() -> None:
    world = World(chain(3))
    world.trigger()
    world.fail("t0")
    assert world.run_state() == "failed"
    assert _mark(world, "success", "t0").touched == 1
    assert (world.states(), world.run_state()) == ({"t0": "success", "t1": "queued", "t2": "none"}, "running")


def test_a_running_task_that_is_marked_is_stopped_first() -> None:
    world = World(dag(task("t0", callbacks=Callbacks(on_failure=True)), task("t1", "t0")))
    world.trigger()
    world.start("t0")
    _mark(world, "failed", "t0")
    assert world.state("t0") == "running"
    world.succeed("t0")
    assert world.states() == {"t0": "failed", "t1": "upstream_failed"}
    assert world.callbacks() == [("on_failure", "t0")]


def test_marks_take_relatives_with_them() -> None:
    world = World(chain(3))
    world.trigger()
    assert _mark(world, "skipped", "t1", downstream=True).touched == 2
    assert world.states() == {"t0": "queued", "t1": "skipped", "t2": "skipped"}


def test_a_run_marked_success_stops_what_runs() -> None:
    world = World(chain(2))
    run = world.trigger()
    world.command(cmd.MarkRun(dag_id="d", run_id=run.run_id, state="success"))
    assert world.run_state() == "running"
    world.fail("t0", message="SIGTERM")
    assert (world.states(), world.run_state()) == ({"t0": "success", "t1": "skipped"}, "success")
    world.command(cmd.MarkRun(dag_id="d", run_id=run.run_id, state="failed"))
    assert world.run_state() == "failed"


def test_a_queued_run_that_is_cancelled_ends_at_once() -> None:
    world = World(chain(1, max_active_runs=1))
    world.trigger(run_id="one")
    world.trigger(run_id="two")
    world.command(cmd.CancelRun(dag_id="d", run_id="two"))
    assert (world.run_state("two"), world.states("two")) == ("failed", {"t0": "skipped"})
    assert world.command(cmd.CancelRun(dag_id="d", run_id="two")).ok


def test_a_cancelled_run_makes_room_for_the_next() -> None:
    world = World(chain(1, max_active_runs=1))
    world.trigger(run_id="one")
    world.trigger(run_id="two")
    world.command(cmd.CancelRun(dag_id="d", run_id="one"))
    world.fail("t0", message="SIGTERM")
    assert [run.state.value for run in world.runs()] == ["failed", "running"]


def test_a_cleared_task_that_is_still_stopping_ends_with_its_cancelled_run() -> None:
    world = World(chain(1))
    run = world.trigger()
    _clear(world, "t0")
    world.command(cmd.CancelRun(dag_id="d", run_id=run.run_id))
    world.fail("t0", message="SIGTERM")
    assert (world.state("t0"), world.run_state()) == ("failed", "failed")


# -- notes, DAGs, pools --------------------------------------------------------------------------------------------


def test_notes_stay_with_runs_and_tasks_also_after_a_clear() -> None:
    world = _done(1)
    run_id = world.run().run_id
    world.command(cmd.SetNote(dag_id="d", run_id=run_id, note="bad data"))
    world.command(cmd.SetNote(dag_id="d", run_id=run_id, note="mine", task_id="t0"))
    _clear(world)
    assert (world.run().note, world.task("t0").note) == ("bad data", "mine")


def test_a_dag_is_not_deleted_while_a_run_of_it_is_active() -> None:
    world = World(chain(1))
    world.trigger()
    refused = world.command(cmd.DeleteDag(dag_id="d"))
    assert (refused.ok, refused.code) == (False, "dag-active")
    world.succeed_all()
    assert world.command(cmd.DeleteDag(dag_id="d")).ok
    world.forget("d")
    assert world.command(cmd.TriggerRun(dag_id="d")).code == "not-found"


@pytest.mark.parametrize(
    ("command", "code", "hint"),
    [
        (cmd.TriggerRun(dag_id="dd"), "not-found", "did you mean 'd'?"),
        (cmd.TriggerRun(dag_id="d", run_id="one"), "run-exists", "--run-id"),
        (cmd.CancelRun(dag_id="d", run_id="x"), "not-found", "runs list d"),
        (cmd.MarkRun(dag_id="d", run_id="x", state="failed"), "not-found", "runs list d"),
        (cmd.SetNote(dag_id="d", run_id="one", note="", task_id="x"), "not-found", "runs show d one"),
        (cmd.ClearTasks(selection=cmd.TaskSelection(dag_id="d", run_id="x")), "not-found", "runs list"),
        (
            cmd.ClearTasks(selection=cmd.TaskSelection(dag_id="d", run_id="one", task_ids=("x",))),
            "not-found",
            "runs show",
        ),
        (cmd.SetPaused(dag_id="x", paused=True), "not-found", "dags list"),
        (cmd.SetPool(name="p", slots=-2), "bad-pool", "-1"),
        (cmd.SetPool(name="", slots=1), "bad-pool", "such as"),
        (cmd.DeletePool(name="default_pool"), "pool-in-use", "slots"),
        (cmd.DeletePool(name="x"), "not-found", "pools list"),
        (cmd.DeleteDag(dag_id="x"), "not-found", "dags list"),
        (cmd.CreateBackfill(dag_id="d", start=START, end=START), "timetable-not-computable", "single runs"),
        (cmd.CreateBackfill(dag_id="x", start=START, end=START), "not-found", "dags list"),
        (cmd.CreateBackfill(dag_id="d", start=START, end=START - timedelta(1)), "bad-range", "swap"),
    ],
)
def test_a_refusal_has_a_code_and_a_hint(command: cmd.Command, code: str, hint: str) -> None:
    world = World(chain(1))
    world.trigger(run_id="one")
    world.succeed_all()
    before = (dict(world.ledger.runs), dict(world.ledger.tasks), dict(world.ledger.pools))
    result = world.command(command)
    assert (result.ok, result.code) == (False, code)
    assert hint in result.hint
    assert result.message
    assert (world.ledger.runs, world.ledger.tasks, world.ledger.pools) == before


def test_two_runs_asked_for_at_one_moment_are_two_runs() -> None:
    world = World(chain(1))
    first, second = world.trigger(), world.trigger()
    assert first.run_id != second.run_id


def test_a_run_that_ended_long_ago_still_holds_its_id() -> None:
    world = _done(1)
    world.pass_time()
    assert world.command(cmd.TriggerRun(dag_id="d", run_id=world.run().run_id)).code == "run-exists"


_PARAMS = {
    "n": ParamSpec(value=3, schema={"type": "integer", "minimum": 1}),
    "needed": ParamSpec(has_default=False, schema={"type": "string"}),
}


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({}, "param 'needed' of DAG 'd': it has no value"),
        ({"needed": 1}, "param 'needed' of DAG 'd': the value must be a text, got int: 1"),
        ({"needed": "x", "n": 0}, "param 'n' of DAG 'd': 0 is less than the minimum of 1"),
    ],
)
def test_a_conf_that_the_params_refuse_makes_no_run(conf: dict[str, Any], said: str) -> None:
    world = World(dag(task("t"), params=_PARAMS))
    result = world.command(cmd.TriggerRun(dag_id="d", conf=conf))
    assert (result.ok, result.code, result.message.partition(" (schema")[0]) == (False, "bad-param", said)
    assert world.runs() == []


def test_a_conf_may_hold_more_than_params() -> None:
    world = World(dag(task("t"), params=_PARAMS))
    world.trigger(conf={"needed": "x", "more": [1]})
    assert world.run().conf == {"needed": "x", "more": [1]}


def test_a_task_that_triggers_a_run_with_a_bad_conf_fails_and_makes_none() -> None:
    world = World(dag(task("go", body=TriggerRunBody(dag_id="other"))), dag(task("t"), dag_id="other", params=_PARAMS))
    world.trigger()
    assert (world.task("go").verdict, world.runs("other")) == ("Param 'needed' of DAG 'other': it has no value.", [])
