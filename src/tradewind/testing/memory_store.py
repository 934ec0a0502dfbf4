"""A store in memory: the ports of `ports.store` without a database, for tests of what is built on them.

It passes the same contract suite as the real one. What it cannot do is go away: nothing here is ever `Transient`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from tradewind.model.commands import Command, CommandResult
from tradewind.model.rows import OutboxRow
from tradewind.ports import clock as clock_port
from tradewind.ports import errors
from tradewind.ports import store as port
from tradewind.testing.memory_history import MemoryHistory
from tradewind.testing.memory_runs import MemoryRunLog, MemoryXComs
from tradewind.testing.memory_tables import Tables
from tradewind.testing.memory_views import MemoryDagVersions, MemoryViews


class MemoryLease:
    """Implements `ports.store.Lease`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def acquire(self, holder: str, now: datetime, ttl: timedelta) -> int | None:
        """Where it is free or over."""
        held = self._tables.held
        if held is not None and held.expires_at > now:
            return None
        epoch = 1 if held is None else held.epoch + 1
        self._tables.held = port.Held(holder=holder, epoch=epoch, expires_at=now + ttl)
        return epoch

    async def renew(self, epoch: int, now: datetime, ttl: timedelta) -> None:
        """While the epoch is ours."""
        held = self._tables.held
        if held is None or held.epoch != epoch:
            raise errors.Conflict("another holder has it now", object=f"lease of epoch {epoch}", code="lease-moved")
        self._tables.held = msgspec.structs.replace(held, expires_at=now + ttl)

    async def release(self, epoch: int) -> None:
        """It is over from now on."""
        held = self._tables.held
        if held is not None and held.epoch == epoch:
            over = datetime.fromtimestamp(0, tz=held.expires_at.tzinfo)
            self._tables.held = msgspec.structs.replace(held, expires_at=over)

    async def find(self) -> port.Held | None:
        """The last holder."""
        return self._tables.held


class MemoryInbox:
    """Implements `ports.store.Inbox`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def put(self, command: Command, by: str, at: datetime) -> int:
        """Append."""
        inbox_id = len(self._tables.commands) + 1
        self._tables.commands.append(port.InboxRow(inbox_id=inbox_id, at=at, command=command, by=by))
        return inbox_id

    async def list_waiting(self, limit: int = 100) -> Sequence[port.InboxRow]:
        """Oldest first."""
        waiting = [row for row in self._tables.commands if row.inbox_id not in self._tables.results]
        return waiting[:limit]

    async def find_result(self, inbox_id: int) -> CommandResult | None:
        """None while it waits."""
        return self._tables.results.get(inbox_id)

    async def change_token(self) -> int:
        """There is no other process; another user of the same tables is seen by its commands."""
        return len(self._tables.commands)


class MemoryOutbox:
    """Implements `ports.store.Outbox`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def list_due(self, now: datetime, limit: int = 100) -> Sequence[OutboxRow]:
        """Oldest first."""
        rows = sorted(self._tables.outbox.values(), key=lambda row: (row.due_at, row.key))
        return [row for row in rows if row.due_at <= now][:limit]

    async def done(self, keys: Sequence[str]) -> None:
        """They are done."""
        for key in keys:
            self._tables.outbox.pop(key, None)

    async def postpone(self, key: str, due_at: datetime, error: str) -> None:
        """Later again."""
        row = self._tables.outbox.get(key)
        if row is not None:
            row = msgspec.structs.replace(row, due_at=due_at, error=error, tries=row.tries + 1)
            self._tables.outbox[key] = row


class MemoryVaultRows:
    """Implements `ports.store.VaultRows`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def find(self, kind: str, key: str) -> port.VaultRow | None:
        """One row."""
        return self._tables.vault.get((kind, key))

    async def list(self, kind: str) -> Sequence[port.VaultRow]:
        """In order of key."""
        return [row for key, row in sorted(self._tables.vault.items()) if key[0] == kind]

    async def put(self, row: port.VaultRow) -> None:
        """Insert or replace."""
        self._tables.vault[row.kind, row.key] = row

    async def put_all(self, rows: Sequence[port.VaultRow], existing: port.OnExisting) -> int:
        """All or none."""
        there = [row.key for row in rows if (row.kind, row.key) in self._tables.vault]
        if there and existing == "fail":
            raise errors.Conflict("is there already", object=", ".join(there), code="already-there")
        chosen = [row for row in rows if existing == "overwrite" or row.key not in there]
        self._tables.vault.update({(row.kind, row.key): row for row in chosen})
        return len(chosen)

    async def reseal(self, changes: Sequence[tuple[port.VaultRow, port.VaultRow]]) -> int:
        """Where it is still the first."""
        kept = self._tables.vault
        fit = [
            (old, new) for old, new in changes if getattr(kept.get((old.kind, old.key)), "sealed", None) == old.sealed
        ]
        kept.update({(new.kind, new.key): new for _, new in fit})
        return len(fit)

    async def delete(self, kind: str, key: str) -> bool:
        """True where it existed."""
        return self._tables.vault.pop((kind, key), None) is not None


class MemoryStore:
    """Implements `ports.store.Store`."""

    def __init__(self, clock: clock_port.Clock) -> None:
        tables = Tables()
        self.lease = MemoryLease(tables)
        self.runs = MemoryRunLog(tables, clock.now)
        self.inbox = MemoryInbox(tables)
        self.outbox = MemoryOutbox(tables)
        self.versions = MemoryDagVersions(tables)
        self.views = MemoryViews(tables)
        self.xcoms = MemoryXComs(tables)
        self.vault = MemoryVaultRows(tables)
        self.history = MemoryHistory(tables)

    async def check(self) -> None:
        """It is always there."""
