"""Giving the place up for a trigger, and going on after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tradewind.model import outcome as outcomes
from tradewind.sdk import errors, serde

_FAILED = "__fail__"
_TIMED_OUT = "Trigger timeout"


def execution(task: Any, next_method: str, next_kwargs: dict[str, Any] | None) -> Callable[[Any], Any]:
    """What runs instead of `execute` after a deferral."""
    kwargs = serde.decode(msgspec.json.encode(next_kwargs or {}))

    def go_on(context: Any) -> Any:
        if next_method == _FAILED:
            told = str(kwargs.get("error", "unknown"))
            if told == _TIMED_OUT:
                raise errors.TaskDeferralTimeout(told)
            raise errors.TaskDeferralError(told)
        return task.resume_execution(next_method=next_method, next_kwargs=kwargs, context=context)

    return go_on


def deferred(wish: errors.TaskDeferred) -> outcomes.Deferred:
    """The deferral as data. Raises for a trigger whose arguments cannot be written as JSON."""
    classpath, kwargs = wish.trigger.serialize()
    return outcomes.Deferred(
        classpath=classpath,
        kwargs=_plain(kwargs),
        next_method=wish.method_name,
        next_kwargs=_plain(wish.kwargs or {}),
        timeout_seconds=None if wish.timeout is None else wish.timeout.total_seconds(),
    )


def _plain(value: Any) -> dict[str, Any]:
    encoded = serde.encode(value)[0]
    plain: dict[str, Any] = msgspec.json.decode(encoded)
    return plain
