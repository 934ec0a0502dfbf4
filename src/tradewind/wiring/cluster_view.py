"""Clusters as commands look at them: the pods that Tradewind made there, what they wait for, what this account may do.

Beside the runtime: it needs no lease, and works while a server leads as well as while none does.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import AsyncIterator, Sequence
from typing import Any

from tradewind import clock as clocks
from tradewind import settings as settings_tree
from tradewind.model.finding import Finding
from tradewind.model.ids import AttemptId
from tradewind.ports import errors
from tradewind.runtime.kubernetes import client as clients
from tradewind.runtime.kubernetes import cluster_choice, deleting, examining, inventory, patience, rights
from tradewind.runtime.kubernetes import record as records
from tradewind.runtime.kubernetes import site as cluster_site
from tradewind.wiring import cluster_access, homes, secret_store, storage

Kept = inventory.Kept
Happened = inventory.Happened
FEATURES = rights.FEATURES
_OPTIONS = clients.ClientOptions(connect_seconds=5.0, request_seconds=20.0, pushbacks=2)
"""Somebody waits at a terminal."""


class ClusterView:
    """One cluster, of one home. `home_id` is what its pods carry; empty where it never had any."""

    def __init__(
        self, client: clients.ClusterClient, home: homes.Home, namespace: str, choice: cluster_choice.Choice
    ) -> None:
        self.home_id = cluster_site.find_home_id(home.path)
        self.name = str(choice)
        """Empty for the cluster of the settings."""
        self._choice = choice
        self._client = client
        self._records = records.Records(home.path)
        self._namespace = namespace

    async def namespaces(self) -> list[str]:
        """Where pods of this home are: that of the settings, and those of attempts that are followed."""
        access, _ = await self._client.credentials.get()
        named = [self._namespace or access.namespace]
        kept = [record for record in self._records.list() if record.cluster == self._choice]
        named += [record.namespace for record in kept if record.namespace]
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
        found = [finding async for finding in examining.examine(self._client, wanted)]
        if self.name:
            found = [dataclasses.replace(one, message=f"{self.name}: {one.message}") for one in found]
        return found


@contextlib.asynccontextmanager
async def opened(
    home: homes.Home, settings: settings_tree.Settings, *, only_settings: bool = False
) -> AsyncIterator[list[ClusterView]]:
    """Open that of the settings, which is the first, and those in which attempts of the home have something.

    Raises `errors.Rejected` where no cluster is known or its configuration cannot be used.
    """
    told, clock = settings.runtime.kubernetes, clocks.SystemClock()
    others = [] if only_settings else [one for one in cluster_access.recorded(home) if not one.is_home]
    async with contextlib.AsyncExitStack() as stack:
        find_connection = None
        if any(one.connection for one in others):
            store = await stack.enter_async_context(storage.open_store(home, settings))
            find_connection = secret_store.open_vault(home, store, settings, os.environ).find_connection
        views: list[ClusterView] = []
        for choice in (cluster_choice.HOME, *others):
            opening = cluster_access.open_client(
                told, choice, find_connection=find_connection, clock=clock, options=_OPTIONS
            )
            client = await stack.enter_async_context(opening)
            views.append(ClusterView(client, home, told.namespace if choice.is_home else "", choice))
        yield views


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
