"""Follows the logs of a pod's containers into the attempt's log, whole and without a line twice.

A container's log is read by a stream that stays open, where one is free; else by looks at intervals. After the
container's end it is read once more from the last line to the end: only then is its log complete. A read goes on from
the second of the last line that is in the file, and leaves out as many lines as are there from then on. If that last
line is missing from what the API has, lines may be lost, and a line of ours says so with its bounds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from tradewind.ports import backoff, errors
from tradewind.ports import clock as clock_port
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.log_file import Cursor, LogFile, stamp

_LONGEST_LINE = 16 << 20
_IDLE_SECONDS = 3600.0
_READ_IDLE_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 10.0
_GIVE_UP = timedelta(minutes=1)
"""A log that cannot be read for so long after its container's end is closed with a line that says so."""
_log = logging.getLogger(__name__)


class Streams:
    """Bounds of one cluster's open log streams: those that follow, and those that read to the end."""

    def __init__(self, follows: int, reads: int = 16) -> None:
        self._free = follows
        self.reads = asyncio.Semaphore(reads)

    def take(self) -> bool:
        """One that follows, if one is free; `give_back` ends it."""
        if self._free <= 0:
            return False
        self._free -= 1
        return True

    def give_back(self) -> None:
        """The one that was taken."""
        self._free += 1


class ContainerLog:
    """One container's. `run` ends when its log is complete; `ended` is to be set when the container has ended."""

    def __init__(
        self,
        client: ClusterClient,
        streams: Streams,
        file: LogFile,
        *,
        namespace: str,
        pod: str,
        container: str,
        clock: clock_port.Clock,
        random: clock_port.Random,
        is_ours: Callable[[], bool],
    ) -> None:
        self._client = client
        self._streams = streams
        self._file = file
        self._path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        self.container = container
        self._clock = clock
        self._pause = backoff.Backoff(random, first_seconds=0.2, cap_seconds=10.0)
        self._is_ours = is_ours
        self.ended = asyncio.Event()

    async def run(self) -> None:
        """Until it is complete, or gone. Raises OSError where the log cannot be written."""
        failing_since: float | None = None
        while not self._file.is_full:
            last = self.ended.is_set()
            try:
                await self._round(last)
            except errors.NotFound:
                self._tell_loss("the pod is gone")
                return
            except (errors.TradewindError, ValueError) as error:
                failing_since = self._clock.monotonic() if failing_since is None else failing_since
                _log.info("log of container %s of %s: %s", self.container, self._path, error)
                if last and self._clock.monotonic() - failing_since > _GIVE_UP.total_seconds():
                    self._tell_loss(f"it cannot be read: {error}")
                    return
                await self._wait(self._pause.next_seconds())
                continue
            failing_since = None
            if last:
                return
            self._pause.reset()

    async def _round(self, last: bool) -> None:
        """One request: the rest of an ended container, or a stream that follows, or a look."""
        if last:
            async with self._streams.reads:
                await self._read(follow=False)
        elif self._streams.take():
            try:
                await self._until_ended(self._read(follow=True))
            finally:
                self._streams.give_back()
            await self._wait(1.0)  # its end is told by the pod's status a moment later
        else:
            async with self._streams.reads:
                await self._read(follow=False)
            await self._wait(_LOOK_EVERY_SECONDS)

    async def _until_ended(self, reading: Coroutine[Any, Any, None]) -> None:
        """A stream that follows has the time to end by itself; one whose end does not come is left."""
        task = asyncio.ensure_future(reading)
        ended = asyncio.ensure_future(self.ended.wait())
        try:
            await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                await asyncio.wait({task}, timeout=1.0)
            if task.done():
                task.result()
        finally:
            task.cancel()
            ended.cancel()
            await asyncio.gather(task, ended, return_exceptions=True)

    async def _wait(self, seconds: float) -> None:
        """So long, or until the container has ended."""
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        ended = asyncio.ensure_future(self.ended.wait())
        try:
            await asyncio.wait({sleeping, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            ended.cancel()
            await asyncio.gather(sleeping, ended, return_exceptions=True)

    async def _read(self, *, follow: bool) -> None:
        if not self._is_ours():
            raise errors.NotFound("the pod's name belongs to another by now", object=self._path)
        cursor = self._file.cursor(self.container)
        query = {"container": self.container, "timestamps": "true"}
        if follow:
            query["follow"] = "true"
        if cursor.at:
            query["sinceTime"] = cursor.since.decode() + "Z"
        resume = _Resume(cursor)
        rest = bytearray()
        async with self._client.stream(
            self._path, query, idle_seconds=_IDLE_SECONDS if follow else _READ_IDLE_SECONDS
        ) as chunks:
            async for chunk in chunks:
                rest += chunk
                if b"\n" in chunk:
                    *lines, tail = bytes(rest).split(b"\n")
                    rest = bytearray(tail)
                    self._take(lines, resume)
                elif len(rest) > _LONGEST_LINE:
                    raise errors.Transient("a line is longer than 16 MiB", object=self._path, code="nonsense")
                if self._file.is_full:
                    return
                await asyncio.sleep(0)  # a fast log must not keep the others waiting
        if rest and not follow and self.ended.is_set():
            self._take([bytes(rest)], resume)  # a last line without an end
        resume.finish(self._missed)

    def _take(self, lines: list[bytes], resume: _Resume) -> None:
        found: list[tuple[bytes, bytes]] = []
        for line in lines:
            told, _, text = line.partition(b" ")
            if told and resume.wants(stamp(told), self._missed):
                found.append((told, text))
        if found:
            self._file.append(self.container, found)

    def _missed(self, after: bytes, before: bytes) -> None:
        until = f" and before {before.decode()}Z" if before else ""
        self._file.note(
            f"gap: lines after {after.decode()}Z{until} may be missing; the node no longer has them", self.container
        )

    def _tell_loss(self, why: str) -> None:
        at = self._file.cursor(self.container).at
        since = f"after {at.decode()}Z" if at else "from the beginning"
        self._file.note(f"gap: lines {since} may be missing; {why}", self.container)


class _Resume:
    """Leaves out the lines that are in the file already."""

    def __init__(self, cursor: Cursor) -> None:
        self._at = cursor.at
        self._newest = cursor.newest
        self._left = cursor.count
        self._has_met = not cursor.at

    def wants(self, at: bytes, missed: Callable[[bytes, bytes], None]) -> bool:
        self._has_met = self._has_met or at == self._at
        if self._left and at <= self._newest:
            self._left -= 1
            return False
        self._left = 0
        if not self._has_met:
            self._has_met = True
            missed(self._at, at)
        return True

    def finish(self, missed: Callable[[bytes, bytes], None]) -> None:
        """Nothing comes any more: the line that was read last should have been there."""
        if not self._has_met:
            missed(self._at, b"")
