"""What the vault encrypted. Nothing here can read it."""

from __future__ import annotations

from collections.abc import Sequence

from tradewind.ports import errors
from tradewind.ports import store as port
from tradewind.store.connections import Connections
from tradewind.store.sessions import Row, Session

_COLUMNS = "kind, key, sealed, key_id, description"
_FIND = f"select {_COLUMNS} from vault_row where kind = ? and key = ?"
_LIST = f"select {_COLUMNS} from vault_row where kind = ? order by key"
_PUT = f"""
insert into vault_row ({_COLUMNS}) values (?, ?, ?, ?, ?)
on conflict (kind, key) do update
set sealed = excluded.sealed, key_id = excluded.key_id, description = excluded.description
"""
_PUT_NEW = f"insert into vault_row ({_COLUMNS}) values (?, ?, ?, ?, ?) on conflict (kind, key) do nothing"
_RESEAL = "update vault_row set sealed = ?, key_id = ? where kind = ? and key = ? and sealed = ?"
_DELETE = "delete from vault_row where kind = ? and key = ?"


class SqlVaultRows:
    """Implements `ports.store.VaultRows`; every query by the table's key."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def find(self, kind: str, key: str) -> port.VaultRow | None:
        """One row."""
        row = await self._connections.read(lambda session: session.row(_FIND, (kind, key)))
        return None if row is None else _row(row)

    async def list(self, kind: str) -> Sequence[port.VaultRow]:
        """In order of key."""
        return [_row(row) for row in await self._connections.read(lambda session: session.rows(_LIST, (kind,)))]

    async def put(self, row: port.VaultRow) -> None:
        """Insert or replace."""
        await self._connections.write(lambda session: session.run(_PUT, _values(row)))

    async def put_all(self, rows: Sequence[port.VaultRow], existing: port.OnExisting) -> int:
        """Which rows are there is decided by the insert."""
        # In one order for everybody: who writes the same rows waits, instead of both locking each other out.
        rows = sorted(rows, key=lambda row: (row.kind, row.key))

        def work(session: Session) -> int:
            if existing == "overwrite":
                return sum(session.run(_PUT, _values(row)) for row in rows)
            there = [row.key for row in rows if not session.run(_PUT_NEW, _values(row))]
            if there and existing == "fail":
                raise errors.Conflict(
                    "is there already",
                    object=", ".join(there),
                    code="already-there",
                    hint="delete it first, or let the new value replace it",
                )
            return len(rows) - len(there)

        return await self._connections.write(work)

    async def reseal(self, changes: Sequence[tuple[port.VaultRow, port.VaultRow]]) -> int:
        """By the table's key; what was sealed tells whether it is the same."""

        def work(session: Session) -> int:
            return sum(
                session.run(_RESEAL, (new.sealed, new.key_id, old.kind, old.key, old.sealed)) for old, new in changes
            )

        return await self._connections.write(work)

    async def delete(self, kind: str, key: str) -> bool:
        """True where it existed."""
        return await self._connections.write(lambda session: session.run(_DELETE, (kind, key))) > 0


def _values(row: port.VaultRow) -> Row:
    return (row.kind, row.key, row.sealed, row.key_id, row.description)


def _row(row: Row) -> port.VaultRow:
    kind, key, sealed, key_id, description = row
    return port.VaultRow(kind=kind, key=key, sealed=sealed, key_id=key_id, description=description)
