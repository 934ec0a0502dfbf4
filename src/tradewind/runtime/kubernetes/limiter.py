"""How fast a cluster is asked: a token bucket whose rate halves under pressure and recovers by itself.

A 429 halves the rate, at most once in a while (a burst of them is one pressure), and nothing is asked before its
`Retry-After` is over. Without pressure the rate grows back step by step (additive increase, multiplicative decrease,
as in TCP; RFC 5681). If this is wrong, a cluster in trouble is kept in trouble by us.
"""

from __future__ import annotations

import email.utils
from dataclasses import dataclass
from datetime import UTC, datetime

from tradewind.ports import clock as clock_port


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`rate` and `lowest` are requests per second."""

    rate: float = 100.0
    burst: int = 100
    lowest: float = 1.0
    pressure_seconds: float = 1.0
    """429s within this time of one that halved the rate are the same pressure."""
    recovery_seconds: float = 30.0
    """From a halved rate back to the full one, without further pressure."""
    longest_pause_seconds: float = 60.0
    """A longer `Retry-After` is cut to this: it may be wrong, and asking once a minute hurts nobody."""


class Limiter:
    """Everything asked of one cluster passes `wait` first; 429 and 503 are told by `pushed_back`."""

    def __init__(self, limits: Limits, clock: clock_port.Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._rate = limits.rate
        self._next_at = float("-inf")
        self._paused_until = float("-inf")
        self._halved_at = float("-inf")
        self._grown_at = float("-inf")

    @property
    def rate(self) -> float:
        """Requests per second that are let through now."""
        self._recover()
        return self._rate

    async def wait(self) -> None:
        """Return when the next request may go. Those who wait go in order."""
        now = self._clock.monotonic()
        gap = 1.0 / self.rate
        # The moment at which an empty bucket would have this token (GCRA): one number instead of a queue.
        self._next_at = max(self._next_at, now - gap * (self._limits.burst - 1)) + gap
        due = self._next_at - gap
        while (pause := max(due, self._paused_until) - self._clock.monotonic()) > 0:
            await self._clock.sleep(pause)

    def pushed_back(self, retry_after: str | None) -> None:
        """The server asked for less. `retry_after` is the header as it came, or None."""
        now = self._clock.monotonic()
        pause = min(read_retry_after(retry_after, self._clock.now()), self._limits.longest_pause_seconds)
        self._paused_until = max(self._paused_until, now + pause)
        if now - self._halved_at >= self._limits.pressure_seconds:
            self._recover()
            self._rate = max(self._limits.lowest, self._rate / 2)
            self._halved_at = self._grown_at = now
            self._next_at = max(self._next_at, now)  # what was saved up for a burst is gone

    def _recover(self) -> None:
        now = self._clock.monotonic()
        since = now - self._grown_at
        if self._rate < self._limits.rate and since > 0:
            grown = self._limits.rate / 2 / self._limits.recovery_seconds * since
            self._rate = min(self._limits.rate, self._rate + grown)
            self._grown_at = now


def read_retry_after(header: str | None, now: datetime) -> float:
    """Seconds of a `Retry-After` header, given as seconds or as a date (RFC 9110, 10.2.3); 0 if it is neither."""
    if not header:
        return 0.0
    try:
        return max(0.0, float(int(header.strip())))
    except ValueError:
        pass
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
