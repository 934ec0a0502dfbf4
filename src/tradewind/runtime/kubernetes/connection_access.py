"""Where a cluster is by the words of an Airflow connection: read anew as often as it is asked, as a kubeconfig is.

Invariant: a kubeconfig that a connection holds is on the disk only while it is read, in a directory of our own.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tradewind.ports import errors
from tradewind.runtime.kubernetes import access, cluster_choice
from tradewind.runtime.kubernetes.access import Access, AccessSource
from tradewind.runtime.kubernetes.cluster_choice import Choice, FindConnection


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionAccess:
    """An `AccessSource`. `otherwise` is asked where the connection names no kubeconfig of its own."""

    choice: Choice
    find_connection: FindConnection
    otherwise: AccessSource
    environ: Mapping[str, str]

    async def read(self) -> Access:
        found = await self.find_connection(self.choice.connection)
        if found is None:
            raise errors.Rejected(
                "is not defined any more",
                object=f"connection {self.choice.connection!r}",
                code="no-such-connection",
                hint="pods that run are in the cluster that it names: define it again",
            )
        told = cluster_choice.fields(found)
        access_ = await self._of_text(told["kube_config"]) if told.get("kube_config") else await self.otherwise.read()
        changes: dict[str, Any] = {"told": f"{access_.told} (connection {self.choice.connection})"}
        if told.get("namespace"):
            changes["namespace"] = str(told["namespace"])
        if cluster_choice.is_true(told.get("disable_verify_ssl")) and access_.tls is not None:
            access.trust_anybody(access_.tls)
        return dataclasses.replace(access_, **changes)

    async def _of_text(self, config: Any) -> Access:
        with tempfile.TemporaryDirectory(prefix="tradewind-") as folder:
            path = Path(folder) / "kubeconfig"
            path.touch(mode=0o600)
            path.write_text(config if isinstance(config, str) else json.dumps(config))
            source = access.Kubeconfig(paths=str(path), context=self.choice.context or None, environ=self.environ)
            return dataclasses.replace(await source.read(), told="a kubeconfig")
