"""What is done after an attempt's end is committed: its log is sealed, then the runtime lets go of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tests.support import rows
from tradewind.model.rows import Attempt
from tradewind.scheduler import options, reconcile
from tradewind.testing.clock import ManualClock


class SlowShelf:
    """Logs that are sealed when the test lets them; also the runtime, which notes what it may let go of."""

    def __init__(self) -> None:
        self.may_seal = asyncio.Event()
        self.asked: list[str] = []
        self.sealed: list[str] = []
        self.released: list[str] = []

    async def seal(self, attempt: Attempt) -> None:
        self.asked.append(attempt.attempt_id)
        await self.may_seal.wait()
        self.sealed.append(attempt.attempt_id)

    async def release(self, attempt_ids: Sequence[str]) -> None:
        self.released.extend(attempt_ids)


@pytest.mark.anyio
async def test_an_orderly_end_waits_for_the_log_that_is_being_sealed_and_for_those_behind_it() -> None:
    shelf: Any = SlowShelf()
    nothing: Any = None
    reconciler = reconcile.Reconciler(
        engine=nothing,
        runtime=shelf,
        logs=shelf,
        views=nothing,
        versions=nothing,
        clock=ManualClock(rows.START),
        options=options.Options(holder="test"),
    )
    tidying = asyncio.create_task(reconciler.tidy_forever())
    first, second = rows.attempt("one", 1), rows.attempt("two", 1)
    reconciler.ended([first], [])
    reconciler.ended([second], [])
    while not shelf.asked:
        await asyncio.sleep(0)
    ending = asyncio.create_task(reconciler.tidied())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not ending.done()
    shelf.may_seal.set()
    await ending
    tidying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await tidying
    assert shelf.sealed == shelf.released == [first.attempt_id, second.attempt_id]
