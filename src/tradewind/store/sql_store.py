"""One open database behind `ports.store.Store`: SQLite or PostgreSQL, by its URL."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

from tradewind.store import dialect as dialects
from tradewind.store import schema
from tradewind.store.checking import SqlChecks
from tradewind.store.connections import Connections
from tradewind.store.inbox import SqlInbox
from tradewind.store.lease import SqlLease
from tradewind.store.outbox import SqlOutbox
from tradewind.store.retention import SqlHistory
from tradewind.store.run_log import SqlRunLog
from tradewind.store.vault_rows import SqlVaultRows
from tradewind.store.versions import SqlDagVersions
from tradewind.store.views import SqlViews
from tradewind.store.xcoms import SqlXComs


def _machine_time() -> datetime:
    return datetime.now(UTC)


class SqlStore:
    """Implements `ports.store.Store`."""

    def __init__(self, connections: Connections, now: Callable[[], datetime] = _machine_time) -> None:
        self._connections = connections
        self.lease = SqlLease(connections)
        self.runs = SqlRunLog(connections, now)
        self.inbox = SqlInbox(connections)
        self.outbox = SqlOutbox(connections)
        self.versions = SqlDagVersions(connections)
        self.views = SqlViews(connections)
        self.xcoms = SqlXComs(connections)
        self.vault = SqlVaultRows(connections)
        self.history = SqlHistory(connections)
        self.checks = SqlChecks(connections)

    async def check(self) -> None:
        """A trivial read."""
        await self._connections.read(lambda session: session.row("select 1"))


@contextlib.asynccontextmanager
async def open_store(
    url: str, *, busy: timedelta = timedelta(seconds=10), now: Callable[[], datetime] = _machine_time
) -> AsyncIterator[SqlStore]:
    """Open a database, its schema made or migrated first; `busy` is how long another process may hold it.

    Raises `errors.Rejected` for a database that is not ours, `errors.Transient` for one that is away.
    """
    dialect = dialects.choose(url, busy)
    connections = Connections(dialect)
    try:
        await connections.ask_writer(lambda session: schema.ensure(session, dialect))
        yield SqlStore(connections, now)
    finally:
        connections.close()
