"""Things to do in the world at least once after a commit: callbacks, removal of a DAG, mail.

A row goes only when it is done; a failure is kept with its error and tried again, a callback a bounded number of times.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

import msgspec

from tradewind.model.ids import DagId
from tradewind.model.rows import OutboxRow
from tradewind.model.snapshot import RunRef
from tradewind.ports import backoff, errors
from tradewind.ports import clock as clock_port
from tradewind.ports import runtime as runtime_port
from tradewind.ports import store as store_port
from tradewind.scheduler import versions as version_cache

_log = logging.getLogger(__name__)
_ASKED_AGAIN = timedelta(minutes=1)


class CallbackPayload(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of a row of kind "callback", as the engine writes it."""

    dag_id: str
    run_id: str
    which: str
    task_id: str | None = None
    map_index: int = -1
    reason: str = ""
    deadlines: tuple[int, ...] = ()


class OutboxRunner:
    """Works off the outbox."""

    def __init__(
        self,
        *,
        outbox: store_port.Outbox,
        files: runtime_port.FileRuntime,
        runs: store_port.RunLog,
        versions: version_cache.VersionCache,
        clock: clock_port.Clock,
        random: clock_port.Random,
        remove_dag: Callable[[OutboxRow], None],
        send_mail: Callable[[OutboxRow], None],
        callback_tries: int = 3,
        look_every: timedelta = timedelta(seconds=30),
    ) -> None:
        self._outbox = outbox
        self._files = files
        self._runs = runs
        self._versions = versions
        self._clock = clock
        self._random = random
        self._beside = {"remove_dag": remove_dag, "mail": send_mail}
        self._callback_tries = callback_tries
        self._look_every = look_every
        self._wake = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        """The last look before the end must not pass by what the one before has in its hands."""

    def wake(self) -> None:
        """New rows were committed."""
        self._wake.set()

    async def run_forever(self) -> None:
        """Work off what is due, when woken and now and then."""
        while True:
            self._wake.clear()
            await self.run_due()
            try:
                async with asyncio.timeout(self._look_every.total_seconds()):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def run_due(self, *, insists: bool = True) -> None:
        """Everything that is due now, once; while the database is away, again and again, unless nothing insists."""
        pause = backoff.Backoff(self._random)
        while True:
            try:
                async with self._one_at_a_time:
                    rows = await self._outbox.list_due(self._clock.now())
                    for row in rows:
                        await self._do(row)
            except errors.Transient as error:
                # What was done and could not be taken out is done again: at least once.
                _log.warning("outbox not worked off: %s", error)
                if not insists:
                    return
                await self._clock.sleep(pause.next_seconds())
                continue
            if not rows:
                return

    async def _do(self, row: OutboxRow) -> None:
        if (ask := self._beside.get(row.kind)) is not None:
            # It takes its time beside us; who does it takes the row out or puts it off further, so this comes first.
            await self._outbox.postpone(row.key, self._clock.now() + _ASKED_AGAIN, row.error)
            ask(row)
            return
        try:
            error = await self._callback(row) if row.kind == "callback" else f"nothing here does {row.kind!r}"
        except errors.TradewindError as failure:
            error = str(failure)
        if not error:
            await self._outbox.done([row.key])
        elif row.tries + 1 >= self._callback_tries:
            _log.error("%s %s given up after %d tries: %s", row.kind, row.key, row.tries + 1, error)
            await self._outbox.done([row.key])
        else:
            _log.warning("%s %s failed, tried again later: %s", row.kind, row.key, error)
            await self._outbox.postpone(row.key, self._clock.now() + timedelta(seconds=5 * 2**row.tries), error)

    async def _callback(self, row: OutboxRow) -> str:
        payload = msgspec.convert(row.payload, CallbackPayload)
        found = await self._runs.find_run(RunRef(dag_id=DagId(payload.dag_id), run_id=payload.run_id))
        if found is None:
            return ""  # its history was deleted
        await self._versions.ensure([found.run.version])
        task = None
        if payload.task_id is not None:
            wanted = (payload.task_id, payload.map_index)
            task = next((one for one in found.tasks if (one.task_id, one.map_index) == wanted), None)
            if task is None:
                return ""  # cleared and expanded anew since
        problem = await self._files.callback(
            runtime_port.CallbackRequest(
                source=self._versions.source(found.run.version),
                run=found.run,
                which=payload.which,
                task=task,
                reason=payload.reason,
                deadlines=payload.deadlines,
            )
        )
        return "" if problem is None else str(problem)
