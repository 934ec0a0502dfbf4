"""A supervisor that remembers what was asked for: Variables and Connections by name, and secret values among them."""

from __future__ import annotations

import json
from typing import Any

from tradewind.model import masking
from tradewind.pods import redaction
from tradewind.sdk.supervision import EnvironmentSupervisor, Supervisor
from tradewind.worker import secrets as given

_SHORTEST_SECRET = 3


class AskingSupervisor:
    """Hands every question on, the process's own environment first for Variables and Connections."""

    def __init__(self, inner: Supervisor) -> None:
        self._inner = inner
        self._environment = EnvironmentSupervisor()
        self.asked: dict[str, None] = {}
        self.secrets: dict[str, None] = {}

    def get_variable(self, key: str) -> str | None:
        """As `Supervisor.get_variable`."""
        self.asked[f"variable:{key}"] = None
        value = self._environment.get_variable(key)
        if value is None:
            value = self._inner.get_variable(key)
        if value is not None:
            self._keep_secrets(key, _read(value))
            given.OWN.add(masking.secrets_of_json(value, key))
        return value

    def get_connection(self, conn_id: str) -> dict[str, Any] | None:
        """As `Supervisor.get_connection`."""
        self.asked[f"connection:{conn_id}"] = None
        found = self._environment.get_connection(conn_id)
        if found is None:
            found = self._inner.get_connection(conn_id)
        if found is not None:
            self._keep_secrets("", {**found, "extra": _read(found.get("extra"))})
            given.OWN.add(masking.secrets_of_connection(found))
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _keep_secrets(self, name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                self._keep_secrets(str(key), item)
        elif isinstance(value, (list, tuple)):
            for item in value:
                self._keep_secrets(name, item)
        elif isinstance(value, str) and len(value) >= _SHORTEST_SECRET and redaction.is_sensitive(name):
            self.secrets[value] = None


def _read(text: Any) -> Any:
    if not isinstance(text, str) or text[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
