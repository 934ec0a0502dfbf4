"""Notices logs of one node that pause together and then go on, in one moment, with all that belongs into the pause.

What runs while its container runtime is away writes on, into a pipe; the runtime that comes back finds it all at once.
A program that writes in bursts does the same by itself, but two do not in the same half second; a machine that stood
still goes on with no more lines than before. Pure.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_PAUSE = timedelta(seconds=0.4)
_AT_ONCE = timedelta(milliseconds=50)
_TOGETHER = timedelta(seconds=0.5)
_LINES = 3
_SHARE = 0.5
"""Of the lines that a pause would have had at the rate before it."""
_KEPT = 16


@dataclass(frozen=True, slots=True)
class Pause:
    """Of one log: its last line before, and its first after."""

    began: datetime
    ended: datetime


@dataclass(slots=True)
class _Log:
    recent: deque[tuple[datetime, int]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    """When lines came, and how many."""
    pause: Pause | None = None
    missing: float = 0
    """So many lines the moment after its pause has to have still."""

    @property
    def is_dammed(self) -> bool:
        return self.pause is not None and self.missing <= 0

    def rate(self) -> float:
        """Lines a second, of late."""
        seconds = (self.recent[-1][0] - self.recent[0][0]).total_seconds()
        return sum(lines for _, lines in self.recent) / seconds if seconds > 0 else 0.0


class Dams:
    """Of one node. Times are those at which lines were written, by one clock."""

    def __init__(self) -> None:
        self._logs: dict[object, _Log] = {}

    def saw(self, who: object, first: datetime, last: datetime, lines: int, *, is_lively: bool) -> Pause | None:
        """New lines of one log. What its pause has in common with others', where there were some.

        `is_lively`: it wrote steadily until then.
        """
        log = self._logs.setdefault(who, _Log())
        if log.recent and is_lively and (length := first - log.recent[-1][0]) >= _PAUSE:
            log.pause = Pause(log.recent[-1][0], first)
            log.missing = max(_LINES, _SHARE * log.rate() * length.total_seconds())
        log.recent.append((last, lines))
        if log.pause is None:
            return None
        if last - log.pause.ended > _AT_ONCE:
            log.pause = log.pause if log.is_dammed else None
            return None
        log.missing -= lines
        pauses = [one.pause for one in self._logs.values() if one.pause is not None and one.is_dammed]
        together = [one for one in pauses if abs(one.ended - log.pause.ended) <= _TOGETHER]
        if not log.is_dammed or len(together) < 2:
            return None
        return Pause(max(one.began for one in together), min(one.ended for one in together))

    def forget(self, who: object) -> None:
        """Its log is over."""
        self._logs.pop(who, None)
