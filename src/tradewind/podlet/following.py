"""Follows a process that is not our child to its end: that of an attempt which another podlet began.

Its zygote, which stays for it, writes its status down before it reaps it; without one, nobody can say how it ended.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from tradewind.podlet import loop as loops
from tradewind.podlet import processes
from tradewind.podlet.attempt import Attempt
from tradewind.podlet.processes import Identity
from tradewind.podlet.zygote import EXIT_FILE

_STATUS_SECONDS = 2.0
_OnEnd = Callable[[Attempt, "int | None"], None]


class Following:
    """All that are followed."""

    def __init__(self, loop: loops.Loop, on_end: _OnEnd) -> None:
        self._loop = loop
        self._on_end = on_end

    def follow(self, attempt: Attempt, runner: Identity) -> None:
        """Until it ends; at once where it has."""
        try:
            descriptor = os.pidfd_open(runner.pid) if runner.is_there() else None
        except ProcessLookupError:
            descriptor = None
        if descriptor is None:
            self._end(attempt)
            return

        def ended(_events: int) -> None:
            self._loop.unwatch(descriptor)
            os.close(descriptor)
            self._await_status(attempt, runner, time.monotonic() + _STATUS_SECONDS)

        self._loop.watch(descriptor, ended)

    def _await_status(self, attempt: Attempt, runner: Identity, deadline: float) -> None:
        told = os.path.exists(f"{attempt.folder}/result")
        if not told and runner.is_there() and time.monotonic() < deadline:
            self._loop.after(0.01, lambda: self._await_status(attempt, runner, deadline))
        else:
            self._end(attempt, seen=True)

    def _end(self, attempt: Attempt, *, seen: bool = False) -> None:
        """What it left behind is not below us, so it is found by its environment, and by its session.

        A session is told by a number that someone else may have by now, unless we saw the attempt end.
        """
        if not os.path.exists(f"{attempt.folder}/result"):  # else it ended that itself, before its own end
            left = processes.find_marked("TRADEWIND_ATTEMPT_ID", attempt.id)
            left += processes.find_session(attempt.pid) if seen else []
            for pid in {*left} - {os.getpid()}:
                processes.send(pid, signal.SIGKILL)
        status: int | None = None
        with suppress(OSError, ValueError), open(f"{attempt.folder}/{EXIT_FILE}") as file:
            status = int(file.read())
        self._on_end(attempt, status)
