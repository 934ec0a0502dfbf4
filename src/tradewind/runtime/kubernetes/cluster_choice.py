"""Which cluster a task means: its parameters and its connection against what the settings say.

The precedence is the provider's: what the operator was given goes before the connection's fields, and a kubeconfig's
path, its text and the service account of our own pod exclude one another. Invariant: a task that names no cluster, or
the one of the settings, has the empty choice, so tasks that mean one cluster share one client.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tradewind.ports import errors
from tradewind.ports import vault as vault_port

FindConnection = Callable[[str], Awaitable[vault_port.Connection | None]]
CONNECTION = "kubernetes_default"
PARAMETERS = ("kubernetes_conn_id", "config_file", "cluster_context", "in_cluster")
_OF_CLUSTERS = (
    "in_cluster", "kube_config_path", "kube_config", "cluster_context", "namespace", "disable_verify_ssl",
)  # fmt: skip
_FALSE = ("", "0", "f", "false", "n", "no", "off")


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A cluster. Empty: that of the settings. It is kept with each attempt that has something there.

    As text it is for people; empty for that of the settings.
    """

    connection: str = ""
    """Whose fields say more: a kubeconfig's text, a namespace, whether certificates are looked at."""
    config_file: str = ""
    context: str = ""
    in_cluster: bool = False

    @property
    def is_home(self) -> bool:
        """Whether it is that of the settings."""
        return self == HOME

    @property
    def mark(self) -> str:
        """For names of files; empty for that of the settings."""
        return "" if self.is_home else "-" + hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:12]

    def __str__(self) -> str:
        parts = [
            f"context {self.context}" if self.context else "",
            f"of {self.config_file}" if self.config_file else "",
        ]
        parts += [f"by connection {self.connection}" if self.connection else ""]
        parts += ["of our own pod" if self.in_cluster else ""]
        return " ".join(part for part in parts if part)


HOME = Choice()


class Chooser:
    """Of one home. `own` is what the settings say; `is_pod`: this process has a service account of its own."""

    def __init__(self, own: Choice, find_connection: FindConnection, *, is_pod: bool) -> None:
        self._own = own
        self._find_connection = find_connection
        self._is_pod = is_pod

    async def choose(self, arguments: Mapping[str, Any]) -> Choice:
        """By rendered arguments. Raises `errors.Rejected` where they contradict one another, `errors.NotFound`."""
        name = str(arguments.get("kubernetes_conn_id") or CONNECTION)
        connection = await self._find_connection(name)
        if connection is None and name != CONNECTION:
            raise errors.NotFound(
                "is not defined",
                object=f"connection {name!r}",
                code="no-such-connection",
                hint=f"tradewind connections set {name} --conn-type kubernetes --extra …",
            )
        return self._resolve(arguments, name, fields(connection))

    def _resolve(self, arguments: Mapping[str, Any], name: str, told: Mapping[str, Any]) -> Choice:
        def field(parameter: str, field: str) -> Any:
            given = arguments.get(parameter)
            return told.get(field) if given is None or given == "" else given

        path, inside = str(field("config_file", "kube_config_path") or ""), is_true(field("in_cluster", "in_cluster"))
        context = str(field("cluster_context", "cluster_context") or "")
        if sum(map(bool, (path, told.get("kube_config"), inside))) > 1:
            raise errors.Rejected(
                "config_file (kube_config_path), kube_config and in_cluster exclude one another",
                object=f"connection {name!r}",
                code="bad-cluster-choice",
                hint="name one of them, in the task or in its connection",
            )
        if inside:
            # On a machine that is no pod it means: where Tradewind runs. That is what the settings say.
            return Choice(in_cluster=True) if self._is_pod and not self._own.in_cluster else HOME
        own = self._own
        if path:
            chosen = Choice(config_file=str(Path(path).expanduser()), context=context)
        elif context and not told.get("kube_config"):
            chosen = Choice(config_file=own.config_file, context=context)
        else:
            chosen = Choice(context=context)
        if any(told.get(one) for one in ("kube_config", "namespace", "disable_verify_ssl")):
            return msgspec.structs.replace(chosen, connection=name)
        return HOME if chosen in (HOME, own) else chosen


def names_one(arguments: Mapping[str, Any]) -> bool:
    """Whether a task says anything of its cluster."""
    return any(arguments.get(name) not in (None, "", CONNECTION) for name in PARAMETERS)


def is_templated(arguments: Mapping[str, Any]) -> bool:
    """Whether what it says has to be rendered first."""
    return any("{" in str(arguments.get(name) or "") for name in PARAMETERS)


def fields(connection: vault_port.Connection | None) -> dict[str, Any]:
    """What a connection says of its cluster, by today's names. Raises `errors.Rejected`."""
    if connection is None:
        return {}
    try:
        extra = json.loads(connection.extra or "{}")
    except ValueError as error:
        raise errors.Rejected(
            f"its extra is no JSON object: {error}",
            object=f"connection {connection.conn_id!r}",
            code="malformed-connection",
            hint='write it as, for example, {"kube_config_path": "/etc/kube/other"}',
        ) from error
    found = extra if isinstance(extra, dict) else {}
    return {name: found.get(name) or found.get(f"extra__kubernetes__{name}") for name in _OF_CLUSTERS}


def is_true(given: Any) -> bool:
    """As Airflow reads a connection's checkbox."""
    return str(given).strip().lower() not in _FALSE if given is not None else False
