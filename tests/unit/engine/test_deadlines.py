"""Deadlines of runs, and SLAs of tasks: what is asked for when one passes, and that nothing is stopped."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.unit.engine.specs import chain, dag, task
from tests.unit.engine.world import START, World
from tradewind.model import commands as cmd
from tradewind.model.dagspec import Deadline
from tradewind.model.timetable import CronDataInterval


def after(seconds: float, reference: Any = "queued_at", **more: Any) -> Deadline:
    return Deadline(reference=reference, interval_seconds=seconds, **more)


def missed(world: World) -> list[tuple[str, list[int]]]:
    """What was asked for in the outbox: which, and about which deadlines."""
    rows = [row for row in world.ledger.outbox.values() if row.kind == "callback"]
    return [(row.payload["which"], list(row.payload.get("deadlines", ()))) for row in rows]


def test_a_run_that_has_not_ended_by_its_deadline_is_told_once_and_goes_on() -> None:
    world = World(chain(1, deadlines=(after(60, name="soon"),)))
    world.trigger()
    world.pass_time(59)
    assert missed(world) == []
    world.pass_time(1)
    world.pass_time(100)
    assert missed(world) == [("deadline", [0])]
    assert "soon" in next(iter(world.ledger.outbox.values())).payload["reason"]
    assert world.state("t0") == "queued"
    world.succeed("t0")
    assert (world.run_state(), world.run().missed_deadlines) == ("success", (0,))


def test_a_run_that_ends_in_time_is_not_told() -> None:
    world = World(chain(1, deadlines=(after(60),)))
    world.trigger()
    world.succeed("t0")
    world.pass_time(100)
    assert missed(world) == []
    assert world.engine.next_due() is None


def test_a_deadline_that_passed_while_nobody_looked_is_told_though_the_run_ends_first() -> None:
    world = World(chain(1, deadlines=(after(60),)))
    world.trigger()
    world.now += timedelta(seconds=61)
    world.succeed("t0")
    assert missed(world) == [("deadline", [0])]


def test_each_deadline_of_a_run_is_told_by_itself_across_a_restart() -> None:
    fixed = START + timedelta(seconds=90)
    world = World(chain(1, deadlines=(after(60), after(0, "fixed_datetime", fixed=fixed), after(600, "logical_date"))))
    world.trigger()
    world.pass_time(60)
    world.restart()
    world.pass_time(30)
    assert missed(world) == [("deadline", [0]), ("deadline", [1])]
    assert world.engine.next_due() == START + timedelta(seconds=600)


def test_a_run_that_waits_to_start_can_miss_its_deadline() -> None:
    world = World(chain(1, max_active_runs=1, deadlines=(after(60),)))
    world.trigger(run_id="one")
    world.trigger(run_id="two")
    world.pass_time(60)
    assert world.run_state("two") == "queued"
    assert world.run("two").missed_deadlines == (0,)


def test_a_cleared_run_has_its_time_from_the_queue_again_unless_it_was_missed() -> None:
    world = World(chain(1, deadlines=(after(60), after(200))))
    world.trigger()
    world.pass_time(100)
    world.succeed("t0")
    world.command(cmd.ClearTasks(selection=cmd.TaskSelection(dag_id="d", run_id=world.run().run_id)))
    assert world.run().missed_deadlines == (0,)
    assert world.run().deadlines[1] == world.now + timedelta(seconds=200)
    world.pass_time(200)
    assert missed(world) == [("deadline", [0]), ("deadline", [1])]


def test_an_average_is_taken_of_successful_runs_and_there_is_none_before_there_are_enough() -> None:
    world = World(chain(1, deadlines=(after(5, "average_runtime", max_runs=2, min_runs=2),)))
    for seconds, ends in ((10, world.succeed), (100, world.fail), (30, world.succeed)):
        world.trigger()
        assert world.run().deadlines == (None,)
        world.now += timedelta(seconds=seconds)
        ends("t0")
    world.trigger()
    assert world.run().deadlines == (world.now + timedelta(seconds=20 + 5),)
    world.now += timedelta(seconds=24)
    world.succeed("t0")
    world.trigger()
    assert world.run().deadlines == (world.now + timedelta(seconds=27 + 5),)
    world.see(chain(1, deadlines=(after(1, "average_runtime", max_runs=1, min_runs=1),)), version="v2")
    world.trigger()
    assert world.run().deadlines == (world.now + timedelta(seconds=24 + 1),)


def test_a_task_that_has_not_succeeded_by_its_sla_is_told_in_one_call_and_by_mail() -> None:
    world = World(
        dag(
            task("fast"), task("late", email=("team@example.com",)), task("other"),
            timetable=CronDataInterval(crons=("0 * * * *",)), start_date=START, calls_on_sla_miss=True,
            deadlines=(
                after(60, "run_after", task_id="fast"), after(60, "run_after", task_id="late"),
                after(60, "run_after", task_id="other"),
            ),
        )
    )  # fmt: skip
    world.pass_time(3600)
    world.succeed("fast")
    world.pass_time(60)
    assert missed(world) == [("sla_miss", [1, 2])]
    (mail,) = [row for row in world.ledger.outbox.values() if row.kind == "mail"]
    assert (mail.payload["task_id"], mail.payload["is_late"]) == ("late", True)
    world.succeed("late")
    world.succeed("other")
    assert world.run_state() == "success"


def test_a_run_by_hand_has_no_sla() -> None:
    world = World(chain(1, deadlines=(after(60, "run_after", task_id="t0"),)))
    world.trigger()
    assert world.run().deadlines == (None,)
