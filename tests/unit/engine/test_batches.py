"""One batch in flight: what is taken back, what goes on after an event that raised, and what a restart finds."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.engine.specs import chain, dag, group, over, task
from tests.unit.engine.world import World
from tradewind.engine import attempts
from tradewind.engine import finish as engine_finish
from tradewind.model import commands as cmd
from tradewind.model.events import CommandReceived, TimePassed
from tradewind.model.ids import AttemptId
from tradewind.model.outcome import Success
from tradewind.model.rows import TaskInstance


def _picture(world: World) -> Any:
    """Everything of the engine that can be seen, and its inner counters."""
    core = world.engine._core
    return (
        {key: live.run for key, live in core.runs.items()},
        {ti.key: ti for live in core.runs.values() for node in live.nodes.values() for ti in node.rows.values()},
        {key: live.sums() for key, live in core.runs.items()},
        core.usage.as_dict(),
        [one.attempt_id for one in world.engine.to_launch()],
        [one.attempt_id for one in world.engine.to_stop()],
        world.engine.next_due(),
        dict(core.dags),
        dict(core.pools),
    )


def _spec() -> Any:
    return dag(task("make"), task("each", "make", mapping=over("make")), task("end", "each"))


def test_a_batch_that_is_taken_back_leaves_no_trace() -> None:
    world = World(_spec(), chain(2, dag_id="other"))
    world.trigger()
    before = _picture(world)
    attempt = world.live_attempt("make")
    world.decide(
        world.ended(attempt, Success(), returns=[1, 2, 3]),
        CommandReceived(inbox_id=90, command=cmd.TriggerRun(dag_id="other")),
        CommandReceived(inbox_id=91, command=cmd.SetPool(name="p", slots=3)),
        CommandReceived(inbox_id=92, command=cmd.SetPaused(dag_id="other", paused=True)),
    )
    assert world.engine.pending()
    world.engine.rollback()
    assert _picture(world) == before
    assert not world.engine.pending()


def test_after_a_batch_was_taken_back_its_events_can_be_decided_in_halves() -> None:
    world = World(_spec())
    world.trigger()
    end = world.ended(world.live_attempt("make"), Success(), returns=[1, 2])
    world.decide(end, TimePassed())
    world.engine.rollback()
    world.step(end)
    assert world.states() == {"make": "success", "each[0]": "queued", "each[1]": "queued", "end": "none"}
    assert world.ledger.counted() == world.ledger.recount()


def test_an_event_that_makes_our_code_raise_is_as_if_it_had_not_been(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(chain(2), dag(task("x"), task("y", "x"), dag_id="other"))
    world.trigger()
    world.trigger("other")
    good = world.ended(world.live_attempt("x"), Success())
    bad = world.ended(world.live_attempt("t0"), Success(), returns=1)
    finish = engine_finish.finish

    def _raises(core: Any, live: Any, ti: TaskInstance, *rest: Any) -> None:
        finish(core, live, ti, *rest)
        if ti.task_id == "t0":
            raise RuntimeError("a bug")

    monkeypatch.setattr(attempts, "finish", _raises)
    engine = world.engine
    engine.apply(good, world.now, world.draws)
    before = _picture(world)
    with pytest.raises(RuntimeError, match="a bug"):
        engine.apply(bad, world.now, world.draws)
    assert _picture(world) == before
    world.step()
    assert (world.states(dag_id="other"), world.states()) == (
        {"x": "success", "y": "queued"},
        {"t0": "queued", "t1": "none"},
    )
    assert world.ledger.counted() == world.ledger.recount()
    assert not world.ledger.xcoms


def test_a_new_engine_from_the_rows_is_the_same_as_the_one_that_wrote_them() -> None:
    world = World(_spec())
    world.trigger()
    world.succeed("make", returns=[1, 2, 3])
    world.start("each", 1)
    world.fail("each", 2)
    before = _picture(world)
    world.restart()
    assert _picture(world) == before


def test_events_about_attempts_that_nobody_knows_change_nothing() -> None:
    world = World(chain(1))
    world.trigger()
    before = _picture(world)
    event = world.ended(world.live_attempt("t0"), Success())
    batch = world.step(replace(event, attempt_id=AttemptId("nobody")))
    assert not batch
    assert _picture(world) == before


def test_the_groups_that_tasks_are_in_are_counted_too() -> None:
    world = World(dag(task("a"), task("g.b", "a", group_id="g"), groups=(group("g"),)))
    world.trigger()
    world.succeed_all()
    key = world.run().run_key
    assert world.ledger.counts[key, "g", "success"] == 1
    assert world.ledger.counts[key, "", "success"] == 2
    assert world.ledger.counts[key, "g", "queued"] == 0
