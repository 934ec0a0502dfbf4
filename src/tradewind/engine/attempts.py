"""Attempts: how one begins, how far it came, how it ended, and what its end means for its task instance.

Invariant: an instance that holds an attempt has exactly one that has not ended; events about others change nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from tradewind.engine import native, outputs, start_clock
from tradewind.engine.core import Check, Core
from tradewind.engine.finish import call_back, fail, finish
from tradewind.engine.live import LiveRun
from tradewind.engine.retries import fail_try
from tradewind.engine.skipping import all_below, skip_below
from tradewind.model.dagspec import MarkTaskBody, PythonBody, TaskSpec, WaitTimeBody
from tradewind.model.events import AttemptEnded, AttemptProgress
from tradewind.model.outcome import Deferred, Failed, LeftToEngine, Rescheduled, Result, Skipped, Success, XComPush
from tradewind.model.rows import Attempt, TaskInstance, XComRow
from tradewind.model.states import AttemptPhase, EndReason, TaskState

_PLACE = {phase: place for place, phase in enumerate(AttemptPhase)}
_TOO_LONG = "Its execution timeout passed."
_NET_SECONDS = 5.0
"""A worker ends its own attempt at the execution timeout and can tell more about it; ours is the net below."""


def queue(core: Core, live: LiveRun, ti: TaskInstance) -> None:
    """Launch a scheduled instance: the next try, or one more attempt of the try that goes on."""
    goes_on = ti.attempts_in_try > 0
    if not goes_on and ti.try_number > 0:
        core.clear_xcoms(ti)
    attempt = Attempt(
        attempt_id=core.draws.attempt_id(),
        run_key=ti.run_key,
        task_id=ti.task_id,
        map_index=ti.map_index,
        try_number=ti.try_number if goes_on else ti.try_number + 1,
        number=ti.attempts_in_try + 1,
        created_at=core.now,
    )
    core.put_attempt(attempt, "created")
    queued = replace(
        ti,
        state=TaskState.QUEUED,
        try_number=attempt.try_number,
        attempts_in_try=attempt.number,
        attempt_id=attempt.attempt_id,
        queued_at=core.now,
        due_at=None,
        ended_at=None,
        verdict=None,
    )
    if not goes_on:
        queued = replace(
            queued,
            started_at=None,
            first_started_at=None,
            infrastructure_failures=0,
            start_waited_seconds=0,
            native=None,
        )
    core.put_task(live, queued, "launched")


# -- progress ------------------------------------------------------------------------------------------------------


def progress(core: Core, event: AttemptProgress) -> None:
    """It reached a phase, or waits for something else before its start; a phase that is passed says nothing new."""
    attempt = core.attempts.get(event.attempt_id)
    if attempt is None or AttemptPhase.ENDED in (attempt.phase, event.phase):
        return
    names = _names(event)
    if _PLACE[event.phase] <= _PLACE[attempt.phase]:
        if event.phase is attempt.phase and event.phase is not AttemptPhase.STARTED and event.detail != attempt.detail:
            core.put_attempt(replace(attempt, detail=event.detail, **names), "waits")
        elif any(getattr(attempt, name) != value for name, value in names.items()):
            core.put_attempt(replace(attempt, **names))  # its worker runs already, and has handed a pod over since
        return
    live = core.runs[attempt.run_key]
    changes: dict[str, Any] = {
        "phase": event.phase,
        f"{event.phase.value}_at": event.at,
        "detail": event.detail,
        **names,
    }
    task, ti = live.graph.tasks.get(attempt.task_id), live.find(attempt.task_id, attempt.map_index)
    if event.phase is AttemptPhase.STARTED:
        changes["deadline_at"] = _execution_deadline(task, start_clock.moment(attempt, event.at, core.now))
    else:
        otherwise = core.limits.start_timeout_seconds
        changes["deadline_at"] = start_clock.deadline(
            task, ti, attempt, event, now=core.now, otherwise_seconds=otherwise
        )
    core.put_attempt(replace(attempt, **changes))
    if event.phase is not AttemptPhase.STARTED or ti is None or ti.attempt_id != attempt.attempt_id:
        return
    if ti.state is TaskState.QUEUED:
        first = ti.first_started_at or event.at
        core.put_task(live, replace(ti, state=TaskState.RUNNING, started_at=first, first_started_at=first), "started")


def _names(event: AttemptProgress) -> dict[str, Any]:
    """Names of its pod that are told."""
    given = {name: getattr(event, name) for name in ("pod_name", "pod_uid", "namespace", "node")}
    return {name: value for name, value in given.items() if value}


def _execution_deadline(task: TaskSpec | None, started: datetime) -> datetime | None:
    if task is None or task.execution_timeout_seconds is None:
        return None
    net = _NET_SECONDS if isinstance(task.body, PythonBody) else 0.0
    return started + timedelta(seconds=task.execution_timeout_seconds + net)


def deadline_passed(core: Core, attempt: Attempt) -> None:
    """It did not start, or did not end, in time: it is to be stopped, and its end will say why."""
    if attempt.phase is AttemptPhase.STARTED:
        why = _TOO_LONG
    else:
        task = core.runs[attempt.run_key].graph.tasks.get(attempt.task_id)
        why = start_clock.said(task, attempt)
    core.put_attempt(replace(attempt, wanted=False, stop_reason=why, deadline_at=None), "timed out")


# -- the end -------------------------------------------------------------------------------------------------------


def ended(core: Core, event: AttemptEnded) -> None:
    """It is over; an end told again says nothing new."""
    attempt = core.attempts.get(event.attempt_id)
    if attempt is None or attempt.phase is AttemptPhase.ENDED:
        return
    live = core.runs[attempt.run_key]
    over = _closed(live.graph.tasks.get(attempt.task_id), attempt, event)
    core.put_attempt(over)
    ti = live.find(attempt.task_id, attempt.map_index)
    if ti is None or ti.attempt_id != attempt.attempt_id or not ti.state.holds_attempt:
        return
    # A short one may have ended before its start was told.
    began = ti.started_at or event.started_at
    ti = replace(ti, started_at=began, first_started_at=ti.first_started_at or began, ended_at=event.at)
    if ti.state is TaskState.RESTARTING and not ti.stop:
        restart(core, live, ti)
        return
    result = event.result
    if outputs.has_parts(live.graph.tasks.get(ti.task_id)):
        result = outputs.with_parts(result)
    returned = _keep_xcoms(core, ti, result)
    if ti.stop:
        _stopped(core, live, ti, over)
        return
    _decide(core, live, ti, over, event.result, returned)


def _closed(task: TaskSpec | None, attempt: Attempt, event: AttemptEnded) -> Attempt:
    outcome = event.result.outcome
    failed = outcome if isinstance(outcome, Failed) else None
    reason = failed.reason if failed else EndReason.COMPLETED
    verdict = event.verdict or (failed.message if failed else None)
    if attempt.stop_reason and failed:
        reason = _stop_reason(task, attempt)
        # What a start waited for is known only to the runtime.
        waited = f" {event.verdict}" if attempt.stop_reason in start_clock.RUN_OUT and event.verdict else ""
        verdict = f"{attempt.stop_reason}{waited}"
    return replace(
        attempt,
        phase=AttemptPhase.ENDED,
        ended_at=event.at,
        started_at=event.started_at or attempt.started_at,
        reason=reason,
        exit_code=failed.exit_code if failed else 0,
        signal=failed.signal if failed else None,
        verdict=verdict,
        detail=event.detail,
        deadline_at=None,
    )


def _stop_reason(task: TaskSpec | None, attempt: Attempt) -> EndReason:
    if attempt.stop_reason in start_clock.RUN_OUT:
        return start_clock.reason(task)
    return EndReason.TIMED_OUT if attempt.stop_reason == _TOO_LONG else EndReason.STOPPED


def _keep_xcoms(core: Core, ti: TaskInstance, result: Result) -> XComPush | None:
    returned = None
    for push in result.xcoms:
        if push.key == "return_value":
            returned = push
        core.xcoms.append(
            XComRow(
                run_key=ti.run_key,
                task_id=ti.task_id,
                map_index=ti.map_index,
                key=push.key,
                value=push.value,
                length=push.length,
            )
        )
    return returned


def _stopped(core: Core, live: LiveRun, ti: TaskInstance, attempt: Attempt) -> None:
    """What was asked for comes, whatever it did at the last moment."""
    to = TaskState(ti.stop)
    rest = replace(ti, stop="", verdict=attempt.stop_reason or attempt.verdict)
    finish(core, live, rest, to, "stopped")
    task = live.graph.tasks.get(ti.task_id)
    if to is TaskState.FAILED and task is not None and task.callbacks.on_failure:
        call_back(core, live, rest, "on_failure", rest.verdict or "")


def _decide(
    core: Core, live: LiveRun, ti: TaskInstance, attempt: Attempt, result: Result, returned: XComPush | None
) -> None:
    match result.outcome:
        case Success() as outcome:
            if problem := _without_parts(live, ti, returned) or _unmappable(core, live, ti, returned):
                fail_try(core, live, ti, Failed(message=problem), problem)
            else:
                _succeeded(core, live, ti, outcome, returned)
        case Skipped() as outcome:
            shown = outcome.rendered_map_index or ti.rendered_map_index
            rest = replace(ti, verdict=outcome.message or None, rendered_map_index=shown)
            finish(core, live, rest, TaskState.SKIPPED, "skipped itself")
        case Failed() as outcome:
            rest = replace(ti, rendered_map_index=outcome.rendered_map_index or ti.rendered_map_index)
            _failed(core, live, rest, attempt, outcome)
        case Rescheduled() as outcome:
            first = ti.first_rescheduled_at or ti.first_started_at
            rest = replace(ti, state=TaskState.UP_FOR_RESCHEDULE, due_at=outcome.at, first_rescheduled_at=first)
            core.put_task(live, rest, "rescheduled")
        case LeftToEngine() as outcome:
            shown = outcome.rendered_map_index or ti.rendered_map_index
            _left(core, live, replace(ti, native=outcome.body, rendered_map_index=shown, ended_at=None))
        case Deferred():
            verdict = "It deferred itself to a trigger, and triggers come with a later version."
            fail(core, live, ti, verdict, "deferred")


def _without_parts(live: LiveRun, ti: TaskInstance, returned: XComPush | None) -> str:
    return outputs.problem(returned) if outputs.has_parts(live.graph.tasks.get(ti.task_id)) else ""


def _left(core: Core, live: LiveRun, ti: TaskInstance) -> None:
    """Its worker did what needed code; the rest of the try is the engine's."""
    if isinstance(ti.native, WaitTimeBody):
        native.wait(core, live, ti, ti.native)
    elif isinstance(ti.native, MarkTaskBody):
        native.done(core, live, replace(ti, ended_at=core.now), TaskState.SUCCESS, "marks a task")
    else:
        core.put_task(live, replace(ti, state=TaskState.DEFERRED), "left to the engine")
        core.natives[ti.key] = None


