"""Tasks that need no process: the engine does them itself.

Those here look only at their own run and are done where they become ready; `crossings` has those that look at others.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from tradewind.engine.core import Core
from tradewind.engine.finish import call_back, finish
from tradewind.engine.live import LiveRun
from tradewind.engine.skipping import skip_below
from tradewind.model.dagspec import EmptyBody, LatestOnlyBody, TaskSpec, WaitTimeBody
from tradewind.model.rows import DagRun, TaskInstance
from tradewind.model.states import RunType, TaskState
from tradewind.model.timetable import BadTimetable, DataInterval, RunSlot, next_slot


def do_here(core: Core, live: LiveRun, task: TaskSpec, ti: TaskInstance) -> None:
    """An empty task, LatestOnly, or a wait for a moment."""
    begun = begin(core, ti)
    match task.body:
        case EmptyBody():
            done(core, live, begun, TaskState.SUCCESS, "empty")
        case LatestOnlyBody():
            skips = () if is_latest(live, core.now) else live.graph.downstream[ti.task_id]
            begun = replace(begun, skips=skips)
            done(core, live, begun, TaskState.SUCCESS, "latest" if not skips else "not the latest")
            skip_below(core, live, begun, skips)
        case WaitTimeBody() as body:
            due = _moment(live.run, body, core.now)
            if due <= core.now:
                done(core, live, begun, TaskState.SUCCESS, "its time had come")
            else:
                core.put_task(live, replace(begun, state=TaskState.DEFERRED, due_at=due), "waits for a moment")


def done(core: Core, live: LiveRun, ti: TaskInstance, to: TaskState, cause: str) -> None:
    """It ends well, without a worker that could have called its callbacks."""
    over = replace(ti, ended_at=core.now)
    finish(core, live, over, to, cause)
    callbacks = live.graph.tasks[ti.task_id].callbacks
    if to is TaskState.SUCCESS and callbacks.on_success:
        call_back(core, live, over, "on_success", cause)
    elif to is TaskState.SKIPPED and callbacks.on_skipped:
        call_back(core, live, over, "on_skipped", cause)


def begin(core: Core, ti: TaskInstance) -> TaskInstance:
    """A try without an attempt."""
    return replace(
        ti, try_number=ti.try_number + 1, scheduled_at=ti.scheduled_at or core.now, started_at=core.now, ended_at=None,
        attempts_in_try=0, infrastructure_failures=0, verdict=None,
    )  # fmt: skip


def _moment(run: DagRun, body: WaitTimeBody, now: datetime) -> datetime:
    if body.at is not None:
        return body.at
    anchor = now if body.anchor == "start" else run.interval_end or run.run_after
    return anchor + timedelta(seconds=body.after_seconds)


def is_latest(live: LiveRun, now: datetime) -> bool:
    """Whether no later run is due: always for runs made by hand, and where the timetable has no next one."""
    run = live.run
    if run.run_type is RunType.MANUAL:
        return True
    at = run.logical_date or run.run_after
    interval = DataInterval(run.interval_start or at, run.interval_end or at)
    slot = RunSlot(logical_date=run.logical_date, data_interval=interval, run_after=run.run_after)
    try:
        following = next_slot(
            live.graph.spec.timetable, last=slot, earliest=interval.end, latest=None, catchup=True, now=now
        )
    except BadTimetable:
        return True
    if following is None or following.data_interval is None:
        return True
    return interval.start < now <= following.data_interval.end
