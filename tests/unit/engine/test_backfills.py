"""Backfills: runs for the dates of a range, as there is room, in either direction, across restarts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.engine.specs import chain, dag, task
from tests.unit.engine.world import START, World
from tradewind.model import commands as cmd
from tradewind.model.dagspec import DagSpec
from tradewind.model.rows import Backfill
from tradewind.model.states import BackfillState, RunState
from tradewind.model.timetable import CronDataInterval, CronTrigger, Once

HOURLY = CronDataInterval(crons=("0 * * * *",))
LONG_AGO = START - timedelta(days=900)


def _spec(**more: Any) -> DagSpec:
    more.setdefault("timetable", HOURLY)
    return chain(1, end_date=LONG_AGO, **more)


def _create(world: World, hours: int = 3, **more: Any) -> Backfill:
    """A backfill over the hours before now, accepted."""
    result = world.command(_command(hours, **more))
    assert result.ok, result
    assert result.backfill_id is not None
    return world.ledger.backfills[result.backfill_id]


def _command(hours: int = 3, **more: Any) -> cmd.CreateBackfill:
    more.setdefault("start", START - timedelta(hours=hours))
    more.setdefault("end", START - timedelta(hours=1))
    return cmd.CreateBackfill(dag_id="d", **more)


def _row(world: World) -> Backfill:
    return world.ledger.backfills[max(world.ledger.backfills)]


def _counts(world: World) -> tuple[int, int, int]:
    row = _row(world)
    return row.created, row.cleared, row.left_alone


def _hours(world: World) -> list[int]:
    """How many hours before the start each run's logical date lies, in the order in which they were made."""
    return [round((START - run.logical_date).total_seconds() / 3600) for run in world.runs() if run.logical_date]


def test_it_makes_a_run_for_each_date_as_there_is_room_under_a_limit_of_its_own() -> None:
    world = World(_spec(max_active_runs=1))
    row = _create(world, hours=5, max_active_runs=2)
    assert (row.backfill_id, row.state, row.created) == (1, BackfillState.RUNNING, 2)
    assert [(run.run_type.value, run.state.value) for run in world.runs()] == [("backfill", "running")] * 2
    world.step(world.ended(world.alive()[0], outcome=_success()))
    assert [run.state.value for run in world.runs()] == ["success", "running", "running"]
    world.succeed_all()
    assert [run.state.value for run in world.runs()] == ["success"] * 5
    assert _hours(world) == [5, 4, 3, 2, 1]
    assert {run.backfill_id for run in world.runs()} == {1}
    assert (_row(world).state, _row(world).ended_at, _counts(world)) == (BackfillState.COMPLETED, world.now, (5, 0, 0))


def _success() -> Any:
    from tradewind.model.outcome import Success

    return Success()


def test_backwards_it_begins_with_the_last_date() -> None:
    world = World(_spec())
    _create(world, hours=5, max_active_runs=1, reverse=True)
    world.succeed_all()
    assert _hours(world) == [1, 2, 3, 4, 5]
    assert _row(world).state is BackfillState.COMPLETED


@pytest.mark.parametrize("reverse", [False, True])
def test_a_restart_between_any_two_steps_leaves_no_date_out_and_makes_none_twice(reverse: bool) -> None:
    world = World(_spec())
    _create(world, hours=12, max_active_runs=2, reverse=reverse)
    for _ in range(40):
        world.restart()
        alive = world.alive()
        if not alive:
            break
        world.step(world.ended(alive[0], _success()))
    hours = list(range(12, 0, -1))
    assert _hours(world) == (hours[::-1] if reverse else hours)
    assert _row(world).state is BackfillState.COMPLETED


def test_a_range_of_a_million_dates_holds_no_more_runs_than_may_be_active() -> None:
    world = World(chain(1, timetable=CronTrigger(crons=("* * * * *",)), end_date=LONG_AGO))
    _create(world, start=START - timedelta(minutes=1_000_000), max_active_runs=3)
    for _ in range(30):
        assert len([run for run in world.runs() if not run.state.is_finished]) == 3
        world.step(world.ended(world.alive()[0], _success()))
    assert world.command(cmd.SetBackfill(backfill_id=1, action="cancel")).ok
    world.succeed_all()
    assert (_counts(world), len(world.runs())) == ((33, 0, 0), 33)


def test_dates_that_have_runs_are_looked_at_in_slices_and_each_once() -> None:
    world = World(_spec())
    _create(world, hours=120)
    world.succeed_all()
    assert _counts(world) == (120, 0, 0)
    _create(world, hours=120)
    looked = [_row(world).left_alone]
    while world.engine.next_due() == world.now:
        world.pass_time(0)
        looked.append(_row(world).left_alone)
    assert looked == [50, 100, 120]
    assert _row(world).state is BackfillState.COMPLETED


