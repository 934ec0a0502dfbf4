"""How a task instance comes to its end, and what that asks for: callbacks, mail, and with fail_fast others' end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from tradewind.engine.core import Core
from tradewind.engine.live import LiveRun
from tradewind.model.facts import OutboxFact
from tradewind.model.notice import FailureNotice
from tradewind.model.rows import OutboxRow, TaskInstance
from tradewind.model.states import AttemptPhase, TaskState


def finish(core: Core, live: LiveRun, ti: TaskInstance, to: TaskState, cause: str) -> None:
    """It ends in this state."""
    if ti.waits_for is not None:
        core.watches.unwatch(ti.key)
    core.put_task(live, replace(ti, state=to, due_at=None, waits_for=None), cause)


def fail(core: Core, live: LiveRun, ti: TaskInstance, verdict: str, cause: str, *, callback: bool = True) -> None:
    """It has failed for good; with `fail_fast` the run's other tasks end too."""
    finish(core, live, replace(ti, verdict=verdict, ended_at=ti.ended_at or core.now), TaskState.FAILED, cause)
    task = live.graph.tasks.get(ti.task_id)
    if task is not None and task.email_on_failure:
        send_mail(core, live, ti, verdict)
    if callback and task is not None and task.callbacks.on_failure:
        call_back(core, live, ti, "on_failure", verdict)
    if live.graph.spec.fail_fast and not (task is not None and task.is_teardown):
        end_rest(core, live, f"Task {ti.task_id} failed and the DAG fails fast.", TaskState.FAILED, besides=ti.task_id)


def call_back(
    core: Core,
    live: LiveRun,
    ti: TaskInstance | None,
    which: str,
    reason: str,
    *,
    deadlines: tuple[int, ...] = (),
) -> None:
    """Ask for a callback, once for each attempt (or, of the run, for each time it was cleared).

    `deadlines`: positions of those that were missed, each of which is told once.
    """
    run = live.run
    key = f"callback:{which}:{run.run_key}:{run.clear_number}"
    payload: dict[str, Any] = {"dag_id": run.dag_id, "run_id": run.run_id, "which": which, "reason": reason}
    if ti is not None:
        key += f":{ti.task_id}:{ti.map_index}:{ti.try_number}:{ti.attempt_id or ''}"
        payload |= {"task_id": ti.task_id, "map_index": ti.map_index}
    if deadlines:
        key += f":{','.join(map(str, deadlines))}"
        payload["deadlines"] = deadlines
    core.facts.append(OutboxFact(row=OutboxRow(key=key, kind="callback", payload=payload, due_at=core.now)))


def send_mail(
    core: Core,
    live: LiveRun,
    ti: TaskInstance,
    verdict: str,
    *,
    next_try_at: datetime | None = None,
    is_late: bool = False,
) -> None:
    """Ask for a mail about a failed try, or a late task, to whom the task names, if it names anybody.

    Once for each attempt that failed, and once for each time that it is late.
    """
    task, run = live.graph.tasks[ti.task_id], live.run
    if not task.email:
        return
    notice = FailureNotice(
        to=task.email,
        at=core.now,
        dag_id=run.dag_id,
        run_id=run.run_id,
        run_key=run.run_key,
        task_id=ti.task_id,
        map_index=ti.map_index,
        try_number=ti.try_number,
        max_tries=ti.max_tries,
        verdict=verdict,
        logical_date=run.logical_date,
        attempt_id=ti.attempt_id,
        operator=task.operator,
        next_try_at=next_try_at,
        is_late=is_late,
    )
    one = f"{ti.task_id}:{ti.map_index}:{ti.try_number}:{ti.attempt_id or ''}"
    key = f"{'late' if is_late else 'mail'}:{run.run_key}:{run.clear_number}:{one}"
    payload = msgspec.to_builtins(notice)
    core.facts.append(OutboxFact(row=OutboxRow(key=key, kind="mail", payload=payload, due_at=core.now)))


def stop_attempt(core: Core, ti: TaskInstance, why: str) -> bool:
    """Its attempt is to be stopped; False where none is alive."""
    attempt = core.attempts.get(ti.attempt_id) if ti.attempt_id else None
    if attempt is None or attempt.phase is AttemptPhase.ENDED or not ti.state.holds_attempt:
        return False
    if attempt.wanted:
        core.put_attempt(replace(attempt, wanted=False, stop_reason=why), why)
    return True


def end_rest(
    core: Core,
    live: LiveRun,
    why: str,
    running_to: TaskState,
    *,
    besides: str = "",
    teardowns_too: bool = False,
) -> None:
    """End what is unfinished: what runs or waits becomes `running_to`, what has not begun is skipped.

    Teardowns go on, so that they can tidy up, unless `teardowns_too`.
    """
    for node in list(live.nodes.values()):
        if node.task_id == besides or (not teardowns_too and node.task is not None and node.task.is_teardown):
            continue
        for ti in list(node.rows.values()):
            if not ti.state.is_finished:
                end_one(core, live, ti, why, running_to)


def end_one(core: Core, live: LiveRun, ti: TaskInstance, why: str, running_to: TaskState) -> None:
    """End one unfinished instance: at once, or when its attempt has been stopped."""
    if stop_attempt(core, ti, why):
        core.put_task(live, replace(ti, stop=running_to.value), why)
        return
    begun = ti.state in (TaskState.UP_FOR_RESCHEDULE, TaskState.DEFERRED)
    to = running_to if begun else TaskState.SKIPPED
    finish(core, live, replace(ti, verdict=why, ended_at=core.now if begun else ti.ended_at), to, why)
