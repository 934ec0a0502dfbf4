"""States of runs, task instances and attempts. The names are Airflow's."""

from __future__ import annotations

from enum import Enum


class TaskState(str, Enum):
    """State of a task instance. `NONE` is Airflow's "no status": nothing decided yet."""

    NONE = "none"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    UPSTREAM_FAILED = "upstream_failed"
    UP_FOR_RETRY = "up_for_retry"
    UP_FOR_RESCHEDULE = "up_for_reschedule"
    DEFERRED = "deferred"
    REMOVED = "removed"
    RESTARTING = "restarting"

    @property
    def is_finished(self) -> bool:
        """True where nothing more happens to the task instance without a new command."""
        return self in FINISHED

    @property
    def holds_attempt(self) -> bool:
        """True where an attempt exists that may be running user code."""
        return self in ACTIVE


FINISHED = frozenset(
    {TaskState.SUCCESS, TaskState.FAILED, TaskState.SKIPPED, TaskState.UPSTREAM_FAILED, TaskState.REMOVED}
)
ACTIVE = frozenset({TaskState.QUEUED, TaskState.RUNNING, TaskState.RESTARTING})
SUCCESSFUL = frozenset({TaskState.SUCCESS, TaskState.SKIPPED})


class RunState(str, Enum):
    """State of a DagRun."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"

    @property
    def is_finished(self) -> bool:
        """True for success and failed."""
        return self in (RunState.SUCCESS, RunState.FAILED)


class RunType(str, Enum):
    """Who asked for a DagRun; the values are the prefixes of Airflow's run ids."""

    SCHEDULED = "scheduled"
    MANUAL = "manual"
    BACKFILL = "backfill"
    ASSET_TRIGGERED = "asset_triggered"


class BackfillState(str, Enum):
    """State of a backfill."""

    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def is_finished(self) -> bool:
        """True where no run is made for it any more, and never will be."""
        return self in (BackfillState.COMPLETED, BackfillState.CANCELLED)


class AttemptPhase(str, Enum):
    """How far one launch of one try has come. Ordered; an attempt never goes back."""

    CREATED = "created"
    SUBMITTED = "submitted"
    SCHEDULED = "scheduled"
    PULLED = "pulled"
    STARTED = "started"
    ENDED = "ended"


class EndReason(str, Enum):
    """Why an attempt ended. The infrastructure reasons are paid from the infrastructure budget."""

    COMPLETED = "Completed"
    ERROR = "Error"
    """The user's code failed: an exception or an exit code other than 0."""
    KILLED = "Killed"
    """Ended by a signal that we did not send."""
    OOM_KILLED = "OOMKilled"
    TIMED_OUT = "TimedOut"
    """Its execution timeout passed and we stopped it."""
    STOPPED = "Stopped"
    """Stopped on request: cancel, clear or mark."""
    REJECTED = "Rejected"
    """Could not be launched at all: a bad specification, a refused manifest, an error while rendering."""
    LOST = "Lost"
    """Infrastructure: nobody can say how it ended (podlet died, node lost)."""
    NEVER_STARTED = "NeverStarted"
    """Infrastructure: it was launched and its code never began."""
    EVICTED = "Evicted"
    PREEMPTED = "Preempted"
    NODE_LOST = "NodeLost"

    @property
    def is_infrastructure(self) -> bool:
        """True where the end was not the user's doing."""
        return self in INFRASTRUCTURE


INFRASTRUCTURE = frozenset(
    {EndReason.LOST, EndReason.NEVER_STARTED, EndReason.EVICTED, EndReason.PREEMPTED, EndReason.NODE_LOST}
)
