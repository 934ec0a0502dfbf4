"""How long a start may take: one clock for each try, from the first pod's creation until a main container runs.

Invariant: an attempt that never began and is launched again goes on with its try's clock; when that has run out, the
try has failed, because its author said how long a start is borne. While there is no pod (a full quota), it stands.
Python attempts have a clock that no author set: theirs is wound up anew, and the infrastructure budget pays for that.

A task that gives `schedule_timeout_seconds` has that long until a node is found, and `startup_timeout_seconds` from
then on, as in Airflow; one that does not has `startup_timeout_seconds` for all of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tradewind.model.dagspec import PodBody, TaskSpec
from tradewind.model.events import AttemptProgress
from tradewind.model.rows import Attempt, TaskInstance
from tradewind.model.states import AttemptPhase, EndReason

NOT_SCHEDULED = "It was not scheduled in time."
NOT_STARTED = "It did not start in time."
RUN_OUT = frozenset({NOT_SCHEDULED, NOT_STARTED})


def moment(attempt: Attempt, at: datetime, now: datetime) -> datetime:
    """When an attempt reached a phase, by our clock. `at` is by the cluster's, which may be minutes before or behind.

    Nothing of an attempt happens before it was decided, and nothing after now.
    """
    return min(max(at, attempt.created_at), now)


def deadline(
    task: TaskSpec | None,
    ti: TaskInstance | None,
    attempt: Attempt,
    event: AttemptProgress,
    *,
    now: datetime,
    otherwise_seconds: float,
) -> datetime | None:
    """When the clock of an attempt runs out that has reached a phase before its start."""
    reached = moment(attempt, event.at, now)
    startup, schedule = _timeouts(task, otherwise_seconds)
    left = startup + (schedule or 0) - (ti.start_waited_seconds if ti is not None else 0)
    if event.phase is AttemptPhase.SUBMITTED:
        return reached + timedelta(seconds=min(startup if schedule is None else schedule, left))
    if attempt.deadline_at is not None and (schedule is None or event.phase is not AttemptPhase.SCHEDULED):
        return attempt.deadline_at
    began = moment(attempt, attempt.submitted_at or event.at, now)
    return min(reached + timedelta(seconds=startup), began + timedelta(seconds=left))


def said(task: TaskSpec | None, attempt: Attempt) -> str:
    """That it has run out."""
    has_own = task is not None and isinstance(task.body, PodBody) and task.body.schedule_timeout_seconds is not None
    return NOT_SCHEDULED if has_own and attempt.phase is AttemptPhase.SUBMITTED else NOT_STARTED


def reason(task: TaskSpec | None) -> EndReason:
    """Why an attempt ended whose clock had run out."""
    return EndReason.START_TIMEOUT if task is not None and isinstance(task.body, PodBody) else EndReason.NEVER_STARTED


def waited_seconds(ti: TaskInstance, attempt: Attempt) -> float:
    """What of its try's clock has passed when it ended without a start; nothing where it had run out."""
    if attempt.stop_reason in RUN_OUT:
        return 0
    began, ended = attempt.submitted_at, attempt.ended_at
    passed = (ended - began).total_seconds() if began is not None and ended is not None else 0
    return ti.start_waited_seconds + max(0, passed)


def _timeouts(task: TaskSpec | None, otherwise: float) -> tuple[float, float | None]:
    if task is not None and isinstance(task.body, PodBody):
        return task.body.startup_timeout_seconds, task.body.schedule_timeout_seconds
    return otherwise, None
