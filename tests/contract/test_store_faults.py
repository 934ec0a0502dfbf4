"""What goes wrong around a database: another process holds it, it restarts, an answer is lost, a disk is full."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from tests.support import postgres, rows
from tradewind.model.commands import SetPaused
from tradewind.model.ids import DagId, RunKey
from tradewind.model.snapshot import RunRef
from tradewind.ports import errors
from tradewind.store import dialect as dialects
from tradewind.store import schema, sql_store
from tradewind.store.connections import Connections
from tradewind.store.sessions import Dialect, Session

SHORT = timedelta(seconds=0.3)
COMMAND = SetPaused(dag_id="d", paused=True)


# -- a file that another process holds -----------------------------------------------------------------------------


@contextlib.contextmanager
def holding(path: pathlib.Path, *statements: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that executes these and then keeps what it has."""
    program = """
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1], isolation_level=None)
        for statement in sys.argv[2:]:
            connection.execute(statement)
        print("held", flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(path), *statements]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder
        holder.communicate(timeout=10)


async def test_a_locked_file_names_its_holder_and_works_again_afterwards(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "tradewind.db"
    async with sql_store.open_store(f"sqlite:///{path}", busy=SHORT) as store:
        with holding(path, "begin immediate") as holder:
            with pytest.raises(errors.Transient) as told:
                await store.inbox.put(COMMAND, "me", rows.START)
            assert told.value.code == "database-busy"
            assert f"held by process {holder.pid} (" in told.value.message
            assert "waited 0.3 s" in told.value.message
            assert "database is locked" not in str(told.value)
            assert await store.inbox.list_waiting() == [], "readers do not wait for writers"
        await store.inbox.put(COMMAND, "me", rows.START)
        assert len(await store.inbox.list_waiting()) == 1


async def test_a_file_held_while_it_is_opened_names_its_holder(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "tradewind.db"
    with holding(path, "create table x (y)", "begin exclusive") as holder:
        opening = sql_store.open_store(f"sqlite:///{path}", busy=SHORT)
        with pytest.raises(errors.Transient, match=f"held by process {holder.pid} "):
            await opening.__aenter__()


async def test_a_store_of_this_process_that_holds_the_file_is_named_as_such(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "tradewind.db"
    async with sql_store.open_store(f"sqlite:///{path}", busy=SHORT) as store:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("begin immediate")
            with pytest.raises(errors.Transient, match=r"\(this process\)"):
                await store.inbox.put(COMMAND, "me", rows.START)


async def test_a_row_that_another_one_holds_on_postgresql_is_waited_for_and_then_transient(
    postgres_database: postgres.Database,
) -> None:
    async with sql_store.open_store(postgres_database.url, busy=timedelta(seconds=2)) as store:
        epoch = await rows.lead(store)
        with postgres_database.connect() as other:
            other.execute("begin")
            other.execute("update lease set holder = holder")
            with pytest.raises(errors.Transient) as told:
                await store.runs.commit(rows.batch(rows.run(1)), epoch)
            assert told.value.code == "database-busy"
        assert await store.runs.commit(rows.batch(rows.run(1)), epoch) == 1


# -- a server that restarts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("immediate", [False, True], ids=["stopped", "crashed"])
async def test_a_restarted_server_costs_one_transient_error_and_nothing_that_was_committed(
    postgres_database: postgres.Database, immediate: bool
) -> None:
    async with sql_store.open_store(postgres_database.url) as store:
        epoch = await rows.lead(store)
        await store.runs.commit(rows.batch(rows.run(1), rows.count(1, "none", 1)), epoch)
        await store.check()
        # Durability is off in tests, so what a crash may lose is written down first.
        with postgres_database.connect() as connection:
            connection.execute("checkpoint")
        postgres_database.cluster.restart(immediate=immediate)
        told: list[str] = []
        for key in range(2, 8):
            batch = rows.batch(rows.run(key), rows.count(1, "none", 1))
            for ask in (store.check, lambda batch=batch: store.runs.commit(batch, epoch)):
                try:
                    await ask()
                except errors.Transient as error:
                    told.append(error.code)
                    await ask()
        assert told == ["database-away"]
        assert [number for number, _, _ in await store.runs.read(0)] == list(range(1, 8))
        assert await store.views.counts([RunKey(1)]) == {1: {"none": 7}}


async def test_a_server_that_is_away_is_transient_until_it_is_back(postgres_database: postgres.Database) -> None:
    async with sql_store.open_store(postgres_database.url) as store:
        postgres_database.cluster.stop()
        for _ in range(3):
            with pytest.raises(errors.Transient):
                await store.check()
            with pytest.raises(errors.Transient):
                await store.inbox.put(COMMAND, "me", rows.START)
        postgres_database.cluster.launch()
        await store.check()
        await store.inbox.put(COMMAND, "me", rows.START)


async def test_a_connection_that_the_server_ends_is_replaced(postgres_database: postgres.Database) -> None:
    async with sql_store.open_store(postgres_database.url) as store:
        await store.check()
        await store.inbox.put(COMMAND, "me", rows.START)
        with postgres_database.connect() as other:
            ours = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tradewind'"
            assert len(other.execute(ours).fetchall()) >= 2
        with pytest.raises(errors.Transient):
            await store.check()
        await store.inbox.put(COMMAND, "me", rows.START)
        assert len(await store.inbox.list_waiting()) == 2


# -- an answer that is lost ----------------------------------------------------------------------------------------


class LosingAnswers:
    """A dialect whose next commits reach the database (or do not), without anyone hearing of it."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.before: list[bool] = []
        """For each commit to lose: is it lost before it reached the database?"""

    def __getattr__(self, name: str) -> object:
        return getattr(self._dialect, name)

    def connect(self) -> Session:
        session = self._dialect.connect()
        commit = session.commit

        def losing() -> None:
            lost_before = self.before.pop(0) if self.before else None
            if lost_before is not True:
                commit()
            if lost_before is not None:
                raise errors.Transient("the answer was lost")

        session.commit = losing  # type: ignore[method-assign]
        return session


