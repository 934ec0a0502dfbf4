"""Connections of the vault from text and from fields, with errors that name them."""

from __future__ import annotations

from typing import Any

import msgspec

from tradewind.model import connection_text
from tradewind.ports import errors
from tradewind.ports import vault as vault_port


def parse(conn_id: str, text: str, *, typed: bool = False) -> vault_port.Connection:
    """A Connection from a URI or a JSON object. Raises `errors.Rejected` (the text itself is never shown)."""
    try:
        return _made(conn_id, connection_text.parse(text, typed=typed))
    except connection_text.BadConnection as error:
        raise _malformed(conn_id, str(error)) from None


def from_fields(conn_id: str, fields: dict[str, Any]) -> vault_port.Connection:
    """A Connection from named fields, as in JSON and YAML files. A `conn_id` among them must be the same."""
    if fields.get("conn_id", conn_id) != conn_id:
        raise _malformed(conn_id, f"its conn_id says {fields['conn_id']!r}")
    try:
        return _made(conn_id, connection_text.from_fields(fields, typed=True))
    except connection_text.BadConnection as error:
        raise _malformed(conn_id, str(error)) from None


def to_fields(connection: vault_port.Connection) -> dict[str, Any]:
    """What `connection_text` writes as a URI or as JSON."""
    return {name: getattr(connection, name) for name in connection_text.FIELDS}


def with_description(connection: vault_port.Connection, description: str) -> vault_port.Connection:
    """The same with another description."""
    return msgspec.structs.replace(connection, description=description)


def uri(fields: dict[str, Any]) -> str:
    """The URI form, as Airflow writes it."""
    return connection_text.uri(fields)


def _made(conn_id: str, fields: dict[str, Any]) -> vault_port.Connection:
    return vault_port.Connection(conn_id=conn_id, **{**fields, "conn_type": fields["conn_type"] or ""})


def _malformed(conn_id: str, reason: str) -> errors.Rejected:
    return errors.Rejected(reason, object=f"connection {conn_id!r}", code="bad-connection", hint=connection_text.HINT)
