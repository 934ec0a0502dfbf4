"""How fast a cluster is asked."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from tests.unit.runtime_kubernetes.api_server import LeapingClock
from tradewind.runtime.kubernetes.limiter import Limiter, Limits, read_retry_after

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def times_of(limiter: Limiter, clock: LeapingClock, count: int) -> list[float]:
    found = []
    for _ in range(count):
        await limiter.wait()
        found.append(clock.monotonic())
    return found


def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    clock = LeapingClock()
    limiter = Limiter(Limits(rate=10, burst=5), clock)
    assert asyncio.run(times_of(limiter, clock, 8)) == pytest.approx([0, 0, 0, 0, 0, 0.1, 0.2, 0.3])


def test_never_more_than_rate_and_burst_together() -> None:
    clock = LeapingClock()
    limiter = Limiter(Limits(rate=10, burst=5), clock)

    async def scene() -> list[float]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(times_of(limiter, clock, 1)) for _ in range(50)]
        return sorted(task.result()[0] for task in tasks)

    assert asyncio.run(scene())[-1] >= 4.5 - 1e-6


def test_pressure_halves_the_rate_once_for_a_burst_of_429s_and_pauses() -> None:
    clock = LeapingClock()
    limiter = Limiter(Limits(rate=16, burst=1), clock)
    for _ in range(20):
        limiter.pushed_back("3")
    assert limiter.rate == 8
    assert asyncio.run(times_of(limiter, clock, 1))[0] >= 3


def test_lasting_pressure_goes_down_to_the_lowest_rate() -> None:
    clock = LeapingClock()
    limiter = Limiter(Limits(rate=16, lowest=1, recovery_seconds=1e9), clock)
    for _ in range(10):
        limiter.pushed_back(None)
        clock.elapsed += 2
    assert limiter.rate == pytest.approx(1, abs=0.01)


def test_the_rate_recovers_without_pressure() -> None:
    clock = LeapingClock()
    limiter = Limiter(Limits(rate=16, recovery_seconds=30), clock)
    limiter.pushed_back(None)
    clock.elapsed += 15
    assert limiter.rate == pytest.approx(12)
    clock.elapsed += 100
    assert limiter.rate == 16


def test_a_burst_saved_up_is_gone_under_pressure() -> None:
    clock = LeapingClock()
    limiter = Limiter(Limits(rate=10, burst=100, recovery_seconds=1e9), clock)
    clock.elapsed += 100
    limiter.pushed_back(None)
    assert asyncio.run(times_of(limiter, clock, 11))[-1] >= 101.9


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("5", 5),
        ("-5", 0),
        ("soon", 0),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30),
        ("Wed, 31 Dec 2025 00:00:30 GMT", 0),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(header: str | None, seconds: float) -> None:
    assert read_retry_after(header, NOW) == seconds


def test_a_retry_after_of_a_day_is_not_believed() -> None:
    clock = LeapingClock()
    limiter = Limiter(Limits(), clock)
    limiter.pushed_back("86400")
    assert asyncio.run(times_of(limiter, clock, 1))[0] == pytest.approx(60)
