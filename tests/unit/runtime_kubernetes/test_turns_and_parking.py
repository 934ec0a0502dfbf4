"""Whose create is asked first, and who gets the room that a quota has again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.unit.runtime_kubernetes.test_runtime import QuickClock
from tradewind.ports import errors
from tradewind.runtime.kubernetes.parking import Parking
from tradewind.runtime.kubernetes.turns import Turns
from tradewind.testing.clock import SeededRandom

# -- turns ---------------------------------------------------------------------------------------------------------


def test_those_who_wait_go_by_priority_and_then_as_they_came() -> None:
    async def play() -> None:
        turns, went = Turns(1), list[str]()

        async def go(name: str, priority: int) -> None:
            async with turns.turn(priority):
                went.append(name)
                await asyncio.sleep(0)

        order = [("first", 0), ("low", 1), ("high", 9), ("low too", 1), ("high too", 9)]
        await asyncio.gather(*(go(name, priority) for name, priority in order))
        assert went == ["first", "high", "high too", "low", "low too"]

    asyncio.run(play())


def test_those_who_end_what_they_began_go_before_all_who_begin() -> None:
    async def play() -> None:
        turns, went = Turns(1), list[str]()

        async def go(name: str, priority: int, ahead: bool) -> None:
            async with turns.turn(priority, ahead=ahead):
                went.append(name)
                await asyncio.sleep(0)

        order = [("first", 0, False), ("high", 9, False), ("begun", 0, True), ("high begun", 9, True)]
        await asyncio.gather(*(go(*one) for one in order))
        assert went == ["first", "high begun", "begun", "high"]

    asyncio.run(play())


@pytest.mark.parametrize("moment", ["while it waits", "as its turn comes"])
def test_one_that_is_cancelled_keeps_nobody_from_his_turn(moment: str) -> None:
    async def play() -> None:
        turns = Turns(1)
        ended = asyncio.Event()

        async def hold() -> None:
            async with turns.turn(0):
                await ended.wait()

        async def go() -> None:
            async with turns.turn(0):
                pass

        holding = asyncio.create_task(hold())
        await asyncio.sleep(0)
        cancelled, last = asyncio.create_task(go()), asyncio.create_task(go())
        await asyncio.sleep(0)
        if moment == "as its turn comes":
            ended.set()
            await holding
        cancelled.cancel()
        ended.set()
        async with asyncio.timeout(5):
            await asyncio.gather(holding, last)
            await asyncio.gather(cancelled, return_exceptions=True)
            await go()

    asyncio.run(play())


# -- parking -------------------------------------------------------------------------------------------------------


class Quota:
    """A namespace with room for so much; what it was asked is noted."""

    def __init__(self, room: int, parking: Parking) -> None:
        self.room = room
        self.asked: list[str] = []
        self.entered: list[str] = []
        self.parked: list[str] = []
        self._parking = parking

    async def enter(self, name: str, priority: int = 1, size: int = 1) -> str:
        async def act() -> str:
            self.asked.append(name)
            if size > self.room:
                raise errors.Rejected("exceeded quota", code="quota-exceeded")
            self.room -= size
            self.entered.append(name)
            return name

        return await self._parking.enter(
            "a", act, priority=priority, kind=str(size), parked=lambda _: self.parked.append(name)
        )

    def free(self, room: int) -> None:
        self.room += room
        self._parking.freed("a")


@contextlib.asynccontextmanager
async def quota(room: int) -> AsyncIterator[Quota]:
    async with asyncio.TaskGroup() as group, asyncio.timeout(10):
        clock = QuickClock()
        parking = Parking(
            clock=clock, random=SeededRandom(1), spawn=lambda work, name: group.create_task(work, name=name)
        )
        yield Quota(room, parking)


def test_when_there_is_room_again_the_highest_priority_gets_it() -> None:
    async def play() -> None:
        async with quota(0) as here, asyncio.TaskGroup() as group:
            for name, priority in (("low", 1), ("middle", 5), ("high", 9)):
                group.create_task(here.enter(name, priority))
                await asyncio.sleep(0.001)
            while len(here.parked) < 3:
                await asyncio.sleep(0.001)
            for expected in ("high", "middle", "low"):
                here.free(1)
                while len(here.entered) < 1 or here.entered[-1] != expected:
                    await asyncio.sleep(0.001)
            assert here.entered == ["high", "middle", "low"]

    asyncio.run(play())


def test_many_that_wait_for_the_same_cost_one_request_a_round_and_a_small_one_gets_by() -> None:
    async def play() -> None:
        async with quota(0) as here, asyncio.TaskGroup() as group:
            for number in range(50):
                group.create_task(here.enter(f"big {number}", 5, size=8))
            group.create_task(here.enter("small", 1, size=1))
            while len(here.parked) < 51:
                await asyncio.sleep(0.001)
            here.asked.clear()
            here.free(1)
            while not here.entered:
                await asyncio.sleep(0.001)
            assert here.entered == ["small"]
            assert set(here.asked) == {"big 0", "small"}
            here.free(400)

    asyncio.run(play())


def test_one_that_comes_later_does_not_overtake_its_kind_unless_it_matters_more() -> None:
    async def play() -> None:
        async with quota(0) as here, asyncio.TaskGroup() as group:
            group.create_task(here.enter("first", 5))
            while not here.parked:
                await asyncio.sleep(0.001)
            here.room = 1
            group.create_task(here.enter("later", 5))
            while len(here.parked) < 2:
                await asyncio.sleep(0.001)
            while not here.entered:
                await asyncio.sleep(0.001)
            assert here.entered == ["first"]
            here.room = 1
            assert await here.enter("urgent", 9) == "urgent"
            here.free(1)

    asyncio.run(play())


def test_one_that_is_stopped_while_it_waits_holds_nobody_up() -> None:
    async def play() -> None:
        async with quota(0) as here, asyncio.TaskGroup() as group:
            stopped = group.create_task(here.enter("stopped", 9))
            group.create_task(here.enter("stays", 1))
            while len(here.parked) < 2:
                await asyncio.sleep(0.001)
            stopped.cancel()
            here.free(1)
            while not here.entered:
                await asyncio.sleep(0.001)
            assert here.entered == ["stays"]

    asyncio.run(play())


def test_what_is_no_quota_is_raised_at_once() -> None:
    async def play() -> None:
        async with quota(0) as here:

            async def act() -> None:
                raise errors.Rejected("no", code="admission-denied")

            with pytest.raises(errors.Rejected, match="no"):
                await here._parking.enter("a", act, priority=1, kind="", parked=lambda _: None)

    asyncio.run(play())
