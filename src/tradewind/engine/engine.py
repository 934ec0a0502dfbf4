"""All active runs, and what happens next. No clock, no random, no I/O.

The engine is driven so: `needs` and `load` bring in what an event is about; `apply` decides it; `admit` decides what
crosses runs; `pending` is the batch to commit; `publish` when it is committed, `rollback` when it was refused. What is
read in between already holds the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from tradewind.engine import admission, attempts, backfills, commands, figures, readiness, runs, schedules
from tradewind.engine.core import Core
from tradewind.engine.limits import Draws, Limits
from tradewind.engine.live import LiveRun
from tradewind.model.dagspec import DagSpec
from tradewind.model.events import (
    AttemptEnded,
    AttemptProgress,
    CommandReceived,
    DagGone,
    DagSeen,
    Event,
    TimePassed,
)
from tradewind.model.facts import Batch, CommandFact, CountDelta
from tradewind.model.ids import AttemptId, RunKey, TaskId, TaskKey, VersionHash
from tradewind.model.problem import Problem
from tradewind.model.rows import Attempt, DagRun, Pool, TaskInstance
from tradewind.model.snapshot import ActiveSnapshot, RunRef, RunSnapshot

__all__ = ["Draws", "Engine", "Limits"]


class Engine:
    """Runs in memory, one batch in flight."""

    def __init__(self, *, specs: Callable[[VersionHash], DagSpec], limits: Limits) -> None:
        self._core = Core(specs, limits)

    # -- rows in ---------------------------------------------------------------------------------------------------

    def restore(self, snapshot: ActiveSnapshot) -> None:
        """Know exactly this."""
        core = self._core
        core.reset()
        core.dags = {dag.dag_id: dag for dag in snapshot.dags}
        core.pools = {pool.name: pool for pool in snapshot.pools}
        core.backfills = {backfill.backfill_id: backfill for backfill in snapshot.backfills}
        core.last_backfill_id = snapshot.last_backfill_id
        core.pools.setdefault("default_pool", Pool(name="default_pool", slots=core.limits.default_pool_slots))
        core.rebuild()
        for run in snapshot.runs:
            self.load(run)

    def load(self, snapshot: RunSnapshot) -> None:
        """Know this run too, unless it is known already."""
        core, run = self._core, snapshot.run
        if run.run_key not in core.runs:
            core.add_rows(LiveRun(run, core.graph(run.version)), snapshot.tasks, snapshot.attempts)

    def needs(self, event: Event) -> tuple[RunRef, ...]:
        """Runs to load (or to call `absent`) before `apply`; to be asked again until there are none."""
        if not isinstance(event, CommandReceived):
            return ()
        refs = commands.needs(self._core, event.command)
        self._core.past.mark_answered(refs)
        return refs

    def wanted_runs(self) -> tuple[RunRef, ...]:
        """Runs that `admit` asks for; `admit` is to be called again after they are loaded, until there are none."""
        return self._core.past.take_asked()

    def absent(self, ref: RunRef) -> None:
        """There is no such run. (Asking once is remembered where it is asked.)"""

    # -- deciding --------------------------------------------------------------------------------------------------

    def apply(self, event: Event, now: datetime, draws: Draws) -> None:
        """Decide one event. Where this raises, the state is as it was before the event."""
        core = self._core
        core.now, core.draws = now, draws
        mark = core.mark()
        try:
            self._apply(event)
            readiness.settle(core)
        except Exception:
            core.undo(mark)
            core.rebuild()
            raise

    def _apply(self, event: Event) -> None:
        core = self._core
        match event:
            case AttemptProgress():
                attempts.progress(core, event)
            case AttemptEnded():
                attempts.ended(core, event)
            case TimePassed():
                pass
            case CommandReceived():
                result = commands.decide(core, event.command, event.by)
                core.facts.append(CommandFact(inbox_id=event.inbox_id, result=result))
            case DagSeen():
                schedules.see(core, event.dag)
            case DagGone():
                core.drop_dag(event.dag_id)

    def hold(self, holding: bool) -> None:
        """Launch nothing new from the next `admit` on, or go on. (Not part of any batch: whoever holds says when.)"""
        self._core.holding = holding

    def admit(self, now: datetime, draws: Draws) -> None:
        """Decide what crosses runs: time, new runs, launches under the limits."""
        self._core.now, self._core.draws = now, draws
        admission.admit(self._core)

    # -- the batch -------------------------------------------------------------------------------------------------

    def pending(self) -> Batch:
        """What is decided and not yet published."""
        core = self._core
        return Batch(
            facts=tuple(core.facts),
            xcoms=tuple(core.xcoms),
            counts=tuple(
                CountDelta(run_key=key, group_id=group, state=state, change=change)
                for (key, group, state), change in core.deltas.items()
                if change
            ),
        )

    def publish(self) -> None:
        """The batch is committed."""
        core = self._core
        core.published()
        core.past.forget_answers()
        runs.leave(core)
        backfills.leave(core)
        if core.versions_moved:
            core.keep_graphs()
            core.versions_moved = False

    def rollback(self) -> None:
        """The batch was refused: everything is as before it."""
        self._core.undo()
        self._core.deltas.clear()
        self._core.rebuild()

    # -- rows out --------------------------------------------------------------------------------------------------

    def to_launch(self) -> list[Attempt]:
        """Attempts that are to be launched."""
        return [self._core.attempts[one] for one in self._core.launch]

    def to_stop(self) -> list[Attempt]:
        """Attempts that are to be stopped."""
        return [self._core.attempts[one] for one in self._core.stop]

    def next_due(self) -> datetime | None:
        """When time alone makes something happen next."""
        return self._core.timers.next_due()

    def problems(self) -> Mapping[str, Problem]:
        """DAGs that get no scheduled runs because their timetable cannot be kept."""
        return self._core.problems

    def count(self) -> figures.Figures:
        """Numbers about everything, counted now."""
        return figures.count(self._core)

    def task(self, key: TaskKey) -> TaskInstance | None:
        """A task instance."""
        return self._core.task(key)

    def run(self, run_key: RunKey) -> DagRun | None:
        """A run."""
        live = self._core.runs.get(run_key)
        return None if live is None else live.run

    def spec_of(self, run_key: RunKey) -> DagSpec:
        """The specification that a run goes by."""
        return self._core.runs[run_key].graph.spec

    def weight(self, run_key: RunKey, task_id: TaskId) -> int:
        """A task's priority weight, as its weight rule makes it."""
        return self._core.runs[run_key].graph.weights.get(task_id, 1)

    def attempt(self, attempt_id: AttemptId) -> Attempt | None:
        """An attempt."""
        return self._core.attempts.get(attempt_id)
