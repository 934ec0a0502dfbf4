"""Tells whether it was memory that ended an attempt: by the cgroup of its own limit, or by the kernel's count of kills.

The count is of the whole machine. It is noted every few seconds while anything runs, so that a kill long ago, or before
the attempt began, is not taken for its end.
"""

from __future__ import annotations

from collections.abc import Callable

from tradewind.podlet import loop as loops
from tradewind.podlet import processes
from tradewind.podlet.attempt import Attempt

_SECONDS = 5.0


class Memory:
    """What is known of kills by memory."""

    def __init__(self, loop: loops.Loop, *, is_needed: Callable[[], bool]) -> None:
        self._loop = loop
        self._is_needed = is_needed
        self._kills = 0
        self._watches = False

    def watch(self) -> None:
        """Something runs."""
        if not self._watches:
            self._watches = True
            self._kills = processes.oom_kills()
            self._loop.after(_SECONDS, self._note)

    def find_exceeded(self, attempt: Attempt) -> str:
        """Which memory an attempt that was killed had too little of; empty where that was not what ended it."""
        if attempt.group is not None and attempt.group.oom_kills():
            return f"its limit of {attempt.memory_bytes >> 20} MiB of memory"
        before, self._kills = self._kills, processes.oom_kills()
        return "the machine's memory" if self._kills > before and not attempt.killed else ""

    def _note(self) -> None:
        self._watches = False
        if self._is_needed():
            self.watch()
