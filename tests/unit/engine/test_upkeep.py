"""What upkeep asks of the engine: hold launches back and go on, and have a DAG's history removed."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.unit.engine.specs import chain
from tests.unit.engine.world import START, World
from tradewind.model import commands as cmd
from tradewind.model.timetable import CronDataInterval

HOURLY = CronDataInterval(crons=("0 * * * *",))


def test_while_held_tasks_wait_and_then_they_begin() -> None:
    world = World(chain(2))
    world.engine.hold(True)
    world.trigger()
    world.pass_time(3600)
    assert world.state("t0") == "scheduled"
    assert world.engine.count().ready == {"held": 1}
    world.engine.hold(False)
    world.step()
    assert world.state("t0") == "queued"


def test_what_runs_goes_on_while_held_and_what_follows_waits() -> None:
    world = World(chain(2))
    world.trigger()
    world.engine.hold(True)
    world.succeed("t0")
    assert (world.state("t0"), world.state("t1")) == ("success", "scheduled")
    world.engine.hold(False)
    world.pass_time(1)
    world.succeed_all()
    assert world.run_state() == "success"


def test_a_deleted_dag_is_removed_with_the_runs_of_until_now() -> None:
    world = World(chain(1))
    world.trigger()
    world.succeed_all()
    assert world.ledger.outbox == {}
    assert world.command(cmd.DeleteDag(dag_id="d")).ok
    [row] = world.ledger.outbox.values()
    assert (row.kind, row.payload["dag_id"], row.due_at) == ("remove_dag", "d", world.now)
    assert datetime.fromisoformat(row.payload["before"]) == world.now


def test_a_dag_with_an_unfinished_backfill_is_not_deleted() -> None:
    world = World(chain(1, timetable=HOURLY, end_date=START - timedelta(days=900)))
    begin, end = world.now - timedelta(hours=9), world.now - timedelta(hours=1)
    created = world.command(cmd.CreateBackfill(dag_id="d", start=begin, end=end, max_active_runs=1))
    assert created.backfill_id is not None, created
    assert world.command(cmd.SetBackfill(backfill_id=created.backfill_id, action="pause")).ok
    world.succeed_all()
    refused = world.command(cmd.DeleteDag(dag_id="d"))
    assert (refused.code, "backfill cancel 1" in refused.hint) == ("dag-active", True)
    assert world.command(cmd.SetBackfill(backfill_id=created.backfill_id, action="cancel")).ok
    assert world.command(cmd.DeleteDag(dag_id="d")).ok
