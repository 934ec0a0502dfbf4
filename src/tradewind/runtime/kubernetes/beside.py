"""Pods in the cluster, everything else on this machine: one runtime out of two.

Invariant: an attempt belongs to one of the two from its launch to its release; which one follows from its body.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

from tradewind.model.dagspec import PodBody
from tradewind.model.events import AttemptEnded, AttemptProgress
from tradewind.model.ids import AttemptId
from tradewind.ports import runtime as port
from tradewind.runtime.kubernetes.runtime import KubernetesRuntime

Event = AttemptProgress | AttemptEnded


class BesideRuntime:
    """Implements `ports.runtime.AttemptRuntime`, and `PodDrafts` with the cluster's."""

    def __init__(self, *, local: port.AttemptRuntime, cluster: KubernetesRuntime) -> None:
        self._local = local
        self._cluster = cluster

    def lead(self, epoch: int) -> None:
        """As the port says."""
        self._local.lead(epoch)
        self._cluster.lead(epoch)

    async def launch(self, launches: Sequence[port.Launch]) -> None:
        """As the port says."""
        pods = [one for one in launches if isinstance(one.body, PodBody)]
        others = [one for one in launches if not isinstance(one.body, PodBody)]
        if others:
            await self._local.launch(others)
        if pods:
            await self._cluster.launch(pods)

    async def stop(self, attempt_id: AttemptId, *, grace_seconds: float | None, reason: str) -> None:
        """As the port says."""
        runtime: port.AttemptRuntime = self._cluster if self._cluster.has(attempt_id) else self._local
        await runtime.stop(attempt_id, grace_seconds=grace_seconds, reason=reason)

    async def release(self, attempt_ids: Sequence[AttemptId]) -> None:
        """As the port says."""
        await self._cluster.release([one for one in attempt_ids if self._cluster.has(one)])
        await self._local.release([one for one in attempt_ids if not self._cluster.has(one)])

    async def observe(self) -> Sequence[port.Observed]:
        """As the port says."""
        return [*await self._local.observe(), *await self._cluster.observe()]

    async def draft(self, launch: port.Launch) -> port.PodDraft:
        """As `ports.runtime.PodDrafts` says."""
        return await self._cluster.draft(launch)

    async def try_out(self, draft: port.PodDraft) -> dict[str, Any]:
        """As `ports.runtime.PodDrafts` says."""
        return await self._cluster.try_out(draft)

    async def events(self) -> AsyncGenerator[Sequence[Event], None]:
        """As the port says."""
        sources = [aiter(self._local.events()), aiter(self._cluster.events())]
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
