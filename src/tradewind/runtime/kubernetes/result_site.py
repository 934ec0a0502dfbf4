"""How the site has pods hand over their values: its settings, over them the fields of the Airflow connection.

Also whether the cluster can run the helper at all: native sidecars came with Kubernetes 1.29. An older one takes the
pod and starts an init container that never ends; so it is looked at before anything is created.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from tradewind.pods import result
from tradewind.pods.result_helper import Helper
from tradewind.ports import errors
from tradewind.ports import vault as vault_port
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.cluster_choice import CONNECTION, FindConnection

_SIDECARS_SINCE = (1, 29)
_NUMBER = re.compile(r"\d+")


class ResultSite:
    """Of one cluster."""

    def __init__(
        self, client: ClusterClient, helper: Helper, find_connection: FindConnection, *, connection: str = ""
    ) -> None:
        self._client = client
        self._helper = helper
        self._find_connection = find_connection
        self._connection = connection or CONNECTION
        self._version: tuple[int, int] | None = None

    async def get_helper(self) -> Helper:
        """As settings and connection say. Raises `errors.Rejected` for a field that is no JSON object."""
        connection = await self._find_connection(self._connection)
        return self._helper if connection is None else _over(self._helper, connection)

    async def find_lack(self) -> errors.Rejected | None:
        """Why the helper cannot run in this cluster. Raises `errors.Transient` while nobody can say."""
        if self._version is None:
            try:
                told = msgspec.json.decode(await self._client.request("GET", "/version"), type=dict[str, Any])
            except (errors.Rejected, errors.NotFound):
                return None  # who may not ask finds out by trying
            except msgspec.DecodeError as error:
                raise errors.Transient(f"GET /version: {error}", code="nonsense") from error
            self._version = _number(told.get("major")), _number(told.get("minor"))
        if (0, 0) < self._version < _SIDECARS_SINCE:
            return errors.Rejected(
                f"is Kubernetes {self._version[0]}.{self._version[1]}, without native sidecars (1.29): the helper that "
                "hands over a pod's value cannot run in it",
                object="the cluster",
                code="no-native-sidecars",
                hint="have the container write the value to /dev/termination-log, and set "
                f"runtime.kubernetes.result.way={result.TERMINATION_MESSAGE} or the annotation {result.FROM}",
            )
        return None


def _number(text: object) -> int:
    """Of "29+", as some clouds write it; 0 where there is none."""
    found = _NUMBER.match(str(text))
    return int(found[0]) if found else 0


def _over(helper: Helper, connection: vault_port.Connection) -> Helper:
    try:
        extra = json.loads(connection.extra or "{}")
    except ValueError as error:
        raise _malformed(connection, "extra", error) from error
    fields = extra if isinstance(extra, dict) else {}
    resources = _find_object(connection, fields, "xcom_sidecar_container_resources")
    context = _find_object(connection, fields, "xcom_sidecar_container_security_context")
    return Helper(
        image=str(_find(fields, "xcom_sidecar_container_image") or helper.image),
        resources=helper.resources if resources is None else resources,
        security_context=helper.security_context if context is None else context,
    )


def _find(fields: dict[str, Any], name: str) -> Any:
    """A field, also under the name that connections of older Airflows have."""
    return fields.get(name) or fields.get(f"extra__kubernetes__{name}")


def _find_object(connection: vault_port.Connection, fields: dict[str, Any], name: str) -> dict[str, Any] | None:
    given = _find(fields, name)
    if not given:
        return None
    try:
        found = json.loads(given) if isinstance(given, str) else given
    except ValueError as error:
        raise _malformed(connection, name, error) from error
    if not isinstance(found, dict):
        raise _malformed(connection, name, f"it holds {type(found).__name__}")
    return found


def _malformed(connection: vault_port.Connection, field: str, why: object) -> errors.Rejected:
    return errors.Rejected(
        f"field {field!r} is no JSON object: {why}",
        object=f"connection {connection.conn_id!r}",
        code="malformed-connection",
        hint='write it as, for example, {"requests": {"cpu": "1m", "memory": "10Mi"}}',
    )
