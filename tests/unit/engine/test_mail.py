"""Mail about failures: who gets one, for which try, and in which transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.unit.engine.specs import dag, over, task
from tests.unit.engine.world import World
from tradewind.model import commands as cmd
from tradewind.model.dagspec import WaitTimeBody
from tradewind.model.events import TimePassed
from tradewind.model.facts import Batch, OutboxFact, TaskFact
from tradewind.model.notice import FailureNotice
from tradewind.model.outcome import Failed

OPS = ("ops@example.com", "b@example.com")


def notices(batch: Batch) -> list[FailureNotice]:
    facts = [fact.row for fact in batch.facts if isinstance(fact, OutboxFact) and fact.row.kind == "mail"]
    return [msgspec.convert(row.payload, FailureNotice) for row in facts]


def fail(world: World, task_id: str = "a", **more: Any) -> Batch:
    attempt = world.live_attempt(task_id)
    return world.step(world.ended(attempt, Failed(message="boom", **more)))


def test_a_failed_task_and_each_retry_get_a_mail_in_the_transaction_of_their_state() -> None:
    world = World(dag(task("a", retries=1, retry_delay_seconds=60, email=OPS)))
    world.trigger()
    batch = fail(world)
    (first,) = notices(batch)
    assert (first.to, first.try_number, first.max_tries, first.verdict) == (OPS, 1, 1, world.task("a").verdict)
    assert first.next_try_at == world.task("a").due_at
    assert any(isinstance(fact, TaskFact) and fact.task.state == "up_for_retry" for fact in batch.facts)
    world.pass_time(60)
    (second,) = notices(fail(world))
    assert (second.try_number, second.next_try_at, second.attempt_id) == (2, None, world.task("a").attempt_id)


@pytest.mark.parametrize(
    ("arguments", "tries"),
    [
        ({"email": OPS, "email_on_retry": False}, [2]),
        ({"email": OPS, "email_on_failure": False}, [1]),
        ({"email": OPS, "email_on_failure": False, "email_on_retry": False}, []),
        ({}, []),
    ],
)
def test_a_task_says_of_what_it_wants_mail(arguments: dict[str, Any], tries: list[int]) -> None:
    world = World(dag(task("a", retries=1, retry_delay_seconds=0, **arguments)))
    world.trigger()
    found = notices(fail(world))
    world.pass_time(0)
    found += notices(fail(world))
    assert [one.try_number for one in found] == tries


def test_a_failure_that_asks_for_no_retry_is_told_as_final() -> None:
    world = World(dag(task("a", retries=3, email=OPS)))
    world.trigger()
    (found,) = notices(fail(world, retry=False))
    assert found.next_try_at is None


def test_each_failed_element_of_a_mapped_task_gets_a_mail_of_its_own() -> None:
    world = World(dag(task("a", mapping=over(3), email=OPS)))
    world.trigger()
    batch = world.step(*(world.ended(one, Failed(message="boom")) for one in world.alive()))
    assert sorted(one.map_index for one in notices(batch)) == [0, 1, 2]
    keys = {fact.row.key for fact in batch.facts if isinstance(fact, OutboxFact)}
    assert len(keys) == 3


def test_a_wait_in_the_engine_that_is_too_long_gets_a_mail_without_an_attempt() -> None:
    body = WaitTimeBody(anchor="start", after_seconds=100, timeout_seconds=10)
    world = World(dag(task("a", body=body, email=OPS)))
    world.trigger()
    world.now += timedelta(seconds=10)
    (found,) = notices(world.step(TimePassed()))
    assert found.attempt_id is None
    assert "within 10 s" in found.verdict


def test_a_task_that_a_person_marks_as_failed_gets_no_mail() -> None:
    world = World(dag(task("a", email=OPS)))
    run = world.trigger()
    world.start("a")
    attempt = world.live_attempt("a")
    selection = cmd.TaskSelection(dag_id="d", run_id=run.run_id, task_ids=("a",))
    assert world.command(cmd.MarkTasks(selection=selection, state="failed")).ok
    batch = world.step(world.ended(attempt, Failed(message="stopped")))
    assert world.state("a") == "failed"
    assert notices(batch) == []
