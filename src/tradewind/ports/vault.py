"""Variables and Connections: where workers' questions are answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec


class Connection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A Connection in plain form. `extra` is a JSON object as text."""

    conn_id: str
    conn_type: str = ""
    host: str | None = None
    login: str | None = None
    password: str | None = None
    schema: str | None = None
    port: int | None = None
    extra: str | None = None
    description: str | None = None


class SecretBackend(Protocol):
    """One place to look: environment, files, the encrypted rows."""

    name: str

    async def find_variable(self, key: str) -> str | None:
        """The raw text, or None."""
        ...

    async def find_connection(self, conn_id: str) -> Connection | None:
        """In plain form, or None. Raises `errors.Rejected` for a malformed one (object, reason, hint)."""
        ...


class Vault(Protocol):
    """All back ends in order, and writing to the encrypted rows."""

    async def find_variable(self, key: str) -> str | None:
        """The first back end's answer."""
        ...

    async def find_connection(self, conn_id: str) -> Connection | None:
        """The first back end's answer."""
        ...

    async def set_variable(self, key: str, value: str, description: str = "") -> None:
        """Encrypt and keep."""
        ...

    async def delete_variable(self, key: str) -> bool:
        """True where it existed."""
        ...

    async def set_connection(self, connection: Connection) -> None:
        """Encrypt and keep."""
        ...

    async def delete_connection(self, conn_id: str) -> bool:
        """True where it existed."""
        ...

    async def list_variables(self) -> Sequence[tuple[str, str]]:
        """(key, description) of the kept ones."""
        ...

    async def list_connections(self) -> Sequence[dict[str, Any]]:
        """The kept ones, passwords left out."""
        ...
