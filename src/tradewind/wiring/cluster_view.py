"""A cluster as commands look at it: the pods that Tradewind made there, what they wait for, what this account may do.

Beside the runtime: it needs no lease, and works while a server leads as well as while none does.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from tradewind import clock as clocks
from tradewind import settings as settings_tree
from tradewind.model.finding import Finding
from tradewind.model.ids import AttemptId
from tradewind.ports import errors
from tradewind.runtime.kubernetes import client as clients
from tradewind.runtime.kubernetes import deleting, examining, inventory, patience, rights
from tradewind.runtime.kubernetes import record as records
from tradewind.runtime.kubernetes import site as cluster_site
from tradewind.wiring import cluster_access, homes

Kept = inventory.Kept
Happened = inventory.Happened
FEATURES = rights.FEATURES
_OPTIONS = clients.ClientOptions(connect_seconds=5.0, request_seconds=20.0, pushbacks=2)
"""Somebody waits at a terminal."""


class ClusterView:
    """Of one home. `home_id` is what its pods carry; empty where it never had any."""

    def __init__(self, client: clients.ClusterClient, home: homes.Home, namespace: str) -> None:
        self.home_id = cluster_site.find_home_id(home.path)
        self._client = client
        self._records = records.Records(home.path)
        self._namespace = namespace

    async def namespaces(self) -> list[str]:
        """Where pods of this home are: that of the settings, and those of attempts that are followed."""
        access, _ = await self._client.credentials.get()
        named = [self._namespace or access.namespace]
        named += [record.namespace for record in self._records.list() if record.namespace]
        return list(dict.fromkeys(named))

    def follows(self, attempt_id: AttemptId) -> bool:
        """Whether the home has something of the attempt that is not at rest: it runs, or its log is not sealed yet."""
        return self._records.folder(attempt_id).is_dir()

    async def pods(self, namespaces: Sequence[str | None]) -> list[Kept]:
        """All with our label in these; None stands for every namespace. Raises as `ClusterClient.request`."""
        return [one for namespace in namespaces for one in await inventory.pods(self._client, namespace)]

    async def get(self, namespaces: Sequence[str], name: str) -> Kept:
        """The pod of that name in the first of these that has it. Raises `errors.NotFound`."""
        for namespace in namespaces:
            with contextlib.suppress(errors.NotFound):
                return await inventory.get(self._client, namespace, name)
        raise errors.NotFound(
            f"is not in {', '.join(namespaces)}, or was not made by Tradewind",
            object=f"pod {name}",
            code="no-such-pod",
            hint="`tradewind pods list` shows them; --namespace names another",
        )

    async def events(self, one: Kept) -> Sequence[Happened]:
        """What the cluster says of it. Raises as `ClusterClient.request`."""
        return await inventory.events(self._client, one)

    async def delete(self, one: Kept) -> None:
        """Exactly this one. Raises as `Deleter.delete`."""
        asking = patience.Patience(clock=clocks.SystemClock(), random=clocks.SystemRandom(), tries=2)
        await deleting.Deleter(self._client, asking).delete(one.view.namespace, one.view.name, one.view.uid)

    async def examine(self, namespaces: Sequence[str]) -> list[Finding]:
        """What `tradewind doctor` says of it; without namespaces those of this home."""
        wanted = namespaces or await self.namespaces()
        return [finding async for finding in examining.examine(self._client, wanted)]


@contextlib.asynccontextmanager
async def opened(home: homes.Home, settings: settings_tree.Settings) -> AsyncIterator[ClusterView]:
    """Open it. Raises `errors.Rejected` where no cluster is known or its configuration cannot be used."""
    told = settings.runtime.kubernetes
    async with cluster_access.open_client(told, clock=clocks.SystemClock(), options=_OPTIONS) as client:
        yield ClusterView(client, home, told.namespace)


def role(namespaces: Sequence[str], features: Sequence[str], *, account: str, home: str) -> list[dict[str, Any]]:
    """ServiceAccount, and a Role and a RoleBinding for each namespace of tasks. Raises `errors.Rejected`."""
    try:
        wanted = rights.chosen(features or rights.usual())
    except KeyError as error:
        names = ", ".join(feature.name for feature in rights.FEATURES)
        raise errors.Rejected(
            f"{error.args[0]!r} is not a feature", object="--feature", code="bad-option", hint=f"one of {names}"
        ) from None
    documents = [rights.service_account(account, home)]
    for namespace in namespaces:
        documents += rights.role(namespace, wanted, account=account, home=home)
    return documents
