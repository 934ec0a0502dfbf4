"""The leader's loop: events in, facts out, one batch in flight.

Invariant: nothing reaches the world before the rows that want it are committed under our epoch. If it breaks, two
leaders may launch the same try.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from tradewind.engine import engine as engines
from tradewind.model.events import AttemptEnded, AttemptProgress, CommandReceived, DagSeen, Event, TimePassed
from tradewind.model.facts import AttemptFact, Batch, RunFact
from tradewind.model.ids import RunKey
from tradewind.model.rows import Attempt, DagRun
from tradewind.model.states import AttemptPhase
from tradewind.ports import clock as clock_port
from tradewind.ports import errors
from tradewind.ports import logs as logs_port
from tradewind.ports import runtime as runtime_port
from tradewind.ports import store as store_port
from tradewind.scheduler import backoff, draws, outbox, reconcile
from tradewind.scheduler import versions as version_cache
from tradewind.scheduler.options import Options

_log = logging.getLogger(__name__)

Watcher = Callable[[Batch], None]


class SteppedDown(Exception):
    """Another leader took the lease, or we could not renew it."""


class Scheduler:
    """One leader. `run` ends when it is told to stop, or raises `SteppedDown`."""

    def __init__(
        self,
        *,
        store: store_port.Store,
        runtime: runtime_port.AttemptRuntime,
        files: runtime_port.FileRuntime,
        snapshots: runtime_port.Snapshots,
        logs: logs_port.Logs,
        clock: clock_port.Clock,
        random: clock_port.Random,
        limits: engines.Limits,
        options: Options,
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._clock = clock
        self._random = random
        self._options = options
        self._versions = version_cache.VersionCache(store.versions, snapshots)
        self._engine = engines.Engine(specs=self._versions.spec, limits=limits)
        self._reconciler = reconcile.Reconciler(
            engine=self._engine, runtime=runtime, logs=logs, versions=self._versions, clock=clock, options=options
        )
        self._outbox = outbox.OutboxRunner(
            outbox=store.outbox, files=files, runs=store.runs, versions=self._versions, clock=clock, random=random
        )
        self._epoch = 0
        self._events: list[Event] = []
        self._seen_inbox: set[int] = set()
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._watchers: list[Watcher] = []
        self._draws: draws.PortDraws
        self.ready = asyncio.Event()
        """Set while we lead and would accept a trigger."""
        self.set_aside: list[tuple[Event, str]] = []
        """Events that made our code raise, with the error."""

    # -- from outside ----------------------------------------------------------------------------------------------

    def submit(self, event: Event) -> None:
        """Add an event from this process and wake up."""
        self._events.append(event)
        self._wake.set()

    def wake(self) -> None:
        """Look at the inbox now."""
        self._wake.set()
        self._inbox_hint = True

    def watch(self, watcher: Watcher) -> None:
        """Call this with every committed batch (from the loop; must be quick)."""
        self._watchers.append(watcher)

    def drain(self) -> None:
        """Launch nothing new; `run` ends when nothing runs any more, or at `stop`."""
        self._reconciler.held = True
        self._draining = True
        self._wake.set()

    def stop(self) -> None:
        """End now; what runs goes on under the podlet and is adopted by the next leader."""
        self._stop.set()
        self._wake.set()

    @property
    def active_attempts(self) -> int:
        """Attempts which the engine counts as alive."""
        return self._alive

    _inbox_hint = True
    _draining = False
    _alive = 0

    # -- the service -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Lead until stopped. Raises `SteppedDown`, or `errors.Conflict` where another process leads now."""
        epoch = await self._store.lease.acquire(self._options.holder, self._clock.now(), self._options.lease)
        if epoch is None:
            held = await self._store.lease.find()
            raise errors.Conflict(
                "another server leads this home",
                code="already-running",
                object=held.holder if held else "",
                hint="stop it first, or wait until its lease ends"
                + (f" at {held.expires_at:%H:%M:%S} UTC" if held else ""),
            )
        self._epoch = epoch
        try:
            await self._restore()
            await self._serve()
        finally:
            self.ready.clear()
            await self._store.lease.release(epoch)

    async def _restore(self) -> None:
        snapshot = await self._store.runs.load_active()
        await self._versions.ensure({dag.version for dag in snapshot.dags} | {one.run.version for one in snapshot.runs})
        for bundle in {dag.bundle for dag in snapshot.dags}:
            await self._versions.refresh_files(bundle)
        self._draws = draws.PortDraws(self._random, await self._store.runs.last_run_key())
        self._engine.restore(snapshot)
        observed = await self._runtime.observe()
        self._reconciler.knows([one.attempt_id for one in observed])
        self._alive = sum(1 for run in snapshot.runs for one in run.attempts if one.phase is not AttemptPhase.ENDED)

    async def _serve(self) -> None:
        """Eternal tasks beside the loop; an eternal task that returns or raises ends everything."""
        try:
            async with asyncio.TaskGroup() as group:
                side = [
                    group.create_task(self._pump(), name="pump"),
                    group.create_task(self._keep_lease(), name="lease"),
                    group.create_task(self._poll(), name="poll"),
                    group.create_task(self._reconciler.tidy_forever(), name="tidy"),
                    group.create_task(self._outbox.run_forever(), name="outbox"),
                ]
                await self._loop()
                await self._reconciler.tidy_now()
                await self._outbox.run_due()
                for task in side:
                    task.cancel()
        except* SteppedDown as group_error:
            raise group_error.exceptions[0] from group_error
        except* errors.Conflict as group_error:
            raise SteppedDown("another leader took over") from group_error

    async def _pump(self) -> None:
        async for events in self._runtime.events():
            self._events.extend(events)
            self._wake.set()

    async def _keep_lease(self) -> None:
        """Renew at a third of the lease; hold launches when it is about to end."""
        third = self._options.lease.total_seconds() / 3
        while True:
            await self._clock.sleep(third)
            try:
                async with asyncio.timeout(third):
                    await self._store.lease.renew(self._epoch, self._clock.now(), self._options.lease)
                self._reconciler.held = self._draining
                self._renewed = self._clock.monotonic()
            except errors.Conflict as error:
                raise SteppedDown(str(error)) from error
            except (errors.Transient, TimeoutError) as error:
                silent = self._clock.monotonic() - self._renewed if self._renewed else third
                _log.warning("lease not renewed for %.1f s: %s", silent, error)
                if silent > 2 * third:
                    self._reconciler.held = True

    _renewed = 0.0

    async def _poll(self) -> None:
        """The net beneath wake-ups: a cheap look at the database's change counter."""
        token = await self._change_token()
        while True:
            await self._clock.sleep(self._options.poll.total_seconds())
            seen = await self._change_token()
            if seen != token:
                token = seen
                self.wake()

    async def _change_token(self) -> int:
        try:
            return await self._store.inbox.change_token()
        except errors.Transient as error:
            _log.warning("database not reachable: %s", error)
            return -1

    # -- the loop --------------------------------------------------------------------------------------------------

    async def _loop(self) -> None:
        """Until stopped (or drained): take what waits, decide, commit, reconcile."""
        while not self._stop.is_set():
            self._wake.clear()
            if self._inbox_hint:
                self._inbox_hint = False
                await self._read_inbox()
            events, self._events = self._events, []
            await self._cycle(events)
            self.ready.set()
            if self._draining and self._alive == 0:
                return
            if not self._events:
                await self._sleep()

    async def _sleep(self) -> None:
        due = self._engine.next_due()
        seconds = None if due is None else max(0.0, (due - self._clock.now()).total_seconds())
        if seconds is not None:
            # A clock step must not leave us asleep past a timer, so no sleep is longer than a minute.
            seconds = min(seconds, 60.0)
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            self._events.append(TimePassed())

    async def _read_inbox(self) -> None:
        try:
            rows = await self._store.inbox.list_waiting()
        except errors.Transient as error:
            _log.warning("inbox not read: %s", error)
            self._inbox_hint = True
            await self._clock.sleep(0.2)
            return
        for row in rows:
            if row.inbox_id not in self._seen_inbox:
                self._seen_inbox.add(row.inbox_id)
                self._events.append(CommandReceived(inbox_id=row.inbox_id, command=row.command, by=row.by))

    async def _cycle(self, events: Sequence[Event]) -> None:
        """One batch: at least one commit where something changed."""
        now = self._clock.now()
        for event in events:
            await self._prepare(event)
            self._apply(event, now)
        self._engine.admit(now, self._draws)
        await self._load_wanted(now)
        batch = self._engine.pending()
        if batch:
            await self._commit(batch, events)
        self._after_commit(batch, events)
        refused = await self._reconciler.run_once()
        if refused:
            self._events.extend(refused)
            self._wake.set()

    async def _prepare(self, event: Event) -> None:
        """Load what the engine needs to decide this event."""
        if isinstance(event, DagSeen):
            await self._versions.ensure([event.dag.version])
            await self._versions.refresh_files(event.dag.bundle)
        for ref in self._engine.needs(event):
            found = await self._store.runs.find_run(ref)
            if found is None:
                self._engine.absent(ref)
            else:
                await self._versions.ensure([found.run.version])
                self._engine.load(found)

    async def _load_wanted(self, now: datetime) -> None:
        wanted = self._engine.wanted_runs()
        for ref in wanted:
            found = await self._store.runs.find_run(ref)
            if found is None:
                self._engine.absent(ref)
            else:
                await self._versions.ensure([found.run.version])
                self._engine.load(found)
        if wanted:
            self._engine.admit(now, self._draws)

    def _apply(self, event: Event, now: datetime) -> None:
        try:
            self._engine.apply(event, now, self._draws)
        except Exception as error:  # a bug of ours must not stop the other runs; the event is shown
            _log.exception("event set aside: %r", event)
            self.set_aside.append((event, repr(error)))

    async def _commit(self, batch: Batch, events: Sequence[Event]) -> None:
        try:
            await self._write(batch)
        except errors.Rejected as error:
            self._engine.rollback()
            await self._commit_in_halves(events, error)
            return
        self._engine.publish()
        for watcher in self._watchers:
            watcher(batch)

    async def _commit_in_halves(self, events: Sequence[Event], error: errors.Rejected) -> None:
        """The database refuses the content: find the event that brings it, set that one aside, keep the rest."""
        if len(events) <= 1:
            _log.error("event set aside, the database refuses it: %s: %r", error, events)
            self.set_aside.extend((event, str(error)) for event in events)
            return
        middle = len(events) // 2
        for half in (events[:middle], events[middle:]):
            now = self._clock.now()
            for event in half:
                self._apply(event, now)
            batch = self._engine.pending()
            if batch:
                await self._commit(batch, half)

    async def _write(self, batch: Batch) -> None:
        """Commit; the same facts again while the database is away."""
        pause = backoff.Backoff(self._random)
        while True:
            try:
                await self._store.runs.commit(batch, self._epoch)
                return
            except errors.Transient as error:
                _log.warning("commit put off: %s", error)
                await self._clock.sleep(pause.next_seconds())

    def _after_commit(self, batch: Batch, events: Sequence[Event]) -> None:
        ended: dict[str, Attempt] = {}
        for fact in batch.facts:
            if isinstance(fact, AttemptFact):
                if fact.attempt.phase is AttemptPhase.ENDED:
                    ended[fact.attempt.attempt_id] = fact.attempt
                    self._alive -= 1
                elif fact.cause == "created" or fact.attempt.phase is AttemptPhase.CREATED and fact.attempt.wanted:
                    self._alive += 1
        for event in events:
            # An end that was told again after its commit: its log still wants sealing and its release.
            if isinstance(event, AttemptEnded) and event.attempt_id not in ended:
                known = self._engine.attempt(event.attempt_id)
                if known is not None:
                    ended[event.attempt_id] = known
        self._reconciler.ended(list(ended.values()))
        if any(True for fact in batch.facts if fact.__class__.__name__ == "OutboxFact"):
            self._outbox.wake()


def finished_runs(batch: Batch) -> list[DagRun]:
    """Runs that a batch finished."""
    return [fact.run for fact in batch.facts if isinstance(fact, RunFact) and fact.run.state.is_finished]


__all__ = ["AttemptProgress", "RunKey", "Scheduler", "SteppedDown", "finished_runs"]
