"""The leader's upkeep of its home: old history, old logs, deleted DAGs, and room on the disk.

Invariant: it works in slices while nothing is committed, or after a second at the latest; and it holds launches back
only while there is less room than the minimum, so a full disk lets tasks wait instead of failing them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from tradewind.model.ids import DagId, RunKey
from tradewind.model.rows import OutboxRow
from tradewind.ports import clock as clock_port
from tradewind.ports import errors
from tradewind.ports import store as store_port
from tradewind.ports.upkeep import LogAmounts, Old, Shelf
from tradewind.scheduler import cleaning

_log = logging.getLogger(__name__)
_QUIET_SECONDS = 0.1
_PATIENCE_SECONDS = 1.0
_KEYS_AT_ONCE = 20
_YOUNG = timedelta(days=1)
"""Logs of runs that ended since are not taken to make room: somebody may want to know what went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is kept. Zero: everything."""

    history: timedelta = timedelta(0)
    """Finished runs go so long after their end."""
    keep_runs: int = 10
    """Of each DAG the newest so many stay."""
    logs: timedelta = timedelta(0)
    """Logs go so long after their run's end; the run itself stays."""
    logs_bytes: int = 0
    """Logs at rest may be so many; the oldest runs' go first."""
    min_free_bytes: int = 0
    """With less room on the disk of the home, nothing new is launched."""
    round_every: timedelta = timedelta(hours=1)
    look_every: timedelta = timedelta(seconds=10)


