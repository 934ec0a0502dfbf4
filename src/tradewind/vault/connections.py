"""Connections from text: Airflow's URI form and its JSON form.

Source of the forms: the documentation of Airflow's `AIRFLOW_CONN_*` variables.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tradewind.ports import errors
from tradewind.ports import vault as vault_port


def parse(conn_id: str, text: str) -> vault_port.Connection:
    """A Connection from a URI or a JSON object. Raises `errors.Rejected` (the text itself is never shown)."""
    stripped = text.strip()
    return _from_json(conn_id, stripped) if stripped.startswith("{") else _from_uri(conn_id, stripped)


def from_fields(conn_id: str, fields: dict[str, Any]) -> vault_port.Connection:
    """A Connection from named fields, as in JSON and YAML files."""
    extra = fields.get("extra")
    if isinstance(extra, (dict, list)):
        extra = json.dumps(extra)
    port = fields.get("port")
    try:
        return vault_port.Connection(
            conn_id=conn_id,
            conn_type=str(fields.get("conn_type") or ""),
            host=fields.get("host"),
            login=fields.get("login"),
            password=fields.get("password"),
            schema=fields.get("schema"),
            port=int(port) if port not in (None, "") else None,
            extra=extra,
            description=fields.get("description"),
        )
    except (TypeError, ValueError):
        raise _malformed(conn_id, "its port is not a number") from None


def _from_json(conn_id: str, text: str) -> vault_port.Connection:
    try:
        fields = json.loads(text)
    except ValueError:
        raise _malformed(conn_id, "it begins with { and is not JSON") from None
    return from_fields(conn_id, fields)


def _from_uri(conn_id: str, text: str) -> vault_port.Connection:
    scheme, found, rest = text.partition("://")
    if not found:
        raise _malformed(conn_id, "it is neither a URI (type://…) nor a JSON object")
    # An inner scheme (http://https://host) is part of the host, as in Airflow.
    inner, found_inner, after = rest.partition("://")
    parts = urlsplit(f"x://{after if found_inner else rest}")
    try:
        port = parts.port
    except ValueError:
        raise _malformed(conn_id, "its port is not a number") from None
    host = unquote(parts.hostname) if parts.hostname else None
    if host and found_inner:
        host = f"{inner}://{host}"
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    extra = query.get("__extra__") if "__extra__" in query else json.dumps(query) if query else None
    return vault_port.Connection(
        conn_id=conn_id,
        conn_type={"postgresql": "postgres"}.get(scheme.replace("-", "_"), scheme.replace("-", "_")),
        host=host,
        login=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        schema=unquote(parts.path[1:]) or None,
        port=port,
        extra=extra,
    )


def _malformed(conn_id: str, reason: str) -> errors.Rejected:
    return errors.Rejected(
        reason,
        object=f"connection {conn_id!r}",
        code="bad-connection",
        hint='write it as postgres://login:password@host:5432/schema or as {"conn_type": …}',
    )
