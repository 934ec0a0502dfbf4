"""Notices where a stream that is far behind leapt over a file that its node had put aside, or tells one again.

A kubelet that reads for a stream goes on, at the end of a file, with the newest one. It looks every ten seconds whether
a file is full; so a stream that is further behind may leap over whole files and says nothing. What can be seen is the
times: a pause of seconds in the lines of a stream that told MiB, read while we are behind. How far we are behind is
told against the least that was seen, so clocks that differ do not matter. Pure.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from tradewind.runtime.kubernetes.log_block import STAMP

_LEAP = timedelta(seconds=8)
"""A file that was leapt over has the lines of ten seconds: so often a kubelet looks (`containerLogMonitorInterval`)."""
_BEHIND = timedelta(seconds=4)
"""Ten seconds too; but where a log was a flood from its start, the least that was seen is behind by some itself."""
_SKEW = timedelta(seconds=5)
_BACK = timedelta(milliseconds=100)
_SECOND = len(b"2026-01-01T00:00:00")


class Lag:
    """Of one container's log."""

    def __init__(self) -> None:
        self._least: timedelta | None = None
        self._behind = timedelta(0)
        self._at = b""

    @property
    def skew(self) -> timedelta:
        """How far our clock is before the node's, by the line that came soonest; less than seconds is its way to us."""
        return self._least if self._least is not None and abs(self._least) >= _SKEW else timedelta(0)

    def said_at(self, line: bytes, now: datetime) -> datetime:
        """When a line was written, by our clock."""
        return min(now, _time(line[:STAMP]) + self.skew)

    def leaps(self, lines: list[bytes], now: datetime, *, is_flood: bool) -> list[int]:
        """Which of these lines, as `log_block.told` gives them, may have lost others right before them.

        `is_flood`: this stream has told so much that the end of a file may be in it.
        """
        known, self._at = self._at, lines[-1][:STAMP]
        found: list[int] = []
        if is_flood and known and self._behind >= _BEHIND and _time(self._at) - _time(known) >= _LEAP:
            found = _leaps(known, lines)
        age = now - _time(self._at)
        self._least = age if self._least is None else min(age, self._least)
        self._behind = age - self._least
        return found


def find_rewind(newest: bytes, lines: list[bytes]) -> int | None:
    """Which of a stream's lines goes back in time, further than stdout and stderr beside each other ever do.

    A kubelet that was behind by several files opens the newest once for each of them, and tells it from its beginning.
    """
    stamps = [line[:STAMP] for line in lines]
    if stamps[0] >= newest and stamps == sorted(stamps):
        return None
    for number, (one, other) in enumerate(itertools.pairwise([newest, *stamps])):
        if other < one and _time(one) - _time(other) >= _BACK:
            return number
    return None


def _leaps(known: bytes, lines: list[bytes]) -> list[int]:
    stamps = [known, *(line[:STAMP] for line in lines)]
    return [
        number
        for number, (one, other) in enumerate(itertools.pairwise(stamps))
        if one[:_SECOND] != other[:_SECOND] and _time(other) - _time(one) >= _LEAP
    ]


def _time(stamp: bytes) -> datetime:
    return datetime.fromisoformat(stamp.decode()).replace(tzinfo=UTC)
