"""The log of facts, whatever the store: whole batches under one epoch, and rows that are what the facts say."""

from __future__ import annotations

import pytest

from tests.contract.conftest import OpenStore
from tests.support import rows
from tradewind.model import commands as cmd
from tradewind.model import facts
from tradewind.model.ids import AttemptId, DagId, RunKey, VersionHash
from tradewind.model.rows import DagRow, Pool
from tradewind.model.snapshot import RunRef
from tradewind.model.states import AttemptPhase, EndReason, RunState, TaskState
from tradewind.ports import errors
from tradewind.ports import store as port
from tradewind.testing.clock import ManualClock


async def test_facts_are_numbered_without_gaps_and_read_back_in_order(
    open_store: OpenStore, clock: ManualClock
) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        first = rows.batch(rows.run(1), rows.task(1), rows.task(1, "u"))
        assert await store.runs.commit(first, epoch) == 3
        assert await store.runs.commit(rows.batch(rows.count(1, "none", 2)), epoch) == 3
        assert await store.runs.commit(rows.batch(rows.task(1, state=TaskState.RUNNING)), epoch) == 4
        found = await store.runs.read(0)
        assert [number for number, _, _ in found] == [1, 2, 3, 4]
        assert {at for _, at, _ in found} == {clock.now()}
        assert tuple(fact for _, _, fact in found[:3]) == first.facts
        assert [number for number, _, _ in await store.runs.read(1, limit=2)] == [2, 3]


async def test_a_batch_of_another_epoch_is_a_conflict_and_writes_nothing(open_store: OpenStore) -> None:
    async with open_store() as store:
        old = await rows.lead(store)
        await store.lease.release(old)
        new = await rows.lead(store)
        for epoch in (old, new + 1):
            with pytest.raises(errors.Conflict):
                await store.runs.commit(rows.batch(rows.run(1), rows.xcom(1), rows.count(1, "none", 1)), epoch)
        assert await store.runs.read(0) == []
        assert await store.runs.last_run_key() == 0
        assert await store.xcoms.list(RunKey(1)) == []
        assert await store.runs.commit(rows.batch(rows.run(1)), new) == 1


async def test_without_a_lease_nothing_is_written(open_store: OpenStore) -> None:
    async with open_store() as store:
        with pytest.raises(errors.Conflict):
            await store.runs.commit(rows.batch(rows.run(1)), 1)
        assert await store.runs.read(0) == []


@pytest.mark.parametrize(
    "bad",
    [rows.run(2, run_id="r1"), rows.run(2, conf={"n": "\ud800"})],
    ids=["a second run of one name", "text that is no text"],
)
async def test_refused_content_leaves_nothing_of_its_batch_and_each_half_may_be_tried(
    open_store: OpenStore, bad: facts.Fact
) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        await store.runs.commit(rows.batch(rows.run(1)), epoch)
        good = rows.run(3)
        with pytest.raises(errors.Rejected):
            await store.runs.commit(rows.batch(good, bad, rows.count(3, "none", 5), rows.xcom(3)), epoch)
        assert await store.runs.last_run_key() == 1
        assert await store.xcoms.list(RunKey(3)) == []
        with pytest.raises(errors.Rejected):
            await store.runs.commit(rows.batch(bad), epoch)
        assert await store.runs.commit(rows.batch(good), epoch) == 2
        assert [number for number, _, _ in await store.runs.read(0)] == [1, 2]


