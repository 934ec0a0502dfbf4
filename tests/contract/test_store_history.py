"""Removal of finished runs: what may go, what stays whole, and that a removal cut short is finished by the next."""

from __future__ import annotations

import pathlib
from datetime import datetime, timedelta

import pytest

from tests.contract.conftest import OpenStore
from tests.support import rows
from tradewind.model.ids import DagId, RunKey
from tradewind.model.rows import DagRun
from tradewind.model.states import AttemptPhase, RunState, TaskState
from tradewind.ports import store as store_port
from tradewind.ports import upkeep
from tradewind.store import retention, sql_store
from tradewind.testing.clock import ManualClock

SLICE = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def _over(key: int, dag_id: str = "d", state: RunState = RunState.SUCCESS, ended: datetime | None = None) -> DagRun:
    """A run that took an hour, on the day of its key."""
    begin = rows.day(key) if ended is None else ended - HOUR
    return rows.run(key, dag_id, state, queued_at=begin, ended_at=ended or begin + HOUR)


async def _fill(store: store_port.Store, runs: list[DagRun], tasks: int = 3) -> int:
    epoch = await rows.lead(store)
    for run in runs:
        key = int(run.run_key)
        ended = [rows.attempt(f"a{key}x{n}", key, f"t{n}", phase=AttemptPhase.ENDED) for n in range(tasks)]
        state = TaskState.SUCCESS
        await store.runs.commit(
            rows.batch(
                run,
                *(rows.task(key, f"t{n}", state, attempt_id=f"a{key}x{n}") for n in range(tasks)),
                *ended,
                *(rows.xcom(key, f"t{n}") for n in range(tasks)),
                rows.count(key, "success", tasks),
            ),
            epoch,
        )
    return epoch


async def _old(store: store_port.Store, **wanted: object) -> list[int]:
    old = upkeep.Old(**wanted)  # type: ignore[arg-type]
    found: list[int] = []
    page = await store.history.list_old(old, limit=2)
    found += [run.run_key for run in page.runs]
    while page.after is not None:
        page = await store.history.list_old(old, page.after, limit=2)
        found += [run.run_key for run in page.runs]
    return found


async def _remove_all(store: store_port.Store, keys: list[int]) -> upkeep.Amounts:
    left, total = [RunKey(key) for key in keys], upkeep.Amounts()
    while left:
        removed = await store.history.remove(left, SLICE)
        total += removed.amounts
        left = [key for key in left if key not in {*removed.done, *removed.kept}]
    return total


async def test_runs_that_ended_before_a_moment_may_go_but_for_the_newest_ones(open_store: OpenStore) -> None:
    async with open_store() as store:
        await _fill(store, [_over(1), _over(2, "e"), _over(3), _over(4), _over(5, "e"), _over(6)])
        assert await _old(store, before=rows.day(5)) == [1, 2, 3, 4]
        assert await _old(store, before=rows.day(5), dag_id=DagId("d")) == [1, 3, 4]
        assert await _old(store, before=rows.day(9), keep_last=2) == [1, 3]
        assert await _old(store, keep_last=1) == [1, 2, 3, 4]
        assert await _old(store, keep_last=0, dag_id=DagId("e")) == [2, 5]
        assert await _old(store, before=rows.day(1)) == []


async def test_what_is_not_over_stays(open_store: OpenStore) -> None:
    async with open_store() as store:
        runs = [_over(1, state=RunState.RUNNING), _over(2), _over(3, state=RunState.QUEUED), _over(4)]
        epoch = await _fill(store, runs)
        await store.runs.commit(rows.batch(rows.attempt("alive", 2, "t9")), epoch)
        assert await _old(store, keep_last=0) == [4]
        removed = await store.history.remove([RunKey(2)], SLICE)
        assert removed.kept == [2]
        assert removed.amounts == upkeep.Amounts()
        assert (await store.views.get_run(DagId("d"), "r2")).run_key == 2


async def test_a_removed_run_leaves_nothing_and_others_stay_whole(open_store: OpenStore) -> None:
    async with open_store() as store:
        await _fill(store, [_over(1), _over(2)])
        measured = await store.history.measure([RunKey(1)])
        gone = await _remove_all(store, [1])
        assert (gone.runs, gone.task_instances, gone.attempts, gone.xcoms) == (1, 3, 3, 3)
        assert (measured.runs, measured.task_instances, measured.attempts, measured.xcoms) == (1, 3, 3, 3)
        assert [run.run_key for run in await store.views.list_runs(store_port.Page())] == [2]
        assert await store.views.list_tasks(RunKey(1), store_port.Page()) == []
        assert await store.views.list_attempts(RunKey(1), "t0") == []
        assert await store.xcoms.list(RunKey(1)) == []
        assert await store.views.counts([RunKey(1), RunKey(2)]) == {1: {}, 2: {"success": 3}}
        assert len(await store.views.list_tasks(RunKey(2), store_port.Page())) == 3
        assert len(await store.xcoms.list(RunKey(2))) == 3
        assert await store.history.list_remains() == []


