"""No read goes through history: SQLite is asked how it would run each statement that the ports send."""

from __future__ import annotations

import pathlib
import re
import sqlite3

import pytest

from tests.support import rows
from tradewind.model.ids import AttemptId, DagId, RunKey, VersionHash
from tradewind.model.snapshot import RunRef
from tradewind.model.states import BackfillState, RunState, TaskState
from tradewind.ports import errors
from tradewind.ports.store import Page
from tradewind.ports.upkeep import Old, OldRun
from tradewind.store import dialect as dialects
from tradewind.store import schema, sql_store
from tradewind.store.connections import Connections
from tradewind.store.sessions import Session

# What may be gone through: the DAGs that there are, and the partial indexes of what is alive or waits.
_SMALL = {"dag", "d", "slot_pool", "lease", "CONSTANT"}
_PARTIAL = ("USING INDEX attempt_live", "USING COVERING INDEX attempt_live", "USING INDEX inbox_waiting")


class Tracing(dialects.Sqlite):
    """SQLite that keeps every statement it was given."""

    def __init__(self, path: pathlib.Path) -> None:
        super().__init__(path, rows.TTL)
        self.seen: set[str] = set()

    def connect(self) -> dialects.SqliteSession:
        session = super().connect()
        session.raw.set_trace_callback(self.seen.add)
        return session


_SPAN = {"queued_at": rows.START - rows.TTL, "ended_at": rows.START + rows.TTL}


async def _ask_everything(store: sql_store.SqlStore) -> None:
    epoch = await rows.lead(store)
    await store.versions.put([rows.version("d")], [rows.file_status("d.py")], [], rows.START)
    some = rows.batch(rows.run(1), rows.task(1), rows.attempt("a1", 1), rows.xcom(1), rows.backfill(1))
    await store.runs.commit(some, epoch)
    await store.runs.load_active()
    await store.runs.read(0)
    await store.runs.last_run_key()
    for asked in ({"run_id": "r1"}, {"logical_date": rows.START}, {"before": rows.START}):
        await store.runs.find_run(RunRef(dag_id=DagId("d"), **asked))
    for states in ((), (RunState.FAILED,), (RunState.SUCCESS, RunState.RUNNING)):
        await store.views.list_runs(Page(), None, states)
        await store.views.list_runs(Page(after="7"), DagId("d"), states)
    await store.views.list_backfills(Page())
    await store.views.list_backfills(Page(after="7"), DagId("d"), [BackfillState.RUNNING])
    await store.views.list_backfills(Page(), None, [BackfillState.RUNNING, BackfillState.PAUSED])
    await store.views.get_backfill(1)
    await store.views.count_backfill_runs(1)
    await store.views.list_backfill_runs(1, Page(after="7"))
    await store.views.list_dags(Page(after="a"))
    await store.versions.list_of_dag(DagId("d"), 10)
    await store.views.get_dag(DagId("d"))
    await store.views.get_run(DagId("d"), "r1")
    with pytest.raises(errors.NotFound):
        await store.views.get_run(DagId("d"), "r2")
    await store.views.list_tasks(RunKey(1), Page(after="t:1"), [TaskState.FAILED])
    await store.views.list_attempts(RunKey(1), "t")
    await store.views.get_attempt(AttemptId("a1"))
    await store.views.counts([RunKey(1), RunKey(2)])
    await store.xcoms.list(RunKey(1), "t", "k", 0, 5)
    await store.xcoms.list(RunKey(1), None, "k")
    await store.xcoms.find_run_key("d", "r1")
    await store.xcoms.latest_before("d", rows.START, "t", "k")
    await store.inbox.list_waiting()
    await store.inbox.find_result(1)
    await store.outbox.list_due(rows.START)
    await store.versions.list_trees_in_use()
    await store.versions.list_files("dags")
    for old in (Old(before=rows.day(31)), Old(dag_id=DagId("d"), keep_last=2)):
        await store.history.list_old(old)
    await store.history.list_remains()
    await store.history.list_gone([RunKey(1), RunKey(2)])
    await store.history.measure([RunKey(1), RunKey(2)])
    await store.history.count_facts(rows.day(31))
    await store.history.remove([RunKey(1), RunKey(2)], rows.TTL)
    past = OldRun(run_key=RunKey(1), dag_id=DagId("d"), run_id="r1", version=VersionHash("v1"), **_SPAN)
    await store.history.remove_numbered_facts(await store.history.find_facts_of([past]) or [1], rows.TTL)
    await store.history.remove_facts(rows.START + rows.TTL, rows.TTL)


async def test_every_read_finds_its_rows_by_an_index(tmp_path: pathlib.Path) -> None:
    dialect = Tracing(tmp_path / "tradewind.db")
    connections = Connections(dialect)
    try:
        await connections.ask_writer(lambda session: schema.ensure(session, dialect))
        await _ask_everything(sql_store.SqlStore(connections))
        asked = {sql for sql in dialect.seen if re.match(r"\s*(select|update|delete)\b", sql) and "sqlite_" not in sql}
        assert len(asked) > 30

        def explain(session: Session) -> list[str]:
            return [
                f"{detail}: {sql}"
                for sql in asked
                for *_, detail in session.rows(f"explain query plan {sql}")
                if _goes_through_history(detail)
            ]

        assert await connections.ask_writer(explain) == []
    finally:
        connections.close()


@pytest.mark.parametrize(
    ("detail", "bad"),
    [
        ("SCAN dag_run", True),
        ("SCAN r", True),
        ("SCAN fact USING COVERING INDEX x", True),
        ("SCAN attempt USING INDEX attempt_live", False),
        ("SCAN d", False),
        ("SEARCH dag_run USING INDEX dag_run_by_state (state=?)", False),
    ],
)
def test_the_check_finds_what_goes_through_history(detail: str, bad: bool) -> None:
    assert _goes_through_history(detail) is bad


def _goes_through_history(detail: str) -> bool:
    words = detail.split()
    return words[0] == "SCAN" and words[1] not in _SMALL and not any(name in detail for name in _PARTIAL)


def test_sqlite_is_new_enough() -> None:
    assert sqlite3.sqlite_version_info >= (3, 35), "returning"
