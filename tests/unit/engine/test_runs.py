"""What a run does from its trigger to its end."""

from __future__ import annotations

from tests.unit.engine import specs
from tests.unit.engine.world import World
from tradewind.model import commands as cmd
from tradewind.model.outcome import Failed, Success


def test_a_chain_runs_one_task_after_the_other_and_the_run_succeeds() -> None:
    world = World(specs.chain(3))
    world.trigger()
    assert world.running() == ["t0"]
    world.succeed("t0")
    assert world.running() == ["t1"]
    world.succeed("t1")
    world.succeed("t2")
    assert world.states() == {"t0": "success", "t1": "success", "t2": "success"}
    assert world.run_state() == "success"


def test_an_end_told_twice_counts_once() -> None:
    world = World(specs.chain(2))
    world.trigger()
    attempt = world.live_attempt("t0")
    world.step(world.ended(attempt, Success()))
    world.step(world.ended(attempt, Failed(message="late")))
    assert world.states() == {"t0": "success", "t1": "queued"}


def test_a_failed_task_fails_what_is_below_and_the_run() -> None:
    world = World(specs.chain(3))
    world.trigger()
    world.fail("t0", message="no bread")
    assert world.states() == {"t0": "failed", "t1": "upstream_failed", "t2": "upstream_failed"}
    assert world.run_state() == "failed"
    assert "no bread" in (world.run().verdict or "")


def test_an_engine_made_anew_from_the_rows_goes_on_where_the_other_was() -> None:
    world = World(specs.chain(3))
    world.trigger()
    world.succeed("t0")
    world.restart()
    assert world.running() == ["t1"]
    world.succeed_all()
    assert world.run_state() == "success"


def test_a_run_of_a_paused_dag_waits_until_the_dag_is_unpaused() -> None:
    world = World(specs.chain(1))
    world.command(cmd.SetPaused(dag_id="d", paused=True))
    world.trigger()
    assert world.run_state() == "queued"
    world.command(cmd.SetPaused(dag_id="d", paused=False))
    assert world.run_state() == "running"


def test_the_counters_are_those_of_a_recount() -> None:
    world = World(specs.chain(3))
    world.trigger()
    world.succeed_all()
    assert world.ledger.counted() == world.ledger.recount()