def _with_history(**more: Any) -> World:
    """Runs by hand four hours back (succeeded) and three hours back (failed)."""
    world = World(_spec(**more))
    for hours, good in ((4, True), (3, False)):
        world.trigger(run_id=f"h{hours}", logical_date=START - timedelta(hours=hours))
        (world.succeed if good else world.fail)("t0")
    return world


@pytest.mark.parametrize(
    ("reprocess", "states", "counts"),
    [
        ("none", ["success", "failed"], (2, 0, 2)),
        ("failed", ["success", "running"], (2, 1, 1)),
        ("completed", ["running", "running"], (2, 2, 0)),
    ],
)
def test_runs_that_exist_are_left_alone_or_run_again(reprocess: Any, states: list[str], counts: Any) -> None:
    world = _with_history()
    _create(world, hours=4, reprocess=reprocess, conf={"a": 1})
    assert [world.run_state("h4"), world.run_state("h3")] == states
    assert _counts(world) == counts
    again = [run for run in world.runs() if run.run_id.startswith("h") and run.state is RunState.RUNNING]
    assert [(run.backfill_id, run.run_type.value, run.conf) for run in again] == [(1, "backfill", {"a": 1})] * len(
        again
    )
    world.succeed_all()
    assert _row(world).state is BackfillState.COMPLETED


def test_a_run_that_is_active_is_left_alone_whatever_is_to_be_run_again() -> None:
    world = World(_spec())
    world.trigger(run_id="now", logical_date=START - timedelta(hours=2))
    _create(world, reprocess="completed")
    assert _counts(world) == (2, 0, 1)


def test_runs_that_are_run_again_count_against_the_limit_of_the_backfill() -> None:
    world = _with_history()
    _create(world, hours=4, reprocess="completed", max_active_runs=1)
    assert [run.run_id for run in world.runs() if not run.state.is_finished] == ["h4"]


def test_slots_that_were_not_due_when_it_was_created_are_left_out() -> None:
    world = World(_spec())
    _create(world, hours=3, end=START + timedelta(hours=5), max_active_runs=1)
    world.now += timedelta(hours=3)
    world.succeed_all()
    assert _hours(world) == [3, 2, 1]
    _create(world, hours=0, start=START, end=START + timedelta(hours=9), reverse=True)
    world.succeed_all()
    assert _hours(world)[3:] == [-2, -1, 0]


def test_paused_it_makes_and_starts_no_run_until_it_is_unpaused() -> None:
    world = World(_spec())
    _create(world, max_active_runs=1)
    assert world.command(cmd.SetBackfill(backfill_id=1, action="pause")).ok
    world.succeed_all()
    assert (len(world.runs()), _row(world).state) == (1, BackfillState.PAUSED)
    world.restart()
    assert len(world.runs()) == 1
    assert world.command(cmd.SetBackfill(backfill_id=1, action="unpause")).ok
    world.succeed_all()
    assert (len(world.runs()), _row(world).state) == (3, BackfillState.COMPLETED)


def test_queued_runs_of_a_paused_backfill_wait() -> None:
    world = World(_spec())
    world.command(cmd.SetPaused(dag_id="d", paused=True))
    _create(world)
    world.command(cmd.SetPaused(dag_id="d", paused=False))
    assert len(world.alive()) == 3
    for attempt in world.alive():
        world.step(world.ended(attempt, _success()))
    world.command(cmd.ClearTasks(selection=cmd.TaskSelection(dag_id="d", run_id=world.runs()[0].run_id)))
    assert world.runs()[0].state is RunState.RUNNING, "a run of a backfill that is over may be run again"


def test_a_paused_dag_makes_its_backfill_wait() -> None:
    world = World(_spec())
    world.command(cmd.SetPaused(dag_id="d", paused=True))
    _create(world)
    assert world.runs() == []
    world.command(cmd.SetPaused(dag_id="d", paused=False))
    assert [run.state.value for run in world.runs()] == ["running"] * 3


def test_cancelled_its_queued_runs_fail_and_those_that_run_go_on() -> None:
    world = World(_spec())
    _create(world, hours=5, max_active_runs=2)
    world.command(cmd.SetPaused(dag_id="d", paused=True))
    first = world.runs()[0]
    world.command(cmd.ClearTasks(selection=cmd.TaskSelection(dag_id="d", run_id=first.run_id)))
    world.succeed_all()
    assert world.command(cmd.SetBackfill(backfill_id=1, action="cancel")).ok
    world.command(cmd.SetPaused(dag_id="d", paused=False))
    world.succeed_all()
    assert len(world.runs()) == 2
    assert (_row(world).state, _row(world).ended_at) == (BackfillState.CANCELLED, world.now)
    assert world.command(cmd.SetBackfill(backfill_id=1, action="cancel")).code == "not-found"


