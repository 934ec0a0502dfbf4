"""The leader's loop: events in, facts out, one batch in flight.

Invariant: nothing reaches the world before the rows that want it are committed under our epoch. If it breaks, two
leaders may launch the same try.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from tradewind.engine import engine as engines
from tradewind.engine import figures
from tradewind.model.events import AttemptEnded, DagGone, DagSeen, Event, TimePassed
from tradewind.model.facts import AttemptFact, Batch, OutboxFact, RunFact
from tradewind.model.ids import AttemptId
from tradewind.model.problem import Problem
from tradewind.model.rows import Attempt, DagRun
from tradewind.model.snapshot import ActiveSnapshot, RunRef
from tradewind.model.states import AttemptPhase
from tradewind.ports import backoff, errors
from tradewind.ports import clock as clock_port
from tradewind.ports import logs as logs_port
from tradewind.ports import mail as mail_port
from tradewind.ports import runtime as runtime_port
from tradewind.ports import store as store_port
from tradewind.scheduler import clock_watch, draws, inbox, leadership, meter, outbox, postman, reconcile
from tradewind.scheduler import janitor as janitors
from tradewind.scheduler import versions as version_cache
from tradewind.scheduler.options import Options

_log = logging.getLogger(__name__)
Made = TypeVar("Made")
_LONGEST_SLEEP_SECONDS = 60.0
"""Beneath the look at the clock with every look at the inbox: a sleep that misses its timer ends by itself."""


class Scheduler:
    """One leader. `run` ends when it is told to stop, or raises `leadership.SteppedDown`."""

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
        janitor: janitors.Janitor,
        mailer: mail_port.Mailer,
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._clock = clock
        self._random = random
        self._leadership = leadership.Leadership(
            lease=store.lease, clock=clock, holder=options.holder, ttl=options.lease
        )
        self._clock_watch = clock_watch.ClockWatch(clock)
        self._inbox = inbox.InboxReader(inbox=store.inbox, clock=clock, poll=options.poll)
        self._versions = version_cache.VersionCache(store.versions, snapshots)
        self._engine = engines.Engine(specs=self._versions.spec, limits=limits)
        self._reconciler = reconcile.Reconciler(
            engine=self._engine,
            runtime=runtime,
            logs=logs,
            views=store.views,
            versions=self._versions,
            clock=clock,
            options=options,
        )
        self._draws = draws.PortDraws(random, 0)
        self.postman = postman.Postman(
            mailer=mailer,
            outbox=store.outbox,
            views=store.views,
            logs=logs,
            clock=clock,
            random=random,
            give_up=options.mail_give_up,
        )
        self._outbox = outbox.OutboxRunner(
            outbox=store.outbox,
            files=files,
            runs=store.runs,
            versions=self._versions,
            clock=clock,
            random=random,
            remove_dag=janitor.ask,
            send_mail=self.postman.take,
        )
        self._events: list[Event] = []
        self._alive: set[AttemptId] = set()
        self._wake = asyncio.Event()
        self._stopping = False
        self._draining = False
        self._holding = False
        self._watchers: list[Callable[[Batch], None]] = []
        self._on_lead: list[Callable[[ActiveSnapshot, int], None]] = []
        self._janitor = janitor
        janitor.serve(on_gone=lambda dag_id: self.submit(DagGone(dag_id=dag_id)), on_room=self._on_room)
        self.watch(lambda _: janitor.saw_commit())
        self.meter = meter.Meter()
        self.ready = asyncio.Event()
        """Set while we lead and would accept a trigger."""
        self.set_aside: list[tuple[Event, str]] = []
        """Events that made our code raise or that the database refused, with the error."""

    # -- from outside ----------------------------------------------------------------------------------------------

    def submit(self, event: Event) -> None:
        """Add an event from this process and wake up."""
        self._events.append(event)
        self._wake.set()

    def wake(self) -> None:
        """Look at the inbox now."""
        self._inbox.hint()
        self._wake.set()

    def watch(
        self, watcher: Callable[[Batch], None], *, on_lead: Callable[[ActiveSnapshot, int], None] | None = None
    ) -> None:
        """Call this with every committed batch (from the loop; must be quick).

        `on_lead`, before the first batch, with what was unfinished when we began to lead, and our epoch.
        """
        self._watchers.append(watcher)
        if on_lead is not None:
            self._on_lead.append(on_lead)

    def hold(self) -> None:
        """Decide and commit, and launch nothing: for a command that leads briefly because no server runs."""
        self._holding = True
        self._reconciler.held = True
        # No attempt is even made: one that is there and never launched could not be stopped by the next command.
        self._engine.hold(True)

    def drain(self) -> None:
        """Launch nothing new; `run` ends when nothing runs any more, or at `stop`."""
        self._draining = True
        self._reconciler.held = True
        self._engine.hold(True)
        self._wake.set()

    def stop(self) -> None:
        """End now; what runs goes on under the podlet and is adopted by the next leader."""
        self._stopping = True
        self._wake.set()

    # -- what is looked at -----------------------------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """The number of our lease; 0 before we lead."""
        return self._leadership.epoch

    @property
    def holds_for(self) -> str:
        """Why no task is launched although it could be; empty where nothing is in the way."""
        return self._janitor.holds_for

    @property
    def holds_back(self) -> bool:
        """True while nothing new may be launched: draining, or the lease is in doubt."""
        return self._reconciler.held

    def count(self) -> figures.Figures:
        """Numbers about everything that is unfinished."""
        return self._engine.count()

    def problems(self) -> Mapping[str, Problem]:
        """DAGs that get no scheduled runs because their timetable cannot be kept."""
        return self._engine.problems()

    # -- the service -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Lead until stopped. Raises `SteppedDown`, or `errors.Conflict` where another process leads now."""
        await self._leadership.take()
        try:
            self._runtime.lead(self._leadership.epoch)
            await self._restore()
            await self._serve()
        finally:
            self.ready.clear()
            await self._leadership.give_back()

    async def _restore(self) -> None:
        snapshot = await self._store.runs.load_active()
        versions = {dag.version for dag in snapshot.dags} | {one.run.version for one in snapshot.runs}
        await self._versions.ensure(versions | {backfill.version for backfill in snapshot.backfills})
        for bundle in {dag.bundle for dag in snapshot.dags}:
            await self._versions.refresh_files(bundle)
        last_run_key = await self._store.runs.last_run_key()
        self._draws = draws.PortDraws(self._random, last_run_key)
        self.meter.restore(last_run_key, snapshot)
        self._engine.restore(snapshot)
        for on_lead in self._on_lead:
            on_lead(snapshot, self.epoch)
        self._reconciler.knows([one.attempt_id for one in await self._runtime.observe()])
        self._alive = {
            one.attempt_id for run in snapshot.runs for one in run.attempts if one.phase is not AttemptPhase.ENDED
        }

    async def _serve(self) -> None:
        """Eternal tasks beside the loop; one that raises ends everything."""
        try:
            async with asyncio.TaskGroup() as group:
                beside = [
                    group.create_task(self._pump(), name="pump"),
                    group.create_task(self._leadership.keep_forever(self._on_doubt), name="lease"),
                    group.create_task(
                        self._inbox.poll_forever(self._wake.set, self._clock_watch.has_stepped), name="inbox"
                    ),
                    group.create_task(self._reconciler.tidy_forever(), name="tidy"),
                    group.create_task(self._outbox.run_forever(), name="outbox"),
                    group.create_task(self.postman.run_forever(), name="postman"),
                    group.create_task(self._janitor.run_forever(), name="janitor"),
                ]
                await self._loop()
                await self._reconciler.tidied()
                await self._outbox.run_due(insists=False)
                await self.postman.finish()
                await self._janitor.finish()
                for task in beside:
                    task.cancel()
        except* leadership.SteppedDown as raised:
            raise raised.exceptions[0] from None
        except* errors.Conflict as raised:
            hint = "the other server goes on with what ran here"
            raise leadership.SteppedDown("another server took over", hint=hint) from raised

    async def _pump(self) -> None:
        async for events in self._runtime.events():
            self._events.extend(events)
            self._wake.set()

    def _on_room(self, lacks: str) -> None:
        self._engine.hold(bool(lacks) or self._draining or self._holding)
        self._wake.set()

    def _on_doubt(self, doubtful: bool) -> None:
        self._reconciler.held = doubtful or self._draining or self._holding
        self._wake.set()

    # -- the loop --------------------------------------------------------------------------------------------------

    async def _loop(self) -> None:
        """Until stopped (or drained): take what waits, decide, commit, reconcile."""
        while not self._stopping:
            self._wake.clear()
            self._events.extend(await self._inbox.take())
            events, self._events = self._events, []
            self.meter.cycle_began = began = self._clock.monotonic()
            await self._cycle(events)
            self.meter.cycle_began = None
            self.meter.cycles.add(self._clock.monotonic() - began)
            self.ready.set()
            if self._draining and not self._reconciler.has_any(self._alive):
                return
            if not self._events:
                await self._sleep()

    async def _sleep(self) -> None:
        due = self._engine.next_due()
        seconds = None
        if due is not None:
            seconds = min(max(0.0, (due - self._clock.now()).total_seconds()), _LONGEST_SLEEP_SECONDS)
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            self._events.append(TimePassed())

    async def _cycle(self, events: Sequence[Event]) -> None:
        """One batch: at most one commit in flight, then the world is brought to what the rows say."""
        await self._decide(events)
        batch = self._engine.pending()
        if batch:
            await self._commit(batch, events)
        self._after_commit(batch, events)
        refused = await self._reconciler.run_once()
        if refused:
            self._events.extend(refused)
            self._wake.set()

    async def _decide(self, events: Sequence[Event]) -> None:
        now = self._clock.now()
        for event in events:
            await self._prepare(event)
            self._apply(event, now)
        self._engine.admit(now, self._draws)
        while wanted := self._engine.wanted_runs():
            await self._fetch(wanted)
            self._engine.admit(now, self._draws)

    async def _prepare(self, event: Event) -> None:
        """Load what the engine needs to decide this event."""
        if isinstance(event, DagSeen):
            await self._kept_trying("DAG not read", lambda: self._versions.ensure([event.dag.version]))
            await self._kept_trying("DAG files not read", lambda: self._versions.refresh_files(event.dag.bundle))
        while refs := self._engine.needs(event):
            await self._fetch(refs)

    async def _fetch(self, refs: Sequence[RunRef]) -> None:
        for ref in refs:
            found = await self._kept_trying("run not read", functools.partial(self._store.runs.find_run, ref))
            if found is None:
                self._engine.absent(ref)
            else:
                needed = [found.run.version]
                await self._kept_trying("DAG not read", functools.partial(self._versions.ensure, needed))
                self._engine.load(found)

    def _apply(self, event: Event, now: datetime) -> None:
        try:
            self._engine.apply(event, now, self._draws)
        except Exception as error:  # noqa: BLE001 a bug of ours must not stop the other runs; the event is shown
            _log.exception("event set aside: %r", event)
            self.set_aside.append((event, repr(error)))

    async def _commit(self, batch: Batch, events: Sequence[Event]) -> None:
        try:
            began = self._clock.monotonic()
            await self._write(batch)
            self.meter.commits.add(self._clock.monotonic() - began)
        except errors.Rejected as error:
            self._engine.rollback()
            await self._commit_in_halves(events, error)
            return
        self._engine.publish()
        self.meter.take(batch)
        for watcher in self._watchers:
            watcher(batch)

    async def _write(self, batch: Batch) -> None:
        """Commit; the same facts again while the database is away."""
        await self._kept_trying("commit put off", lambda: self._store.runs.commit(batch, self._leadership.epoch))

    async def _kept_trying(self, what: str, call: Callable[[], Awaitable[Made]]) -> Made:
        """The same call again while the database is away: decisions wait for it. Raises once we are told to stop."""
        pause = backoff.Backoff(self._random)
        while True:
            try:
                made = await call()
                self.meter.awaits_database = False
                return made
            except errors.Transient as error:
                if self._stopping:
                    raise
                self.meter.awaits_database = True
                _log.warning("%s: %s", what, error)
                await self._clock.sleep(pause.next_seconds())

    async def _commit_in_halves(self, events: Sequence[Event], error: errors.Rejected) -> None:
        """The database refuses the content: find the event that brings it, set that one aside, keep the rest."""
        if len(events) <= 1:
            _log.error("event set aside, the database refuses it: %s: %r", error, events)
            self.set_aside.extend((event, str(error)) for event in events)
            return
        middle = len(events) // 2
        for half in (events[:middle], events[middle:]):
            await self._decide(half)
            batch = self._engine.pending()
            if batch:
                await self._commit(batch, half)

    def _after_commit(self, batch: Batch, events: Sequence[Event]) -> None:
        ended: dict[AttemptId, Attempt] = {}
        for fact in batch.facts:
            if isinstance(fact, AttemptFact):
                attempt = fact.attempt
                if attempt.phase is AttemptPhase.ENDED:
                    ended[attempt.attempt_id] = attempt
                    self._alive.discard(attempt.attempt_id)
                else:
                    self._alive.add(attempt.attempt_id)
            elif isinstance(fact, OutboxFact):
                self._outbox.wake()
        # An end told again after its commit: its log still wants sealing, its directory releasing.
        again = [
            event.attempt_id for event in events if isinstance(event, AttemptEnded) and event.attempt_id not in ended
        ]
        self._reconciler.ended(list(ended.values()), again)


def finished_runs(batch: Batch) -> list[DagRun]:
    """Runs that a batch finished."""
    return [fact.run for fact in batch.facts if isinstance(fact, RunFact) and fact.run.state.is_finished]
