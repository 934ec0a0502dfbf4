"""How much one container's log needs an open stream, and else how soon the next look: told by what was read of it.

A node keeps what a container writes in files of some MiB, and the API tells only of the newest. What was not read when
a file is put aside is lost, but for a stream that is open then. So a container that may soon fill its file needs one;
the others are looked at, more seldom the less they write. The file's size is the kubelet's `containerLogMaxSize`.
"""

from __future__ import annotations

import math

QUIET, WANTED, BUSY = 0, 1, 2
"""Ranks: a stream goes to the higher one. Somebody follows a wanted one; a busy one might lose lines."""
FIRST_LOOK_SECONDS = 1.0
"""A container that has ended by then is read once."""
_WANTED_LOOK_SECONDS = 1.0
_WANTED_FOR_SECONDS = 5.0
_LOOK_SECONDS = 30.0
_LONGEST_LOOK_SECONDS = 120.0
_AVERAGED_SECONDS = 30.0
_AHEAD_SECONDS = 120.0
"""A stream is taken when at the rate of late the file would be full within this time."""
_FULL = 0.75
"""Of the file's size; from there it may be put aside any time soon."""
_FORGOTTEN_SECONDS = 600.0
"""One that filled a file once and writes nothing for so long is quiet again."""
_BESIDE_TEXT = len(b" stdout F")
"""What a line has more on the node than in the API."""


class Need:
    """Of one container, which began at `now`. Times are of a monotonic clock, in seconds."""

    def __init__(self, file_bytes: int, now: float) -> None:
        self._file_bytes = file_bytes
        self._began = self._rated = now
        self._total = 0
        self._rate = 0.0
        self._wrote = now
        self._wanted_until = -math.inf
        self._looks_in_vain = 0

    def saw(self, lines: int, size: int, now: float) -> None:
        """So many new lines, of so many bytes as the API tells them."""
        written = size + lines * _BESIDE_TEXT
        self._total += written
        self._rate = self._decayed(now) + written / _AVERAGED_SECONDS
        self._rated = now
        if lines:
            self._wrote, self._looks_in_vain = now, 0

    def want(self, now: float) -> None:
        """Somebody follows it, and says so again within seconds as long as they do."""
        self._wanted_until = now + _WANTED_FOR_SECONDS

    def is_wanted(self, now: float) -> bool:
        """Whether somebody follows it."""
        return now < self._wanted_until

    def rate(self, now: float) -> float:
        """Bytes a second, of the last half a minute or less."""
        known = 1 - math.exp(-max(now - self._began, 1.0) / _AVERAGED_SECONDS)
        return self._decayed(now) / known

    def rank(self, now: float) -> int:
        """QUIET, WANTED or BUSY."""
        filled = self._total >= _FULL * self._file_bytes and now - self._wrote < _FORGOTTEN_SECONDS
        if filled or self.rate(now) * _AHEAD_SECONDS >= _FULL * self._file_bytes:
            return BUSY
        return WANTED if self.is_wanted(now) else QUIET

    def next_look(self, now: float) -> float:
        """Seconds until the next look, after one, where no stream is open."""
        if self.is_wanted(now):
            return _WANTED_LOOK_SECONDS
        pause = min(_LOOK_SECONDS * 2.0**self._looks_in_vain, _LONGEST_LOOK_SECONDS)
        self._looks_in_vain = min(self._looks_in_vain + 1, 10)
        room = max(0.1, _FULL - self._total / self._file_bytes) * self._file_bytes
        rate = self.rate(now)
        return max(1.0, min(pause, room / rate / 2)) if rate else pause

    def _decayed(self, now: float) -> float:
        return self._rate * math.exp(-(now - self._rated) / _AVERAGED_SECONDS)