@contextlib.asynccontextmanager
async def store_losing_answers(url: str) -> AsyncIterator[tuple[sql_store.SqlStore, LosingAnswers]]:
    dialect = LosingAnswers(dialects.choose(url, SHORT))
    connections = Connections(dialect)  # type: ignore[arg-type]
    try:
        await connections.ask_writer(lambda session: schema.ensure(session, dialect))  # type: ignore[arg-type]
        yield sql_store.SqlStore(connections), dialect
    finally:
        connections.close()


@pytest.mark.parametrize("lost", [[False], [True], [False, False, True], [True, False]], ids=str)
async def test_a_batch_whose_answer_was_lost_is_written_once(database_url: str, lost: list[bool]) -> None:
    async with store_losing_answers(database_url) as (store, answers):
        epoch = await rows.lead(store)
        await store.runs.commit(rows.batch(rows.run(1), rows.count(1, "none", 1)), epoch)
        batch = rows.batch(rows.run(2), rows.task(2), rows.count(1, "none", 1))
        answers.before = list(lost)
        while answers.before:
            with contextlib.suppress(errors.Transient):
                await store.runs.commit(batch, epoch)
        assert await store.runs.commit(batch, epoch) == 3
        only_counts = rows.batch(rows.count(1, "none", 1))
        answers.before = [False]
        with pytest.raises(errors.Transient):
            await store.runs.commit(only_counts, epoch)
        await store.runs.commit(only_counts, epoch)
        assert [number for number, _, _ in await store.runs.read(0)] == [1, 2, 3]
        assert await store.views.counts([RunKey(1)]) == {1: {"none": 3}}


async def test_an_equal_batch_that_follows_a_known_commit_is_another_one(database_url: str) -> None:
    async with store_losing_answers(database_url) as (store, _):
        epoch = await rows.lead(store)
        for _ in range(2):
            await store.runs.commit(rows.batch(rows.count(1, "none", 1)), epoch)
        assert await store.views.counts([RunKey(1)]) == {1: {"none": 2}}


async def test_another_batch_after_a_lost_answer_is_written(database_url: str) -> None:
    async with store_losing_answers(database_url) as (store, answers):
        epoch = await rows.lead(store)
        answers.before = [False]
        with pytest.raises(errors.Transient):
            await store.runs.commit(rows.batch(rows.run(1)), epoch)
        assert await store.runs.commit(rows.batch(rows.run(2)), epoch) == 2
        assert await store.runs.find_run(RunRef(dag_id=DagId("d"), run_id="r1")) is not None


# -- a disk ----------------------------------------------------------------------------------------------------------


async def test_a_full_disk_is_transient_and_nothing_of_the_batch_stays(tmp_path: pathlib.Path) -> None:
    dialect = dialects.choose(f"sqlite:///{tmp_path / 'tradewind.db'}", SHORT)
    connections = Connections(dialect)
    try:
        await connections.ask_writer(lambda session: schema.ensure(session, dialect))
        store = sql_store.SqlStore(connections)
        epoch = await rows.lead(store)
        await connections.ask_writer(lambda session: session.run("pragma max_page_count = 1"))  # no page more
        large = rows.batch(rows.run(1), rows.xcom(1, value=b"x" * 1_000_000))
        with pytest.raises(errors.Transient, match="no space left"):
            await store.runs.commit(large, epoch)
        assert await store.runs.last_run_key() == 0
        await connections.ask_writer(lambda session: session.run("pragma max_page_count = 1000000"))
        assert await store.runs.commit(large, epoch) == 1
    finally:
        connections.close()


async def test_a_commit_of_sqlite_is_on_the_disk_when_it_returns(tmp_path: pathlib.Path) -> None:
    dialect = dialects.choose(f"sqlite:///{tmp_path / 'tradewind.db'}", SHORT)
    session = dialect.connect()
    try:
        assert session.row("pragma journal_mode") == ("wal",)
        assert session.row("pragma synchronous") == (2,), "2 is FULL"
    finally:
        session.close()


async def test_our_own_commits_do_not_look_like_a_change_by_another_process(tmp_path: pathlib.Path) -> None:
    async with sql_store.open_store(f"sqlite:///{tmp_path / 'tradewind.db'}") as store:
        epoch = await rows.lead(store)
        before = await store.inbox.change_token()
        await store.runs.commit(rows.batch(rows.run(1)), epoch)
        await store.views.get_run(DagId("d"), "r1")
        assert await store.inbox.change_token() == before
