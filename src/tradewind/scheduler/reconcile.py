"""What rows want against what the runtime was told: launches, stops, seals and releases.

Effects come from published rows, never from the memory of a commit, so a crash between the two loses nothing: the next
leader finds the same rows and asks again; every call to a runtime is idempotent by attempt id.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence

from tradewind.engine import engine as engines
from tradewind.model.events import AttemptEnded
from tradewind.model.ids import AttemptId, TaskKey
from tradewind.model.outcome import Failed, Result
from tradewind.model.rows import Attempt
from tradewind.model.states import AttemptPhase, EndReason
from tradewind.ports import clock as clock_port
from tradewind.ports import errors
from tradewind.ports import logs as logs_port
from tradewind.ports import runtime as runtime_port
from tradewind.ports import store as store_port
from tradewind.scheduler import versions as version_cache
from tradewind.scheduler.options import Options

_log = logging.getLogger(__name__)


class Reconciler:
    """Brings the runtime to what the rows say."""

    def __init__(
        self,
        *,
        engine: engines.Engine,
        runtime: runtime_port.AttemptRuntime,
        logs: logs_port.Logs,
        views: store_port.Views,
        versions: version_cache.VersionCache,
        clock: clock_port.Clock,
        options: Options,
    ) -> None:
        self._engine = engine
        self._runtime = runtime
        self._logs = logs
        self._views = views
        self._versions = versions
        self._clock = clock
        self._options = options
        self._told: set[AttemptId] = set()
        self._stopping: set[AttemptId] = set()
        self._done: asyncio.Queue[tuple[list[Attempt], list[AttemptId]]] = asyncio.Queue()
        self.held = False
        """True while nothing new may be launched: draining, or the lease is about to end."""

    def knows(self, attempt_ids: Sequence[AttemptId]) -> None:
        """The runtime has these already (found after a restart)."""
        self._told.update(attempt_ids)

    def has_any(self, attempt_ids: Collection[AttemptId]) -> bool:
        """Whether the runtime has one of these. An attempt that is decided and not launched yet has no process."""
        return not self._told.isdisjoint(attempt_ids)

    async def run_once(self) -> list[AttemptEnded]:
        """Launch and stop what the rows ask for. Returns ends of attempts that could not even be described."""
        refused: list[AttemptEnded] = []
        if not self.held:
            refused = await self._launch()
        for attempt in self._engine.to_stop():
            if attempt.attempt_id not in self._stopping:
                await self._stop(attempt)
        return refused

    async def _launch(self) -> list[AttemptEnded]:
        refused: list[AttemptEnded] = []
        launches: list[runtime_port.Launch] = []
        for attempt in self._engine.to_launch():
            if attempt.attempt_id in self._told:
                continue
            try:
                launches.append(self._describe(attempt))
            except errors.TradewindError as error:
                refused.append(self._refusal(attempt, error))
        if launches:
            try:
                await self._runtime.launch(launches)
            except errors.Transient as error:
                _log.warning("launch put off: %s", error)
                return refused
            self._told.update(launch.attempt.attempt_id for launch in launches)
        return refused

    def _describe(self, attempt: Attempt) -> runtime_port.Launch:
        run = self._engine.run(attempt.run_key)
        task = self._engine.task(TaskKey(attempt.run_key, attempt.task_id, attempt.map_index))
        if run is None or task is None:
            raise errors.Fatal(
                f"attempt {attempt.attempt_id} has no run or task",
                code="attempt-without-task",
                hint="`tradewind db check` says whether the database is whole",
            )
        spec = self._versions.spec(run.version)
        task_spec = self._versions.task(run.version, attempt.task_id)
        return runtime_port.Launch(
            attempt=attempt,
            task=task,
            run=run,
            body=task_spec.body,
            source=self._versions.source(run.version),
            dag_start_date=spec.start_date,
            do_xcom_push=task_spec.do_xcom_push,
            templated=task_spec.templated or task_spec.mapping is not None,
            max_tries=task.max_tries,
            priority_weight=self._engine.weight(attempt.run_key, attempt.task_id),
            execution_timeout_seconds=task_spec.execution_timeout_seconds,
        )

    def _refusal(self, attempt: Attempt, error: errors.TradewindError) -> AttemptEnded:
        failed = Failed(message=str(error), retry=False, reason=EndReason.REJECTED, entered=False)
        return AttemptEnded(attempt_id=attempt.attempt_id, at=self._clock.now(), result=Result(outcome=failed))

    async def _stop(self, attempt: Attempt) -> None:
        try:
            await self._runtime.stop(
                attempt.attempt_id, grace_seconds=self._options.grace.total_seconds(), reason=attempt.stop_reason
            )
        except errors.Transient as error:
            _log.warning("stop of %s put off: %s", attempt.attempt_id, error)
            return
        self._stopping.add(attempt.attempt_id)

    def ended(self, attempts: Sequence[Attempt], again: Sequence[AttemptId]) -> None:
        """Ends of these are committed: their logs are to be sealed, then they are to be released.

        `again`: ends that the runtime told although they were committed before (a leader ended in between).
        """
        for attempt in attempts:
            self._told.discard(attempt.attempt_id)
            self._stopping.discard(attempt.attempt_id)
        if attempts or again:
            self._done.put_nowait((list(attempts), list(again)))

    async def tidy_forever(self) -> None:
        """Seal logs and release attempts, off the path of events."""
        while True:
            attempts, again = await self._done.get()
            await self._tidy(attempts, again)
            self._done.task_done()

    async def tidied(self) -> None:
        """Wait until `tidy_forever` has done all that it was given (before an orderly end)."""
        await self._done.join()

    async def _tidy(self, attempts: list[Attempt], again: list[AttemptId]) -> None:
        sealed: list[AttemptId] = []
        try:
            for attempt_id in again:
                attempt = await self._committed(attempt_id)
                if attempt is None:
                    sealed.append(attempt_id)  # no row wants it: an orphan, or its history was deleted
                elif attempt.phase is AttemptPhase.ENDED:
                    attempts.append(attempt)
            for attempt in attempts:
                await self._logs.seal(attempt)
                sealed.append(attempt.attempt_id)
            await self._runtime.release(sealed)
        except errors.TradewindError as error:
            _log.warning("kept where they are until the podlet tells the ends again: %s", error)

    async def _committed(self, attempt_id: AttemptId) -> Attempt | None:
        try:
            return await self._views.get_attempt(attempt_id)
        except errors.NotFound:
            return None
