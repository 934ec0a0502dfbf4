"""The database goes away under the leader: it waits, goes on when it is back, and can be stopped meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support import rows
from tradewind.engine.limits import Limits
from tradewind.model.commands import TriggerRun
from tradewind.model.events import DagSeen
from tradewind.model.ids import DagId
from tradewind.ports import errors
from tradewind.ports import runtime as runtime_port
from tradewind.scheduler import janitor, options, scheduler
from tradewind.testing.clock import ManualClock, SeededRandom
from tradewind.testing.memory_mailer import MemoryMailer
from tradewind.testing.memory_shelf import MemoryShelf
from tradewind.testing.memory_store import MemoryStore


class Nothing:
    """A runtime in which nothing runs, and which keeps nothing; also where snapshots and logs would be."""

    def lead(self, epoch: int) -> None: ...

    async def launch(self, launches: Sequence[runtime_port.Launch]) -> None: ...

    async def stop(self, *_: Any, **__: Any) -> None: ...

    async def release(self, attempt_ids: Sequence[str]) -> None: ...

    async def observe(self) -> Sequence[runtime_port.Observed]:
        return []

    async def events(self) -> AsyncIterator[Any]:
        await asyncio.Event().wait()
        yield []

    def path(self, tree: str) -> Path:
        return Path(tree)


class Leaving:
    """A port whose calls fail while `away`."""

    def __init__(self, port: Any, world: World) -> None:
        self._port = port
        self._world = world

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._port, name)

        async def guarded(*arguments: Any, **named: Any) -> Any:
            if self._world.away:
                self._world.refused += 1
                raise errors.Transient("gone", object="the database", code="database-away")
            return await call(*arguments, **named)

        return guarded


class World:
    """A leader over a store in memory that can go away."""

    def __init__(self) -> None:
        self.away = False
        self.refused = 0
        self.clock = ManualClock(rows.START)
        self.memory = MemoryStore(self.clock)
        store: Any = MemoryStore.__new__(MemoryStore)
        for name, port in vars(self.memory).items():
            setattr(store, name, Leaving(port, self))
        nothing: Any = Nothing()
        self.scheduler = scheduler.Scheduler(
            store=store,
            runtime=nothing,
            files=nothing,
            snapshots=nothing,
            logs=nothing,
            clock=self.clock,
            random=SeededRandom(),
            limits=Limits(),
            options=options.Options(holder="test", lease=timedelta(hours=10)),
            janitor=janitor.Janitor(store=store, shelf=MemoryShelf({}), clock=self.clock, options=janitor.Options()),
            mailer=MemoryMailer(),
        )

    async def until(self, condition: Any) -> None:
        """Let time go on until it holds."""
        for _ in range(2000):
            if condition():
                return
            await self.clock.advance(timedelta(seconds=0.1))
        raise AssertionError("it does not come about")

    async def add_dag(self) -> DagSeen:
        """A DAG that bundles have just recorded."""
        changed = await self.memory.versions.put([rows.version("d", "v1")], [], [], rows.START)
        return DagSeen(dag=changed[0])


@pytest.mark.anyio
async def test_a_dag_that_was_seen_while_the_database_went_away_is_known_when_it_is_back() -> None:
    world = World()
    leading = asyncio.ensure_future(world.scheduler.run())
    await world.until(world.scheduler.ready.is_set)
    seen = await world.add_dag()
    world.away = True
    world.scheduler.submit(seen)
    await world.until(lambda: world.refused >= 3)
    assert not leading.done()
    waited = world.scheduler.meter.awaits_database
    world.away = False
    inbox_id = await world.memory.inbox.put(TriggerRun(dag_id="d", run_id="r"), "test", rows.START)
    world.scheduler.wake()
    result = None
    while result is None:
        await world.clock.advance(timedelta(seconds=0.1))
        result = await world.memory.inbox.find_result(inbox_id)
    assert result.ok
    run = await world.memory.views.get_run(DagId("d"), "r")
    assert run.run_id == "r"
    assert (waited, world.scheduler.meter.awaits_database) == (True, False)
    world.scheduler.stop()
    await world.until(leading.done)
    await leading


@pytest.mark.anyio
async def test_a_leader_can_be_stopped_while_the_database_is_away() -> None:
    world = World()
    leading = asyncio.ensure_future(world.scheduler.run())
    await world.until(world.scheduler.ready.is_set)
    seen = await world.add_dag()
    world.away = True
    world.scheduler.submit(seen)
    await world.until(lambda: world.refused >= 1)
    world.scheduler.stop()
    await world.until(leading.done)
    with pytest.raises(ExceptionGroup) as raised:
        await leading
    assert raised.group_contains(errors.Transient)
