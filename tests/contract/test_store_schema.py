"""One schema: the texts that make it, the tables that describe it and the migrations that reach it say the same."""

from __future__ import annotations

import asyncio
import pathlib
import subprocess
import sys
import textwrap
from datetime import timedelta

import pytest

from tests.support import postgres, rows
from tradewind.ports import errors
from tradewind.store import ddl, migrating, schema, sql_store
from tradewind.store import dialect as dialects
from tradewind.store.sessions import Session

BUSY = timedelta(seconds=15)


@pytest.mark.parametrize("name", sorted(ddl.DIALECTS))
def test_the_schema_text_is_what_the_tables_say(name: str) -> None:
    text = (ddl.FOLDER / f"{name}.sql").read_text()
    assert text == ddl.render(name), "hint: python -m tradewind.store.ddl"


def test_the_newest_migration_is_the_schema_that_the_store_expects() -> None:
    assert migrating.head() == schema.HEAD


def test_a_migrated_database_has_the_schema_of_a_fresh_one(database_url: str) -> None:
    dialect = dialects.choose(database_url, BUSY)
    session = dialect.connect()
    try:
        schema.ensure(session, dialect)
        fresh = describe(session)
        for table in session.tables() - {"sqlite_sequence"}:
            session.run(f'drop table "{table}"')
        session.begin()
        migrating.upgrade(session, dialect, None)
        session.commit()
        assert describe(session) == fresh
        assert {"dag_run", "task_instance", "attempt", "fact", "lease"} < session.tables()
    finally:
        session.close()


def describe(session: Session) -> set[str]:
    """Tables, columns, keys and indexes, as the database itself tells them."""
    if "sqlite_sequence" in session.tables():
        told = session.rows("select sql from sqlite_master where sql is not null and name <> 'alembic_version'")
        return {" ".join(sql.replace('"', "").replace("( ", "(").replace(" )", ")").split()) for (sql,) in told}
    columns = session.rows(
        "select table_name, column_name, data_type, is_nullable, collation_name, column_default"
        " from information_schema.columns where table_schema = 'public' and table_name <> 'alembic_version'"
    )
    indexes = session.rows(
        "select indexdef from pg_indexes where schemaname = 'public' and tablename <> 'alembic_version'"
    )
    keys = session.rows(
        "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint"
        " where connamespace = 'public'::regnamespace and conrelid <> 'alembic_version'::regclass"
    )
    return {str(row) for row in [*columns, *indexes, *keys]}


OPEN_AND_PUT = """
import asyncio, pathlib, sys, time
from datetime import UTC, datetime, timedelta
from tradewind.model.commands import SetPaused
from tradewind.store import sql_store
{prepare}
async def main(url, go):
    while not pathlib.Path(go).exists():
        time.sleep(0.001)
    async with sql_store.open_store(url, busy=timedelta(seconds=40)) as store:
        await store.inbox.put(SetPaused(dag_id="d", paused=True), "me", datetime.now(UTC))
        {check}
asyncio.run(main(*sys.argv[1:]))
"""


