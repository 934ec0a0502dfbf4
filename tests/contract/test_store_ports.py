"""The smaller ports, whatever the store: lease, inbox, outbox, versions and files, XComs, the vault's rows."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from tests.contract.conftest import OpenStore
from tests.support import rows
from tradewind.model import commands as cmd
from tradewind.model import facts
from tradewind.model.ids import DagId, RunKey, VersionHash
from tradewind.model.problem import Problem
from tradewind.model.states import RunState
from tradewind.ports import errors
from tradewind.ports import store as port

# -- lease ---------------------------------------------------------------------------------------------------------


async def test_a_held_lease_is_given_to_nobody_until_it_is_over(open_store: OpenStore) -> None:
    async with open_store() as store:
        assert await store.lease.find() is None
        first = await store.lease.acquire("a", rows.START, rows.TTL)
        assert first is not None
        assert await store.lease.find() == port.Held(holder="a", epoch=first, expires_at=rows.START + rows.TTL)
        just_before = rows.START + rows.TTL - timedelta(microseconds=1)
        assert await store.lease.acquire("b", just_before, rows.TTL) is None
        assert await store.lease.acquire("a", just_before, rows.TTL) is None
        second = await store.lease.acquire("b", rows.START + rows.TTL, rows.TTL)
        assert second is not None
        assert second > first
        held = await store.lease.find()
        assert held is not None
        assert held.holder == "b"


async def test_a_renewed_lease_lasts_longer_and_a_lost_one_cannot_be_renewed(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        later = rows.START + timedelta(seconds=10)
        await store.lease.renew(epoch, later, rows.TTL)
        assert await store.lease.acquire("b", rows.START + rows.TTL, rows.TTL) is None
        assert await store.lease.acquire("b", later + rows.TTL, rows.TTL) is not None
        with pytest.raises(errors.Conflict):
            await store.lease.renew(epoch, later, rows.TTL)


async def test_a_released_lease_is_free_at_once_and_only_its_holder_releases_it(open_store: OpenStore) -> None:
    async with open_store() as store:
        first = await rows.lead(store)
        await store.lease.release(first)
        second = await rows.lead(store)
        await store.lease.release(first)
        assert await store.lease.acquire("c", rows.START, rows.TTL) is None
        await store.lease.release(second)
        assert await rows.lead(store) > second


# -- inbox ---------------------------------------------------------------------------------------------------------


async def test_the_change_token_moves_when_another_one_puts_a_command(open_store: OpenStore) -> None:
    async with open_store() as ours, open_store() as theirs:
        before = await ours.inbox.change_token()
        assert await ours.inbox.change_token() == before
        await theirs.inbox.put(cmd.SetPaused(dag_id="d", paused=True), "them", rows.START)
        assert await ours.inbox.change_token() != before
        assert len(await ours.inbox.list_waiting()) == 1


async def test_every_kind_of_command_comes_out_as_it_went_in(open_store: OpenStore) -> None:
    selection = cmd.TaskSelection(dag_id="d", run_id="r", task_ids=("a",), map_indexes=(0, 2), downstream=True)
    commands: list[cmd.Command] = [
        cmd.ClearTasks(selection=selection, newest_version=True),
        cmd.MarkTasks(selection=selection, state="skipped"),
        cmd.CancelRun(dag_id="d", run_id="r"),
        cmd.SetPool(name="p", slots=-1),
        cmd.CreateBackfill(dag_id="d", start=rows.day(1), end=rows.day(2)),
        cmd.SetBackfill(backfill_id=7, action="pause"),
    ]
    async with open_store() as store:
        for command in commands:
            await store.inbox.put(command, "me", rows.START)
        assert [row.command for row in await store.inbox.list_waiting()] == commands


# -- outbox --------------------------------------------------------------------------------------------------------


async def test_due_things_come_oldest_first_until_they_are_done(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        late, early = rows.outbox_row("late", rows.START + timedelta(hours=1)), rows.outbox_row("early")
        middle = rows.outbox_row("middle", rows.START + timedelta(minutes=1))
        some = [facts.OutboxFact(row=row) for row in (late, middle, early)]
        await store.runs.commit(rows.batch(*some), epoch)
        now = rows.START + timedelta(minutes=1)
        assert await store.outbox.list_due(now) == [early, middle]
        assert await store.outbox.list_due(now, limit=1) == [early]
        assert await store.outbox.list_due(rows.START - timedelta(seconds=1)) == []
        await store.outbox.done(["early", "middle", "never there"])
        assert await store.outbox.list_due(now + timedelta(hours=2)) == [late]


async def test_a_second_thing_of_one_key_is_dropped(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        first = rows.outbox_row("k")
        second = facts.OutboxFact(row=rows.outbox_row("k", rows.START - timedelta(days=1)))
        await store.runs.commit(rows.batch(facts.OutboxFact(row=first), second), epoch)
        await store.runs.commit(rows.batch(second), epoch)
        assert await store.outbox.list_due(rows.START) == [first]


async def test_a_postponed_thing_keeps_its_error_and_counts_its_tries(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        await store.runs.commit(rows.batch(facts.OutboxFact(row=rows.outbox_row("k"))), epoch)
        later = rows.START + timedelta(seconds=5)
        await store.outbox.postpone("k", later, "no mail server")
        await store.outbox.postpone("never there", later, "x")
        assert await store.outbox.list_due(rows.START) == []
        [row] = await store.outbox.list_due(later)
        assert (row.tries, row.error, row.due_at) == (1, "no mail server", later)


# -- versions and files --------------------------------------------------------------------------------------------


async def test_only_rows_that_changed_are_returned_for_versions(open_store: OpenStore) -> None:
    async with open_store() as store:
        first = await store.versions.put([rows.version("d"), rows.version("c", "w1")], [], [], rows.START)
        assert [(row.dag_id, row.version, row.paused) for row in first] == [("c", "w1", False), ("d", "v1", False)]
        assert await store.versions.put([rows.version("d")], [], [], rows.START) == []
        [changed] = await store.versions.put([rows.version("d", "v2"), rows.version("c", "w1")], [], [], rows.START)
        assert (changed.dag_id, changed.version) == ("d", "v2")


async def test_a_new_dag_is_paused_if_it_says_so(open_store: OpenStore) -> None:
    async with open_store() as store:
        asks = rows.version("d", is_paused_upon_creation=True)
        assert [row.paused for row in await store.versions.put([asks], [], [], rows.START)] == [True]
        again = rows.version("d", "v2", is_paused_upon_creation=False)
        assert [row.paused for row in await store.versions.put([again], [], [], rows.START)] == [True]


async def test_a_removed_dag_keeps_its_row_and_comes_back_with_its_file(open_store: OpenStore) -> None:
    async with open_store() as store:
        await store.versions.put([rows.version("d")], [], [], rows.START)
        gone = [DagId("d"), DagId("never there")]
        assert [row.removed for row in await store.versions.put([], [], gone, rows.START)] == [True]
        assert await store.versions.put([], [], gone, rows.START) == []
        assert (await store.views.get_dag(DagId("d"))).dag.removed
        assert [row.removed for row in await store.versions.put([rows.version("d")], [], [], rows.START)] == [False]


async def test_a_version_comes_back_whole_and_an_unknown_one_is_not_found(open_store: OpenStore) -> None:
    async with open_store() as store:
        version = rows.version("d", start_date=rows.day(1), owners=("me",))
        await store.versions.put([version], [], [], rows.START)
        assert await store.versions.get(VersionHash("v1")) == version
        with pytest.raises(errors.NotFound):
            await store.versions.get(VersionHash("v2"))


async def test_files_are_kept_by_bundle_and_path(open_store: OpenStore) -> None:
    async with open_store() as store:
        broken = rows.file_status("b.py", problems=(Problem(code="syntax", message="no", object="b.py", hint=""),))
        fine = rows.file_status("a.py", dag_ids=("d",), parsed_at=rows.START, seconds=0.25, isolated=True)
        other = rows.file_status("a.py", bundle="other")
        await store.versions.put([], [broken, fine, other], [], rows.START)
        assert await store.versions.list_files("dags") == [fine, broken]
        mended = rows.file_status("b.py", dag_ids=("e",))
        await store.versions.put([], [mended], [], rows.START)
        assert await store.versions.list_files("dags") == [fine, mended]
        await store.versions.forget_files("dags", ["a.py", "never there"])
        assert await store.versions.list_files("dags") == [mended]
        assert await store.versions.list_files("other") == [other]


async def test_versions_of_a_dag_are_listed_newest_first(open_store: OpenStore) -> None:
    async with open_store() as store:
        made = [
            msgspec.structs.replace(rows.version("d", name), created_at=rows.START + timedelta(seconds=number))
            for number, name in enumerate(["v2", "v1", "v3"])
        ]
        for one in made:
            await store.versions.put([one, rows.version("c", f"of c {one.version}")], [], [], rows.START)
        assert await store.versions.list_of_dag(DagId("d"), 10) == made[::-1]
        assert await store.versions.list_of_dag(DagId("d"), 2) == made[:0:-1]
        assert await store.versions.list_of_dag(DagId("nobody"), 2) == []


async def test_trees_of_newest_versions_and_of_unfinished_runs_are_in_use(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        for name in ("v1", "v2", "v3"):
            await store.versions.put([rows.version("d", name, tree=f"tree of {name}")], [], [], rows.START)
        v1 = VersionHash("v1")
        over = rows.run(2, version=VersionHash("v2"), state=RunState.FAILED)
        await store.runs.commit(rows.batch(rows.run(1, version=v1), over), epoch)
        assert await store.versions.list_trees_in_use() == {"tree of v1", "tree of v3"}
        await store.runs.commit(rows.batch(rows.run(1, version=v1, state=RunState.SUCCESS)), epoch)
        assert await store.versions.list_trees_in_use() == {"tree of v3"}


# -- XComs ---------------------------------------------------------------------------------------------------------


async def test_an_xcom_is_found_by_its_whole_key_and_replaced_by_a_second_put(open_store: OpenStore) -> None:
    async with open_store() as store:
        large = rows.xcom(1, value=b'"' + b"x" * 3_000_000 + b'"')
        await store.xcoms.put(rows.xcom(1))
        await store.xcoms.put(large)
        assert await store.xcoms.find(RunKey(1), "t", -1, "k") == large
        assert await store.xcoms.find(RunKey(1), "t", 0, "k") is None
        assert await store.xcoms.find(RunKey(1), "t", -1, "other") is None


async def test_xcoms_are_listed_in_order_and_sliced(open_store: OpenStore) -> None:
    async with open_store() as store:
        mapped = [rows.xcom(1, "m", map_index=index, value=str(index).encode()) for index in range(12)]
        single, other = rows.xcom(1, "t", key="b"), rows.xcom(1, "t", key="a")
        for row in [*reversed(mapped), single, other, rows.xcom(2)]:
            await store.xcoms.put(row)
        assert await store.xcoms.list(RunKey(1)) == [*mapped, other, single]
        assert await store.xcoms.list(RunKey(1), "m") == mapped
        assert await store.xcoms.list(RunKey(1), None, "k") == mapped
        assert await store.xcoms.list(RunKey(1), "t", "b") == [single]
        for start, stop in [(0, 3), (3, None), (9, 99), (20, 30), (5, 2), (-3, None), (0, -2), (-4, -1)]:
            assert await store.xcoms.list(RunKey(1), "m", "k", start, stop) == mapped[start:stop]


async def test_a_runs_key_is_found_by_its_name(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        await store.runs.commit(rows.batch(rows.run(4)), epoch)
        assert await store.xcoms.find_run_key("d", "r4") == 4
        assert await store.xcoms.find_run_key("d", "r5") is None


async def test_prior_dates_give_the_values_of_the_newest_earlier_run_that_has_any(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        dated = [rows.run(key, logical_date=rows.day(day)) for key, day in ((1, 3), (2, 1), (3, 2), (4, 4))]
        await store.runs.commit(rows.batch(*dated, rows.run(5, "e", logical_date=rows.day(3))), epoch)
        for row in (
            rows.xcom(1),
            rows.xcom(1, map_index=0),
            rows.xcom(2),
            rows.xcom(4),
            rows.xcom(5),
            rows.xcom(3, "u"),
        ):
            await store.xcoms.put(row)
        assert await store.xcoms.latest_before("d", rows.day(4), "t", "k") == [rows.xcom(1), rows.xcom(1, map_index=0)]
        assert await store.xcoms.latest_before("d", rows.day(3), "t", "k") == [rows.xcom(2)], "run 3 has none"
        assert await store.xcoms.latest_before("d", rows.day(1), "t", "k") == []


# -- the vault's rows ----------------------------------------------------------------------------------------------


async def test_sealed_rows_are_kept_by_kind_and_key(open_store: OpenStore) -> None:
    async with open_store() as store:
        row = port.VaultRow(kind="variable", key="b", sealed=b"\0\xff", key_id="1", description="what it is")
        other = port.VaultRow(kind="variable", key="a", sealed=b"", key_id="1")
        connection = port.VaultRow(kind="connection", key="b", sealed=b"c", key_id="1")
        for one in (row, other, connection):
            await store.vault.put(one)
        assert await store.vault.find("variable", "b") == row
        assert await store.vault.list("variable") == [other, row]
        again = port.VaultRow(kind="variable", key="b", sealed=b"new", key_id="2")
        await store.vault.put(again)
        assert await store.vault.find("variable", "b") == again
        assert await store.vault.delete("variable", "b")
        assert not await store.vault.delete("variable", "b")
        assert await store.vault.find("variable", "b") is None
        assert await store.vault.find("connection", "b") == connection


@pytest.mark.parametrize(("existing", "written", "kept"), [("overwrite", 2, b"new"), ("skip", 1, b"old")])
async def test_many_sealed_rows_are_put_at_once(
    open_store: OpenStore, existing: port.OnExisting, written: int, kept: bytes
) -> None:
    async with open_store() as store:
        await store.vault.put(port.VaultRow(kind="variable", key="a", sealed=b"old", key_id="1"))
        fresh = [port.VaultRow(kind="variable", key=key, sealed=b"new", key_id="1") for key in ("b", "a")]
        assert await store.vault.put_all(fresh, existing) == written
        assert [row.sealed for row in await store.vault.list("variable")] == [kept, b"new"]


async def test_none_of_many_sealed_rows_is_put_where_one_must_not_be_replaced(open_store: OpenStore) -> None:
    async with open_store() as store:
        await store.vault.put(port.VaultRow(kind="variable", key="a", sealed=b"old", key_id="1"))
        fresh = [port.VaultRow(kind="variable", key=key, sealed=b"new", key_id="1") for key in ("0", "a", "b")]
        with pytest.raises(errors.Conflict, match=r"^a: ") as caught:
            await store.vault.put_all(fresh, "fail")
        assert caught.value.code == "already-there"
        assert [row.sealed for row in await store.vault.list("variable")] == [b"old"]


async def test_a_row_is_sealed_anew_only_where_nobody_wrote_it_meanwhile(open_store: OpenStore) -> None:
    async with open_store() as store:
        first, second, gone = (
            port.VaultRow(kind="connection", key=key, sealed=b"old", key_id="1", description="d") for key in "abc"
        )
        for row in (first, second):
            await store.vault.put(row)
        written = port.VaultRow(kind="connection", key="b", sealed=b"written", key_id="1")
        await store.vault.put(written)
        changes = [
            (row, port.VaultRow(kind=row.kind, key=row.key, sealed=b"new", key_id="2", description="d"))
            for row in (first, second, gone)
        ]
        assert await store.vault.reseal(changes) == 1
        assert await store.vault.list("connection") == [changes[0][1], written]


async def test_a_store_that_is_there_passes_its_check(open_store: OpenStore) -> None:
    async with open_store() as store:
        await store.check()
