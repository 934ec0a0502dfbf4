"""What the vault encrypted. Nothing here can read it."""

from __future__ import annotations

from collections.abc import Sequence

from tradewind.ports import store as port
from tradewind.store.connections import Connections
from tradewind.store.sessions import Row

_COLUMNS = "kind, key, sealed, key_id, description"
_FIND = f"select {_COLUMNS} from vault_row where kind = ? and key = ?"
_LIST = f"select {_COLUMNS} from vault_row where kind = ? order by key"
_PUT = f"""
insert into vault_row ({_COLUMNS}) values (?, ?, ?, ?, ?)
on conflict (kind, key) do update
set sealed = excluded.sealed, key_id = excluded.key_id, description = excluded.description
"""
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
        values = (row.kind, row.key, row.sealed, row.key_id, row.description)
        await self._connections.write(lambda session: session.run(_PUT, values))

    async def delete(self, kind: str, key: str) -> bool:
        """True where it existed."""
        return await self._connections.write(lambda session: session.run(_DELETE, (kind, key))) > 0


def _row(row: Row) -> port.VaultRow:
    kind, key, sealed, key_id, description = row
    return port.VaultRow(kind=kind, key=key, sealed=sealed, key_id=key_id, description=description)
