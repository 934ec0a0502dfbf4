"""Python attempts in the calling process, for `dag.test()`: the caller's thread runs bodies, one after the other.

The control plane beside it runs in another thread and hands attempts over through `Bodies`; pods, and whatever else is
no Python body, are the inner runtime's. Invariant: each attempt that was handed over ends once, also one that was
stopped before its turn. A body that runs cannot be stopped from there; Ctrl-C in the caller's thread ends it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import signal
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from tradewind.model.dagspec import ClusterBody, OpaqueBody, PodBody
from tradewind.model.events import AttemptEnded, AttemptProgress
from tradewind.model.ids import AttemptId
from tradewind.model.outcome import Failed, Result
from tradewind.model.states import AttemptPhase, EndReason
from tradewind.ports import clock as clock_port
from tradewind.ports import runtime as port
from tradewind.protocol.work import PythonWork
from tradewind.sdk import supervision
from tradewind.worker import attempt
from tradewind.worker.loading import LoadedFile
from tradewind.worker.supervisor import SocketSupervisor

Event = AttemptProgress | AttemptEnded
_log = logging.getLogger("airflow.task")


class Bodies:
    """Attempts that wait for the caller's thread. `loaded` is the file as the caller has it."""

    def __init__(self, loaded: LoadedFile) -> None:
        self._loaded = loaded
        self._waiting: queue.SimpleQueue[tuple[PythonWork, Callable[[], bool], Callable[[Result], None]] | None]
        self._waiting = queue.SimpleQueue()

    def put(self, work: PythonWork, begin: Callable[[], bool], end: Callable[[Result], None]) -> None:
        """Hand one over. In the caller's thread `begin` says whether it is still wanted, then `end` gets its result."""
        self._waiting.put((work, begin, end))

    def close(self) -> None:
        """Nothing comes any more: `run` returns."""
        self._waiting.put(None)

    def run(self) -> None:
        """Run them as they come. Raises KeyboardInterrupt when Ctrl-C ends a body, or comes while none runs."""
        while (taken := self._waiting.get()) is not None:
            work, begin, end = taken
            if begin():
                result = self._run(work)
                end(result)
                if isinstance(result.outcome, Failed) and result.outcome.error == KeyboardInterrupt.__name__:
                    raise KeyboardInterrupt

    def _run(self, work: PythonWork) -> Result:
        task = work.task
        index = f"[{task.map_index}]" if task.map_index >= 0 else ""
        _log.info("Task %s.%s%s, try %d", work.run.dag_id, task.task_id, index, task.try_number)
        supervisor = SocketSupervisor(work.supervisor_socket, work.attempt_id)
        try:
            with supervision.installed(supervisor), _kept():
                return attempt.run_here(self._loaded, work, supervisor)
        finally:
            supervisor.close()


@contextmanager
def _kept() -> Iterator[None]:
    """What an attempt changes in a process that it has for itself is put back."""
    environment, on_term = dict(os.environ), signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, on_term)
        for name in set(os.environ) - set(environment):
            if name.startswith("AIRFLOW_CTX_"):
                del os.environ[name]


class CallingRuntime:
    """Implements `ports.runtime.AttemptRuntime`; `work_of` makes the work of a Python attempt out of its launch."""

    def __init__(
        self,
        *,
        inner: port.AttemptRuntime,
        bodies: Bodies,
        work_of: Callable[[port.Launch], PythonWork],
        clock: clock_port.Clock,
    ) -> None:
        self._inner = inner
        self._bodies = bodies
        self._work_of = work_of
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._events: list[Event] = []
        self._told = asyncio.Event()
        self._lock = threading.Lock()
        """Guards those below: the caller's thread takes its turn as the loop may stop one."""
        self._waiting: set[AttemptId] = set()
        self._running: set[AttemptId] = set()
        self._ended: set[AttemptId] = set()
        """Until they are released: the same launch again starts none of them anew."""

    def lead(self, epoch: int) -> None:
        """As the port says."""
        self._inner.lead(epoch)

    async def launch(self, launches: Sequence[port.Launch]) -> None:
        """As the port says."""
        others = [one for one in launches if isinstance(one.body, PodBody | ClusterBody | OpaqueBody)]
        if others:
            await self._inner.launch(others)
        known = self._waiting | self._running | self._ended
        for one in launches:
            if not isinstance(one.body, PodBody | ClusterBody | OpaqueBody) and one.attempt.attempt_id not in known:
                self._hand_over(one)

    def _hand_over(self, launch: port.Launch) -> None:
        attempt_id = launch.attempt.attempt_id
        self._waiting.add(attempt_id)
        self._bodies.put(
            self._work_of(launch), lambda: self._begin(attempt_id), lambda result: self._end(attempt_id, result)
        )

    def _begin(self, attempt_id: AttemptId) -> bool:
        with self._lock:
            if attempt_id not in self._waiting:
                return False
            self._waiting.discard(attempt_id)
            self._running.add(attempt_id)
        self._tell(AttemptProgress(attempt_id=attempt_id, phase=AttemptPhase.STARTED, at=self._clock.now()))
        return True

    def _end(self, attempt_id: AttemptId, result: Result) -> None:
        with self._lock:
            self._running.discard(attempt_id)
            self._ended.add(attempt_id)
        self._tell(AttemptEnded(attempt_id=attempt_id, at=self._clock.now(), result=result))

    def _tell(self, event: Event) -> None:
        """From any thread. Where the control plane is gone already, nobody asks."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._take, event)

    def _take(self, event: Event) -> None:
        self._events.append(event)
        self._told.set()

    async def stop(self, attempt_id: AttemptId, *, grace_seconds: float | None, reason: str) -> None:
        """As the port says, but a body that runs goes on to its end."""
        with self._lock:
            is_running, is_waiting = attempt_id in self._running, attempt_id in self._waiting
            self._waiting.discard(attempt_id)
        if is_waiting:
            message = reason or "it was stopped before its turn"
            self._end(attempt_id, Result(outcome=Failed(message=message, reason=EndReason.STOPPED, entered=False)))
        elif not is_running:
            await self._inner.stop(attempt_id, grace_seconds=grace_seconds, reason=reason)

    async def release(self, attempt_ids: Sequence[AttemptId]) -> None:
        """As the port says."""
        self._ended -= set(attempt_ids)
        await self._inner.release(attempt_ids)

    async def observe(self) -> Sequence[port.Observed]:
        """As the port says."""
        with self._lock:
            alive, ended = self._waiting | self._running, set(self._ended)
        own = [port.Observed(attempt_id=one) for one in sorted(alive)]
        own += [port.Observed(attempt_id=one, ended=True) for one in sorted(ended)]
        return [*own, *await self._inner.observe()]

    async def events(self) -> AsyncGenerator[Sequence[Event], None]:
        """As the port says."""
        inner = aiter(self._inner.events())
        theirs: asyncio.Future[Sequence[Event]] = asyncio.ensure_future(anext(inner))
        ours: asyncio.Future[bool] = asyncio.ensure_future(self._told.wait())
        try:
            while True:
                waited: set[asyncio.Future[Any]] = {theirs, ours}
                await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
                if ours.done():
                    self._told.clear()
                    ours = asyncio.ensure_future(self._told.wait())
                    events, self._events = self._events, []
                    yield events
                if theirs.done():
                    batch = theirs.result()
                    theirs = asyncio.ensure_future(anext(inner))
                    yield batch
        finally:
            for one in (theirs, ours):
                one.cancel()
            await asyncio.gather(theirs, ours, return_exceptions=True)
