"""Backfills, whatever the store: kept with their facts, given back to a new leader, listed with their runs."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.contract.conftest import OpenStore
from tests.support import rows
from tradewind.model.facts import BackfillFact
from tradewind.model.ids import DagId, VersionHash
from tradewind.model.rows import Backfill
from tradewind.model.states import BackfillState, RunState
from tradewind.model.timetable import DataInterval, RunSlot
from tradewind.ports import errors
from tradewind.ports.store import Page

SLOT = RunSlot(logical_date=rows.day(3), data_interval=DataInterval(rows.day(3), rows.day(4)), run_after=rows.day(4))


async def test_a_backfill_is_kept_as_it_was_last_and_its_facts_as_they_were(open_store: OpenStore) -> None:
    first = rows.backfill(1, conf={"a": [1]}, reprocess="failed", reverse=True, triggered_by="me")
    later = replace(first, cursor=SLOT, created=2, cleared=1, left_alone=7, state=BackfillState.PAUSED)
    async with open_store() as store:
        epoch = await rows.lead(store)
        await store.runs.commit(rows.batch(first), epoch)
        await store.runs.commit(rows.batch(replace(later, created=1), BackfillFact(backfill=later, cause="why")), epoch)
        assert await store.views.get_backfill(1) == later
        facts = [fact for _, _, fact in await store.runs.read(0)]
        assert facts[0] == BackfillFact(backfill=first)
        assert facts[2] == BackfillFact(backfill=later, cause="why")


async def test_a_new_leader_is_given_the_backfills_that_go_on_and_the_last_id(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        assert (await store.runs.load_active()).last_backfill_id == 0
        states = list(BackfillState)
        given = [rows.backfill(index + 1, state=state) for index, state in enumerate(states)]
        await store.runs.commit(rows.batch(*reversed(given)), epoch)
        found = await store.runs.load_active()
        assert [one.state for one in found.backfills] == [BackfillState.RUNNING, BackfillState.PAUSED]
        assert found.last_backfill_id == len(states)


async def test_backfills_are_listed_newest_first_by_page_dag_and_state(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        states = [BackfillState.COMPLETED, BackfillState.RUNNING, BackfillState.CANCELLED]
        given = [rows.backfill(key, "de"[key % 2], state=states[key % 3]) for key in range(1, 21)]
        await store.runs.commit(rows.batch(*given), epoch)

        async def ids(dag_id: str | None, *wanted: BackfillState) -> list[int]:
            found: list[Backfill] = []
            while True:
                after = str(found[-1].backfill_id) if found else None
                name = None if dag_id is None else DagId(dag_id)
                page = await store.views.list_backfills(Page(limit=3, after=after), name, wanted)
                if not page:
                    return [one.backfill_id for one in found]
                assert len(page) <= 3
                found += page

        over = (BackfillState.COMPLETED, BackfillState.CANCELLED)
        assert await ids(None) == list(range(20, 0, -1))
        assert await ids("d") == list(range(20, 0, -2))
        assert await ids(None, *over) == [key for key in range(20, 0, -1) if states[key % 3] in over]
        assert await ids("e", *over) == [key for key in range(19, 0, -2) if states[key % 3] in over]
        assert await ids("nobody") == []
        with pytest.raises(errors.Rejected):
            await store.views.list_backfills(Page(after="x"))


async def test_an_unknown_backfill_is_answered_with_the_last_ones(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        with pytest.raises(errors.NotFound) as told:
            await store.views.get_backfill(7)
        assert "backfill create" in told.value.hint
        await store.runs.commit(rows.batch(rows.backfill(1), rows.backfill(2, "e")), epoch)
        with pytest.raises(errors.NotFound) as told:
            await store.views.get_backfill(7)
        assert told.value.hint == "the last ones: 2 of e, 1 of d"


async def test_runs_of_a_backfill_are_counted_and_listed_and_move_with_the_backfill_that_took_them(
    open_store: OpenStore,
) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        states = [RunState.SUCCESS, RunState.FAILED, RunState.RUNNING]
        runs = [rows.run(key, state=states[key % 3], backfill_id=1) for key in range(1, 10)]
        await store.runs.commit(rows.batch(rows.backfill(1), *runs, rows.run(10), rows.run(11, backfill_id=2)), epoch)
        assert await store.views.count_backfill_runs(1) == {"success": 3, "failed": 3, "running": 3}
        assert await store.views.count_backfill_runs(9) == {}
        page = await store.views.list_backfill_runs(1, Page(limit=4))
        assert [run.run_key for run in page] == [9, 8, 7, 6]
        page = await store.views.list_backfill_runs(1, Page(after="6"))
        assert [run.run_key for run in page] == [5, 4, 3, 2, 1]
        await store.runs.commit(rows.batch(replace(runs[0], backfill_id=2)), epoch)
        assert [run.run_key for run in await store.views.list_backfill_runs(2, Page())] == [11, 1]


async def test_the_version_of_a_backfill_that_goes_on_keeps_its_tree(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        await store.versions.put([rows.version("d", "v1", "tree1")], [], [], rows.START)
        await store.versions.put([rows.version("d", "v2", "tree2")], [], [], rows.START)
        assert await store.versions.list_trees_in_use() == {"tree2"}
        row = rows.backfill(1, version=VersionHash("v1"))
        await store.runs.commit(rows.batch(row), epoch)
        assert await store.versions.list_trees_in_use() == {"tree1", "tree2"}
        await store.runs.commit(rows.batch(replace(row, state=BackfillState.CANCELLED)), epoch)
        assert await store.versions.list_trees_in_use() == {"tree2"}


async def test_backfills_that_are_over_go_with_the_history_of_their_dag(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        await store.versions.put([rows.version("d", "v1")], [], [], rows.START)
        await store.versions.put([rows.version("d", "v2")], [], [], rows.START)
        over, active = rows.backfill(1, state=BackfillState.COMPLETED), rows.backfill(2)
        await store.runs.commit(rows.batch(over, active, rows.backfill(3, "e", state=BackfillState.CANCELLED)), epoch)
        await store.history.remove_dag(DagId("d"))
        assert [one.backfill_id for one in await store.views.list_backfills(Page())] == [3, 2]
        assert (await store.versions.get(VersionHash("v1"))).version == "v1", "the one that goes on needs it"
