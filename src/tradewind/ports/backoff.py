"""The one back-off: capped exponential with full jitter."""

from __future__ import annotations

from tradewind.ports import clock as clock_port

_ENOUGH = 64  # doublings: past any cap, and short of what a float holds


class Backoff:
    """Delays that grow with each failure in a row. Formula: uniform(0, min(cap, first × 2^n))."""

    def __init__(self, random: clock_port.Random, *, first_seconds: float = 0.05, cap_seconds: float = 5.0) -> None:
        self._random = random
        self._first = first_seconds
        self._cap = cap_seconds
        self._failures = 0

    def next_seconds(self) -> float:
        """The delay after one more failure."""
        ceiling = min(self._cap, self._first * 2.0 ** min(self._failures, _ENOUGH))
        self._failures += 1
        return ceiling * self._random.uniform()

    def reset(self) -> None:
        """A success."""
        self._failures = 0
