"""Answers for Variables and Connections: each back end in order, then the encrypted rows; writes go to the rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from tradewind.ports import store as store_port
from tradewind.ports import vault as vault_port
from tradewind.vault import keys


class StoreVault:
    """Implements `ports.vault.Vault`."""

    def __init__(
        self, *, backends: Sequence[vault_port.SecretBackend], rows: store_port.VaultRows, key: keys.KeyFile
    ) -> None:
        self._backends = backends
        self._rows = rows
        self._key = key

    async def find_variable(self, key: str) -> str | None:
        """The first answer."""
        for backend in self._backends:
            found = await backend.find_variable(key)
            if found is not None:
                return found
        row = await self._rows.find("variable", key)
        return None if row is None else self._key.unseal(row.sealed, f"variable {key!r}")

    async def find_connection(self, conn_id: str) -> vault_port.Connection | None:
        """The first answer."""
        for backend in self._backends:
            found = await backend.find_connection(conn_id)
            if found is not None:
                return found
        row = await self._rows.find("connection", conn_id)
        if row is None:
            return None
        plain = self._key.unseal(row.sealed, f"connection {conn_id!r}")
        return msgspec.json.decode(plain, type=vault_port.Connection)

    async def set_variable(self, key: str, value: str, description: str = "") -> None:
        """Encrypt and keep."""
        sealed = self._key.seal(value)
        await self._rows.put(
            store_port.VaultRow(
                kind="variable", key=key, sealed=sealed, key_id=self._key.key_id, description=description
            )
        )

    async def delete_variable(self, key: str) -> bool:
        """True where it was kept."""
        return await self._rows.delete("variable", key)

    async def set_connection(self, connection: vault_port.Connection) -> None:
        """Encrypt and keep."""
        sealed = self._key.seal(msgspec.json.encode(connection).decode())
        await self._rows.put(
            store_port.VaultRow(
                kind="connection",
                key=connection.conn_id,
                sealed=sealed,
                key_id=self._key.key_id,
                description=connection.description or "",
            )
        )

    async def delete_connection(self, conn_id: str) -> bool:
        """True where it was kept."""
        return await self._rows.delete("connection", conn_id)

    async def list_variables(self) -> Sequence[tuple[str, str]]:
        """(key, description)."""
        return [(row.key, row.description) for row in await self._rows.list("variable")]

    async def list_connections(self) -> Sequence[dict[str, Any]]:
        """Fields without password and extra."""
        listed: list[dict[str, Any]] = []
        for row in await self._rows.list("connection"):
            fields = json.loads(self._key.unseal(row.sealed, f"connection {row.key!r}"))
            listed.append({name: value for name, value in fields.items() if name not in ("password", "extra")})
        return listed
