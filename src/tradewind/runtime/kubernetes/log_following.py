"""Follows the logs of a pod's containers into the attempt's log, whole and without a line twice.

A container that ends within seconds is read once. One that goes on is read by a stream that stays open, where one is to
be had (`log_streams`), else by looks. After the container's end it is read once more from the last line to the end:
only then is its log complete, because a stream ends in the same way when its node's kubelet does. A read goes on from
the second of the last line that is in the file, and leaves out as many lines as are there from then on. If that last
line is missing from what the API has, lines may be lost, and a line of ours says so with its bounds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import datetime
from typing import Any

from tradewind.ports import backoff, errors
from tradewind.ports import clock as clock_port
from tradewind.runtime.kubernetes import log_block, log_end, log_lag, log_need, log_outages
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.log_block import STAMP
from tradewind.runtime.kubernetes.log_cursor import Resume
from tradewind.runtime.kubernetes.log_file import LogFile
from tradewind.runtime.kubernetes.log_streams import Streams

_LONGEST_LINE = 16 << 20
_TURN_BYTES = 64 << 20
"""A look that found so much goes on in its next turn."""
_STREAM_IDLE_SECONDS = 300.0
"""Then a stream is opened anew: its connection may be half open."""
_VERIFY_SECONDS = 30.0
_READ_IDLE_SECONDS = 60.0
_END_COMES_SECONDS = 2.0
"""A stream ends with its container, whose end is told by the pod's status a moment later."""
_GIVE_UP_SECONDS = 60.0
"""A log that cannot be read for so long after its container's end is closed with a line that says so."""
_REFUSED_SECONDS = 5.0
"""The same, where the API server says no."""
_log = logging.getLogger(__name__)


