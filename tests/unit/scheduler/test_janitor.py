"""The leader's upkeep: what goes when, what stays, and when launches wait for room."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from tests.support import rows
from tradewind.model.ids import DagId, RunKey
from tradewind.model.rows import OutboxRow
from tradewind.model.states import RunState, TaskState
from tradewind.ports.store import Page
from tradewind.ports.upkeep import LogAmounts
from tradewind.scheduler import janitor as janitors
from tradewind.testing.clock import ManualClock
from tradewind.testing.memory_shelf import MemoryShelf
from tradewind.testing.memory_store import MemoryStore

DAY = timedelta(days=1)
NOW = rows.day(31)
MB = 1 << 20


class _World:
    """A store with a run of each day of January, ended that day, each with a log of a MiB; and a janitor."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock(NOW)
        self.store = MemoryStore(self.clock)
        self.shelf = MemoryShelf({key: LogAmounts(files=1, bytes=MB) for key in range(1, 30)})
        self.gone: list[str] = []
        self.told: list[str] = []
        self.janitor = janitors.Janitor(
            store=self.store, shelf=self.shelf, clock=self.clock, options=janitors.Options(**options)
        )
        self.janitor.serve(on_gone=self.gone.append, on_room=self.told.append)
        asyncio.run(self._fill())

    async def _fill(self) -> None:
        await self.store.versions.put([rows.version("d", "v1")], [], [], NOW)
        self.epoch = await rows.lead(self.store)
        for key in range(1, 30):
            at = rows.day(key)
            run = rows.run(key, "d", RunState.SUCCESS, queued_at=at, ended_at=at + timedelta(hours=1))
            batch = rows.batch(run, rows.task(key, "t", TaskState.SUCCESS), rows.count(key, "success", 1))
            await self.store.runs.commit(batch, self.epoch)

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run it, the clock going on by itself."""

        async def driven() -> Any:
            task = asyncio.ensure_future(work)
            for _ in range(1000):
                if task.done():
                    return task.result()
                await self.clock.advance(timedelta(seconds=0.1))
            raise AssertionError("it does not end")

        return asyncio.run(driven())

    def runs(self) -> list[int]:
        """Keys of the runs that are there."""
        return sorted(run.run_key for run in asyncio.run(self.store.views.list_runs(Page(limit=100))))

    def logs(self) -> list[int]:
        """Keys of the runs that have logs."""
        return sorted(self.shelf.logs)


def test_nothing_goes_where_everything_is_kept() -> None:
    world = _World()
    world.do(world.janitor.go_round())
    assert (len(world.runs()), len(world.logs())) == (29, 29)


def test_runs_that_are_too_old_go_with_their_logs_but_for_the_newest_ones() -> None:
    world = _World(history=5 * DAY, keep_runs=2)
    world.do(world.janitor.go_round())
    assert world.runs() == world.logs() == [26, 27, 28, 29]
    world = _World(history=5 * DAY, keep_runs=10)
    world.do(world.janitor.go_round())
    assert world.runs() == world.logs() == list(range(20, 30))


def test_logs_may_go_before_their_runs() -> None:
    world = _World(logs=5 * DAY)
    world.do(world.janitor.go_round())
    assert world.logs() == [26, 27, 28, 29]
    assert len(world.runs()) == 29


def test_logs_beyond_the_budget_go_from_the_oldest_run_on() -> None:
    world = _World(logs_bytes=20 * MB)
    world.do(world.janitor.go_round())
    assert world.logs() == list(range(10, 30))
    assert len(world.runs()) == 29


def test_logs_that_an_earlier_removal_left_go() -> None:
    world = _World(history=5 * DAY, keep_runs=0)
    asyncio.run(world.store.history.remove([RunKey(1)], DAY))
    world.do(world.janitor.go_round())
    assert world.logs() == [26, 27, 28, 29]


def test_launches_wait_while_there_is_too_little_room_and_go_on_with_enough() -> None:
    world = _World(min_free_bytes=100 * MB)
    world.shelf.capacity = 1000 * MB
    world.do(world.janitor.look_at_room())
    assert (world.janitor.holds_for, world.told) == ("", [])
    world.shelf.capacity = 60 * MB
    world.do(world.janitor.look_at_room())
    assert "less than retention.min_free_mb" in world.janitor.holds_for
    assert world.told == [world.janitor.holds_for]
    world.shelf.capacity = 1000 * MB
    world.do(world.janitor.look_at_room())
    assert (world.janitor.holds_for, world.told[-1]) == ("", "")


def test_old_logs_go_to_make_room_and_no_more_than_that() -> None:
    world = _World(min_free_bytes=20 * MB)
    world.shelf.capacity = (29 + 19) * MB
    world.do(world.janitor.look_at_room())
    assert world.logs() == list(range(4, 30))
    assert world.janitor.holds_for == ""


def test_logs_of_the_last_day_stay_however_full_the_disk_is() -> None:
    world = _World(min_free_bytes=1000 * MB)
    asyncio.run(world.store.runs.commit(rows.batch(_ended_now(30)), world.epoch))
    world.shelf.logs[RunKey(30)] = LogAmounts(files=1, bytes=MB)
    world.shelf.capacity = 40 * MB
    world.do(world.janitor.look_at_room())
    assert world.logs() == [30]
    assert world.janitor.holds_for != ""


def _ended_now(key: int) -> Any:
    return rows.run(key, "d", RunState.FAILED, queued_at=NOW - timedelta(hours=2), ended_at=NOW - timedelta(hours=1))


def _removal(world: _World) -> OutboxRow:
    payload = {"dag_id": "d", "before": NOW.isoformat()}
    row = OutboxRow(key="remove_dag:d", kind="remove_dag", payload=payload, due_at=NOW)
    world.store.outbox._tables.outbox[row.key] = row
    return row


def test_a_deleted_dag_whose_file_is_gone_goes_whole() -> None:
    world = _World()
    asyncio.run(world.store.versions.put([], [], [DagId("d")], NOW))
    world.janitor.ask(_removal(world))
    world.do(world.janitor.finish())
    assert (world.runs(), world.logs(), world.gone) == ([], [], ["d"])
    assert asyncio.run(world.store.views.list_dags(Page())) == []
    assert asyncio.run(world.store.outbox.list_due(NOW)) == []


def test_a_deleted_dag_whose_file_is_there_stays_without_its_history() -> None:
    world = _World()
    world.janitor.ask(_removal(world))
    world.do(world.janitor.finish())
    assert (world.runs(), world.logs(), world.gone) == ([], [], [])
    assert [view.dag.dag_id for view in asyncio.run(world.store.views.list_dags(Page()))] == ["d"]


def test_runs_made_after_the_command_stay() -> None:
    world = _World()
    later = rows.run(30, "d", RunState.SUCCESS, queued_at=NOW + timedelta(hours=1), ended_at=NOW + timedelta(hours=2))
    asyncio.run(world.store.runs.commit(rows.batch(later), world.epoch))
    asyncio.run(world.store.versions.put([], [], [DagId("d")], NOW))
    world.janitor.ask(_removal(world))
    world.do(world.janitor.finish())
    assert (world.runs(), world.gone) == ([30], [])


def test_a_slice_waits_for_a_quiet_moment_but_not_for_ever() -> None:
    world = _World(history=5 * DAY, keep_runs=0)
    busy = world.clock.monotonic

    def never_quiet() -> float:
        world.janitor._last_commit = busy()
        return busy()

    world.clock.monotonic = never_quiet  # type: ignore[method-assign]
    world.do(world.janitor.go_round())
    assert world.runs() == [26, 27, 28, 29]
