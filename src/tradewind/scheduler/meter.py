"""What the scheduler counts about itself while it works: additions of integers, and nothing by run or task.

Invariant: only committed batches are counted, so the counters agree with what the database says happened.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

from tradewind.model.facts import AttemptFact, Batch, RunFact
from tradewind.model.snapshot import ActiveSnapshot
from tradewind.model.states import FINISHED, AttemptPhase

_FINAL = frozenset(state.value for state in FINISHED)
_QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SLOW = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Histogram:
    """How often a duration lay in which range. `counts` has one more than `bounds`: what lies above all of them."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.sum += seconds


class Meter:
    """Counters since this process leads."""

    def __init__(self) -> None:
        self.cycles = Histogram(_QUICK)
        self.commits = Histogram(_QUICK)
        self.launches = Histogram(_SLOW)
        """From the row of an attempt to the start of its code."""
        self.parses = Histogram(_SLOW)
        """Loading one DAG file."""
        self.runs_created: Counter[str] = Counter()
        """By run type."""
        self.run_ends: Counter[str] = Counter()
        """By state."""
        self.task_ends: Counter[str] = Counter()
        """By state."""
        self.infrastructure_failures: Counter[str] = Counter()
        """By reason."""
        self.cycle_began: float | None = None
        """Monotonic seconds; None between two cycles."""
        self.awaits_database = False
        """The cycle stands still because the database is away."""
        self._last_run_key = 0
        self._open: set[int] = set()
        """Runs whose end is still to come."""
        self._started: set[str] = set()
        """Attempts alive whose code has begun."""

    def restore(self, last_run_key: int, snapshot: ActiveSnapshot) -> None:
        """What was there before us is not counted again: runs up to this key, starts of attempts that are alive."""
        self._last_run_key = last_run_key
        self._open = {one.run.run_key for one in snapshot.runs if not one.run.state.is_finished}
        self._started = {
            attempt.attempt_id for one in snapshot.runs for attempt in one.attempts if attempt.started_at is not None
        }

    def take(self, batch: Batch) -> None:
        """Count what a committed batch says."""
        for delta in batch.counts:
            if delta.state in _FINAL and not delta.group_id and delta.change > 0:
                self.task_ends[delta.state] += delta.change
        for fact in batch.facts:
            if isinstance(fact, AttemptFact):
                self._attempt(fact)
            elif isinstance(fact, RunFact):
                self._run(fact)

    def _attempt(self, fact: AttemptFact) -> None:
        attempt = fact.attempt
        if attempt.started_at is not None and attempt.attempt_id not in self._started:
            self.launches.add((attempt.started_at - attempt.created_at).total_seconds())
            self._started.add(attempt.attempt_id)
        if attempt.phase is AttemptPhase.ENDED:
            self._started.discard(attempt.attempt_id)
            if attempt.reason is not None and attempt.reason.is_infrastructure:
                self.infrastructure_failures[attempt.reason.value] += 1

    def _run(self, fact: RunFact) -> None:
        run = fact.run
        if run.run_key > self._last_run_key:
            self._last_run_key = run.run_key
            self.runs_created[run.run_type.value] += 1
        if not run.state.is_finished:
            self._open.add(run.run_key)
        elif run.run_key in self._open:
            self._open.discard(run.run_key)
            self.run_ends[run.state.value] += 1
