"""What is seen of our Jobs: a list and a watch for each namespace in which somebody follows one.

A list is compared with who is followed: a Job that is not in it is told as gone, so no end is missed, whatever the
watch lost. Every watch that ended is followed by a list, after a pause that grows while nothing comes: Jobs are few,
and a broken server is never asked in a hot loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

from tradewind.ports import backoff, errors
from tradewind.ports import clock as clock_port
from tradewind.runtime.kubernetes import job_view, statuses, watching
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.job_view import JobView
from tradewind.runtime.kubernetes.scope import OURS

_PAGE = 500
_LASTS_SECONDS = 300
_IDLE_SECONDS = 90.0
_log = logging.getLogger(__name__)
Spawn = Callable[[Coroutine[Any, Any, None], str], "asyncio.Task[None]"]


class Followed:
    """One Job's news, for who follows it: its newest state, None when a list does not have it (any more)."""

    def __init__(self) -> None:
        self._news: asyncio.Queue[JobView | None] = asyncio.Queue()

    def tell(self, view: JobView | None) -> None:
        """A state."""
        self._news.put_nowait(view)

    async def next(self) -> JobView | None:
        """The newest; those in between say nothing that it does not."""
        found = await self._news.get()
        while not self._news.empty():
            found = self._news.get_nowait()
        return found


class JobWatches:
    """Of one cluster. A namespace is watched from when it is first followed in, until the end."""

    def __init__(
        self, client: ClusterClient, *, clock: clock_port.Clock, random: clock_port.Random, spawn: Spawn
    ) -> None:
        self._client = client
        self._clock = clock
        self._random = random
        self._spawn = spawn
        self._followed: dict[str, dict[str, Followed]] = {}

    @contextlib.contextmanager
    def follow(self, namespace: str, name: str) -> Iterator[Followed]:
        """Follow a Job of ours while the block runs."""
        if namespace not in self._followed:
            self._followed[namespace] = {}
            self._spawn(self._run(namespace), f"watch of jobs in {namespace}")
        followed = self._followed[namespace][name] = Followed()
        try:
            yield followed
        finally:
            self._followed[namespace].pop(name, None)

    async def _run(self, namespace: str) -> None:
        pause = backoff.Backoff(self._random, first_seconds=0.2, cap_seconds=10.0)
        while True:
            try:
                version = await self._list(namespace)
                async for view in self._watch(namespace, version):
                    pause.reset()
                    self._tell(namespace, view)
            except errors.Fatal:
                raise
            except statuses.Expired:
                pass
            except errors.Transient as error:
                _log.info("the watch of jobs in %s ended: %s", namespace, error)
            except errors.TradewindError as error:
                _log.warning("jobs in %s cannot be watched: %s", namespace, error)
                for followed in self._followed[namespace].values():
                    followed.tell(None)  # each looks for itself
            await self._clock.sleep(pause.next_seconds())

    async def _list(self, namespace: str) -> str:
        """Tell what there is, and who is not there; the version from which a watch goes on."""
        path, query = f"/apis/batch/v1/namespaces/{namespace}/jobs", {"labelSelector": OURS, "limit": str(_PAGE)}
        asked = dict(self._followed[namespace])
        page = job_view.page(await self._client.request("GET", path, query))
        version, views = page.metadata.resource_version, list(page.items or [])
        while page.metadata.next:
            more = {**query, "continue": page.metadata.next}
            page = job_view.page(await self._client.request("GET", path, more))
            views += page.items or []
        there = {view.metadata.name for view in views}
        for view in views:
            self._tell(namespace, view)
        for name, followed in asked.items():
            if name not in there:
                followed.tell(None)
        return version

    async def _watch(self, namespace: str, version: str) -> AsyncIterator[JobView]:
        query = {
            "labelSelector": OURS,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(int(_LASTS_SECONDS * (1 + self._random.uniform()))),
        }
        path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        async with self._client.stream(path, query, idle_seconds=_IDLE_SECONDS) as chunks:
            lines = watching.Lines(chunks)
            while (line := await lines.next()) is not None:
                told = job_view.event(line)
                if isinstance(told, statuses.Status):
                    raise statuses.of(told, asked=f"watch of {path}")
                if told.type == "DELETED":
                    self._gone(namespace, told.object)
                elif told.type != "BOOKMARK":
                    yield told.object

    def _tell(self, namespace: str, view: JobView) -> None:
        if (followed := self._followed[namespace].get(view.metadata.name)) is not None:
            followed.tell(view)

    def _gone(self, namespace: str, view: JobView) -> None:
        """Its last state may say that it was over."""
        if (followed := self._followed[namespace].get(view.metadata.name)) is not None:
            followed.tell(view if view.is_over else None)
