"""Seeing that the wall clock was set, or that the machine slept: what is due then must not wait for an old sleep."""

from __future__ import annotations

import logging

from tradewind.ports import clock as clock_port

_log = logging.getLogger(__name__)
_LEAST_SECONDS = 0.5
"""A difference below it is the slewing of a time service, which no timer notices."""


class ClockWatch:
    """Compares the wall clock with the monotonic one, which is never set and stands still while the machine sleeps."""

    def __init__(self, clock: clock_port.Clock) -> None:
        self._clock = clock
        self._apart = self._measure()

    def has_stepped(self) -> bool:
        """Whether the wall clock moved by itself since the last look."""
        apart = self._measure()
        step = apart - self._apart
        if abs(step) < _LEAST_SECONDS:
            return False
        self._apart = apart
        _log.warning("the clock moved %s by %.1f s: set, or the machine slept", "on" if step > 0 else "back", abs(step))
        return True

    def _measure(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()
