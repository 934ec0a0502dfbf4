"""How an attempt ended, as its worker or its runtime tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Union

import msgspec

from tradewind.model.dagspec import NativeBody
from tradewind.model.states import EndReason


class XComPush(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value that the attempt pushed: JSON in Airflow's encoding; `length` for lists and dicts."""

    key: str
    value: bytes
    kind: str = "other"
    length: int | None = None


class Success(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="success"):
    """The body returned. `skips`: downstream task ids that a branch or short circuit decided against."""

    skips: tuple[str, ...] = ()
    skip_all_downstream: bool = False
    """Short circuit: everything below, not only the tasks in `skips`, trigger rules notwithstanding."""
    rendered_map_index: str | None = None


class Skipped(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="skipped"):
    """The body raised AirflowSkipException (or ended with a skip exit code)."""

    message: str = ""
    rendered_map_index: str | None = None


class Failed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="failed"):
    """The body failed. `retry` False: AirflowFailException. `delay_seconds`: a retry policy's own delay."""

    message: str
    retry: bool = True
    error: str = ""
    """Class of the exception, dotted."""
    delay_seconds: float | None = None
    reason: EndReason = EndReason.ERROR
    exit_code: int | None = None
    signal: int | None = None
    entered: bool = True
    """False: the user's code did not begin."""
    rendered_map_index: str | None = None
    callbacks_ran: bool = False
    """The worker itself ran the task's failure or retry callback."""


class Rescheduled(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="rescheduled"):
    """A sensor in reschedule mode wants to be asked again at a moment."""

    at: datetime


class Deferred(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="deferred"):
    """The body deferred itself to a trigger."""

    classpath: str
    kwargs: dict[str, Any] = {}
    next_method: str
    next_kwargs: dict[str, Any] = {}
    timeout_seconds: float | None = None


class LeftToEngine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="left_to_engine"):
    """The rest needs no process: the engine triggers the run, or waits, as this body says."""

    body: NativeBody
    rendered_map_index: str | None = None


Outcome = Union[Success, Skipped, Failed, Rescheduled, Deferred, LeftToEngine]


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Outcome and everything that was pushed, in order; the return value has the key `return_value`."""

    outcome: Outcome
    xcoms: tuple[XComPush, ...] = ()
