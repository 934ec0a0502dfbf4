"""The connection to the podlet: made, made again, and what must not be lost with it.

Invariant: a question is asked until it is answered; an attempt is handed over until the podlet says that it has it, and
asked to stop until it says that it ended. All of it is idempotent, so asking once more is always safe.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from tradewind import __version__
from tradewind.model.outcome import Failed, Result
from tradewind.model.problem import Problem
from tradewind.model.states import EndReason
from tradewind.ports import errors
from tradewind.protocol import VERSION, frames
from tradewind.protocol import podlet as protocol
from tradewind.runtime.local.process import PodletProcess

_log = logging.getLogger(__name__)
_READ_BYTES = 1 << 20
_FIRST_WAIT, _LONGEST_WAIT = 0.005, 0.2
_MOST_ASKED = 4
"""So often a question is asked of one podlet after another: perhaps it is the question that ends them."""
_START_SECONDS = 20.0
_CLOSE_SECONDS = 2.0

Handover = protocol.StartPython | protocol.StartPod
Question = protocol.Parse | protocol.Render | protocol.RunCallback
Told = protocol.Started | protocol.Ended


class _Open:
    """A question without an answer."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.asked = 0


class Link:
    """One control plane's side of the podlet's socket."""

    def __init__(
        self,
        path: Path,
        process: PodletProcess,
        *,
        supervisor_socket: str,
        on_told: Callable[[Told], None],
        on_broken: Callable[[], None],
        replaces: bool,
    ) -> None:
        """`replaces`: a podlet of another release makes way for one of ours."""
        self._path = path
        self._process = process
        self._supervisor_socket = supervisor_socket
        self._on_told = on_told
        self._on_broken = on_broken
        self._replaces = replaces
        self._release = ""
        self._podlet = 0
        self._left = 0
        """The pid of a podlet that was told to make way."""
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(protocol.Reply)
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._welcomed = asyncio.Event()
        self._number = 0
        self._open: dict[int, _Open] = {}
        self._handed_over: dict[str, Handover] = {}
        self._stops: dict[str, protocol.Stop] = {}
        self._alive: set[str] = set()
        self._ended: set[str] = set()
        self.epoch = 0

    # -- life ------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect, with a podlet of our own where there is none. Raises what keeps us from it."""
        self._task = asyncio.get_running_loop().create_task(self._connect_forever(), name="podlet")
        self._task.add_done_callback(lambda _: self._on_broken())
        await self.settled()

    async def settled(self) -> None:
        """Wait for the podlet that stays: there is one, and it is of our release. Raises what keeps us from it."""
        assert self._task is not None, "the link is open"
        welcomed = asyncio.ensure_future(self._welcomed.wait())
        done, _ = await asyncio.wait(
            {welcomed, self._task}, timeout=_START_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if self._task in done:
            welcomed.cancel()
            self._task.result()
        if not done:
            welcomed.cancel()
            raise errors.Fatal(
                f"it does not answer after {_START_SECONDS:g} s",
                object="the podlet",
                code="podlet-silent",
                hint=f"see {self._process.log}",
            )

    async def close(self, *, kill: bool) -> bool:
        """Disconnect; whether the podlet ends now: with `kill` with all that runs, else where it has no attempt."""
        ends = kill or self._is_idle()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        writer, self._writer = self._writer, None
        if writer is not None:
            if ends:
                writer.write(frames.pack(protocol.Shutdown(kill=kill)))
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), _CLOSE_SECONDS)
        for one in self._open.values():
            one.answer.cancel()
        self._open.clear()
        return ends

    @property
    def is_connected(self) -> bool:
        """Whether a podlet has welcomed us and is still there."""
        return self._writer is not None and self._welcomed.is_set()

    def _is_idle(self) -> bool:
        """Whether the podlet, which is ours to command, has no attempt and is to get none."""
        is_ours = self.is_connected and self._task is not None and not self._task.done()
        return is_ours and not (self._alive or self._handed_over or self._ended)

    def check(self) -> None:
        """Raise what ended the link for good, if anything did: `errors.Conflict` when another took the podlet over."""
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()

    # -- what is asked ---------------------------------------------------------------------------------------------

    def lead(self, epoch: int) -> None:
        """We hold the lease with this epoch: tell, so that the podlet obeys nobody with an older one."""
        self.epoch = epoch
        if self._writer is not None:
            self._write(self._hello())
            if self._is_strange():
                self._replace()

    def _is_strange(self) -> bool:
        """Whether the podlet is of another release, and is to make way. One that tells no release cannot."""
        return self._replaces and self._welcomed.is_set() and self._release not in ("", __version__)

    def _replace(self) -> None:
        """Have the podlet of another release end: what it still imports is our code by now, not its own.

        What it runs goes on, and ours adopts it as that of a podlet that died; what had not begun is begun by ours.
        """
        running = len(self._alive)
        _log.info("podlet of release %s makes way for ours; what runs goes on (%d)", self._release, running)
        self._left = self._podlet
        self._write(protocol.Shutdown(leave=True))
        self._welcomed.clear()
        self._alive, self._ended = set(), set()

    async def ask(self, make: Callable[[int], Question]) -> Any:
        """Ask, and wait for the answer: a report, or a problem. Raises `errors.Transient` when podlets die of it."""
        self._number += 1
        number = self._number
        one = self._open[number] = _Open(make(number))
        if self._writer is not None and self._welcomed.is_set():
            one.asked = 1
            self._write(one.question)
        try:
            return await one.answer
        finally:
            self._open.pop(number, None)

    def hand_over(self, *messages: Handover) -> None:
        """Have attempts begun. Raises `errors.Transient` while the podlet is away."""
        self._demand()
        for message in messages:
            self._handed_over[_attempt_id(message)] = message
        self._write(*messages)

    def stop(self, message: protocol.Stop) -> None:
        """Have one stopped."""
        self._demand()
        self._stops[message.attempt_id] = message
        self._write(message)

    def release(self, attempt_ids: tuple[str, ...]) -> None:
        """Their ends were taken. One that is lost on the way is asked for again when its end is told again."""
        self._demand()
        self._ended.difference_update(attempt_ids)
        self._write(protocol.Release(attempt_ids=attempt_ids))

    def list_known(self) -> tuple[list[str], list[str]]:
        """Ids of attempts that the podlet has or is about to get: alive, and ended."""
        return sorted(self._alive | set(self._handed_over)), sorted(self._ended)

    def _demand(self) -> None:
        if self._writer is None or not self._welcomed.is_set():
            raise errors.Transient("the podlet is away", code="podlet-away", hint="it is being started again")

    def _write(self, *messages: Any) -> None:
        """What is lost because the podlet is just gone is said again to its successor."""
        if self._writer is not None and not self._writer.is_closing():
            with contextlib.suppress(RuntimeError):  # uvloop's word for a connection that broke a moment ago
                self._writer.write(b"".join(map(frames.pack, messages)))

    # -- the connection --------------------------------------------------------------------------------------------

    async def _connect_forever(self) -> None:
        wait = _FIRST_WAIT
        while True:
            try:
                reader, self._writer = await asyncio.open_unix_connection(str(self._path))
            except OSError:
                self._process.ensure()
                await asyncio.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
                continue
            wait = _FIRST_WAIT
            try:
                self._write(self._hello())
                await self._read(reader)
            except OSError as error:
                _log.debug("podlet's connection ended: %s", error)
            self._welcomed.clear()
            self._writer.close()
            self._writer = None

    def _hello(self) -> protocol.Hello:
        return protocol.Hello(version=VERSION, epoch=self.epoch, supervisor_socket=self._supervisor_socket)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        splitter = frames.Splitter()
        while data := await reader.read(_READ_BYTES):
            for body in splitter.feed(data):
                self._take(self._decoder.decode(body))

    def _take(self, message: Any) -> None:
        match message:
            case protocol.Welcome():
                self._greet(message)
            case protocol.Started():
                self._handed_over.pop(message.attempt_id, None)
                self._alive.add(message.attempt_id)
                self._on_told(message)
            case protocol.Ended():
                self._over(message)
            case protocol.Parsed() | protocol.RenderedReply():
                self._resolve(message.request_id, message.report)
            case protocol.CallbackDone():
                self._resolve(message.request_id, message.problem)

    def _over(self, message: protocol.Ended) -> None:
        self._handed_over.pop(message.attempt_id, None)
        self._stops.pop(message.attempt_id, None)
        self._alive.discard(message.attempt_id)
        self._ended.add(message.attempt_id)
        self._on_told(message)

    def _resolve(self, number: int, value: Any) -> None:
        one = self._open.get(number)
        if one is not None and not one.answer.done():
            one.answer.set_result(value)

    def _greet(self, welcome: protocol.Welcome) -> None:
        """A podlet: tell it what it does not know yet."""
        if welcome.pid == self._left:
            return  # the answer to `lead` of one that is about to end
        if welcome.problem is not None:
            self._refused(welcome, welcome.problem)
            return
        if self._welcomed.is_set():
            return  # the answer to `lead`
        self._process.is_up()
        self._podlet, self._release = welcome.pid, welcome.release
        known = {*welcome.alive, *welcome.ended}
        vanished = self._alive - known
        self._alive, self._ended = set(welcome.alive), set(welcome.ended)
        self._welcomed.set()
        if self.epoch and self._is_strange():
            self._replace()
            return
        for attempt_id in known:
            self._handed_over.pop(attempt_id, None)
        self._write(*self._handed_over.values(), *self._stops.values())
        for attempt_id in vanished:
            self._over(_vanished(attempt_id))
        for one in list(self._open.values()):
            self._ask_again(one)

    def _refused(self, welcome: protocol.Welcome, problem: Problem) -> None:
        """A podlet does not want us. One that speaks another version and runs nothing makes way; or raises why not."""
        if problem.code != "podlet-version":
            raise errors.Conflict(problem.message, code=problem.code, hint=problem.hint, object=problem.object)
        # A second one would be ours, and no better.
        if welcome.alive or not self._replaces or not welcome.release or self._left:
            raise errors.Rejected(
                f"speaks version {welcome.version} of the protocol, this release speaks {VERSION}; "
                f"{len(welcome.alive)} attempts run under it",
                object=f"the podlet of release {welcome.release or 'unknown'} (pid {welcome.pid})",
                code=problem.code,
                hint="let them end (the release that began them can go on serving meanwhile): a server that starts "
                "then replaces it",
            )
        _log.info("podlet of release %s runs nothing and makes way for ours", welcome.release)
        self._left = welcome.pid
        with contextlib.suppress(ProcessLookupError):
            os.kill(welcome.pid, signal.SIGTERM)

    def _ask_again(self, one: _Open) -> None:
        one.asked += 1
        if one.asked <= _MOST_ASKED:
            self._write(one.question)
        elif not one.answer.done():
            message = f"the podlet ended {_MOST_ASKED} times while it was asked this"
            one.answer.set_exception(errors.Transient(message, code="podlet-away", hint=f"see {self._process.log}"))


def _attempt_id(message: Handover) -> str:
    return message.attempt_id if isinstance(message, protocol.StartPod) else message.work.attempt_id


def _vanished(attempt_id: str) -> protocol.Ended:
    """The end of an attempt that had begun and of which a new podlet finds nothing."""
    message = "Nobody can say how it ended: the podlet that ran it is gone, and so is the attempt's directory."
    failed = Failed(message=message, reason=EndReason.LOST, entered=True)
    return protocol.Ended(attempt_id=attempt_id, at=datetime.now(UTC), result=Result(outcome=failed))
