"""A clock that is set, or a machine that slept: the leader looks at what is due within one look at its inbox."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tradewind.scheduler.clock_watch import ClockWatch
from tradewind.scheduler.inbox import InboxReader
from tradewind.testing.clock import ManualClock
from tradewind.testing.memory_store import MemoryStore

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("step", [timedelta(days=3), timedelta(seconds=2), timedelta(days=-3)])
def test_a_step_is_seen_once_in_either_direction(step: timedelta) -> None:
    clock = ManualClock()
    watch = ClockWatch(clock)
    asyncio.run(clock.advance(timedelta(hours=9)))
    assert not watch.has_stepped()
    clock.set(clock.now() + step)
    assert [watch.has_stepped(), watch.has_stepped()] == [True, False]


def test_slewing_is_no_step() -> None:
    clock = ManualClock()
    watch = ClockWatch(clock)
    clock.set(clock.now() + timedelta(milliseconds=400))
    assert not watch.has_stepped()


def test_the_leader_is_woken_at_its_next_look() -> None:
    async def go() -> None:
        clock = ManualClock()
        woken: list[float] = []
        reader = InboxReader(inbox=MemoryStore(clock).inbox, clock=clock, poll=SECOND)
        polling = asyncio.create_task(
            reader.poll_forever(lambda: woken.append(clock.monotonic()), ClockWatch(clock).has_stepped)
        )
        await clock.advance(5 * SECOND)
        assert woken == []
        clock.set(clock.now() + timedelta(days=2))
        await clock.advance(3 * SECOND)
        assert woken == [6.0]
        polling.cancel()

    asyncio.run(go())
