"""Logs of attempts: at rest and while they grow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from tradewind.model.ids import AttemptId
from tradewind.model.rows import Attempt


class LogLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line. `stream` is stdout, stderr, or event (said by Tradewind itself, e.g. a gap or a quota mark)."""

    at: datetime
    stream: str
    text: str
    container: str = ""
    named: bool = True
    """Whether people see the container's name before the line."""
    partial: bool = False
    """The line goes on in the next one."""


class Demand(Protocol):
    """Knows whose lines are wanted as they come."""

    def list_followed(self) -> set[AttemptId]:
        """Attempts whose logs somebody follows now."""
        ...


class Logs(Protocol):
    """Reads and seals logs."""

    def read(self, attempt: Attempt) -> AsyncIterator[LogLine]:
        """All lines so far, in order. Raises `errors.NotFound` where no log was kept."""
        ...

    async def tail(self, attempt: Attempt, count: int, *, within: timedelta) -> Sequence[LogLine]:
        """The last lines; of an attempt that has just ended as soon as its log is sealed, or when `within` is over.

        Raises `errors.NotFound` as `read`.
        """
        ...

    def follow(self, attempt: Attempt) -> AsyncIterator[LogLine]:
        """All lines so far, then each as it comes, until the log is sealed."""
        ...

    async def seal(self, attempt: Attempt) -> None:
        """The attempt ended and every byte was read: move its log to rest. Idempotent."""
        ...

    async def note(self, attempt_id: AttemptId, at: datetime, text: str) -> None:
        """Add a line of our own (stream "event") to a live or sealed log."""
        ...
