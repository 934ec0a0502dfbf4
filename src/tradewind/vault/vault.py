"""Answers for Variables and Connections: each back end in order, then the encrypted rows; writes go to the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from tradewind.ports import store as store_port
from tradewind.ports import vault as vault_port
from tradewind.vault import keys, names, rotation

STORE = "store"
"""How the encrypted rows are named beside the back ends."""
KINDS = ("variable", "connection")


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What there is to know about keys without any secret."""

    place: str
    keys: tuple[tuple[str, str], ...]
    """Fingerprint and file; the one that seals first."""
    rows: Mapping[str, int]
    """How many rows each key sealed, by fingerprint."""
    backends: tuple[str, ...]
    warnings: tuple[str, ...]


class StoreVault:
    """Implements `ports.vault.Vault`."""

    def __init__(
        self,
        *,
        backends: Sequence[vault_port.SecretBackend],
        rows: store_port.VaultRows,
        key: keys.KeyFile,
        of_settings: Callable[[str], vault_port.Connection | None] = lambda _: None,
    ) -> None:
        self._backends = backends
        self._rows = rows
        self._key = key
        self._of_settings = of_settings
        """The Connection that settings stand for: given where nobody made one, and under one that names no host."""

    async def find_variable(self, key: str) -> str | None:
        """The first answer."""
        found = await self.locate_variable(key)
        return None if found is None else found[0]

    async def locate_variable(self, key: str) -> tuple[str, str] | None:
        """The first answer, and the name of the back end that gave it."""
        for backend in self._backends:
            value = await backend.find_variable(key)
            if value is not None:
                return value, backend.name
        row = await self._rows.find("variable", key)
        return None if row is None else (self._unseal(row), STORE)

    async def find_connection(self, conn_id: str) -> vault_port.Connection | None:
        """The first answer."""
        found = await self.locate_connection(conn_id)
        return self._over_settings(None if found is None else found[0], conn_id)

    async def locate_connection(self, conn_id: str) -> tuple[vault_port.Connection, str] | None:
        """The first answer, and the name of the back end that gave it."""
        for backend in self._backends:
            connection = await backend.find_connection(conn_id)
            if connection is not None:
                return connection, backend.name
        row = await self._rows.find("connection", conn_id)
        return None if row is None else (self._read(row), STORE)

    def _over_settings(self, found: vault_port.Connection | None, conn_id: str) -> vault_port.Connection | None:
        """A Connection without a host gives user and password to the server of the settings, as in Airflow 2."""
        if found is not None and found.host:
            return found
        told = self._of_settings(conn_id)
        if told is None or found is None:
            return told or found
        return msgspec.structs.replace(told, login=found.login or told.login, password=found.password or told.password)

    async def set_variable(self, key: str, value: str, description: str = "") -> None:
        """Encrypt and keep."""
        await self.set_variables({key: (value, description)}, "overwrite")

    async def set_variables(self, given: Mapping[str, tuple[str, str]], existing: store_port.OnExisting) -> int:
        """Values with descriptions by key, all or none; how many were written. Raises `errors.Conflict` for `fail`."""
        for key in given:
            names.check("variable", key)
        return await self._keep([("variable", key, value, told) for key, (value, told) in given.items()], existing)

    async def delete_variable(self, key: str) -> bool:
        """True where it was kept."""
        return await self._rows.delete("variable", key)

    async def set_connection(self, connection: vault_port.Connection) -> None:
        """Encrypt and keep."""
        await self.set_connections([connection], "overwrite")

    async def set_connections(self, given: Sequence[vault_port.Connection], existing: store_port.OnExisting) -> int:
        """All or none; how many were written. Raises `errors.Conflict` for `fail`."""
        for connection in given:
            names.check("connection", connection.conn_id)
        return await self._keep(
            [("connection", one.conn_id, msgspec.json.encode(one).decode(), one.description or "") for one in given],
            existing,
        )

    async def delete_connection(self, conn_id: str) -> bool:
        """True where it was kept."""
        return await self._rows.delete("connection", conn_id)

    async def list_variables(self) -> Sequence[tuple[str, str]]:
        """(key, description)."""
        return [(row.key, row.description) for row in await self._rows.list("variable")]

    async def read_variables(self) -> Sequence[tuple[str, str, str]]:
        """(key, value, description) of all that are kept."""
        return [(row.key, self._unseal(row), row.description) for row in await self._rows.list("variable")]

    async def list_connections(self) -> Sequence[dict[str, Any]]:
        """Fields without password and extra."""
        return [
            {name: value for name, value in msgspec.to_builtins(found).items() if name not in ("password", "extra")}
            for found in await self.read_connections()
        ]

    async def read_connections(self) -> Sequence[vault_port.Connection]:
        """All that are kept, in order of id."""
        return [self._read(row) for row in await self._rows.list("connection")]

    async def status(self) -> Status:
        """Which keys there are and what they seal."""
        counts: dict[str, int] = {}
        for kind in KINDS:
            for row in await self._rows.list(kind):
                counts[row.key_id] = counts.get(row.key_id, 0) + 1
        return Status(
            place=str(self._key.path),
            keys=tuple((key.fingerprint, key.path.name) for key in self._key.both()),
            rows=counts,
            backends=tuple(backend.name for backend in self._backends),
            warnings=tuple(self._key.warnings()),
        )

    async def rotate_key(self) -> rotation.Rotated:
        """See `rotation.rotate`."""
        return await rotation.rotate(self._rows, self._key)

    async def _keep(self, given: Sequence[tuple[str, str, str, str]], existing: store_port.OnExisting) -> int:
        async with self._key.writing():
            if not self._key.exists():
                await self._refuse_beside_others()
            rows: list[store_port.VaultRow] = []
            for kind, key, plain, description in given:
                sealed, key_id = self._key.seal(plain)
                rows.append(
                    store_port.VaultRow(kind=kind, key=key, sealed=sealed, key_id=key_id, description=description)
                )
            return await self._rows.put_all(rows, existing)

    async def _refuse_beside_others(self) -> None:
        """A new key beside rows of a lost one would hide that it was lost."""
        for kind in KINDS:
            if await self._rows.list(kind):
                raise self._key.lost()

    def _unseal(self, row: store_port.VaultRow) -> str:
        return self._key.unseal(row.sealed, row.key_id, f"{row.kind} {row.key!r}")

    def _read(self, row: store_port.VaultRow) -> vault_port.Connection:
        return msgspec.json.decode(self._unseal(row), type=vault_port.Connection)
