"""Back ends that are looked at in order: the environment, then files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tradewind.ports import errors
from tradewind.ports import vault as vault_port
from tradewind.vault import connections


class EnvironmentBackend:
    """`TRADEWIND_VAR_KEY`, `AIRFLOW_VAR_KEY`, `TRADEWIND_CONN_ID`, `AIRFLOW_CONN_ID`, in this order."""

    name = "environment"

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    async def find_variable(self, key: str) -> str | None:
        """The text of the variable."""
        return self._find("VAR", key)

    async def find_connection(self, conn_id: str) -> vault_port.Connection | None:
        """Parsed from its URI or JSON."""
        text = self._find("CONN", conn_id)
        return None if text is None else connections.parse(conn_id, text)

    def _find(self, kind: str, key: str) -> str | None:
        for prefix in ("TRADEWIND", "AIRFLOW"):
            value = self._environment.get(f"{prefix}_{kind}_{key.upper()}")
            if value is not None:
                return value
        return None


class FileBackend:
    """`variables.{json,yaml,yml}` and `connections.{json,yaml,yml}` in a folder, read again when they change."""

    name = "files"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, tuple[int, dict[str, Any]]] = {}

    async def find_variable(self, key: str) -> str | None:
        """Text as it is; other values as JSON."""
        value = self._load("variables").get(key)
        return value if value is None or isinstance(value, str) else json.dumps(value)

    async def find_connection(self, conn_id: str) -> vault_port.Connection | None:
        """From a URI or from fields."""
        value = self._load("connections").get(conn_id)
        if value is None:
            return None
        return (
            connections.from_fields(conn_id, value)
            if isinstance(value, dict)
            else connections.parse(conn_id, str(value))
        )

    def _load(self, stem: str) -> dict[str, Any]:
        for suffix in (".json", ".yaml", ".yml"):
            path = self._folder / f"{stem}{suffix}"
            try:
                stamp = path.stat().st_mtime_ns
            except OSError:
                continue
            known = self._read.get(path)
            if known is None or known[0] != stamp:
                self._read[path] = known = (stamp, _parse_file(path))
            return known[1]
        return {}


def _parse_file(path: Path) -> dict[str, Any]:
    try:
        # YAML 1.1 reads JSON as well.
        content = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError):
        raise errors.Rejected(
            "cannot be read as JSON or YAML", object=str(path), code="bad-secrets-file", hint="check its syntax"
        ) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise errors.Rejected(
            "holds no mapping of names", object=str(path), code="bad-secrets-file", hint="write `name: value`"
        )
    return content
