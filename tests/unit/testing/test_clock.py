"""A test's clock moves only by hand, and its randomness repeats."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tradewind.testing.clock import START, ManualClock, SeededRandom


def test_sleepers_wake_in_order_of_their_moments_and_see_these() -> None:
    async def story() -> list[tuple[str, float]]:
        clock, woken = ManualClock(), list[tuple[str, float]]()

        async def sleeper(name: str, seconds: float) -> None:
            await clock.sleep(seconds)
            woken.append((name, clock.monotonic()))

        async with asyncio.TaskGroup() as group:
            for name, seconds in (("late", 5), ("early", 2), ("now", 0), ("never", 60)):
                group.create_task(sleeper(name, seconds))
            await asyncio.sleep(0)
            await clock.advance(timedelta(seconds=1))
            assert woken == [("now", 0.0)]
            await clock.advance(timedelta(seconds=9))
            assert clock.now() == START + timedelta(seconds=10)
            assert [name for name, _ in woken] == ["now", "early", "late"]
            await clock.advance(timedelta(minutes=1))
        return woken

    assert asyncio.run(story())[1:] == [("early", 2.0), ("late", 5.0), ("never", 60.0)]


def test_a_cancelled_sleeper_is_passed_over() -> None:
    async def story() -> None:
        clock = ManualClock()
        task = asyncio.create_task(clock.sleep(1))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await clock.advance(timedelta(seconds=2))
        assert clock.monotonic() == 2.0

    asyncio.run(story())


def test_one_seed_gives_one_history() -> None:
    first, second, other = SeededRandom(1), SeededRandom(1), SeededRandom(2)
    ids = [first.attempt_id() for _ in range(3)]
    assert ids == [second.attempt_id() for _ in range(3)]
    assert len(set(ids)) == 3
    assert {len(one) for one in ids} == {20}
    assert first.uniform() == second.uniform() != other.uniform()
