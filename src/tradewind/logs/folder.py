"""Log files of attempts in a home.

Invariant: a log exists once: sealing renames the live file to its place at rest, so no line is there twice.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

from tradewind.logs import demand
from tradewind.logs import line as log_line
from tradewind.model.ids import AttemptId
from tradewind.model.rows import Attempt
from tradewind.ports import clock as clock_port
from tradewind.ports import errors
from tradewind.ports import logs as logs_port

_CHUNK = 1 << 18
_LOOK_EVERY_SECONDS = 0.1


class FolderLogs:
    """Implements `ports.logs.Logs` over `HOME/attempts/<id>/log` and `HOME/logs/`."""

    def __init__(self, home: Path, clock: clock_port.Clock) -> None:
        self._attempts = home / "attempts"
        self._rest = home / "logs"
        self._clock = clock
        self._demand = demand.FolderDemand(home)
        self.sealed_bytes = 0
        """Put at rest since this was made."""

    def place(self, attempt: Attempt) -> Path:
        """Where its log is at rest."""
        name = f"{attempt.map_index}.{attempt.try_number}.{attempt.number}.{attempt.attempt_id}.log"
        return self._rest / f"run={attempt.run_key}" / attempt.task_id / name

    async def read(self, attempt: Attempt) -> AsyncIterator[logs_port.LogLine]:
        """All lines so far. Raises `errors.NotFound` where nothing was written."""
        path = self._find(attempt)
        if path is None:
            raise errors.NotFound(
                "it wrote nothing, or its log is gone",
                object=f"log of {attempt.task_id} try {attempt.try_number}",
                code="no-log",
                hint="`tradewind runs show` gives its verdict",
            )
        async for one in self._lines(path, None):
            yield one

    async def follow(self, attempt: Attempt) -> AsyncIterator[logs_port.LogLine]:
        """All lines so far, then each as it comes, until the log is sealed or the attempt's directory is gone."""
        with self._demand.following(attempt.attempt_id) as follower:
            path = self._find(attempt)
            while path is None and (self._attempts / attempt.attempt_id).is_dir():
                await self._clock.sleep(_LOOK_EVERY_SECONDS)
                follower.still()
                path = self._find(attempt)
            if path is not None:
                async for one in self._lines(path, attempt, follower):
                    yield one

    async def seal(self, attempt: Attempt) -> None:
        """Move the log to rest. Idempotent; nothing to do where nothing was written."""
        # Plain strings: this runs once for each attempt, and most wrote nothing.
        live = f"{self._attempts}/{attempt.attempt_id}/log"
        try:
            size = os.stat(live).st_size
        except FileNotFoundError:
            return
        target = self.place(attempt)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.rename(live, target)
            self.sealed_bytes += size
        except OSError as error:
            raise errors.Transient(
                f"cannot move the log: {error.strerror}", object=live, code="log-not-moved", hint="is the disk full?"
            ) from error

    async def note(self, attempt_id: AttemptId, at: datetime, text: str) -> None:
        """Add a line of our own to a live log."""
        entry = log_line.format(logs_port.LogLine(at=at, stream="event", text=text)) + "\n"
        folder = self._attempts / attempt_id
        if folder.is_dir():
            with (folder / "log").open("ab") as file:
                file.write(entry.encode())

    def _find(self, attempt: Attempt) -> Path | None:
        for path in (self.place(attempt), self._attempts / attempt.attempt_id / "log"):
            if path.exists():
                return path
        return None

    async def _lines(
        self, path: Path, follow: Attempt | None, follower: demand.Follower | None = None
    ) -> AsyncIterator[logs_port.LogLine]:
        """Lines of an open file; the open file stays the same when it is moved to rest."""
        with path.open("rb") as file:
            tail = b""
            while True:
                sealed = follow is None or self._is_over(follow)
                chunk = await asyncio.to_thread(file.read, _CHUNK)
                if chunk:
                    *whole, tail = (tail + chunk).split(b"\n")
                    for raw in whole:
                        yield log_line.parse(raw.decode("utf-8", "backslashreplace"))
                elif sealed:
                    break
                else:
                    await self._clock.sleep(_LOOK_EVERY_SECONDS)
                if follower is not None:
                    follower.still()
            if tail:
                yield log_line.parse(tail.decode("utf-8", "backslashreplace"))

    def _is_over(self, attempt: Attempt) -> bool:
        return self.place(attempt).exists() or not (self._attempts / attempt.attempt_id).exists()