def _unmappable(core: Core, live: LiveRun, ti: TaskInstance, returned: XComPush | None) -> str:
    """A task that others are mapped over must return a list or a dict, not too long a one."""
    if ti.map_index >= 0 or ti.task_id not in live.graph.mapped_over:
        return ""
    if returned is None:
        return "Others are mapped over what it returns, and it returned nothing."
    if returned.kind not in ("list", "dict") or returned.length is None:
        return "Others are mapped over what it returns, and that is neither a list nor a dict."
    if returned.length > core.limits.max_map_length:
        limit = core.limits.max_map_length
        return f"Others are mapped over what it returned: {returned.length} elements, over the limit of {limit}."
    return ""


def _succeeded(core: Core, live: LiveRun, ti: TaskInstance, outcome: Success, returned: XComPush | None) -> None:
    if returned is not None:
        ti = replace(ti, has_value=True, result_kind=returned.kind, result_length=returned.length)
    skips = set(outcome.skips)
    if outcome.skip_all_downstream:
        skips |= set(all_below(live, ti.task_id))
    direct = tuple(one for one in live.graph.downstream.get(ti.task_id, ()) if one in skips)
    done = replace(ti, skips=direct, rendered_map_index=outcome.rendered_map_index, verdict=None)
    finish(core, live, done, TaskState.SUCCESS, "completed")
    if skips:
        skip_below(core, live, done, skips)


