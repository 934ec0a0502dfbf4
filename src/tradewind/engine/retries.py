"""What a failed try leads to: another one later, or the end."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from tradewind.engine.core import Core
from tradewind.engine.finish import call_back, fail, send_mail
from tradewind.engine.limits import Draws
from tradewind.engine.live import LiveRun
from tradewind.model.dagspec import TaskSpec
from tradewind.model.outcome import Failed
from tradewind.model.rows import TaskInstance
from tradewind.model.states import TaskState

_LONGEST_SECONDS = 86_400.0
"""Exponential back-off ends here, as in Airflow."""


def fail_try(core: Core, live: LiveRun, ti: TaskInstance, outcome: Failed, verdict: str) -> None:
    """The try failed by the user's doing (or its budget is used up)."""
    task = live.graph.tasks.get(ti.task_id)
    callback = not outcome.callbacks_ran
    if task is None or not outcome.retry or ti.try_number > ti.max_tries:
        fail(core, live, ti, verdict, "failed", callback=callback)
        return
    due = core.now + timedelta(seconds=retry_seconds(task, ti.try_number, outcome.delay_seconds, core.draws))
    core.watches.unwatch(ti.key)
    waiting = replace(
        ti, state=TaskState.UP_FOR_RETRY, due_at=due, waits_for=None, verdict=verdict, ended_at=ti.ended_at or core.now
    )
    core.put_task(live, waiting, "failed, will be tried again")
    if callback and task.callbacks.on_retry:
        call_back(core, live, waiting, "on_retry", verdict)
    if task.email_on_retry:
        send_mail(core, live, waiting, verdict, next_try_at=due)


def retry_seconds(task: TaskSpec, try_number: int, own: float | None, draws: Draws) -> float:
    """The delay after this try: `own` is that of a retry policy in the user's code.

    As in Airflow, `max_retry_delay` only bounds back-off, which is never under a second.
    """
    if own is not None:
        return own
    seconds = float(task.retry_delay_seconds)
    if not task.retry_backoff:
        return seconds
    factor = task.retry_backoff if task.retry_backoff > 1 else 2.0
    try:
        seconds = max(1.0, seconds * factor ** (max(try_number, 1) - 1))
    except OverflowError:
        seconds = _LONGEST_SECONDS
    if task.retry_jitter:
        seconds *= 1 + draws.uniform()
    longest = _LONGEST_SECONDS if task.max_retry_delay_seconds is None else task.max_retry_delay_seconds
    return min(seconds, longest, _LONGEST_SECONDS)
