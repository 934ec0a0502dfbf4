"""`run_if` and `skip_if`: whether a decorated task runs is decided just before it would."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tradewind.sdk import errors

_SAID = "the condition of its decorator skips it"


def run_if(condition: Callable[..., Any], skip_message: str | None = None) -> Callable[[Any], Any]:
    """Skip the task unless the condition holds; it gets the context and may return a message besides."""
    return _decorator(condition, skip_message or _SAID, skipping=False, name="run_if")


def skip_if(condition: Callable[..., Any], skip_message: str | None = None) -> Callable[[Any], Any]:
    """Skip the task if the condition holds."""
    return _decorator(condition, skip_message or _SAID, skipping=True, name="skip_if")


def _decorator(condition: Callable[..., Any], message: str, *, skipping: bool, name: str) -> Callable[[Any], Any]:
    @functools.wraps(condition)
    def decide(context: Any) -> None:
        holds = condition(context)
        said = message
        if isinstance(holds, tuple):
            holds, own = holds
            said = own or message
        if bool(holds) is skipping:
            raise errors.AirflowSkipException(said)

    def decorate(task: Any) -> Any:
        if not hasattr(task, "kwargs"):
            raise TypeError(f"{name} decorates a task: write it above @task")
        before = task.kwargs.get("pre_execute")

        def both(context: Any) -> None:
            if before is not None:
                before(context)
            decide(context)

        task.kwargs["pre_execute"] = both
        return task

    return decorate
