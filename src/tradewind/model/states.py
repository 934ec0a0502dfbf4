"""States of runs, task instances and attempts. The names are Airflow's."""

from __future__ import annotations

from enum import Enum


class TaskState(str, Enum):
    """State of a task instance. `NONE` is Airflow's "no status": nothing decided yet."""

    NONE = "none"
    """Nothing is decided yet: it waits for its upstreams, or its run has not begun."""
    SCHEDULED = "scheduled"
    """It may run as soon as its pool, its DAG, its run and the machine have room."""
    QUEUED = "queued"
    """An attempt is launched; its code has not begun."""
    RUNNING = "running"
    """Its code runs."""
    SUCCESS = "success"
    """Its code ended well, or a person marked it so."""
    FAILED = "failed"
    """Its last try failed, or it could not be launched, or a person marked it so."""
    SKIPPED = "skipped"
    """It did not run and need not: a branch, a skip of its own, or its trigger rule said so."""
    UPSTREAM_FAILED = "upstream_failed"
    """It did not run because its trigger rule cannot be met any more."""
    UP_FOR_RETRY = "up_for_retry"
    """A try failed; the next begins after the retry delay."""
    UP_FOR_RESCHEDULE = "up_for_reschedule"
    """A sensor in mode `reschedule` looks again later; until then no process waits."""
    DEFERRED = "deferred"
    """The engine waits for it, without a process: for a moment, for another run, for another task."""
    REMOVED = "removed"
    """Its DAG has no such task or element any more."""
    RESTARTING = "restarting"
    """It was cleared while it ran: its attempt is being stopped, then it runs again."""

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
    """It waits for room among the DAG's active runs, or for the DAG to be unpaused."""
    RUNNING = "running"
    """Its tasks run or wait."""
    SUCCESS = "success"
    """Every task has ended, and none of the last ones has failed."""
    FAILED = "failed"
    """A last task failed, the run's time was over, or it was cancelled."""

    @property
    def is_finished(self) -> bool:
        """True for success and failed."""
        return self in (RunState.SUCCESS, RunState.FAILED)


class RunType(str, Enum):
    """Who asked for a DagRun; the values are the prefixes of Airflow's run ids."""

    SCHEDULED = "scheduled"
    """The DAG's timetable made it."""
    MANUAL = "manual"
    """A person or another DAG's task asked for it."""
    BACKFILL = "backfill"
    """A backfill made it."""
    ASSET_TRIGGERED = "asset_triggered"
    """Assets made it. Airflow's name; no run has this type yet."""


class BackfillState(str, Enum):
    """State of a backfill."""

    RUNNING = "running"
    """It makes its runs as there is room."""
    PAUSED = "paused"
    """It makes and starts no more runs; those that run go on."""
    COMPLETED = "completed"
    """All of its runs have ended."""
    CANCELLED = "cancelled"
    """Someone ended it before all of its runs were made."""

    @property
    def is_finished(self) -> bool:
        """True where no run is made for it any more, and never will be."""
        return self in (BackfillState.COMPLETED, BackfillState.CANCELLED)


class AttemptPhase(str, Enum):
    """How far one launch of one try has come. Ordered; an attempt never goes back."""

    CREATED = "created"
    """It is decided and stored, and not handed to the runtime yet."""
    SUBMITTED = "submitted"
    """The runtime has it."""
    SCHEDULED = "scheduled"
    """A pod was given a node. Only in clusters."""
    PULLED = "pulled"
    """A pod's images are on the node. Only in clusters."""
    STARTED = "started"
    """Its code has begun."""
    ENDED = "ended"
    """It is over; the end reason says how."""


class EndReason(str, Enum):
    """Why an attempt ended. The infrastructure reasons are paid from the infrastructure budget."""

    COMPLETED = "Completed"
    """It ended by itself, without a failure."""
    ERROR = "Error"
    """The user's code failed: an exception or an exit code other than 0."""
    KILLED = "Killed"
    """Ended by a signal that we did not send."""
    OOM_KILLED = "OOMKilled"
    """It needed more memory than its limit, and the kernel killed it."""
    TIMED_OUT = "TimedOut"
    """Its execution timeout passed and we stopped it."""
    START_TIMEOUT = "StartTimeout"
    """Its pod did not start in the time that its task gives; what it waited for is in the verdict."""
    STOPPED = "Stopped"
    """Stopped on request: cancel, clear or mark."""
    REJECTED = "Rejected"
    """Could not be launched at all: a bad specification, a refused manifest, an error while rendering."""
    LOST = "Lost"
    """Infrastructure: nobody can say how it ended (podlet died, node lost)."""
    NEVER_STARTED = "NeverStarted"
    """Infrastructure: it was launched and its code never began."""
    EVICTED = "Evicted"
    """Infrastructure: the node needed its room."""
    PREEMPTED = "Preempted"
    """Infrastructure: a pod of higher priority took its place."""
    NODE_LOST = "NodeLost"
    """Infrastructure: its node went away."""

    @property
    def is_infrastructure(self) -> bool:
        """True where the end was not the user's doing."""
        return self in INFRASTRUCTURE


INFRASTRUCTURE = frozenset(
    {EndReason.LOST, EndReason.NEVER_STARTED, EndReason.EVICTED, EndReason.PREEMPTED, EndReason.NODE_LOST}
)
