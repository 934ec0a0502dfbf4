"""Log files of attempts in a home.

Invariant: a log exists once: sealing renames the live file to its place at rest (or joins the two of a worker and the
pod that it handed over), so no line is there twice.
"""

from __future__ import annotations

import asyncio
import collections
import os
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from tradewind.logs import demand, joining
from tradewind.logs import line as log_line
from tradewind.model import ids
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
        if not self._is_there(attempt):
            raise errors.NotFound(
                "it wrote nothing, or its log is gone",
                object=f"log of {attempt.task_id} try {attempt.try_number}",
                code="no-log",
                hint="`tradewind runs show` gives its verdict",
            )
        async for one in self._lines(attempt):
            yield one

    async def tail(self, attempt: Attempt, count: int, *, within: timedelta) -> Sequence[logs_port.LogLine]:
        """The last lines. At rest only the file's end is read, however long it is."""
        until = self._clock.monotonic() + within.total_seconds()
        while not self._is_over(attempt) and self._clock.monotonic() < until:
            await self._clock.sleep(_LOOK_EVERY_SECONDS)
        place = self.place(attempt)
        if place.exists():
            return await asyncio.to_thread(_end_of, place, count)
        last: collections.deque[logs_port.LogLine] = collections.deque(maxlen=count)
        async for one in self.read(attempt):
            last.append(one)
        return list(last)

    async def follow(self, attempt: Attempt) -> AsyncIterator[logs_port.LogLine]:
        """All lines so far, then each as it comes, until the log is sealed or the attempt's directory is gone."""
        with self._demand.following(attempt.attempt_id) as follower:
            while not self._is_there(attempt) and (self._attempts / attempt.attempt_id).is_dir():
                await self._clock.sleep(_LOOK_EVERY_SECONDS)
                follower.still()
            if self._is_there(attempt):
                async for one in self._lines(attempt, follower):
                    yield one

    async def seal(self, attempt: Attempt) -> None:
        """Move the log to rest. Idempotent; nothing to do where nothing was written."""
        # Plain strings: this runs once for each attempt, and most wrote nothing.
        live = f"{self._attempts}/{attempt.attempt_id}/log"
        if _has_pod(self._attempts, attempt.attempt_id):
            await asyncio.to_thread(self._join, attempt)
            return
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

    def _join(self, attempt: Attempt) -> None:
        """Put what its worker and its pod wrote at rest as one. Done again after a crash, it comes to the same."""
        target = self.place(attempt)
        temporary = target.with_suffix(".new")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with joining.LiveLog(self._attempts, attempt.attempt_id) as live, temporary.open("wb") as file:
                while lines := live.take(sealing=True):
                    file.write(b"\n".join(lines) + b"\n")
                file.write(b"".join(line + b"\n" for line in live.rest()))
                size = file.tell()
                paths = live.paths()
            temporary.rename(target)
            for path in paths:
                path.unlink()
            self.sealed_bytes += size
        except OSError as error:
            raise errors.Transient(
                f"cannot join the logs of worker and pod: {error.strerror}",
                object=str(target),
                code="log-not-moved",
                hint="is the disk full?",
            ) from error

    def _is_there(self, attempt: Attempt) -> bool:
        with joining.LiveLog(self._attempts, attempt.attempt_id) as live:
            return self.place(attempt).exists() or bool(live.paths())

    async def _lines(
        self, attempt: Attempt, follower: demand.Follower | None = None
    ) -> AsyncIterator[logs_port.LogLine]:
        """Lines of open files; an open file stays the same when it is moved to rest."""
        if self.place(attempt).exists():
            with self.place(attempt).open("rb") as file:
                async for one in self._at_rest(file):
                    yield one
            return
        with joining.LiveLog(self._attempts, attempt.attempt_id) as live:
            while True:
                sealed = follower is None or self._is_over(attempt)
                lines = await asyncio.to_thread(live.take)
                for raw in lines:
                    yield log_line.parse(raw.decode("utf-8", "backslashreplace"))
                if follower is not None:
                    follower.still()
                if not lines and sealed:
                    break
                if not lines:
                    await self._clock.sleep(_LOOK_EVERY_SECONDS)
            for raw in live.rest():
                yield log_line.parse(raw.decode("utf-8", "backslashreplace"))

    async def _at_rest(self, file: BinaryIO) -> AsyncIterator[logs_port.LogLine]:
        tail = b""
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            *whole, tail = (tail + chunk).split(b"\n")
            for raw in whole:
                yield log_line.parse(raw.decode("utf-8", "backslashreplace"))
        if tail:
            yield log_line.parse(tail.decode("utf-8", "backslashreplace"))

    def _is_over(self, attempt: Attempt) -> bool:
        return self.place(attempt).exists() or not (self._attempts / attempt.attempt_id).exists()


def _end_of(path: Path, count: int) -> list[logs_port.LogLine]:
    with path.open("rb") as file:
        beginning = max(0, file.seek(0, os.SEEK_END) - _CHUNK)
        file.seek(beginning)
        lines = file.read().removesuffix(b"\n").split(b"\n")
    whole = [line for line in (lines[1:] if beginning else lines) if line]
    return [log_line.parse(raw.decode("utf-8", "backslashreplace")) for raw in whole[-count:]]


def _has_pod(attempts: Path, attempt_id: AttemptId) -> bool:
    return os.path.exists(f"{attempts}/{ids.pod_of(attempt_id)}/log")