class ContainerLog:
    """One container's. `run` ends when its log is complete; `end` is to be called when the container has ended."""

    def __init__(
        self,
        client: ClusterClient,
        streams: Streams,
        file: LogFile,
        *,
        namespace: str,
        pod: str,
        container: str,
        node: str,
        mark: str = "",
        file_bytes: int,
        clock: clock_port.Clock,
        random: clock_port.Random,
        is_ours: Callable[[], bool],
    ) -> None:
        """`mark` stands for the container in the file, where several pods have their logs in one."""
        self._client = client
        self._streams = streams
        self._file = file
        self._path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        self._pod = pod
        self.container = container
        self._mark = mark or container
        self._clock = clock
        self._pause = backoff.Backoff(random, first_seconds=0.2, cap_seconds=10.0)
        self._file_bytes = file_bytes
        self._need = log_need.Need(file_bytes, clock.monotonic())
        self._lag = log_lag.Lag()
        self._is_ours = is_ours
        self._node = node
        self._outages = streams.outages
        is_resumed = bool(file.cursor(self._mark).at)
        self._end = log_end.LogEnd(streams.outages, node, clock.now(), is_resumed=is_resumed)
        self._has_ended = self._is_gone = False
        self._is_to_leave = False
        self._is_stream = False
        self._streamed = 0
        self._heard = 0.0
        """Bytes that this read told, and when."""
        self._stirred = asyncio.Event()
        """Something may have to be done now: it ended, is wanted, may have a stream, has to give it back."""

    # -- what others tell ------------------------------------------------------------------------------------------

    def end(
        self, *, is_gone: bool = False, finished_at: datetime | None = None, noticed_at: datetime | None = None
    ) -> None:
        """It has ended, or nobody cares any more: read the rest. `is_gone`: its pod is not there any more.

        `noticed_at`: when its kubelet learnt of the end.
        """
        self._has_ended = True
        self._end.told(self._clock.now(), finished_at, noticed_at)
        self._is_gone = self._is_gone or is_gone
        self._stirred.set()

    def want(self) -> None:
        """Somebody follows this log, live."""
        now = self._clock.monotonic()
        if not self._need.is_wanted(now):
            self._stirred.set()
        self._need.want(now)

    def rank(self) -> int:
        """As `log_streams.Holder` says."""
        return self._need.rank(self._clock.monotonic())

    def leave(self) -> None:
        """As `log_streams.Holder` says."""
        self._is_to_leave = True
        self._stirred.set()

    def stir(self) -> None:
        """As `log_streams.Holder` says."""
        self._stirred.set()

    # -- reading ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until it is complete, or gone. Raises OSError where the log cannot be written."""
        try:
            if not self._file.cursor(self._mark).at:
                await self._wait(log_need.FIRST_LOOK_SECONDS)
            await self._rounds()
        finally:
            self._streams.forget(self)
            self._outages.forget(self._node, self)

    async def _rounds(self) -> None:
        failing_since: float | None = None
        while not self._file.is_full:
            last = self._has_ended
            try:
                await self._round(last)
            except (errors.TradewindError, ValueError) as error:
                if self._is_told_gone(error):
                    if not self._end.is_seen:
                        self._tell_loss("the pod is gone")
                    return
                _log.info("log of container %s of %s: %s", self.container, self._path, error)
                if isinstance(error, log_block.NoLine) and log_outages.are_words(error.words):
                    self._outages.away(self._node, self._clock.now())
                if _is_away(error):
                    failing_since = None  # it is where it was, and will be read
                elif failing_since is None:
                    failing_since = self._clock.monotonic()
                elif last and self._clock.monotonic() - failing_since > _patience(error):
                    self._tell_loss(f"it cannot be read: {error}")
                    return
                await (self._clock.sleep if last else self._wait)(self._pause.next_seconds())
                continue
            failing_since = None
            if last:
                if why := self._end.cut(self._file.cursor(self._mark).newest, self._lag.skew):
                    self._tell_loss(f"{why} when it ended")
                return
            self._pause.reset()

    def _is_told_gone(self, error: Exception) -> bool:
        """Whether its pod is not there; a kubelet that was just started says so of pods that it does not know yet."""
        if not isinstance(error, errors.NotFound):
            return False
        return self._is_gone or not self._is_ours() or f'pods "{self._pod}" not found' in error.message

    async def _round(self, last: bool) -> None:
        """One request: the rest of an ended container, or a stream that follows, or a look."""
        if last:
            async with self._streams.reads:
                await self._read(follow=False, whole=True)
        elif self._streams.take(self, self._clock.monotonic()):
            self._is_to_leave = False
            try:
                await self._until_ended(self._read(follow=True))
            finally:
                self._streams.give_back(self)
            if self._is_to_leave:
                await self._pause_looks()
            else:
                await self._wait(_END_COMES_SECONDS)
        else:
            async with self._streams.reads:
                await self._read(follow=False)
            await self._pause_looks()

    async def _pause_looks(self) -> None:
        self._streams.begin_looks()
        try:
            await self._wait(self._streams.spread(self._need.next_look(self._clock.monotonic())))
        finally:
            self._streams.end_looks()

    async def _until_ended(self, reading: Coroutine[Any, Any, None]) -> None:
        """A stream is left when its container has ended: the rest is read at once, its own end may take a second.

        Of a pod that is gone nothing else can be read, so there its end is waited for.
        """
        self._heard = self._clock.monotonic()
        task = asyncio.ensure_future(reading)
        try:
            while not (task.done() or self._has_ended or self._is_to_leave or self._is_stale()):
                await self._wait(self._outages.patience(self._node, self, self._clock.monotonic()), task)
                if self._outages.is_to_ask(self._node, self._clock.monotonic()):
                    await self._ask_node()
            if self._is_gone:
                await asyncio.wait({task}, timeout=_END_COMES_SECONDS)
            if task.done():
                task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._end.stream_closed(self._clock.now())

    async def _ask_node(self) -> None:
        """Whether its container runtime is there: the kubelet says so where lines are asked for. A stream goes on."""
        query = {"container": self.container, "timestamps": "true", "tailLines": "1", "limitBytes": "200"}
        asked = self._clock.now()
        try:
            told = await self._client.request("GET", self._path, query)
        except errors.TradewindError:
            return  # of the runtime that says nothing
        if log_outages.are_words(told):
            self._outages.away(self._node, self._clock.now())
        else:
            self._outages.heard(self._node, self, asked, self._clock.monotonic(), lines=0)

    def _is_stale(self) -> bool:
        """Silent after much: one that was far behind when a file was put aside may follow that file for ever."""
        silent = self._clock.monotonic() - self._heard >= _VERIFY_SECONDS
        return silent and self._is_flood()

    def _is_flood(self) -> bool:
        """Whether the stream told so much that the node may have begun another file under it."""
        return self._is_stream and self._streamed >= self._file_bytes / 2

    async def _wait(self, seconds: float, *others: asyncio.Future[None]) -> None:
        """So long, or until something may have to be done."""
        if self._has_ended:
            return
        self._stirred.clear()
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        stirred = asyncio.ensure_future(self._stirred.wait())
        waited: set[asyncio.Future[Any]] = {sleeping, stirred, *others}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            stirred.cancel()
            await asyncio.gather(sleeping, stirred, return_exceptions=True)

    async def _read(self, *, follow: bool, whole: bool = False) -> None:
        if not self._is_ours():
            raise errors.NotFound("the pod's name belongs to another by now", object=self._path)
        self._is_stream, self._streamed, asked = follow, 0, self._clock.now()
        cursor = self._file.cursor(self._mark)
        query = {"container": self.container, "timestamps": "true"}
        if follow:
            query["follow"] = "true"
        if cursor.at:
            query["sinceTime"] = cursor.since.decode() + "Z"
        resume, pieces, read = Resume(cursor, self._missed), [b""], 0
        idle = _STREAM_IDLE_SECONDS if follow else _READ_IDLE_SECONDS
        async with self._client.stream(self._path, query, idle_seconds=idle) as chunks:
            if follow:
                self._end.stream_opened(self._clock.now())
            async for chunk in self._unbroken(chunks):
                read += len(chunk)
                if (upto := chunk.rfind(b"\n")) >= 0:
                    self._take(b"".join([*pieces, chunk[:upto]]).split(b"\n"), resume)
                    pieces = [chunk[upto + 1 :]]
                elif sum(map(len, pieces)) > _LONGEST_LINE:
                    raise errors.Transient("a line is longer than 16 MiB", object=self._path, code="nonsense")
                else:
                    pieces.append(chunk)
                if self._file.is_full or (read > _TURN_BYTES and not follow and not whole):
                    return
                await asyncio.sleep(0)  # a fast log must not keep the others waiting
        rest = b"".join(pieces)
        if rest and (whole or log_outages.are_words(rest)):
            self._take([rest], resume)  # a last line without an end
        resume.finish(is_last=whole)
        if follow:
            self._end.stream_closed(self._clock.now(), by_itself=True)
        elif whole:
            self._outages.heard(self._node, self, asked, self._clock.monotonic(), lines=0)

    async def _unbroken(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same; where it breaks off, that is noted."""
        try:
            async for chunk in chunks:
                yield chunk
        except errors.TradewindError:
            self._end.stream_closed(self._clock.now(), broke=True)
            raise

    def _take(self, lines: list[bytes], resume: Resume) -> None:
        new = resume.new(lines)
        if new and self._is_flood():
            cursor = self._file.cursor(self._mark)
            if (again := log_lag.find_rewind(cursor.newest, new)) is not None:
                self._write(new[:again])
                resume.begin_again(cursor)
                new = resume.new(new[again:])
        self._write(new)

    def _write(self, new: list[bytes]) -> None:
        if new:
            written, now = 0, self._clock.now()
            if self._end.is_torn(self._need.rate(self._clock.monotonic()), now) and self._file.cursor(self._mark).at:
                self._torn(self._file.cursor(self._mark).at, new[0][:STAMP])
            for leap in self._lag.leaps(new, now, is_flood=self._is_flood()):
                self._file.append(self._mark, new[written:leap])
                self._leapt(self._file.cursor(self._mark).at, new[leap][:STAMP])
                written = leap
            self._file.append(self._mark, new[written:])
            size, self._heard = sum(map(len, new)) + len(new), self._clock.monotonic()
            self._streamed += size
            self._need.saw(len(new), size, self._heard)
            last, first = self._lag.said_at(new[-1], now), self._lag.said_at(new[0], now)
            self._outages.heard(self._node, self, last, self._heard, lines=len(new), first=first)

    def _missed(self, after: bytes, before: bytes) -> None:
        until = f" and before {before.decode()}Z" if before else ""
        self._file.note(
            f"gap: lines after {after.decode()}Z{until} may be missing; the node no longer has them", self._mark
        )

    def _leapt(self, after: bytes, before: bytes) -> None:
        bounds = f"after {after.decode()}Z and before {before.decode()}Z"
        self._file.note(f"gap: lines {bounds} may be missing; they came faster than they could be read", self._mark)

    def _torn(self, after: bytes, before: bytes) -> None:
        bounds = f"after {after.decode()}Z and before {before.decode()}Z"
        self._file.note(f"gap: lines {bounds} may be missing; {log_end.WAS_AWAY}", self._mark)

    def _tell_loss(self, why: str) -> None:
        at = self._file.cursor(self._mark).at
        since = f"after {at.decode()}Z" if at else "from the beginning"
        self._file.note(f"gap: lines {since} may be missing; {why}", self._mark)


def _is_away(error: Exception) -> bool:
    """Whether nobody answers there, or not us: that passes, and the log is still on its node."""
    return isinstance(error, errors.Unauthorized) or (isinstance(error, errors.Transient) and error.code == "network")


def _patience(error: Exception) -> float:
    return _REFUSED_SECONDS if isinstance(error, errors.Rejected) else _GIVE_UP_SECONDS
