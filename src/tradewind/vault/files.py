"""Files of Variables and Connections as Airflow reads and writes them: JSON, YAML, and lines of `NAME=value`.

Invariant: a file is read whole or not at all; what is wrong with it is told entry by entry, and values never.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from tradewind.ports import errors
from tradewind.ports import vault as vault_port
from tradewind.vault import connections, names

Made = TypeVar("Made")
SUFFIXES = (".json", ".yaml", ".yml", ".env")


def read(path: Path, *, form: str = "") -> dict[str, Any]:
    """Names and values. `form` stands for the suffix (`json`, `yaml`, `env`). Raises `errors.Rejected`."""
    suffix = f".{form}" if form else path.suffix.lower()
    if suffix not in SUFFIXES:
        raise _rejected(path, f"has none of the suffixes {', '.join(SUFFIXES)}", "rename it so that it tells its form")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise _rejected(path, f"cannot be read: {error.strerror}", "check its path and its mode") from None
    except UnicodeDecodeError:
        raise _rejected(path, "is not UTF-8", "save it as UTF-8") from None
    return read_text(text, suffix.removeprefix("."), path)


def read_text(text: str, form: str, path: Path) -> dict[str, Any]:
    """The same from a text; `path` names it in errors."""
    if form == "env":
        return _lines(text, path)
    try:
        content = json.loads(text) if form == "json" else yaml.safe_load(text)
    except ValueError as error:
        place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise _rejected(path, f"is not JSON{place}", "check its syntax") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        raise _rejected(path, f"is not YAML{place}", "check its syntax") from None
    if content is None and form != "json":
        return {}
    if not isinstance(content, dict):
        raise _rejected(path, "holds no mapping of names", "write `name: value`")
    return {str(name): value for name, value in content.items()}


def variables_of(content: Mapping[str, Any], path: Path) -> dict[str, tuple[str, str | None]]:
    """Value and description (None: not told) by key; values that are no text become JSON.

    Raises `errors.Rejected` that names every bad entry.
    """
    return _all("variable", content, path, lambda _, value: _variable(value))


def connections_of(content: Mapping[str, Any], path: Path) -> dict[str, vault_port.Connection]:
    """By id. Raises `errors.Rejected` that names every bad entry."""
    return _all("connection", content, path, connection)


def connection(conn_id: str, value: Any) -> vault_port.Connection:
    """From a URI, a JSON text or fields, as in Airflow's files. Raises `errors.Rejected`."""
    if isinstance(value, dict):
        return connections.from_fields(conn_id, value)
    if isinstance(value, str):
        return connections.parse(conn_id, value, typed=True)
    raise errors.Rejected(
        "is neither a text nor a mapping",
        object=f"connection {conn_id!r}",
        code="bad-connection",
        hint="write a URI or fields",
    )


def _variable(value: Any) -> tuple[str, str | None]:
    description = None
    if isinstance(value, dict) and "value" in value:
        description = str(value.get("description") or "")
        value = value["value"]
    return value if isinstance(value, str) else json.dumps(value, indent=2, default=str), description


def _all(kind: str, content: Mapping[str, Any], path: Path, make: Callable[[str, Any], Made]) -> dict[str, Made]:
    made: dict[str, Made] = {}
    bad: list[str] = []
    for name, value in content.items():
        try:
            names.check(kind, name)
            made[name] = make(name, value)
        except errors.Rejected as error:
            bad.append(f"{name!r}: {error.message}")
    if bad:
        raise _rejected(path, f"{len(bad)} of {len(content)} entries: {'; '.join(bad)}", "nothing was written")
    return made


def _lines(text: str, path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    bad: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        name, equals, value = line.partition("=")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not (equals and name and value):
            missing = "an equal sign" if not equals else "a name" if not name else "a value"
            bad.append(f"line {number} has not {missing}")
        elif name in found:
            bad.append(f"line {number} gives {name!r} again")
        found[name] = value
    if bad:
        raise _rejected(path, "; ".join(bad), "write NAME=value, each name once")
    return found


def _rejected(path: Path, message: str, hint: str) -> errors.Rejected:
    return errors.Rejected(message, object=str(path), code="bad-secrets-file", hint=hint)


# -- out ---------------------------------------------------------------------------------------------------------------


def write_variables(kept: Sequence[tuple[str, str, str]], form: str) -> str:
    """(key, value, description) of each, as Airflow's `variables export` writes them; YAML and lines as it reads them.

    Raises `errors.Rejected` for a value that `env` cannot hold.
    """
    if form == "env":
        return _write_lines([(key, value) for key, value, _ in kept])
    found = {key: _exported(value, description) for key, value, description in kept}
    if form == "json":
        return json.dumps(found, sort_keys=True, indent=4)
    return yaml.safe_dump(found, allow_unicode=True)


def write_connections(kept: Sequence[vault_port.Connection], form: str, *, as_json: bool = False) -> str:
    """As Airflow's `connections export`; `as_json`: JSON instead of URIs in lines."""
    found = {one.conn_id: connections.to_fields(one) for one in kept}
    if form == "env":
        # A URI has no place for a description; `extra` stays a text in JSON, as Airflow writes it.
        return _write_lines(
            [(name, json.dumps(one) if as_json else connections.uri(one)) for name, one in found.items()]
        )
    return json.dumps(found, indent=2) if form == "json" else yaml.safe_dump(found, allow_unicode=True)


def _exported(value: str, description: str) -> Any:
    try:
        found = json.loads(value)
    except ValueError:
        found = value
    # What would not come back as the same text stays a text.
    if isinstance(found, str) or _variable(found)[0] != value:
        found = value
    if description or (isinstance(found, dict) and "value" in found):
        return {"value": found, "description": description or None}
    return found


def _write_lines(kept: Sequence[tuple[str, str]]) -> str:
    bad = [name for name, value in kept if not value or "=" in name or len((name + value).splitlines()) > 1]
    if bad:
        raise errors.Rejected(
            f"cannot hold {', '.join(bad)}: a line has no place for line ends, empty values or names with =",
            object="the form env",
            code="bad-secrets-file",
            hint="export as json or yaml",
        )
    return "".join(f"{name}={value}\n" for name, value in kept)
