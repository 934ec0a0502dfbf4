"""How far a container's log was read, and how a read that begins a little earlier leaves out what is known.

The API goes on from a second, not from a line. So the cursor knows how many lines each of the last seconds has: the API
tells them again, in the same order, and they are counted off. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tradewind.runtime.kubernetes import log_block
from tradewind.runtime.kubernetes.log_block import STAMP

_SECOND = len(b"2026-01-01T00:00:00")
_KEPT_SECONDS = 4
Missed = Callable[[bytes, bytes], None]
"""Told the bounds between which lines may be missing; the second is empty where nothing came after."""


@dataclass(slots=True)
class Cursor:
    """Of one container. Times are as `log_block.stamp` gives them.

    Nodes write stdout and stderr side by side, so times may go back by a little from one line to the next.
    """

    at: bytes = b""
    """Of the last line; empty before the first."""
    newest: bytes = b""
    """The latest of any line."""
    seconds: dict[bytes, int] = field(default_factory=dict)
    """How many lines each of the last seconds has that have any."""

    @property
    def since(self) -> bytes:
        """The second of the last line: where a read goes on (the API knows no finer place)."""
        return self.at[:_SECOND]

    @property
    def count(self) -> int:
        """Lines from that second on: the API tells them again, in the same order."""
        return sum(count for second, count in self.seconds.items() if second >= self.since)

    def move(self, lines: Sequence[bytes]) -> None:
        """Some more lines, each beginning with its time."""
        for second, count in Counter([line[:_SECOND] for line in lines]).items():
            if second not in self.seconds and len(self.seconds) >= _KEPT_SECONDS:
                del self.seconds[min(self.seconds)]
            self.seconds[second] = self.seconds.get(second, 0) + count
        self.at = lines[-1][:STAMP]
        self.newest = max(self.newest, max(lines)[:STAMP])


class Resume:
    """Of one read: leaves out the lines that are in the file already, and notices when the last of them is missing."""

    def __init__(self, cursor: Cursor, missed: Missed) -> None:
        self._has_begun = not cursor.at
        self._odd = b""
        self._missed = missed
        self.begin_again(cursor)

    def begin_again(self, cursor: Cursor) -> None:
        """What comes now is told from an earlier place than the cursor's, however early."""
        self._at = cursor.at
        self._since = cursor.since
        self._newest = cursor.newest
        self._left = cursor.count
        self._has_met = not cursor.at

    def new(self, lines: list[bytes]) -> list[bytes]:
        """Those that are new, in the form of `log_block.told`. Raises ValueError for what is no log."""
        if not self._has_begun and lines:
            self._has_begun = True
            if not log_block.is_stamped(lines[0]):
                # A node leaves out what is older in pieces of 16 KiB: of a longer line the rest comes, without a time.
                self._odd, lines = lines[0], lines[1:]
        found = log_block.told(lines)
        if self._left or not self._has_met:
            found = [line for line in found if self._wants(line[:STAMP])]
        return found

    def finish(self, *, is_last: bool) -> None:
        """Nothing more comes in this read: the line that was read last should have been there. Raises as `new`.

        Where other reads follow, the first line that they find is the gap's other bound.
        """
        if self._odd and not self._has_met:
            raise log_block.NoLine(self._odd)
        if is_last and not self._has_met:
            self._missed(self._at, b"")

    def _wants(self, at: bytes) -> bool:
        self._has_met = self._has_met or at == self._at
        if at < self._since:
            return False
        if self._left and at <= self._newest:
            self._left -= 1
            return False
        self._left = 0
        if not self._has_met:
            self._has_met = True
            self._missed(self._at, at)
        return True
