"""What people look at, whatever the store: in order, by page, and told well where something is not there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.contract.conftest import OpenStore
from tests.support import rows
from tradewind.model.ids import AttemptId, DagId, RunKey
from tradewind.model.rows import DagRun
from tradewind.model.states import AttemptPhase, RunState, TaskState
from tradewind.ports import errors
from tradewind.ports.store import Page


async def test_dags_are_listed_by_page_with_what_their_version_says(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        names = ["B", "a", "a-1", "a_b", "aa", "b"]  # as code points sort, whatever the server's language
        await store.versions.put([rows.version(name, f"v{name}") for name in reversed(names)], [], [], rows.START)
        over = rows.run(1, "aa", RunState.SUCCESS)
        await store.runs.commit(rows.batch(over, rows.run(2, "aa"), rows.run(3, "aa", RunState.QUEUED)), epoch)
        seen: list[str] = []
        after: str | None = None
        while page := await store.views.list_dags(Page(limit=4, after=after)):
            seen += [view.dag.dag_id for view in page]
            after = page[-1].dag.dag_id
        assert seen == names
        view = await store.views.get_dag(DagId("aa"))
        assert (view.tags, view.task_count, view.active_runs) == (("x",), 1, 2)
        assert view.last_run == rows.run(3, "aa", RunState.QUEUED)
        assert view == (await store.views.list_dags(Page(limit=9)))[4]
        assert (await store.views.get_dag(DagId("a"))).last_run is None


async def test_a_name_that_is_no_dag_is_answered_with_the_nearest(open_store: OpenStore) -> None:
    async with open_store() as store:
        await store.versions.put([rows.version("sales_daily")], [], [], rows.START)
        with pytest.raises(errors.NotFound, match="sales_daily") as told:
            await store.views.get_dag(DagId("sale_daily"))
        assert told.value.hint == "did you mean sales_daily?"
        with pytest.raises(errors.NotFound):
            await store.views.get_dag(DagId("quite other"))


async def test_runs_are_listed_newest_first_by_page_and_by_state(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        states = [RunState.SUCCESS, RunState.FAILED, RunState.RUNNING, RunState.SUCCESS]
        runs = [rows.run(key, "de"[key % 2], states[key % 4]) for key in range(1, 41)]
        await store.runs.commit(rows.batch(*runs), epoch)

        async def keys(dag_id: str | None, *wanted: RunState) -> list[int]:
            found: list[DagRun] = []
            while True:
                after = str(found[-1].run_key) if found else None
                name = None if dag_id is None else DagId(dag_id)
                page = await store.views.list_runs(Page(limit=7, after=after), name, wanted)
                if not page:
                    return [run.run_key for run in found]
                assert len(page) <= 7
                found += page

        assert await keys(None) == list(range(40, 0, -1))
        assert await keys("d") == list(range(40, 0, -2))
        ends = (RunState.SUCCESS, RunState.FAILED)
        assert await keys(None, *ends) == [key for key in range(40, 0, -1) if states[key % 4] in ends]
        assert await keys("e", *ends) == [key for key in range(39, 0, -2) if states[key % 4] in ends]
        assert await keys("d", RunState.RUNNING) == [key for key in range(40, 0, -2) if key % 4 == 2]
        assert await keys("e", RunState.QUEUED) == []
        assert await keys("nobody") == []


async def test_a_run_is_got_by_name_and_an_unknown_one_is_answered_with_the_last(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        await store.runs.commit(rows.batch(rows.run(1), rows.run(2)), epoch)
        assert await store.views.get_run(DagId("d"), "r1") == rows.run(1)
        with pytest.raises(errors.NotFound) as told:
            await store.views.get_run(DagId("d"), "r9")
        assert told.value.hint == "its last ones: r2, r1"
        with pytest.raises(errors.NotFound):
            await store.views.get_run(DagId("e"), "r1")


async def test_tasks_are_listed_by_page_and_by_state(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        states = [TaskState.SUCCESS, TaskState.FAILED, TaskState.QUEUED]
        mapped = [rows.task(1, "m", states[index % 3], index) for index in range(11)]
        single = [rows.task(1, "a"), rows.task(1, "m_", TaskState.SUCCESS), rows.task(1, "z.b-c")]
        await store.runs.commit(rows.batch(*mapped, *single, rows.task(2)), epoch)
        wanted = [single[0], *mapped, *single[1:]]
        found = list(await store.views.list_tasks(RunKey(1), Page(limit=5)))
        while page := await store.views.list_tasks(
            RunKey(1), Page(limit=5, after=f"{found[-1].task_id}:{found[-1].map_index}")
        ):
            found += page
        assert found == wanted
        ended = (TaskState.SUCCESS, TaskState.FAILED)
        page = await store.views.list_tasks(RunKey(1), Page(limit=4, after="m:4"), ended)
        assert page == [one for one in mapped[5:] if one.state in ended][:4]


async def test_a_key_of_no_row_is_refused(open_store: OpenStore) -> None:
    async with open_store() as store:
        with pytest.raises(errors.Rejected, match="page after 'x'"):
            await store.views.list_runs(Page(after="x"))
        with pytest.raises(errors.Rejected):
            await store.views.list_tasks(RunKey(1), Page(after="t:x"))


async def test_attempts_are_listed_as_they_were_made(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        made = [
            rows.attempt("zz", 1, created_at=rows.START),
            rows.attempt("aa", 1, created_at=rows.START + timedelta(seconds=1), number=2, phase=AttemptPhase.ENDED),
            rows.attempt("mm", 1, created_at=rows.START + timedelta(seconds=2), try_number=2),
        ]
        others = [rows.attempt("xx", 1, map_index=0), rows.attempt("yy", 1, "u"), rows.attempt("ww", 2)]
        await store.runs.commit(rows.batch(*reversed(made), *others), epoch)
        assert await store.views.list_attempts(RunKey(1), "t") == made
        assert await store.views.list_attempts(RunKey(1), "t", 0) == others[:1]
        assert await store.views.get_attempt(AttemptId("aa")) == made[1]
        with pytest.raises(errors.NotFound):
            await store.views.get_attempt(AttemptId("nn"))


async def test_counters_of_many_runs_are_read_at_once(open_store: OpenStore) -> None:
    async with open_store() as store:
        epoch = await rows.lead(store)
        keys = [RunKey(key) for key in range(1, 1201)]
        await store.runs.commit(rows.batch(*(rows.count(key, "success", key) for key in keys)), epoch)
        assert await store.views.counts(keys) == {key: {"success": key} for key in keys}
        assert await store.views.counts([]) == {}


async def test_a_store_with_nothing_in_it_lists_nothing(open_store: OpenStore) -> None:
    async with open_store() as store:
        assert await store.views.list_dags(Page()) == []
        assert await store.views.list_runs(Page()) == []
        assert await store.views.list_pools() == []
        assert await store.views.list_tasks(RunKey(1), Page()) == []
        assert (await store.runs.load_active()).runs == ()
        assert await store.inbox.list_waiting() == []
        assert await store.versions.list_trees_in_use() == frozenset()
