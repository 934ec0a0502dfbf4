"""Events: what happened in the world, at least once, told apart by (attempt, phase). They are inputs of the engine."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Union

import msgspec

from tradewind.model.commands import Command
from tradewind.model.ids import AttemptId, DagId
from tradewind.model.outcome import Result
from tradewind.model.rows import DagRow
from tradewind.model.states import AttemptPhase

WAITING = "waiting"
"""In the detail of an attempt that has not begun: what it waits for, in words; empty when it goes on."""


class AttemptProgress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="progress"):
    """An attempt reached a phase before its end; or, told with a detail, what it waits for in the phase it is in."""

    attempt_id: AttemptId
    phase: AttemptPhase
    at: datetime
    pod_name: str = ""
    pod_uid: str = ""
    namespace: str = ""
    node: str = ""
    detail: dict[str, Any] = {}


class AttemptEnded(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="ended"):
    """An attempt is over. `started_at` also tells a start whose own event was not seen."""

    attempt_id: AttemptId
    at: datetime
    result: Result
    started_at: datetime | None = None
    verdict: str | None = None
    detail: dict[str, Any] = {}


class TimePassed(msgspec.Struct, frozen=True, kw_only=True, tag="time"):
    """Nothing but time: timers that are due now are decided."""


class CommandReceived(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="command"):
    """A row of the inbox."""

    inbox_id: int
    command: Command
    by: str = ""


class DagSeen(msgspec.Struct, frozen=True, kw_only=True, tag="dag"):
    """A DAG has a new newest version, or was removed or came back (the store has it already)."""

    dag: DagRow


class DagGone(msgspec.Struct, frozen=True, kw_only=True, tag="dag_gone"):
    """A DAG was deleted with its history."""

    dag_id: DagId


Event = Union[AttemptProgress, AttemptEnded, TimePassed, CommandReceived, DagSeen, DagGone]