async def test_the_last_state_of_a_row_in_a_batch_is_what_stays(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        begun = rows.attempt("a1", 1, phase=AttemptPhase.CREATED)
        ended = rows.attempt("a1", 1, phase=AttemptPhase.ENDED, reason=EndReason.COMPLETED)
        done = rows.task(1, state=TaskState.SUCCESS, attempt_id=AttemptId("a1"))
        await store.runs.commit(
            rows.batch(
                rows.run(1, state=RunState.QUEUED), rows.run(1), rows.task(1), begun, done, ended,
                rows.task(1, "dropped"), facts.TaskDropped(run_key=RunKey(1), task_id="dropped"),
                rows.task(1, "back"),
            ),
            epoch,
        )  # fmt: skip
        back = facts.TaskDropped(run_key=RunKey(1), task_id="back")
        await store.runs.commit(rows.batch(back, rows.task(1, "back", TaskState.SKIPPED)), epoch)
        found = await store.runs.find_run(RunRef(dag_id=DagId("d"), run_id="r1"))
        assert found is not None
        assert found.run == rows.run(1)
        assert found.tasks == (rows.task(1, "back", TaskState.SKIPPED), done)
        assert found.attempts == (ended,)


async def test_every_field_of_a_row_comes_back_as_it_was(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        run = rows.run(
            1, conf={"a": [1, None, "ä\0"]}, logical_date=rows.START, interval_start=rows.day(1), note="x", verdict="y"
        )
        task = rows.task(1, map_index=3, due_at=rows.START, next_kwargs={"k": 1.5}, skips=("a", "b"), has_value=True)
        attempt = rows.attempt("a1", 1, map_index=3, detail={"containers": []}, wanted=False, deadline_at=rows.START)
        await store.runs.commit(rows.batch(run, task, attempt), epoch)
        found = await store.runs.find_run(RunRef(dag_id=DagId("d"), run_id="r1"))
        assert found is not None
        assert (found.run, found.tasks, found.attempts) == (run, (task,), (attempt,))


async def test_the_largest_run_key_is_kept(open_store: OpenStore) -> None:
    async with open_store() as store:
        assert await store.runs.last_run_key() == 0
        epoch = await rows.lead(store)
        await store.runs.commit(rows.batch(rows.run(7), rows.run(3)), epoch)
        await store.runs.commit(rows.batch(rows.run(5)), epoch)
        assert await store.runs.last_run_key() == 7


async def test_what_is_active_is_all_that_is_loaded(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        await store.versions.put([rows.version("d"), rows.version("c", "v2")], [], [], rows.START)
        pool = Pool(name="p", slots=3)
        await store.runs.commit(
            rows.batch(
                rows.run(1, state=RunState.SUCCESS), rows.task(1, state=TaskState.SUCCESS),
                rows.attempt("a1", 1, phase=AttemptPhase.ENDED),
                rows.run(2), rows.task(2, "u"), rows.task(2, "t", map_index=1), rows.task(2, "t", map_index=0),
                rows.attempt("a2", 2, phase=AttemptPhase.ENDED), rows.attempt("a3", 2),
                rows.run(3, "c", RunState.QUEUED),
                rows.run(4, state=RunState.FAILED), rows.task(4), rows.attempt("a4", 4, wanted=False),
                facts.PoolFact(pool=pool),
            ),
            epoch,
        )  # fmt: skip
    async with open_store() as store:
        found = await store.runs.load_active()
        assert [dag.dag_id for dag in found.dags] == ["c", "d"]
        assert found.pools == (pool,)
        assert [one.run.run_key for one in found.runs] == [2, 3, 4], "run 4 still has an attempt to stop"
        assert [(task.task_id, task.map_index) for task in found.runs[0].tasks] == [("t", 0), ("t", 1), ("u", -1)]
        assert [[one.attempt_id for one in run.attempts] for run in found.runs] == [["a3"], [], ["a4"]]


async def test_a_run_is_found_by_id_by_date_and_as_the_last_before_a_moment(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        dated = [rows.run(key, logical_date=rows.day(key), state=RunState.SUCCESS) for key in (1, 2, 3)]
        await store.runs.commit(rows.batch(*dated, rows.run(4), rows.run(5, "e", logical_date=rows.day(2))), epoch)

        async def key_of(**asked: object) -> int | None:
            found = await store.runs.find_run(RunRef(dag_id=DagId("d"), **asked))  # type: ignore[arg-type]
            return None if found is None else found.run.run_key

        assert await key_of(run_id="r2") == 2
        assert await key_of(run_id="r5") is None
        assert await key_of(logical_date=rows.day(3)) == 3
        assert await key_of(logical_date=rows.day(9)) is None
        assert await key_of(before=rows.day(3)) == 2
        assert await key_of(before=rows.day(1)) is None
        assert await key_of(before=rows.day(30)) == 3


async def test_a_found_run_brings_its_current_attempts_and_those_alive(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        over = {"phase": AttemptPhase.ENDED}
        await store.runs.commit(
            rows.batch(
                rows.run(1, state=RunState.SUCCESS),
                rows.task(1, "t", attempt_id=AttemptId("a2")), rows.task(1, "u", attempt_id=AttemptId("a3")),
                rows.attempt("a1", 1, **over), rows.attempt("a2", 1, **over), rows.attempt("a3", 1, "u"),
                rows.attempt("a4", 1, "u"),
            ),
            epoch,
        )  # fmt: skip
        found = await store.runs.find_run(RunRef(dag_id=DagId("d"), run_id="r1"))
        assert found is not None
        assert [one.attempt_id for one in found.attempts] == ["a2", "a3", "a4"]


async def test_counters_add_up_over_batches(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        some = [rows.count(1, "none", 3), rows.count(1, "none", -1), rows.count(1, "queued", 1)]
        await store.runs.commit(rows.batch(*some, rows.count(1, "none", 9, group_id="g")), epoch)
        await store.runs.commit(rows.batch(rows.count(1, "queued", -1), rows.count(1, "success", 1)), epoch)
        assert await store.views.counts([RunKey(1), RunKey(2)]) == {1: {"none": 2, "success": 1}, 2: {}}


async def test_cleared_xcoms_go_before_those_of_the_same_batch_come(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        await store.runs.commit(rows.batch(rows.xcom(1), rows.xcom(1, key="old"), rows.xcom(1, map_index=0)), epoch)
        cleared = facts.XComsCleared(run_key=RunKey(1), task_id="t")
        await store.runs.commit(rows.batch(rows.xcom(1, value=b"2"), cleared), epoch)
        assert await store.xcoms.list(RunKey(1)) == [rows.xcom(1, value=b"2"), rows.xcom(1, map_index=0)]


async def test_the_engine_and_the_bundles_never_overwrite_each_other_in_the_row_of_a_dag(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        [stale] = await store.versions.put([rows.version("d", "v1")], [], [], rows.START)
        await store.versions.put([rows.version("d", "v2", file="moved.py")], [], [], rows.START)
        paused = DagRow(dag_id=stale.dag_id, version=stale.version, file=stale.file, paused=True)
        await store.runs.commit(rows.batch(facts.DagFact(dag=paused)), epoch)
        dag = (await store.views.get_dag(DagId("d"))).dag
        assert (dag.version, dag.file, dag.paused) == ("v2", "moved.py", True)
        [dag] = await store.versions.put([rows.version("d", "v3")], [], [], rows.START)
        assert (dag.version, dag.paused) == ("v3", True)


async def test_pools_are_set_and_deleted(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        small, large = Pool(name="p", slots=1), Pool(name="p", slots=8, description="more")
        other = facts.PoolFact(pool=Pool(name="a", slots=2))
        await store.runs.commit(rows.batch(facts.PoolFact(pool=small), facts.PoolFact(pool=large), other), epoch)
        assert await store.views.list_pools() == [other.pool, large]
        await store.runs.commit(rows.batch(facts.PoolFact(pool=large, deleted=True)), epoch)
        assert await store.views.list_pools() == [other.pool]


async def test_a_consumed_command_has_its_result_and_waits_no_longer(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        command = cmd.TriggerRun(dag_id="d", logical_date=rows.START, conf={"x": 1})
        first = await store.inbox.put(command, "me", rows.START)
        second = await store.inbox.put(cmd.SetPaused(dag_id="d", paused=True), "you", rows.START)
        assert second > first
        waiting = await store.inbox.list_waiting()
        assert waiting[0] == port.InboxRow(inbox_id=first, at=rows.START, command=command, by="me")
        assert [row.inbox_id for row in waiting] == [first, second]
        assert await store.inbox.list_waiting(limit=1) == waiting[:1]
        assert await store.inbox.find_result(first) is None
        result = cmd.CommandResult(ok=True, run_id="r1")
        await store.runs.commit(rows.batch(facts.CommandFact(inbox_id=first, result=result)), epoch)
        assert await store.inbox.find_result(first) == result
        assert [row.inbox_id for row in await store.inbox.list_waiting()] == [second]


async def test_an_empty_batch_needs_the_lease_and_moves_nothing(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        assert await store.runs.commit(facts.Batch(), epoch) == 0
        with pytest.raises(errors.Conflict):
            await store.runs.commit(facts.Batch(), epoch + 1)


async def test_a_dag_that_only_the_engine_knows_gets_its_row(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        dag = DagRow(dag_id=DagId("ghost"), version=VersionHash("v9"), file="ghost.py")
        await store.runs.commit(rows.batch(facts.DagFact(dag=dag)), epoch)
        assert await store.views.get_dag(DagId("ghost")) == port.DagView(dag=dag)
