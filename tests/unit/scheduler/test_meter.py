"""What the scheduler counts about itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from tradewind.model import ids
from tradewind.model.facts import AttemptFact, Batch, CountDelta, RunFact
from tradewind.model.rows import Attempt, DagRun
from tradewind.model.snapshot import ActiveSnapshot, RunSnapshot
from tradewind.model.states import AttemptPhase, EndReason, RunState, RunType
from tradewind.scheduler import meter

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def make_run(key: int, state: RunState = RunState.RUNNING) -> DagRun:
    return DagRun(
        run_key=ids.RunKey(key),
        dag_id=ids.DagId("dag"),
        run_id=ids.RunId(f"run{key}"),
        version=ids.VersionHash("0" * 64),
        run_type=RunType.MANUAL,
        state=state,
        run_after=NOW,
    )


def make_attempt(phase: AttemptPhase, started: float | None = None, reason: EndReason | None = None) -> Attempt:
    return Attempt(
        attempt_id=ids.AttemptId("a" * 20),
        run_key=ids.RunKey(1),
        task_id=ids.TaskId("task"),
        try_number=1,
        phase=phase,
        created_at=NOW,
        started_at=None if started is None else NOW + timedelta(seconds=started),
        reason=reason,
    )


def attempts(*rows: Attempt) -> Batch:
    return Batch(facts=tuple(AttemptFact(attempt=row) for row in rows))


def test_durations_fall_into_their_ranges() -> None:
    histogram = meter.Histogram((0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 3.0):
        histogram.add(seconds)
    assert (histogram.counts, histogram.sum) == ([2, 1, 1], 3.65)


def test_a_launch_is_counted_once_whether_its_start_was_told_or_only_its_end() -> None:
    told, untold = meter.Meter(), meter.Meter()
    told.take(attempts(make_attempt(AttemptPhase.CREATED)))
    told.take(attempts(make_attempt(AttemptPhase.STARTED, 0.2)))
    told.take(attempts(make_attempt(AttemptPhase.ENDED, 0.2, EndReason.COMPLETED)))
    untold.take(attempts(make_attempt(AttemptPhase.ENDED, 0.2, EndReason.COMPLETED)))
    assert (sum(told.launches.counts), told.launches.sum) == (1, 0.2)
    assert (sum(untold.launches.counts), untold.launches.sum) == (1, 0.2)


def test_an_attempt_that_never_began_is_no_launch_but_a_failure_of_the_infrastructure() -> None:
    found = meter.Meter()
    found.take(attempts(make_attempt(AttemptPhase.ENDED, None, EndReason.NEVER_STARTED)))
    assert sum(found.launches.counts) == 0
    assert found.infrastructure_failures == {"NeverStarted": 1}


def test_a_run_is_counted_when_it_is_made_and_when_it_ends_and_not_when_it_gets_a_note() -> None:
    found = meter.Meter()
    over = make_run(5, RunState.SUCCESS)
    for run in (make_run(5, RunState.QUEUED), make_run(5), over, msgspec.structs.replace(over, note="seen")):
        found.take(Batch(facts=(RunFact(run=run),)))
    assert (found.runs_created, found.run_ends) == ({"manual": 1}, {"success": 1})


def test_what_was_there_before_us_is_not_counted_again() -> None:
    found = meter.Meter()
    snapshot = RunSnapshot(run=make_run(5), tasks=(), attempts=(make_attempt(AttemptPhase.STARTED, 0.2),))
    found.restore(5, ActiveSnapshot(dags=(), pools=(), runs=(snapshot,)))
    found.take(attempts(make_attempt(AttemptPhase.ENDED, 0.2, EndReason.COMPLETED)))
    found.take(Batch(facts=(RunFact(run=make_run(5, RunState.FAILED)),)))
    assert sum(found.launches.counts) == 0
    assert (found.runs_created, found.run_ends) == ({}, {"failed": 1})


def test_ends_of_tasks_are_counted_once_although_groups_count_them_too() -> None:
    key = ids.RunKey(1)
    deltas = (
        CountDelta(run_key=key, state="running", change=-3),
        CountDelta(run_key=key, state="success", change=3),
        CountDelta(run_key=key, group_id="group", state="success", change=3),
    )
    found = meter.Meter()
    found.take(Batch(counts=deltas))
    assert found.task_ends == {"success": 3}
