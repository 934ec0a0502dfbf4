"""Tasks that need no process: the engine does them itself.

Those here look only at their own run and are done where they become ready; `crossings` has those that look at others.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

import msgspec
from msgspec.structs import replace

from tradewind.engine.core import Core
from tradewind.engine.finish import call_back, finish
from tradewind.engine.live import LiveRun
from tradewind.engine.retries import fail_try
from tradewind.engine.skipping import skip_below
from tradewind.model.dagspec import EmptyBody, LatestOnlyBody, MarkTaskBody, TaskSpec, WaitTaskBody, WaitTimeBody
from tradewind.model.outcome import Failed
from tradewind.model.rows import TaskInstance, XComRow
from tradewind.model.states import RunType, TaskState
from tradewind.model.timetable import BadTimetable, DataInterval, RunSlot, next_slot
from tradewind.model.timetable_zone import to_moment, to_wall, zone


def do_here(core: Core, live: LiveRun, task: TaskSpec, ti: TaskInstance) -> None:
    """An empty task, a marker, LatestOnly, or a wait for a moment."""
    begun = begin(core, ti)
    match task.body:
        case EmptyBody() | MarkTaskBody():
            done(core, live, begun, TaskState.SUCCESS, "empty")
        case LatestOnlyBody():
            skips = () if is_latest(live, core.now) else live.graph.downstream[ti.task_id]
            begun = replace(begun, skips=skips)
            if not skips and task.do_xcom_push:
                begun = _followed(core, begun, live.graph.downstream[ti.task_id])
            done(core, live, begun, TaskState.SUCCESS, "latest" if not skips else "not the latest")
            skip_below(core, live, begun, skips)
        case WaitTimeBody() as body:
            wait(core, live, begun, body)


def _followed(core: Core, ti: TaskInstance, below: tuple[str, ...]) -> TaskInstance:
    """As of any branch in Airflow, what it follows is its value."""
    value = msgspec.json.encode(sorted(below))
    core.xcoms.append(
        XComRow(
            run_key=ti.run_key, task_id=ti.task_id, map_index=ti.map_index, key="return_value", value=value,
            length=len(below),
        )
    )  # fmt: skip
    return replace(ti, has_value=True, result_kind="list", result_length=len(below))


def wait(core: Core, live: LiveRun, ti: TaskInstance, body: WaitTimeBody) -> None:
    """A try that has begun waits for its moment, at the longest as long as it may."""
    due = _moment(live, ti, body, core.now)
    if due <= core.now:
        done(core, live, ti, TaskState.SUCCESS, "its time had come")
        return
    due = min((due, *limits(live, ti, body)))
    core.put_task(live, replace(ti, state=TaskState.DEFERRED, due_at=due), "waits for a moment")


def time_came(core: Core, live: LiveRun, ti: TaskInstance, body: WaitTimeBody) -> None:
    """Its moment came, or the last one that it may wait for."""
    due = _moment(live, ti, body, core.now)
    if due <= core.now:
        done(core, live, ti, TaskState.SUCCESS, "its time came")
    else:
        too_late(core, live, ti, body, f"Its moment, {due.isoformat()}, did not come")


def limits(live: LiveRun, ti: TaskInstance, body: WaitTimeBody | WaitTaskBody) -> list[datetime]:
    """When a wait ends without what it waits for: by its own timeout, or by the task's execution timeout."""
    assert ti.started_at is not None
    spans = (body.timeout_seconds, live.graph.tasks[ti.task_id].execution_timeout_seconds)
    return [ti.started_at + timedelta(seconds=span) for span in spans if span is not None]


def too_late(core: Core, live: LiveRun, ti: TaskInstance, body: WaitTimeBody | WaitTaskBody, what: str) -> None:
    """A wait was too long. Only an execution timeout is tried again, as in Airflow."""
    assert ti.started_at is not None
    seconds = (core.now - ti.started_at).total_seconds()
    own = body.timeout_seconds is not None and seconds >= body.timeout_seconds
    limit = body.timeout_seconds if own else live.graph.tasks[ti.task_id].execution_timeout_seconds
    verdict = f"{what} within {limit:g} s."
    if own and body.soft_fail:
        done(core, live, replace(ti, verdict=verdict), TaskState.SKIPPED, "soft fail")
    else:
        fail_try(core, live, ti, Failed(message="", retry=not own), verdict)


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


def _moment(live: LiveRun, ti: TaskInstance, body: WaitTimeBody, now: datetime) -> datetime:
    if body.at is not None:
        return body.at
    began = ti.started_at or now
    if body.clock:
        where = zone(live.graph.spec.timezone)
        return to_moment(datetime.combine(to_wall(began, where).date(), time.fromisoformat(body.clock)), where)
    anchor = began if body.anchor == "start" else live.run.interval_end or live.run.run_after
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
