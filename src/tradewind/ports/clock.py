"""Time and randomness as ports, so that the whole control plane can run under virtual time."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from tradewind.model.ids import AttemptId


class Clock(Protocol):
    """Wall-clock time and sleeping."""

    def now(self) -> datetime:
        """The moment, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for durations."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Random(Protocol):
    """Randomness: ids and jitter."""

    def attempt_id(self) -> AttemptId:
        """20 characters of lower-case base 32."""
        ...

    def uniform(self) -> float:
        """In [0, 1)."""
        ...
