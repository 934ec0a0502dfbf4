"""Pods beside workers: an attempt whose worker handed a pod over is one attempt to all others, and two to the runtimes.

The inner runtime knows the pod by a name of its own (`ids.pod_of`) and launches, follows, stops and adopts it like any
other; here the two are made one again. Invariant: what the scheduler sees of such an attempt is its worker's, its end
comes when both have ended, and no pod runs whose attempt nobody knows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tradewind.model import ids
from tradewind.model.dagspec import ClusterBody, PodBody
from tradewind.model.events import AttemptEnded, AttemptProgress
from tradewind.model.ids import AttemptId
from tradewind.model.states import AttemptPhase
from tradewind.ports import clock as clock_port
from tradewind.ports import errors
from tradewind.ports import runtime as port
from tradewind.runtime.handover import companion as companions
from tradewind.runtime.handover import pod_log, request
from tradewind.runtime.handover.companion import Companion

Event = AttemptProgress | AttemptEnded
_AGAIN_SECONDS = 0.2
_LOOK_SECONDS = 0.1
_log = logging.getLogger(__name__)


class HandoverRuntime:
    """Implements `ports.runtime.AttemptRuntime` around another, and `ports.runtime.PodHandovers` for workers."""

    def __init__(
        self,
        *,
        inner: port.AttemptRuntime,
        home: Path,
        clock: clock_port.Clock,
        cluster: Mapping[str, Any] | None = None,
    ) -> None:
        self._inner = inner
        self._attempts = home / "attempts"
        self._clock = clock
        self._cluster = None if cluster is None else dict(cluster)
        self._companions: dict[str, Companion] = {}
        self._observed = asyncio.Event()
        """We lead and know what exists: before that no pod is begun."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Nothing is opened; workers wait until we lead."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave workers and pods to the next control plane."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s", task.get_name(), exc_info=error)

    async def _insist(self, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await act()
            except errors.Transient as error:
                _log.info("tried again: %s", error)
                await self._clock.sleep(_AGAIN_SECONDS)
            else:
                return

    # -- as of any runtime -----------------------------------------------------------------------------------------

    def lead(self, epoch: int) -> None:
        """As the port says."""
        self._inner.lead(epoch)

    async def launch(self, launches: Sequence[port.Launch]) -> None:
        """As the port says."""
        await self._inner.launch(launches)

    async def stop(self, attempt_id: AttemptId, *, grace_seconds: float | None, reason: str) -> None:
        """As the port says: first the worker, whose `on_kill` may still need the pod; with its end goes the pod."""
        companion = self._companions.get(attempt_id)
        if companion is None:
            await self._inner.stop(attempt_id, grace_seconds=grace_seconds, reason=reason)
            return
        companion.stop_reason = reason
        if companion.worker_end is None:
            await self._inner.stop(attempt_id, grace_seconds=grace_seconds, reason=reason)
        else:
            self._end_pod(companion, reason)

    async def release(self, attempt_ids: Sequence[AttemptId]) -> None:
        """As the port says."""
        pods = [found.pod_id for one in attempt_ids if (found := self._companions.get(one)) and found.is_asked]
        await self._inner.release([*pods, *attempt_ids])
        for one in attempt_ids:
            self._companions.pop(one, None)

    async def observe(self) -> Sequence[port.Observed]:
        """As the port says; a pod is its worker's, and one without a worker's attempt goes."""
        found = await self._inner.observe()
        workers = {one.attempt_id for one in found if ids.worker_of(one.attempt_id) is None}
        for one in found:
            if (worker_id := ids.worker_of(one.attempt_id)) is not None:
                companion = self._companion(worker_id)
                companion.is_asked = True
                companion.is_orphan = worker_id not in workers
                if companion.is_orphan:
                    _log.warning("pod of attempt %s has no worker any more and is ended", worker_id)
                    self._end_pod(companion, "its attempt is gone")
        self._observed.set()
        return [one for one in found if one.attempt_id in workers]

    async def events(self) -> AsyncGenerator[Sequence[Event], None]:
        """As the port says."""
        async for batch in self._inner.events():
            told = [told for event in batch if (told := self._take(event)) is not None]
            if told:
                yield told

    # -- what becomes of the two -----------------------------------------------------------------------------------

    def _companion(self, worker_id: AttemptId) -> Companion:
        return self._companions.setdefault(worker_id, Companion(worker_id))

    def _take(self, event: Event) -> Event | None:
        worker_id = ids.worker_of(event.attempt_id)
        if worker_id is None:
            companion = self._companions.get(event.attempt_id)
            return event if companion is None or isinstance(event, AttemptProgress) else self._ended(companion, event)
        companion = self._companion(worker_id)
        if isinstance(event, AttemptProgress):
            return companion.take_progress(event)
        companion.take_end(event)
        if companion.is_orphan:
            self._spawn(self._forget(companion), f"pod of {worker_id}")
        return None if companion.worker_end is None else companion.end(companion.worker_end)

    def _ended(self, companion: Companion, end: AttemptEnded) -> AttemptEnded | None:
        """Its worker has ended: at once, if its pod has too."""
        if companion.is_over():
            return companion.end(end)
        companion.worker_end = end
        if not companions.has_died(end) or companion.stop_reason is not None:
            self._end_pod(companion, companion.stop_reason or "its worker ended")
        return None

    def _end_pod(self, companion: Companion, reason: str) -> None:
        async def stop() -> None:
            await self._inner.stop(companion.pod_id, grace_seconds=None, reason=reason)

        if companion.pod_end is None:
            self._spawn(self._insist(stop), f"stop of the pod of {companion.worker_id}")

    async def _forget(self, companion: Companion) -> None:
        async def release() -> None:
            await self._inner.release([companion.pod_id])

        await self._insist(release)
        self._companions.pop(companion.worker_id, None)

    # -- for workers -----------------------------------------------------------------------------------------------

    async def hand_over(self, asked: port.PodRequest) -> port.PodNews:
        """As the port says."""
        await self._observed.wait()
        companion = self._companion(asked.attempt.attempt_id)
        if companion.stop_reason is not None:
            raise errors.Rejected(
                f"its task is being stopped ({companion.stop_reason})",
                object="the pod that execute() handed over",
                code="pod-refused",
                hint="nothing to do: no pod is started for a task that is to end",
            )
        if asked.relays:
            await asyncio.to_thread(pod_log.note_relayed, self._attempts / companion.worker_id, 0)
        if not companion.is_launched and companion.pod_end is None:
            await self._launch(companion, request.launch_of(asked))
        await companion.reached(AttemptPhase.SUBMITTED)
        return companion.news()

    async def _launch(self, companion: Companion, launch: port.Launch) -> None:
        body = launch.body
        assert isinstance(body, (PodBody, ClusterBody))
        companion.is_asked = companion.is_launched = True
        companion.base = str(body.arguments.get("base_container_name") or companion.base)
        if isinstance(body, PodBody):
            self._spawn(self._watch_start(companion, body.startup_timeout_seconds), f"start of {companion.pod_id}")

        async def begin() -> None:
            if companion.worker_end is None:
                await self._inner.launch([launch])

        await self._insist(begin)

    async def _watch_start(self, companion: Companion, seconds: float) -> None:
        """Stop a pod whose main container does not begin in time; the clock runs from its creation."""
        await companion.reached(AttemptPhase.SUBMITTED)
        since = (companion.submitted_at or self._clock.now()).timestamp()
        begun = asyncio.ensure_future(companion.reached(AttemptPhase.STARTED))
        late = asyncio.ensure_future(self._clock.sleep(max(0.0, since + seconds - self._clock.now().timestamp())))
        try:
            await asyncio.wait((begun, late), return_when=asyncio.FIRST_COMPLETED)
            if not begun.done():
                companion.is_late = True
                self._end_pod(companion, companions.LATE)
        finally:
            for one in (begun, late):
                one.cancel()

    async def await_pod(self, attempt_id: AttemptId, *, started: bool) -> port.PodNews:
        """As the port says."""
        companion = await self._known(attempt_id)
        await companion.reached(AttemptPhase.STARTED if started else AttemptPhase.ENDED)
        return companion.news()

    async def read_log(self, attempt_id: AttemptId, position: int, *, relays: bool) -> port.PodLog:
        """As the port says."""
        companion = await self._known(attempt_id)
        folder = self._attempts / companion.pod_id
        if relays:
            await asyncio.to_thread(pod_log.note_relayed, self._attempts / companion.worker_id, position)
        while True:
            ended = companion.pod_end is not None
            found = await asyncio.to_thread(pod_log.read, folder, position, main=companion.base, ended=ended)
            if found.lines or found.ended:
                return found
            position = found.position
            await self._clock.sleep(_LOOK_SECONDS)

    async def stop_pod(self, attempt_id: AttemptId, reason: str) -> None:
        """As the port says."""
        self._end_pod(await self._known(attempt_id), reason)

    async def _known(self, attempt_id: AttemptId) -> Companion:
        await self._observed.wait()
        companion = self._companions.get(attempt_id)
        if companion is None or not companion.is_asked:
            raise errors.NotFound(
                "nobody has its pod: it was not handed over, or it is gone",
                object=f"attempt {attempt_id}",
                code="no-pod",
                hint="super().execute(context) hands it over",
            )
        return companion

    def cluster(self) -> dict[str, Any] | None:
        """As the port says."""
        return self._cluster
