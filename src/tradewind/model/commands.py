"""Commands: what a person or another process asks of the leader. Rows of the inbox hold them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Union

import msgspec


class TriggerRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="trigger_run"):
    """Create a manual run. Without a run id one is made from the moment (`manual__<iso>`)."""

    dag_id: str
    run_id: str | None = None
    logical_date: datetime | None = None
    conf: dict[str, Any] = {}
    run_after: datetime | None = None
    note: str = ""


class CancelRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="cancel_run"):
    """Stop a run: running attempts are stopped, what has not begun is skipped, the run is failed."""

    dag_id: str
    run_id: str


class MarkRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="mark_run"):
    """Set a run to success or failed, with its unfinished tasks."""

    dag_id: str
    run_id: str
    state: Literal["success", "failed"]


class TaskSelection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tasks of a run. No task ids: all. `map_indexes` None: all elements."""

    dag_id: str
    run_id: str
    task_ids: tuple[str, ...] = ()
    map_indexes: tuple[int, ...] | None = None
    upstream: bool = False
    downstream: bool = False
    past: bool = False
    future: bool = False
    only_failed: bool = False


class ClearTasks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="clear_tasks"):
    """Run tasks again. `newest_version`: with today's DAG version instead of the run's own, in the runs of this DAG."""

    selection: TaskSelection
    newest_version: bool = False
    keep_run_state: bool = False
    dependent_dags: bool = True
    """With an ExternalTaskMarker go the tasks of other DAGs that it marks."""
    dry_run: bool = False
    """Only tell which tasks."""


class MarkTasks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="mark_tasks"):
    """Set tasks to a state without running them."""

    selection: TaskSelection
    state: Literal["success", "failed", "skipped"]


class SetPaused(msgspec.Struct, frozen=True, kw_only=True, tag="set_paused"):
    """Pause or unpause a DAG: no new runs are made and queued runs wait while paused."""

    dag_id: str
    paused: bool


class SetPool(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="set_pool"):
    """Create or change a pool."""

    name: str
    slots: int
    description: str = ""
    include_deferred: bool = False


class DeletePool(msgspec.Struct, frozen=True, kw_only=True, tag="delete_pool"):
    """Delete a pool; tasks that name it wait, and say so."""

    name: str


class SetNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="set_note"):
    """Set the note of a run, or of a task instance."""

    dag_id: str
    run_id: str
    note: str
    task_id: str | None = None
    map_index: int = -1


class DeleteDag(msgspec.Struct, frozen=True, kw_only=True, tag="delete_dag"):
    """Delete a DAG's history. Refused while a run of it is active."""

    dag_id: str


class CreateBackfill(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="create_backfill"):
    """Runs for every slot of the DAG's timetable from `start` to `end`, both inclusive."""

    dag_id: str
    start: datetime
    end: datetime
    reverse: bool = False
    max_active_runs: int = 10
    reprocess: Literal["none", "failed", "completed"] = "none"
    conf: dict[str, Any] = {}
    run_on_latest_version: bool = True


class SetBackfill(msgspec.Struct, frozen=True, kw_only=True, tag="set_backfill"):
    """Pause a backfill (no run of it is made or started), go on with it, or cancel it: its queued runs fail."""

    backfill_id: int
    action: Literal["pause", "unpause", "cancel"]


Command = Union[
    TriggerRun,
    CancelRun,
    MarkRun,
    ClearTasks,
    MarkTasks,
    SetPaused,
    SetPool,
    DeletePool,
    SetNote,
    DeleteDag,
    CreateBackfill,
    SetBackfill,
]


class TaskName(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A task instance as people know it, in its state."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    state: str


class CommandResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a command: refused with a code, or done with what was made or touched."""

    ok: bool
    message: str = ""
    code: str = ""
    hint: str = ""
    run_id: str | None = None
    touched: int = 0
    tasks: tuple[TaskName, ...] = ()
    """Of a dry run: those that would be touched."""
    backfill_id: int | None = None
