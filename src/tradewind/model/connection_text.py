"""A Connection's fields from text: Airflow's URI form and its JSON form.

Source of the forms: the documentation of Airflow's `AIRFLOW_CONN_*` variables. The text may hold a password, so no
error shows it.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

HINT = 'write it as postgres://login:password@host:5432/schema or as {"conn_type": …}'


class BadConnection(ValueError):
    """The text is no Connection; says why, never what it was."""


def parse(text: str) -> dict[str, Any]:
    """conn_type, host, login, password, schema, port (int or None), extra (JSON text or None), description."""
    stripped = text.strip()
    if not stripped.startswith("{"):
        return _from_uri(stripped)
    try:
        fields = json.loads(stripped)
    except ValueError:
        raise BadConnection("it begins with { and is not JSON") from None
    return from_fields(fields)


def from_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """The same from named fields, as in JSON and YAML files; `extra` may be an object."""
    extra = fields.get("extra")
    if isinstance(extra, (dict, list)):
        extra = json.dumps(extra)
    port = fields.get("port")
    try:
        number = int(port) if port not in (None, "") else None
    except (TypeError, ValueError):
        raise BadConnection("its port is not a number") from None
    return {
        "conn_type": str(fields.get("conn_type") or ""),
        "host": fields.get("host"),
        "login": fields.get("login"),
        "password": fields.get("password"),
        "schema": fields.get("schema"),
        "port": number,
        "extra": extra,
        "description": fields.get("description"),
    }


def _from_uri(text: str) -> dict[str, Any]:
    scheme, found, rest = text.partition("://")
    if not found:
        raise BadConnection("it is neither a URI (type://…) nor a JSON object")
    # An inner scheme (http://https://host) is part of the host, as in Airflow.
    inner, found_inner, after = rest.partition("://")
    parts = urlsplit(f"x://{after if found_inner else rest}")
    try:
        port = parts.port
    except ValueError:
        raise BadConnection("its port is not a number") from None
    host = unquote(parts.hostname) if parts.hostname else None
    if host and found_inner:
        host = f"{inner}://{host}"
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    kind = scheme.replace("-", "_")
    return {
        "conn_type": {"postgresql": "postgres"}.get(kind, kind),
        "host": host,
        "login": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "schema": unquote(parts.path[1:]) or None,
        "port": port,
        "extra": query["__extra__"] if "__extra__" in query else json.dumps(query) if query else None,
        "description": None,
    }
