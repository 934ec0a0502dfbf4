"""A check of a whole database finds what rows say of each other that is not so, and repairs what can be counted."""

from __future__ import annotations

import pathlib

import pytest

from tests.support import rows
from tradewind.model.states import AttemptPhase, RunState, TaskState
from tradewind.ports import errors
from tradewind.store import sql_store

URL = str


async def _whole(store: sql_store.SqlStore) -> None:
    await store.versions.put([rows.version("d", "v1")], [], [], rows.START)
    epoch = await rows.lead(store)
    await store.runs.commit(
        rows.batch(
            rows.run(1),
            rows.task(1, "a", TaskState.SUCCESS, attempt_id="a1"),
            rows.task(1, "b", TaskState.RUNNING, attempt_id="b1"),
            rows.attempt("a1", 1, "a", phase=AttemptPhase.ENDED),
            rows.attempt("b1", 1, "b"),
            rows.count(1, "success", 1),
            rows.count(1, "running", 1),
            rows.count(1, "success", 1, "group"),
        ),
        epoch,
    )


async def _spoil(store: sql_store.SqlStore, *statements: str) -> None:
    await store._connections.write(lambda session: [session.run(one) for one in statements])


async def _found(store: sql_store.SqlStore) -> list[tuple[str, str]]:
    return [(one.check, one.object) for one in await store.checks.check()]


async def test_a_whole_database_has_nothing_to_tell(database_url: URL) -> None:
    async with sql_store.open_store(database_url) as store:
        assert await _found(store) == []
        await _whole(store)
        assert await _found(store) == []


async def test_counters_that_are_wrong_are_found_and_counted_again(database_url: URL) -> None:
    async with sql_store.open_store(database_url) as store:
        await _whole(store)
        await _spoil(
            store,
            "update task_count set n = 5 where state = 'success'",
            "delete from task_count where state = 'running'",
        )
        assert await _found(store) == [("counters", "run 1"), ("counters", "run 1")]
        assert all(one.repairable for one in await store.checks.check())
        repaired = await store.checks.repair()
        assert [one.problem for one in repaired] == [
            "1 more task instances are running than its counter says",
            "4 fewer task instances are success than its counter says",
        ]
        assert await _found(store) == []
        assert await store.views.counts([rows.run(1).run_key]) == {1: {"running": 1, "success": 1}}
        assert await store.checks.repair() == []


@pytest.mark.parametrize(
    ("statement", "check", "name"),
    [
        ("delete from attempt where attempt_id = 'a1'", "attempts", "a of run 1"),
        ("delete from task_instance where task_id = 'b'", "attempts", "attempt b1"),
        ("update dag_run set version = 'other'", "versions", "run 'r1' of DAG 'd'"),
        ("update dag set version = 'other'", "versions", "DAG 'd'"),
        ("update lease set last_fact = 1", "facts", "fact 5"),
        ("update lease set last_run_key = 0", "run keys", "run 1"),
        ("delete from dag_run", "removal", "run 1"),
    ],
)
async def test_rows_that_miss_each_other_are_found(database_url: URL, statement: str, check: str, name: str) -> None:
    async with sql_store.open_store(database_url) as store:
        await _whole(store)
        await _spoil(store, statement)
        assert (check, name) in await _found(store)


async def test_many_of_one_kind_are_counted(database_url: URL) -> None:
    async with sql_store.open_store(database_url) as store:
        await _whole(store)
        state = RunState.SUCCESS
        epoch_rows = [rows.run(key, state=state) for key in range(2, 40)]
        tasks = [rows.task(key, "t", TaskState.SUCCESS) for key in range(2, 40)]
        await store.runs.commit(rows.batch(*epoch_rows, *tasks), 1)
        found = await _found(store)
        assert len(found) == 21
        assert found[-1] == ("counters", "18 more")


async def test_a_page_of_the_file_that_was_overwritten_is_found(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "tradewind.db"
    async with sql_store.open_store(f"sqlite:///{file}") as store:
        await _whole(store)
        size = int((await store._connections.read(lambda session: session.row("pragma page_size")) or (0,))[0])
        row = await store._connections.read(
            lambda session: session.row("select rootpage from sqlite_master where name = 'attempt_by_id'")
        )
    assert row is not None
    with file.open("r+b") as raw:
        raw.seek((row[0] - 1) * size + size - 40)
        raw.write(b"\x55" * 40)
    async with sql_store.open_store(f"sqlite:///{file}") as store:
        try:
            checks = {one.check for one in await store.checks.check()}
        except errors.Rejected as error:
            checks = {error.code}
        assert checks & {"file", "database-broken"}
