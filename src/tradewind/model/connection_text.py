"""A Connection's fields from text and back to text: Airflow's URI form and its JSON form.

Invariant: what `uri` or `as_json` writes, `parse` reads back as the same fields. As in Airflow a URI has no place for a
description, makes no difference between an empty part and none, and has names of hosts in lower case only.
Source of the forms: `airflow.sdk.Connection` of Airflow 3.3, with which a differential test compares every field.
The text may hold a password, so no error shows it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

HINT = 'write it as postgres://login:password@host:5432/schema or as {"conn_type": …}'
FIELDS = ("conn_type", "description", "host", "login", "password", "schema", "port", "extra")
EXTRA_KEY = "__extra__"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+._-]*")


class BadConnection(ValueError):
    """The text is no Connection; says why, never what it was."""


def parse(text: str, *, typed: bool = False) -> dict[str, Any]:
    """All of `FIELDS`: port as int or None, extra as text or None.

    `typed`: as Airflow's command line and its file back end read it: values of a URI's query that are JSON become such
    (`?flag=true` is a boolean), an empty password is none, and an `extra` that is no JSON object is refused. Without
    it, as a task in Airflow reads the environment: the query's values stay texts, `extra` may be any text.
    """
    stripped = text.strip()
    if not stripped.startswith("{"):
        return _from_uri(stripped, typed=typed)
    try:
        fields = json.loads(stripped)
    except ValueError:
        raise BadConnection("it begins with { and is not JSON") from None
    return from_fields(fields, typed=typed)


def from_fields(fields: Mapping[str, Any], *, typed: bool = False) -> dict[str, Any]:
    """The same from named fields, as in JSON and YAML files; `extra` may be an object, `uri` stands for all others."""
    given = {
        name: value for name, value in fields.items() if name not in ("conn_id", "team_name") and value is not None
    }
    if "extra_dejson" in given:
        if "extra" in given:
            raise BadConnection("it has both extra and extra_dejson")
        given["extra"] = given.pop("extra_dejson")
    unknown = sorted(set(given) - {*FIELDS, "uri"})
    if unknown:
        raise BadConnection(f"it has fields that no connection has: {', '.join(map(str, unknown))}")
    if "uri" in given:
        return _from_uri_field(given, typed=typed)
    found: dict[str, Any] = {name: _text(name, given.get(name)) for name in FIELDS if name not in ("port", "extra")}
    return found | {
        "conn_type": _kind(found["conn_type"]) if found["conn_type"] else None,
        "password": (found["password"] or None) if typed else found["password"],
        "port": _port(given.get("port")),
        "extra": _extra(given.get("extra"), typed=typed),
    }


def uri(fields: Mapping[str, Any]) -> str:
    """The URI form. It has no place for a description."""
    kind, host = fields.get("conn_type"), fields.get("host") or ""
    head = f"{kind.lower().replace('_', '-')}://" if kind else "//"
    inner, found, rest = host.partition("://")
    # A host whose scheme is the connection's own type is quoted whole; written twice it could not be told apart.
    if found and inner != kind:
        head, host = f"{head}{inner}://", rest
    place = quote(host, safe="")
    user = _user(fields)
    if fields.get("port"):
        place = f"{place if place or user else '@'}:{fields['port']}"
    if fields.get("schema"):
        place += f"/{quote(fields['schema'], safe='')}"
    return head + user + place + _query(fields)


def as_json(fields: Mapping[str, Any]) -> str:
    """The JSON form: what is None is left out, `extra` is an object."""
    found = {name: fields[name] for name in FIELDS[:-1] if fields.get(name) is not None}
    extra = extra_object(fields.get("extra"))
    return json.dumps({**found, "extra": extra} if extra else found)


def extra_object(extra: str | None) -> Any:
    """`extra` as JSON; an empty object where it is none or no JSON."""
    try:
        return json.loads(extra) if extra else {}
    except ValueError:
        return {}


# -- the URI form ------------------------------------------------------------------------------------------------------


def _from_uri(text: str, *, typed: bool) -> dict[str, Any]:
    scheme, rest = _scheme(text)
    inner, found, after = rest.partition("://")
    protocol = ""
    if found and _SCHEME.fullmatch(inner):
        # An inner scheme (http://https://host) is part of the host, as in Airflow.
        protocol, rest = f"{inner.lower()}://", after
        if _SCHEME.fullmatch(after.partition("://")[0]) and "://" in after:
            raise BadConnection("it has more than two schemes")
    elif found and not re.search("[/?#]", inner):
        raise BadConnection("a login stands before the inner scheme; write type://https://login:password@host")
    try:
        parts = urlsplit(f"//{rest}")
        port = parts.port
    except ValueError:
        raise BadConnection(
            "its port is not a number from 0 to 65535, or a character such as / # ? @ [ is not percent-encoded"
        ) from None
    host = _host(parts)
    return {
        "conn_type": _kind(scheme.lower()),
        "description": None,
        "host": protocol + host if host else "",
        "login": unquote(parts.username) if parts.username else parts.username,
        "password": unquote(parts.password) if parts.password else None if typed else parts.password,
        "schema": unquote(parts.path[1:]),
        "port": port,
        "extra": _extra_of_query(parts.query, typed=typed),
    }


def _from_uri_field(given: Mapping[str, Any], *, typed: bool) -> dict[str, Any]:
    others = sorted(set(given) - {"uri", "description"})
    if others:
        raise BadConnection(f"it has both uri and {', '.join(others)}")
    return _from_uri(str(given["uri"]).strip(), typed=typed) | {"description": given.get("description")}


def _scheme(text: str) -> tuple[str, str]:
    if text.startswith("//"):
        return "", text[2:]
    scheme, found, rest = text.partition("://")
    if not found or not _SCHEME.fullmatch(scheme):
        raise BadConnection("it is neither a URI (type://…) nor a JSON object")
    return scheme, rest


def _host(parts: SplitResult) -> str:
    host = unquote(parts.hostname or "")
    if "/" in host:
        # A quoted path or URL as host: as it was written, for `hostname` is in lower case.
        host = unquote(parts.netloc.rpartition("@")[2].partition(":")[0])
    return host


def _extra_of_query(query: str, *, typed: bool) -> str | None:
    if not query:
        return None
    found: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    if EXTRA_KEY in found:
        return _extra(found[EXTRA_KEY], typed=typed) or ""
    return json.dumps({name: _read(value) for name, value in found.items()} if typed else found)


def _read(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _user(fields: Mapping[str, Any]) -> str:
    login, password = fields.get("login"), fields.get("password")
    user = quote(login, safe="") if login is not None else ""
    if password is not None:
        user += f":{quote(password, safe='')}"
    return f"{user}@" if user else ""


def _query(fields: Mapping[str, Any]) -> str:
    if not fields.get("extra"):
        return ""
    extra = extra_object(fields["extra"])
    try:
        query = urlencode(extra)
    except TypeError:
        query = ""
    if not query or extra != dict(parse_qsl(query, keep_blank_values=True)):
        query = urlencode({EXTRA_KEY: fields["extra"]})
    return ("?" if fields.get("schema") else "/?") + query


# -- fields ------------------------------------------------------------------------------------------------------------


def _kind(name: str) -> str:
    return "postgres" if name == "postgresql" else name.replace("-", "_")


def _text(name: str, value: Any) -> str | None:
    if isinstance(value, (dict, list, bool)):
        raise BadConnection(f"its {name} is not a text")
    return None if value is None else str(value)


def _port(value: Any) -> int | None:
    if value in (None, ""):
        return None
    try:
        return int(value if isinstance(value, float) else str(_text("port", value))) or None
    except ValueError:
        raise BadConnection("its port is not a number") from None


def _extra(value: Any, *, typed: bool) -> str | None:
    text = value if isinstance(value, str) else json.dumps(value) if value else None
    if text and typed:
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise BadConnection("its extra is not a JSON object")
    return text or None
