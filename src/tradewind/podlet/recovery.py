"""What a podlet finds of one that died: the directory of each attempt says whether it runs, how it ended, or that it
cannot run.

Invariant: an attempt that has no fence gets one here, first of all; whatever of it is still on its way cannot run then.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

from tradewind.podlet import fence, pod, processes
from tradewind.podlet import loop as loops
from tradewind.podlet.attempt import Attempt
from tradewind.podlet.attempts import Attempts
from tradewind.podlet.output import Outputs
from tradewind.podlet.processes import Identity
from tradewind.podlet.zygote import EXIT_FILE

_STATUS_SECONDS = 2.0


class Recovery:
    """Adopts what a podlet before us began."""

    def __init__(self, loop: loops.Loop, folder: str, *, attempts: Attempts, outputs: Outputs) -> None:
        self._loop = loop
        self._folder = folder
        self._attempts = attempts
        self._outputs = outputs

    def adopt_all(self) -> None:
        """Every attempt that has a directory."""
        for attempt_id in sorted(os.listdir(self._folder)):
            self._adopt(attempt_id)

    def _adopt(self, attempt_id: str) -> None:
        folder = f"{self._folder}/{attempt_id}"
        if os.path.exists(f"{folder}/result"):
            found = fence.find(folder)
        else:
            fence.bar(folder)
            found = fence.find(folder)
        attempt = Attempt(attempt_id, folder, 1 << 30 if found is None else found.log_quota)
        attempt.is_adopted = True
        attempt.is_pod = os.path.isdir(f"{folder}/{pod.OWN_FOLDER}")
        attempt.output.stamper.resume()
        self._attempts.add(attempt)
        if found is not None:
            attempt.entered_at = found.made_at
        if found is None or found.runner is None:
            self._attempts.end_by_files(attempt, None)
            return
        attempt.pid = found.runner.pid
        if found.runner.is_there():
            self._follow(attempt, found.runner)
        else:
            self._end(attempt)

    def _follow(self, attempt: Attempt, runner: Identity) -> None:
        try:
            descriptor = os.pidfd_open(runner.pid)
        except ProcessLookupError:
            self._end(attempt)
            return

        def ended(_events: int) -> None:
            self._loop.unwatch(descriptor)
            os.close(descriptor)
            self._await_status(attempt, runner, time.monotonic() + _STATUS_SECONDS)

        self._outputs.begin(attempt.output)
        self._loop.watch(descriptor, ended)

    def _await_status(self, attempt: Attempt, runner: Identity, deadline: float) -> None:
        """Its zygote writes its status down before it reaps it; without one, whoever is its parent reaps it soon."""
        told = os.path.exists(f"{attempt.folder}/result")
        if not told and runner.is_there() and time.monotonic() < deadline:
            self._loop.after(0.01, lambda: self._await_status(attempt, runner, deadline))
        else:
            self._end(attempt, seen=True)

    def _end(self, attempt: Attempt, *, seen: bool = False) -> None:
        """What it left behind is not below us, so it is found by its environment, and by its session.

        A session is told by a number that someone else may have by now, unless we saw the attempt end.
        """
        left = processes.find_marked("TRADEWIND_ATTEMPT_ID", attempt.id)
        left += processes.find_session(attempt.pid) if seen else []
        for pid in {*left} - {os.getpid()}:
            processes.send(pid, signal.SIGKILL)
        status: int | None = None
        with suppress(OSError, ValueError), open(f"{attempt.folder}/{EXIT_FILE}") as file:
            status = int(file.read())
        self._attempts.end_by_files(attempt, status)
