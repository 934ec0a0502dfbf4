"""Connections of the vault from text and from fields, with errors that name them."""

from __future__ import annotations

from typing import Any

from tradewind.model import connection_text
from tradewind.ports import errors
from tradewind.ports import vault as vault_port


def parse(conn_id: str, text: str) -> vault_port.Connection:
    """A Connection from a URI or a JSON object. Raises `errors.Rejected` (the text itself is never shown)."""
    try:
        return vault_port.Connection(conn_id=conn_id, **connection_text.parse(text))
    except connection_text.BadConnection as error:
        raise _malformed(conn_id, str(error)) from None


def from_fields(conn_id: str, fields: dict[str, Any]) -> vault_port.Connection:
    """A Connection from named fields, as in JSON and YAML files."""
    try:
        return vault_port.Connection(conn_id=conn_id, **connection_text.from_fields(fields))
    except connection_text.BadConnection as error:
        raise _malformed(conn_id, str(error)) from None


def _malformed(conn_id: str, reason: str) -> errors.Rejected:
    return errors.Rejected(reason, object=f"connection {conn_id!r}", code="bad-connection", hint=connection_text.HINT)
