"""Waiting for one run's end among the batches of a control plane in the same process."""

from __future__ import annotations

import asyncio

from tests.support import rows
from tradewind.cli.run import RunEnd
from tradewind.model.facts import Batch, RunFact
from tradewind.model.states import RunState

OVER = rows.run(1, state=RunState.SUCCESS)


def committed(key: int, state: RunState) -> Batch:
    return Batch(facts=(RunFact(run=rows.run(key, state=state)),))


def test_a_run_that_ends_while_it_is_read_for_the_first_time_is_not_waited_for_for_ever() -> None:
    async def scene() -> None:
        end = RunEnd()
        read_before_its_end = rows.run(1)
        end.batch(committed(1, RunState.SUCCESS))
        end.await_run(read_before_its_end)
        assert end.reached.done()
        assert end.reached.result() == OVER

    asyncio.run(scene())


def test_only_the_end_of_the_run_that_is_waited_for_counts() -> None:
    async def scene() -> None:
        end = RunEnd()
        end.batch(committed(2, RunState.FAILED))
        end.await_run(rows.run(1))
        end.batch(committed(3, RunState.FAILED))
        end.batch(committed(1, RunState.RUNNING))
        assert not end.reached.done()
        end.batch(committed(1, RunState.SUCCESS))
        assert end.reached.result() == OVER

    asyncio.run(scene())


def test_a_run_that_was_over_when_it_was_read_is_not_waited_for() -> None:
    async def scene() -> None:
        end = RunEnd()
        end.await_run(OVER)
        assert end.reached.result() == OVER

    asyncio.run(scene())
