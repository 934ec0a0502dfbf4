"""Everything in which SQLite and PostgreSQL differ: connecting, transactions, placeholders, locks, what errors mean.

Statements elsewhere are written once, with `?` for values, in the SQL that both understand (`ON CONFLICT`, `RETURNING`,
partial indexes). A driver's error never leaves this package: `translate` turns it into one of the port's.
"""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
import time
import urllib.parse
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from tradewind.ports import errors
from tradewind.store import holders
from tradewind.store.sessions import Dialect, Row

if TYPE_CHECKING:
    import psycopg

_PAGES_AT_ONCE = 50
_ADVISORY_LOCK = 0x7472616465  # "trade"; any number that is always the same


def choose(url: str, busy: timedelta) -> Dialect:
    """The dialect of a URL. Raises `errors.Rejected` for one that we do not speak."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        return Sqlite(pathlib.Path(rest[1:]), busy)
    if scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        return Postgres(f"postgresql://{rest}", busy)
    raise errors.Rejected(
        "not the address of a database that we know",
        object=f"database {scheme}://…",
        hint="use sqlite:///PATH or postgresql://USER@HOST/NAME",
        code="database-url",
    )


# -- SQLite --------------------------------------------------------------------------------------------------------


class SqliteSession:
    """A connection to the file."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self._level = "full"

    @property
    def broken(self) -> bool:
        return False

    @property
    def raw(self) -> sqlite3.Connection:
        return self._raw

    def row(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        found: Row | None = self._raw.execute(sql, values).fetchone()
        return found

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        return self._raw.execute(sql, values).fetchall()

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        return self._raw.execute(sql, values).rowcount

    def many(self, *parts: tuple[str, Sequence[Row]]) -> None:
        for sql, rows in parts:
            if rows:
                self._raw.executemany(sql, rows)

    def begin(self) -> None:
        self._sync("full")
        self._raw.execute("begin immediate")

    def begin_lightly(self) -> None:
        self._sync("normal")
        self._raw.execute("begin immediate")

    def _sync(self, level: str) -> None:
        if level != self._level:
            self._raw.execute(f"pragma synchronous = {level}")
            self._level = level

    def begin_reading(self) -> None:
        self._raw.execute("begin")

    def lock_schema(self) -> None:
        """The transaction itself is the lock."""

    def tables(self) -> set[str]:
        return {name for (name,) in self.rows("select name from sqlite_master where type = 'table'")}

    def change_token(self) -> int:
        return int(self._raw.execute("pragma data_version").fetchone()[0])

    def give_back_space(self, over: Callable[[], bool]) -> int:
        before = self._free_pages()
        free = before
        over()
        while free and not over():
            self._raw.execute(f"pragma incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
            left = self._free_pages()
            if left == free:
                break  # a file that was made otherwise: its free pages are used again, not given back
            free = left
        return (before - free) * int(self._raw.execute("pragma page_size").fetchone()[0])

    def broken_parts(self) -> list[str]:
        return [text for (text,) in self.rows("pragma integrity_check") if text != "ok"]

    def _free_pages(self) -> int:
        return int(self._raw.execute("pragma freelist_count").fetchone()[0])

    def commit(self) -> None:
        self._raw.execute("commit")

    def rollback(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._raw.in_transaction:
                self._raw.execute("rollback")

    def close(self) -> None:
        self._raw.close()


class Sqlite:
    """A file, in WAL mode with `synchronous=FULL`: what is committed survives a power cut."""

    name = "sqlite"
    writers = 1
    readers = 2
    alchemy_url = "sqlite://"
    alchemy_options: ClassVar[dict[str, Any]] = {}

    def __init__(self, path: pathlib.Path, busy: timedelta) -> None:
        self.path = path
        self._busy = busy
        self.label = f"database {path}"

    def connect(self) -> SqliteSession:
        raw = sqlite3.connect(
            self.path,
            timeout=self._busy.total_seconds(),
            isolation_level=None,
            check_same_thread=False,
            cached_statements=300,
        )
        try:
            self._prepare(raw)
        except BaseException:
            raw.close()
            raise
        return SqliteSession(raw)

    def _prepare(self, raw: sqlite3.Connection) -> None:
        if self.path.is_file() and not self.path.stat().st_size:
            # Only a new file can be told: what removed history leaves free is given back in slices.
            raw.execute("pragma auto_vacuum = incremental")
        mode = self._ask_for_wal(raw)
        if mode != "wal":
            hint = "put it on a local disk, or use PostgreSQL"
            text = "cannot be written beside its readers where it lies (no WAL mode there)"
            raise errors.Rejected(text, object=self.label, hint=hint, code="database-place")
        raw.execute("pragma synchronous = full")
        # After a burst the log beside the file shrinks again.
        raw.execute(f"pragma journal_size_limit = {64 << 20}")

    def _ask_for_wal(self, raw: sqlite3.Connection) -> str:
        # SQLite does not wait for its turn when two connections set the mode at once, so we do.
        deadline = time.monotonic() + self._busy.total_seconds()
        while True:
            try:
                return str(raw.execute("pragma journal_mode = wal").fetchone()[0])
            except sqlite3.OperationalError as error:
                if _sqlite_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def translate(self, error: Exception) -> Exception:
        if not isinstance(error, (sqlite3.Error, sqlite3.Warning)):
            return _translate_content(error, self.label)
        code = _sqlite_code(error)
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return self._busy_error()
        if code == sqlite3.SQLITE_FULL:
            return errors.Transient(
                "no space left on its disk", object=self.label, hint="free some space", code="disk-full"
            )
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            hint = "restore it from a backup, or name another home with --home"
            return errors.Rejected(
                f"not a whole SQLite file: {error}", object=self.label, hint=hint, code="database-broken"
            )
        if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
            hint = "look at the disk's space, and at who may write the file and its folder"
            return errors.Transient(f"cannot be used: {error}", object=self.label, hint=hint, code="database-away")
        return _refused(error, self.label)

    def _busy_error(self) -> errors.Transient:
        lockers = holders.find_lockers(self.path)
        who = f"process {', '.join(lockers)}" if lockers else "a process that we may not see"
        return errors.Transient(
            f"held by {who}; waited {self._busy.total_seconds():g} s",
            object=self.label,
            hint="end it or let it finish; the setting database.busy_seconds says how long we wait",
            code="database-busy",
        )


def _sqlite_code(error: Exception) -> int:
    """The primary result code: the lower eight bits of the extended one."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


# -- PostgreSQL ----------------------------------------------------------------------------------------------------


class PostgresSession:
    """A connection to the server."""

    def __init__(self, raw: psycopg.Connection[Row]) -> None:
        self._raw = raw
        self._cursor = raw.cursor()
        self._texts: dict[str, bytes] = {}

    @property
    def broken(self) -> bool:
        return self._raw.broken or self._raw.closed

    @property
    def raw(self) -> psycopg.Connection[Row]:
        return self._raw

    def _text(self, sql: str) -> bytes:
        text = self._texts.get(sql)
        if text is None:
            text = self._texts[sql] = sql.replace("%", "%%").replace("?", "%s").encode()
        return text

    def row(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        return self._cursor.execute(self._text(sql), values).fetchone()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        return self._cursor.execute(self._text(sql), values).fetchall()

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        return self._cursor.execute(self._text(sql), values).rowcount

    def many(self, *parts: tuple[str, Sequence[Row]]) -> None:
        with self._raw.pipeline():
            for sql, rows in parts:
                if rows:
                    self._cursor.executemany(self._text(sql), rows)

    def begin(self) -> None:
        self._cursor.execute("begin")

    def begin_lightly(self) -> None:
        self._cursor.execute("begin")
        self._cursor.execute("set local synchronous_commit = off")

    def begin_reading(self) -> None:
        self._cursor.execute("begin isolation level repeatable read read only")

    def lock_schema(self) -> None:
        self._cursor.execute("select pg_advisory_xact_lock(%s)", (_ADVISORY_LOCK,))

    def tables(self) -> set[str]:
        return {
            str(name) for (name,) in self.rows("select tablename from pg_tables where schemaname = current_schema()")
        }

    def change_token(self) -> int:
        found = self.row("select coalesce(max(inbox_id), 0) from inbox")
        return int(found[0]) if found else 0

    def give_back_space(self, over: Callable[[], bool]) -> int:
        return 0  # autovacuum sees to it

    def broken_parts(self) -> list[str]:
        return []  # its extension amcheck is for that

    def commit(self) -> None:
        self._cursor.execute("commit")

    def rollback(self) -> None:
        with contextlib.suppress(Exception):
            self._cursor.execute("rollback")

    def close(self) -> None:
        self._raw.close()


class Postgres:
    """A server, by psycopg; each thread has a connection of its own."""

    name = "postgresql"
    writers = 2
    readers = 2
    alchemy_url = "postgresql+psycopg://"
    # Asking the server for the type would need a connection that is no stand-in.
    alchemy_options: ClassVar[dict[str, Any]] = {"use_native_hstore": False}

    def __init__(self, dsn: str, busy: timedelta) -> None:
        self._dsn = dsn
        self._busy = busy
        self.label = f"database {_without_password(dsn)}"

    def connect(self) -> PostgresSession:
        import psycopg

        seconds = max(2, round(self._busy.total_seconds()))
        limits = f"-c lock_timeout={seconds}s -c timezone=UTC"
        ours: dict[str, Any] = {
            "connect_timeout": seconds,
            # A server that vanished without a word is noticed in this time, also with bytes under way.
            "keepalives_idle": seconds,
            "tcp_user_timeout": seconds * 1000,
            "application_name": "tradewind",
        }
        given = psycopg.conninfo.conninfo_to_dict(self._dsn)
        options = f"{limits} {given.get('options') or ''}".strip()
        merged = psycopg.conninfo.make_conninfo("", **(ours | given | {"options": options}))
        raw = psycopg.connect(merged, autocommit=True)
        return PostgresSession(raw)

    def translate(self, error: Exception) -> Exception:
        import psycopg

        if not isinstance(error, psycopg.Error):
            return _translate_content(error, self.label)
        state = error.sqlstate or ""
        if state == "55P03":
            return errors.Transient(
                f"another session holds what we need; waited {self._busy.total_seconds():g} s",
                object=self.label,
                hint="pg_stat_activity shows who; the setting database.busy_seconds says how long we wait",
                code="database-busy",
            )
        if state.startswith("28"):
            return errors.Unauthorized(str(error).strip(), object=self.label, hint="check its user and password")
        if state.startswith(("40", "53", "55", "57", "58", "08", "25")) or (
            not state and isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
        ):
            text = " ".join(str(error).split())
            hint = "see that the server runs and can be reached; the same is tried again"
            return errors.Transient(f"cannot be used: {text}", object=self.label, hint=hint, code="database-away")
        return _refused(error, self.label)


def _without_password(dsn: str) -> str:
    parts = urllib.parse.urlsplit(dsn)
    user, _, place = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    return urllib.parse.urlunsplit(parts._replace(netloc=f"{name}@{place}" if user else place, query=""))


# -- both ----------------------------------------------------------------------------------------------------------


def _refused(error: Exception, label: str) -> errors.Rejected:
    text = " ".join(str(error).split())
    return errors.Rejected(
        f"the database refuses the content: {text}",
        object=label,
        code="content-refused",
        hint="the same content will be refused again; the rest goes on",
    )


def _translate_content(error: Exception, label: str) -> Exception:
    """Values that no driver can send are refused content too: too long a number, a lone surrogate."""
    if isinstance(error, (OverflowError, UnicodeError)):
        return _refused(error, label)
    return error