def open_at_once(url: str, folder: pathlib.Path, *, count: int = 4, prepare: str = "", check: str = "") -> None:
    """Processes that all open the database at one moment; each must get through."""
    program, go = textwrap.dedent(OPEN_AND_PUT.format(prepare=prepare, check=check)), folder / "go"
    running = [
        subprocess.Popen([sys.executable, "-c", program, url, str(go)], stderr=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    go.touch()
    told = [process.communicate(timeout=50)[1] for process in running]
    assert [process.returncode for process in running] == [0] * count, "\n".join(told)


@pytest.mark.timeout(60)
def test_processes_that_open_an_empty_database_at_once_make_it_once(database_url: str, tmp_path: pathlib.Path) -> None:
    open_at_once(database_url, tmp_path)

    async def look() -> None:
        async with sql_store.open_store(database_url) as store:
            assert len(await store.inbox.list_waiting()) == 4

    asyncio.run(look())


NEXT_MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "9000"
down_revision = "%s"


def upgrade():
    op.add_column("dag", sa.Column("added", sa.Text()))
    op.execute("insert into inbox (at, asked_by, command) values (0, 'migration', '{}')")
""".replace("%s", schema.HEAD)

KNOW_NEXT = """
from tradewind.store import migrating, schema
schema.HEAD = "9000"
configuration = migrating.configuration
def with_next():
    config = configuration()
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "{versions}\\n{ours}")
    return config
migrating.configuration = with_next
"""


@pytest.mark.timeout(60)
def test_processes_that_migrate_at_once_migrate_once(database_url: str, tmp_path: pathlib.Path) -> None:
    async def make() -> None:
        async with sql_store.open_store(database_url) as store:
            await rows.lead(store)

    asyncio.run(make())
    versions = tmp_path / "versions"
    versions.mkdir()
    (versions / "9000_next.py").write_text(NEXT_MIGRATION)
    ours = pathlib.Path(migrating.__file__).with_name("migrations") / "versions"
    prepare = KNOW_NEXT.format(versions=versions, ours=ours)
    # The lease was there before: its row is still what it was.
    check = 'assert (await store.lease.find()).holder == "tests"'
    open_at_once(database_url, tmp_path, count=2, prepare=prepare, check=check)
    dialect = dialects.choose(database_url, BUSY)
    session = dialect.connect()
    try:
        assert session.rows("select version_num from alembic_version") == [("9000",)]
        assert session.rows("select count(*) from inbox where asked_by = 'migration'") == [(1,)]
        assert session.rows("select added from dag") == []
    finally:
        session.close()


@pytest.mark.timeout(60)
def test_a_migration_that_fails_leaves_the_database_as_it_was(database_url: str, tmp_path: pathlib.Path) -> None:
    asyncio.run(_open(database_url))
    versions = tmp_path / "versions"
    versions.mkdir()
    (versions / "9000_next.py").write_text(NEXT_MIGRATION + '    raise RuntimeError("no")\n')
    ours = pathlib.Path(migrating.__file__).with_name("migrations") / "versions"
    prepare = KNOW_NEXT.format(versions=versions, ours=ours)
    with pytest.raises(AssertionError, match="RuntimeError: no"):
        open_at_once(database_url, tmp_path, count=1, prepare=prepare)
    asyncio.run(_open(database_url))


def test_a_database_of_a_newer_release_is_refused(database_url: str) -> None:
    asyncio.run(_open(database_url))
    _execute(database_url, "update alembic_version set version_num = '9999'")
    with pytest.raises(errors.Rejected, match="9999") as told:
        asyncio.run(_open(database_url))
    assert told.value.code == "database-newer"


def test_a_database_with_tables_of_others_is_refused_and_left_alone(database_url: str) -> None:
    _execute(database_url, "create table dag_run (id int)")
    with pytest.raises(errors.Rejected, match="dag_run") as told:
        asyncio.run(_open(database_url))
    assert told.value.code == "database-foreign"
    _execute(database_url, "insert into dag_run (id) values (1)")


def test_a_file_that_is_no_database_is_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "tradewind.db"
    path.write_text("not a database at all " * 100)
    with pytest.raises(errors.Rejected, match="not a whole SQLite file"):
        asyncio.run(_open(f"sqlite:///{path}"))


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "sqlite://", "tradewind.db", ""])
def test_an_address_that_is_none_of_ours_is_refused(url: str) -> None:
    with pytest.raises(errors.Rejected) as told:
        asyncio.run(_open(url))
    assert told.value.code == "database-url"
    assert "secret" not in str(told.value)


def test_a_database_that_is_no_file_on_a_disk_is_refused() -> None:
    with pytest.raises(errors.Rejected, match="no WAL mode"):
        asyncio.run(_open("sqlite:///:memory:"))


def test_the_options_of_an_address_are_kept_beside_ours(postgres_database: postgres.Database) -> None:
    url = f"{postgres_database.url}&application_name=mine&options=-c%20work_mem%3D5MB"
    session = dialects.choose(url, BUSY).connect()
    try:
        asked = (
            "select current_setting('work_mem'), current_setting('lock_timeout'), current_setting('application_name')"
        )
        assert session.row(asked) == ("5MB", "15s", "mine")
    finally:
        session.close()


def test_no_message_holds_the_password() -> None:
    url = "postgresql://me:secret@db.example.org:5432/tradewind?sslmode=require"
    assert dialects.choose(url, BUSY).label == "database postgresql://me@db.example.org:5432/tradewind"


def test_a_server_that_is_not_there_is_transient(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.Transient) as told:
        asyncio.run(_open(f"postgresql://me:secret@/none?host={tmp_path}"))
    assert "secret" not in str(told.value)


def test_opening_a_database_that_is_current_imports_nothing_heavy(tmp_path: pathlib.Path) -> None:
    program = """
        import asyncio, sys
        from tradewind.store import sql_store
        async def main():
            for _ in range(2):
                async with sql_store.open_store(sys.argv[1]) as store:
                    await store.check()
        asyncio.run(main())
        print([name for name in ("sqlalchemy", "alembic", "psycopg") if name in sys.modules])
    """
    url = f"sqlite:///{tmp_path / 'tradewind.db'}"
    command = [sys.executable, "-c", textwrap.dedent(program), url]
    assert subprocess.run(command, capture_output=True, text=True, timeout=15, check=True).stdout == "[]\n"


async def _open(url: str) -> None:
    async with sql_store.open_store(url, busy=timedelta(seconds=2)) as store:
        await store.check()


def _execute(url: str, statement: str) -> None:
    session = dialects.choose(url, BUSY).connect()
    try:
        session.run(statement)
    finally:
        session.close()