def _failed(core: Core, live: LiveRun, ti: TaskInstance, attempt: Attempt, outcome: Failed) -> None:
    verdict = attempt.verdict or outcome.message
    # Of an attempt that we stopped, its own reason says why.
    is_lost = attempt.reason is not None and attempt.reason.is_infrastructure
    if is_lost and _may_go_on(core, live, ti, outcome):
        waited = ti.start_waited_seconds if outcome.entered else start_clock.waited_seconds(ti, attempt)
        again = replace(
            ti,
            state=TaskState.SCHEDULED,
            infrastructure_failures=ti.infrastructure_failures + 1,
            start_waited_seconds=waited,
            verdict=verdict,
        )
        core.put_task(live, again, "lost by the infrastructure")
        core.push_ready(live, live.nodes[ti.task_id], again)
        return
    fail_try(core, live, ti, outcome, verdict)


def _may_go_on(core: Core, live: LiveRun, ti: TaskInstance, outcome: Failed) -> bool:
    """Whether the infrastructure budget pays for another attempt of this try.

    One whose code had begun is run again only where the task allows to run twice.
    """
    task = live.graph.tasks.get(ti.task_id)
    if task is None:
        return False
    budget = core.limits.infrastructure_retries if task.infrastructure_retries is None else task.infrastructure_retries
    twice = task.retries > 0 if task.rerun_after_infrastructure_loss is None else task.rerun_after_infrastructure_loss
    return ti.infrastructure_failures < budget and (twice or not outcome.entered)


def restart(core: Core, live: LiveRun, ti: TaskInstance) -> None:
    """As if nothing had been tried, but for the number of tries, which goes on; its XComs are gone."""
    task = live.graph.tasks.get(ti.task_id)
    retries = 0 if task is None else task.retries
    fresh = TaskInstance(
        run_key=ti.run_key,
        task_id=ti.task_id,
        map_index=ti.map_index,
        try_number=ti.try_number,
        max_tries=ti.try_number + retries if task is not None else max(ti.max_tries, ti.try_number),
        attempt_id=ti.attempt_id,
        note=ti.note,
        native=ti.native if isinstance(ti.native, MarkTaskBody) else None,  # it may be cleared again before it ran
    )
    core.watches.unwatch(ti.key)
    live.nodes[ti.task_id].fitted = -1  # an element that was removed is compared with the length again
    core.put_task(live, fresh, "cleared")
    core.clear_xcoms(ti)
    core.checks[Check(ti.run_key, ti.task_id)] = None