class RemoveDag(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of an outbox row of kind "remove_dag", as the engine writes it."""

    dag_id: str
    before: datetime
    """Runs that ended until then go."""


class Janitor:
    """One home's. `run_forever` belongs to the leader."""

    def __init__(
        self,
        *,
        store: store_port.Store,
        shelf: Shelf,
        clock: clock_port.Clock,
        options: Options,
    ) -> None:
        self._history = store.history
        self._outbox = store.outbox
        self._shelf = shelf
        self._clock = clock
        self._options = options
        self._cleaning = cleaning.Cleaning(history=store.history, shelf=shelf, clock=clock, rest=self._rest)
        self._last_commit = float("-inf")
        self._asked: dict[str, RemoveDag] = {}
        self._ask = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._on_gone: Callable[[DagId], None] = lambda _: None
        self._on_room: Callable[[str], None] = lambda _: None
        self.holds_for = ""
        """Why nothing is launched; empty while there is room."""

    def serve(self, *, on_gone: Callable[[DagId], None], on_room: Callable[[str], None]) -> None:
        """Who is told: of a DAG whose row went; of why nothing may be launched, empty when it may again."""
        self._on_gone, self._on_room = on_gone, on_room

    def saw_commit(self) -> None:
        """Something was committed: we wait for a quiet moment."""
        self._last_commit = self._clock.monotonic()

    def ask(self, row: OutboxRow) -> None:
        """Do this soon; its row is taken out of the outbox when it is done. Asked twice it is done once."""
        self._asked.setdefault(row.key, msgspec.convert(row.payload, RemoveDag))
        self._ask.set()

    async def run_forever(self) -> None:
        """Removals that were asked for, rounds, and looks at the disk."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._answer_forever(), name="removals")
            group.create_task(self._rounds_forever(), name="rounds")
            group.create_task(self._look_forever(), name="room")

    # -- DAGs that were deleted ------------------------------------------------------------------------------------

    async def _answer_forever(self) -> None:
        while True:
            await self._ask.wait()
            self._ask.clear()
            await self.finish()

    async def finish(self) -> None:
        """Everything that was asked for, once; what fails is asked again by the outbox."""
        async with self._one_at_a_time:
            for key, asked in list(self._asked.items()):
                try:
                    await self._remove_dag(key, asked)
                except errors.TradewindError as error:
                    _log.warning("removal of DAG %s put off: %s", asked.dag_id, error)
                self._asked.pop(key, None)

    async def _remove_dag(self, key: str, asked: RemoveDag) -> None:
        dag_id = DagId(asked.dag_id)
        old = Old(before=asked.before + timedelta(microseconds=1), dag_id=dag_id, keep_last=0)
        doomed = await self._cleaning.find(old)
        total = await self._cleaning.remove(doomed)
        gone = await self._history.remove_dag(dag_id)
        await self._outbox.done([key])
        _log.info("history of DAG %s removed: %d runs, %d logs", dag_id, total.rows.runs, total.logs.files)
        if gone:
            self._on_gone(dag_id)

    # -- rounds ----------------------------------------------------------------------------------------------------

    async def _rounds_forever(self) -> None:
        while True:
            await self._clock.sleep(self._options.round_every.total_seconds())
            try:
                await self.go_round()
            except errors.TradewindError as error:
                _log.warning("round put off: %s", error)

    async def go_round(self) -> None:
        """Take away what is too old or too much."""
        options, now = self._options, self._clock.now()
        if options.history:
            doomed = await self._cleaning.find(Old(before=now - options.history, keep_last=options.keep_runs))
            total = await self._cleaning.remove(doomed)
            if total.rows:
                _log.info("old history removed: %d runs, %d facts", total.rows.runs, total.rows.facts)
        if options.logs:
            await self._drop_logs(await self._logged_before(now - options.logs), "older than they are kept")
        if options.logs_bytes:
            await self._drop_logs_over(options.logs_bytes)

    async def _logged_before(self, moment: datetime | None) -> list[RunKey]:
        """Finished runs with logs that ended before, oldest first."""
        logged = set(await self._shelf.list_runs())
        found: list[RunKey] = []
        if not logged:
            return found
        old = Old(before=moment, keep_last=0)
        page = await self._history.list_old(old)
        while True:
            found += [run.run_key for run in page.runs if run.run_key in logged]
            if page.after is None:
                return found
            page = await self._history.list_old(old, page.after)

    async def _drop_logs(self, keys: Sequence[RunKey], why: str) -> None:
        gone = LogAmounts()
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            gone += await self._shelf.remove(keys[start : start + _KEYS_AT_ONCE])
            await self._rest(0)
        if gone.files:
            _log.info("%d logs removed (%d bytes): %s", gone.files, gone.bytes, why)

    async def _drop_logs_over(self, limit: int) -> None:
        over = (await self._shelf.measure(await self._shelf.list_runs())).bytes - limit
        for key in await self._logged_before(None) if over > 0 else ():
            over -= (await self._shelf.remove([key])).bytes
            await self._rest(0)
            if over <= 0:
                break

    # -- room ------------------------------------------------------------------------------------------------------

    async def _look_forever(self) -> None:
        while self._options.min_free_bytes:
            try:
                await self.look_at_room()
            except (errors.TradewindError, OSError) as error:
                _log.warning("room on the disk not looked at: %s", error)
            await self._clock.sleep(self._options.look_every.total_seconds())

    async def look_at_room(self) -> None:
        """Hold launches back while there is too little room, and make some of old logs."""
        least = self._options.min_free_bytes
        free = await self._shelf.free_bytes()
        if free < least:
            self._hold(f"{free >> 20} MiB are free on the disk of the home, less than retention.min_free_mb")
            free = await self._make_room(least)
        # A little more than the minimum, so that it does not go to and fro.
        if self.holds_for and free >= least + least // 10:
            self._hold("")

    async def _make_room(self, least: int) -> int:
        free = await self._shelf.free_bytes()
        for key in await self._logged_before(self._clock.now() - _YOUNG):
            gone = await self._shelf.remove([key])
            free = await self._shelf.free_bytes()
            _log.warning("logs of run %d removed to make room: %d bytes", key, gone.bytes)
            if free >= least + least // 10:
                break
        return free

    def _hold(self, why: str) -> None:
        if bool(why) != bool(self.holds_for):
            _log.warning("nothing new is launched: %s" if why else "launches go on%s", why)
        self.holds_for = why
        self._on_room(why)

    # -- idle moments ----------------------------------------------------------------------------------------------

    async def _rest(self, seconds: float) -> None:
        """Until nothing was committed for a moment, or we have waited long enough."""
        patience = self._clock.monotonic() + _PATIENCE_SECONDS
        await self._clock.sleep(seconds)
        while self._clock.monotonic() - self._last_commit < _QUIET_SECONDS and self._clock.monotonic() < patience:
            await self._clock.sleep(_QUIET_SECONDS)