async def test_a_run_key_is_not_given_out_again_after_its_run_went(open_store: OpenStore) -> None:
    async with open_store() as store:
        await _fill(store, [_over(1), _over(2)])
        await _remove_all(store, [1, 2])
        assert await store.runs.last_run_key() == 2
        assert await store.history.list_gone([RunKey(1), RunKey(2), RunKey(3)]) == [1, 2]


async def test_facts_go_from_the_oldest_on_and_keep_their_numbers(open_store: OpenStore, clock: ManualClock) -> None:
    async with open_store() as store:
        epoch = await _fill(store, [_over(1)])
        border = clock.now() + timedelta(days=1)
        clock.set(border)
        last = await store.runs.commit(rows.batch(_over(2)), epoch)
        assert await store.history.count_facts(border) == last - 1
        assert await store.history.count_facts(border + HOUR) == last
        assert await store.history.remove_facts(border, SLICE) == last - 1
        assert await store.history.remove_facts(border, SLICE) == 0
        assert [number for number, _, _ in await store.runs.read(0)] == [last]
        assert await store.runs.commit(rows.batch(_over(3)), epoch) == last + 1
        assert [number for number, _, _ in await store.runs.read(last)] == [last + 1]


async def test_the_facts_of_a_run_go_without_those_of_others(open_store: OpenStore, clock: ManualClock) -> None:
    async with open_store() as store:
        await _fill(store, [_over(key, ended=clock.now() + HOUR) for key in (1, 2)])
        [run] = (await store.history.list_old(upkeep.Old(dag_id=DagId("d")))).runs
        before = len(await store.runs.read(0))
        numbers = await store.history.find_facts_of([run])
        assert len(numbers) == before // 2
        assert await store.history.remove_numbered_facts(numbers, SLICE) == before // 2
        assert await store.history.find_facts_of([run]) == []
        assert len(await store.runs.read(0)) == before // 2


async def test_a_dag_whose_file_is_gone_goes_with_its_versions(open_store: OpenStore) -> None:
    async with open_store() as store:
        await store.versions.put([rows.version("d", "v1"), rows.version("e", "v2")], [], [], rows.START)
        await store.versions.put([], [], [DagId("d")], rows.START)
        await _fill(store, [_over(1)])
        assert not await store.history.remove_dag(DagId("d"))
        await _remove_all(store, [1])
        assert await store.history.remove_dag(DagId("d"))
        assert [view.dag.dag_id for view in await store.views.list_dags(store_port.Page())] == ["e"]
        assert not await store.history.remove_dag(DagId("d"))
        assert (await store.versions.get(rows.version("e", "v2").version)).spec.dag_id == "e"


async def test_a_dag_whose_file_is_there_keeps_its_row_and_its_newest_version(open_store: OpenStore) -> None:
    async with open_store() as store:
        await store.versions.put([rows.version("d", "v1")], [], [], rows.START)
        await store.versions.put([rows.version("d", "v2")], [], [], rows.START)
        assert not await store.history.remove_dag(DagId("d"))
        view = await store.views.get_dag(DagId("d"))
        assert (await store.versions.get(view.dag.version)).version == view.dag.version
        with pytest.raises(Exception, match="no such version"):
            await store.versions.get(rows.version("d", "v1").version)


async def test_a_large_run_goes_in_slices_and_what_was_cut_short_is_found(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_SLICE_ROWS", 2)
    async with sql_store.open_store(database_url) as store:
        await _fill(store, [_over(1), _over(2)], tasks=5)
        removed = await store.history.remove([RunKey(1), RunKey(2)], timedelta(0))
        assert removed.done == []
        assert removed.amounts.runs == 1
        assert 0 < removed.amounts.task_instances < 5
    async with sql_store.open_store(database_url) as store:
        assert await _old(store, keep_last=0) == [2]
        assert await store.history.list_remains() == [1]
        gone = await _remove_all(store, [1])
        assert gone.attempts == 5
        assert await store.history.list_remains() == []
        assert len(await store.views.list_tasks(RunKey(2), store_port.Page())) == 5


async def test_space_that_history_left_is_given_back_to_the_disk(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "tradewind.db"
    async with sql_store.open_store(f"sqlite:///{file}") as store:
        await _fill(store, [_over(key) for key in range(1, 29)], tasks=60)
    full = file.stat().st_size
    async with sql_store.open_store(f"sqlite:///{file}") as store:
        await _remove_all(store, list(range(1, 29)))
        await store.history.remove_facts(rows.START + timedelta(days=3650), SLICE)
        given = 0
        while n := await store.history.give_back_space(SLICE):
            given += n
    assert given > full // 2
    assert file.stat().st_size <= full - given
