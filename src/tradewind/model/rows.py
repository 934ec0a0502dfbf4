"""Rows: what is true now about runs, task instances, attempts, pools, DAGs and backfills.

The engine's facts carry these whole; the store keeps the latest of each. Times are aware UTC datetimes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from tradewind.model.dagspec import Meaning, NativeBody
from tradewind.model.ids import AttemptId, DagId, RunId, RunKey, TaskId, TaskKey, VersionHash
from tradewind.model.states import AttemptPhase, BackfillState, EndReason, RunState, RunType, TaskState
from tradewind.model.timetable import RunSlot


class DagRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run of a DAG, bound to the version it began with."""

    run_key: RunKey
    dag_id: DagId
    run_id: RunId
    version: VersionHash
    run_type: RunType
    state: RunState
    logical_date: datetime | None = None
    interval_start: datetime | None = None
    interval_end: datetime | None = None
    run_after: datetime
    conf: dict[str, Any] = {}
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    meaning: Meaning = "3"
    backfill_id: int | None = None
    """The backfill that made it, or that ran it again last."""
    backfill_first: bool = False
    """It is that backfill's first date: nothing before it matters to `depends_on_past`."""
    backfill_limit: int = 0
    """How many runs of its backfill may run at once."""
    ending: str = ""
    """Not empty: what runs of it is being stopped, and then comes this state."""
    triggered_by: str = ""
    note: str = ""
    verdict: str | None = None
    """One sentence when failed: which task, why."""
    clear_number: int = 0
    deadlines: tuple[datetime | None, ...] = ()
    """When those of its version are, in order; None where there is none, or no more."""
    missed_deadlines: tuple[int, ...] = ()
    """Positions of those that passed before it, or their task, had ended."""


class TaskInstance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One task in one run (one element of it when mapped)."""

    run_key: RunKey
    task_id: TaskId
    map_index: int = -1
    state: TaskState = TaskState.NONE
    try_number: int = 0
    """Tries begun, as Airflow counts: 0 before the first."""
    max_tries: int = 0
    """Retries allowed: a try with number > max_tries is the last."""
    attempt_id: AttemptId | None = None
    """The current or last attempt."""
    attempts_in_try: int = 0
    infrastructure_failures: int = 0
    """Of this try."""
    start_waited_seconds: float = 0
    """Of this try's start clock: what attempts that never began have used up."""
    scheduled_at: datetime | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    due_at: datetime | None = None
    """When the next thing happens by time: a retry, a reschedule, the end of an engine-native wait."""
    timeout_at: datetime | None = None
    """When a deferral or sensor times out."""
    first_started_at: datetime | None = None
    """Of a rescheduled or deferred try: when its first piece began."""
    first_rescheduled_at: datetime | None = None
    """When the first try that was rescheduled began: from then on a sensor's timeout counts, over all its tries."""
    native: NativeBody | None = None
    """What the engine does in this try in place of the task's code, which left it to the engine."""
    next_method: str | None = None
    next_kwargs: dict[str, Any] | None = None
    trigger: dict[str, Any] | None = None
    result_length: int | None = None
    """Length of its return value if that is a list or a dict, for tasks mapped over it."""
    result_kind: str = ""
    """"" no value; "list", "dict", or "other"."""
    has_value: bool = False
    """It pushed a return value (not None)."""
    skips: tuple[str, ...] = ()
    """A branch's or short circuit's decision: the task ids which it skips."""
    rendered_map_index: str | None = None
    waits_for: str | None = None
    """Engine-native waits: the key of what is waited for."""
    verdict: str | None = None
    note: str = ""
    stop: str = ""
    """Not empty: its attempt is being stopped, and then comes this state."""

    @property
    def key(self) -> TaskKey:
        """Its key."""
        return TaskKey(self.run_key, self.task_id, self.map_index)


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One launch of one try."""

    attempt_id: AttemptId
    run_key: RunKey
    task_id: TaskId
    map_index: int = -1
    try_number: int
    number: int = 1
    """Within its try: 1, 2, … when the infrastructure failed, or pieces of a rescheduled try."""
    phase: AttemptPhase = AttemptPhase.CREATED
    wanted: bool = True
    """False: it is to be stopped."""
    stop_reason: str = ""
    created_at: datetime
    submitted_at: datetime | None = None
    scheduled_at: datetime | None = None
    pulled_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    deadline_at: datetime | None = None
    """Start timeout before the start, execution timeout after it."""
    reason: EndReason | None = None
    exit_code: int | None = None
    signal: int | None = None
    verdict: str | None = None
    """One English sentence; the same in the command line, the API, the UI and alerts."""
    pod_name: str = ""
    pod_uid: str = ""
    namespace: str = ""
    node: str = ""
    detail: dict[str, Any] = {}
    """Container statuses, conditions, events, limits: what the runtime saw. Before the start: what it is `waiting`
    for, in one sentence.
    """


class Pool(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A pool of slots. -1 slots: no limit."""

    name: str
    slots: int
    include_deferred: bool = False
    description: str = ""


class DagRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept about a DAG beside its versions."""

    dag_id: DagId
    version: VersionHash
    """The newest version: the one that new runs get."""
    file: str
    bundle: str = "dags"
    paused: bool = False
    removed: bool = False
    """Its file is gone or no longer defines it; its history stays."""
    next_slot: RunSlot | None = None
    last_slot: RunSlot | None = None
    """The last automated slot a run was made for."""
    recent_seconds: tuple[float, ...] = ()
    """How long its last successful runs took, the newest last; kept where a deadline asks for their average."""

    def with_decided(self, dag: DagRow) -> DagRow:
        """The row with what the engine decides taken from `dag`; version, file and bundle are not the engine's."""
        return msgspec.structs.replace(
            self,
            paused=dag.paused,
            next_slot=dag.next_slot,
            last_slot=dag.last_slot,
            recent_seconds=dag.recent_seconds,
        )


class Backfill(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Runs for every slot of a DAG's timetable in a range, made one after the other as there is room.

    It goes through the slots in order; `cursor` is the last one looked at, so that a new leader goes on behind it.
    """

    backfill_id: int
    dag_id: DagId
    version: VersionHash
    """The version of its beginning: its timetable says which dates there are."""
    start: datetime
    end: datetime
    """Both inclusive."""
    reverse: bool = False
    reprocess: Literal["none", "failed", "completed"] = "none"
    """Which runs that exist already are run again."""
    max_active_runs: int = 10
    conf: dict[str, Any] = {}
    run_on_latest_version: bool = True
    """Its runs get the DAG's newest version; else those that exist keep theirs, and new ones get `version`."""
    state: BackfillState = BackfillState.RUNNING
    created_at: datetime
    """Slots that were not due then are left out."""
    ended_at: datetime | None = None
    triggered_by: str = ""
    cursor: RunSlot | None = None
    exhausted: bool = False
    """No slot is left; it is completed when its last run ends."""
    created: int = 0
    """Runs that it made."""
    cleared: int = 0
    """Runs that were there and are run again."""
    left_alone: int = 0
    """Dates whose run was there and stays as it was."""
    verdict: str | None = None
    """One sentence where its dates could not be computed to the end."""


class XComRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One XCom value: JSON in Airflow's encoding of other types."""

    run_key: RunKey
    task_id: TaskId
    map_index: int
    key: str
    value: bytes
    length: int | None = None


class OutboxRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something to do in the world at least once after the commit: a callback or a mail."""

    key: str
    """Unique; a second one with the same key is dropped."""
    kind: str
    payload: dict[str, Any]
    due_at: datetime
    tries: int = 0
    error: str = ""
