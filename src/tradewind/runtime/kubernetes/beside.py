"""Pods and what else is of a cluster there, everything else on this machine: one runtime out of two.

Invariant: an attempt belongs to one of them from its launch to its release; which one follows from its body.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

from tradewind.model.dagspec import Body, ClusterBody, PodBody
from tradewind.model.events import AttemptEnded, AttemptProgress
from tradewind.model.ids import AttemptId
from tradewind.ports import runtime as port
from tradewind.runtime.kubernetes.clusters import Clusters

Event = AttemptProgress | AttemptEnded


class BesideRuntime:
    """Implements `ports.runtime.AttemptRuntime`, and `PodDrafts` with the clusters'."""

    def __init__(self, *, local: port.AttemptRuntime, clusters: Clusters) -> None:
        self._local = local
        self._clusters = clusters

    def _of_body(self, body: Body) -> port.AttemptRuntime:
        return self._clusters if isinstance(body, (PodBody, ClusterBody)) else self._local

    def _of(self, attempt_id: AttemptId) -> port.AttemptRuntime:
        return self._clusters if self._clusters.has(attempt_id) else self._local

    @property
    def _all(self) -> Sequence[port.AttemptRuntime]:
        return (self._local, self._clusters)

    def lead(self, epoch: int) -> None:
        """As the port says."""
        for runtime in self._all:
            runtime.lead(epoch)

    async def launch(self, launches: Sequence[port.Launch]) -> None:
        """As the port says."""
        for runtime in self._all:
            theirs = [one for one in launches if self._of_body(one.body) is runtime]
            if theirs:
                await runtime.launch(theirs)

    async def stop(self, attempt_id: AttemptId, *, grace_seconds: float | None, reason: str) -> None:
        """As the port says."""
        await self._of(attempt_id).stop(attempt_id, grace_seconds=grace_seconds, reason=reason)

    async def release(self, attempt_ids: Sequence[AttemptId]) -> None:
        """As the port says."""
        owners = {attempt_id: self._of(attempt_id) for attempt_id in attempt_ids}
        for runtime in self._all:
            await runtime.release([one for one in attempt_ids if owners[one] is runtime])

    async def observe(self) -> Sequence[port.Observed]:
        """As the port says."""
        return [found for runtime in self._all for found in await runtime.observe()]

    def clusters(self) -> Sequence[port.ClusterState]:
        """As `ports.runtime.ClusterStates` says."""
        return self._clusters.clusters()

    async def draft(self, launch: port.Launch) -> port.PodDraft:
        """As `ports.runtime.PodDrafts` says."""
        return await self._clusters.draft(launch)

    async def try_out(self, draft: port.PodDraft) -> dict[str, Any]:
        """As `ports.runtime.PodDrafts` says."""
        return await self._clusters.try_out(draft)

    async def events(self) -> AsyncGenerator[Sequence[Event], None]:
        """As the port says."""
        sources = [aiter(runtime.events()) for runtime in self._all]
        waited: dict[asyncio.Future[Sequence[Event]], AsyncIterator[Sequence[Event]]] = {
            _next(one): one for one in sources
        }
        try:
            while True:
                done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    source = waited.pop(one)
                    batch = one.result()
                    waited[_next(source)] = source
                    yield batch
        finally:
            for one in waited:
                one.cancel()
            await asyncio.gather(*waited, return_exceptions=True)


def _next(source: AsyncIterator[Sequence[Event]]) -> asyncio.Future[Sequence[Event]]:
    return asyncio.ensure_future(anext(source))