def test_one_backfill_of_a_dag_at_a_time() -> None:
    world = World(_spec())
    _create(world)
    refused = world.command(_command())
    assert (refused.code, "backfill cancel 1" in refused.hint) == ("backfill-active", True)
    world.succeed_all()
    assert _create(world).backfill_id == 2


def test_ids_are_not_given_twice_across_a_restart() -> None:
    world = World(_spec())
    _create(world)
    world.succeed_all()
    world.restart()
    assert _create(world).backfill_id == 2


def test_new_runs_take_the_newest_version_or_that_of_the_beginning() -> None:
    for newest, expected in ((True, "d@v2"), (False, "d@v1")):
        world = World(_spec())
        _create(world, max_active_runs=1, run_on_latest_version=newest)
        world.see(replace(_spec(), timetable=CronTrigger(crons=("30 * * * *",))), version="v2")
        world.restart()
        world.succeed_all()
        assert [run.version for run in world.runs()] == ["d@v1", expected, expected]
        assert _hours(world) == [3, 2, 1], "the dates are those of the beginning"


def test_runs_that_are_run_again_keep_their_version_or_move_to_the_newest() -> None:
    for newest, expected in ((True, "d@v2"), (False, "d@v1")):
        world = _with_history()
        world.see(chain(2, timetable=HOURLY, end_date=LONG_AGO), version="v2")
        _create(world, hours=4, reprocess="completed", run_on_latest_version=newest)
        assert [world.run("h4").version, world.run("h3").version] == [expected] * 2


def test_the_first_date_waits_for_no_past_and_the_others_do() -> None:
    spec = dag(task("t0", depends_on_past=True), timetable=HOURLY, end_date=LONG_AGO)
    world = World(spec)
    world.trigger(run_id="before", logical_date=START - timedelta(hours=9))
    world.fail("t0")
    _create(world, reprocess="failed")
    assert world.running() == ["t0"]
    world.succeed_all()
    assert [run.state.value for run in world.runs()] == ["failed"] + ["success"] * 3


def test_a_range_whose_dates_cannot_be_computed_ends_with_the_reason_and_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(_spec(), _spec(dag_id="other"))
    _create(world, max_active_runs=1)

    def broken(*_: object, **__: object) -> None:
        raise OverflowError("date value out of range")

    monkeypatch.setattr("tradewind.engine.backfills.slots_from", broken)
    world.succeed_all()
    row = _row(world)
    assert (row.state, row.verdict) == (
        BackfillState.CANCELLED,
        "Its next date cannot be computed: date value out of range",
    )
    assert world.trigger("other").state is RunState.RUNNING


@pytest.mark.parametrize(
    ("spec", "command", "code", "hint"),
    [
        (chain(1), _command(), "timetable-not-computable", "single runs"),
        (chain(1, timetable=Once()), _command(), "timetable-not-computable", "single runs"),
        (_spec(dag_id="d2"), _command(), "not-found", "did you mean"),
        (_spec(), _command(end=START - timedelta(days=9)), "bad-range", "swap"),
        (_spec(), _command(start=START.replace(tzinfo=None)), "bad-range", "add one"),
        (_spec(), _command(start=START + timedelta(1), end=START + timedelta(2)), "bad-range", "due already"),
        (_spec(), _command(start=START.replace(year=9)), "bad-range", "from-date"),
        (_spec(), _command(max_active_runs=0), "bad-limit", "1 or more"),
        (_spec(), _command(start=START - timedelta(minutes=9), end=START), "nothing-to-do", "dry-run"),
        (
            dag(task("t0", depends_on_past=True), timetable=HOURLY),
            _command(reverse=True, reprocess="failed"),
            "depends-on-past",
            "--run-backwards",
        ),
        (
            dag(task("t0", depends_on_past=True), timetable=HOURLY),
            _command(),
            "depends-on-past",
            "failed or completed",
        ),
    ],
)
def test_what_cannot_be_backfilled_is_refused(spec: DagSpec, command: cmd.CreateBackfill, code: str, hint: str) -> None:
    world = World(spec)
    result = world.command(command)
    assert (result.ok, result.code) == (False, code)
    assert hint in result.hint
    assert world.ledger.backfills == {}
