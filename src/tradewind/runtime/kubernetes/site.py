"""What every attempt of a cluster gets of its site: where it goes, what lies under it, how it hands over a value.

Also which Tradewind we are: pods carry the id of the home that made them, so that nobody else's are swept.
"""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

from tradewind.runtime.kubernetes import cluster_choice, requesting, result_site
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.options import Options

_HOME_ID = "kubernetes-id"


class Site:
    """Of one home and one cluster."""

    def __init__(
        self, home: Path, client: ClusterClient, options: Options, find_connection: cluster_choice.FindConnection
    ) -> None:
        self._home = home
        self._client = client
        self._options = options
        self._results = result_site.ResultSite(
            client, options.helper, find_connection, connection=options.cluster.connection
        )
        self.home_id = ""
        """Known from `open` on."""

    async def open(self) -> None:
        """Learn which home it is. Raises OSError where that cannot be kept."""
        self.home_id = await asyncio.to_thread(_home_id, self._home)

    async def place(self) -> requesting.Place:
        """Where pods, and what else attempts make, go that say nothing."""
        access, _ = await self._client.credentials.get()
        options = self._options
        return requesting.Place(
            home_id=self.home_id,
            namespace=options.namespace or access.namespace,
            cluster=options.cluster,
            result=options.result_way,
            template=options.template,
            policy=options.policy,
        )

    async def handover(self) -> requesting.Handover:
        """What pods of tasks with a value get."""
        return requesting.Handover(helper=await self._results.get_helper(), lack=await self._results.find_lack())

    async def drafted_handover(self) -> requesting.Handover:
        """Whether the cluster can run it is asked when it matters: a draft needs no cluster."""
        return requesting.Handover(helper=await self._results.get_helper())


def find_home_id(home: Path) -> str:
    """What pods of this home carry; empty where it has made none."""
    try:
        return (home / _HOME_ID).read_text().strip()
    except FileNotFoundError:
        return ""


def _home_id(home: Path) -> str:
    """Made once for a home."""
    if not (found := find_home_id(home)):
        (home / _HOME_ID).write_text(f"{uuid.uuid4().hex}\n")
        found = find_home_id(home)
    return found
