"""The control plane's side of the podlet."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec

from tradewind.model.events import AttemptEnded, AttemptProgress
from tradewind.model.ids import AttemptId
from tradewind.model.outcome import Failed, Result
from tradewind.model.problem import Problem
from tradewind.model.states import AttemptPhase, EndReason
from tradewind.model.dagspec import OpaqueBody, PodBody
from tradewind.ports import clock as clock_port
from tradewind.ports import errors
from tradewind.ports import runtime as port
from tradewind.protocol import VERSION, frames
from tradewind.protocol import podlet as protocol
from tradewind.protocol.work import CallbackWork, FileRef, LoadWork, PythonWork, RenderWork
from tradewind.runtime.local import pods
from tradewind.runtime.local.options import Options

_replies = msgspec.msgpack.Decoder(protocol.Reply)
Event = AttemptProgress | AttemptEnded


class LocalRuntime:
    def __init__(
        self,
        *,
        home: Path,
        supervisor_socket: Path,
        options: Options,
        clock: clock_port.Clock,
        random: clock_port.Random,
    ) -> None:
        self._home = home
        self._supervisor = str(supervisor_socket)
        self._options = options
        self._clock = clock
        self._writer: asyncio.StreamWriter | None = None
        self._events: list[Event] = []
        self._wake = asyncio.Event()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._n = 0
        self._welcome: asyncio.Future[protocol.Welcome] | None = None
        self._task: asyncio.Task[None] | None = None
        self._pods = pods.Pods(options=options, clock=clock, render=self.render, send=self._send, tell=self._event)

    async def __aenter__(self) -> Self:
        self._welcome = asyncio.get_running_loop().create_future()
        self._task = asyncio.get_running_loop().create_task(self._connect_forever())
        await asyncio.wait_for(asyncio.shield(self._welcome), 20)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pods.aclose()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._options.ephemeral and self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.write(frames.pack(protocol.Shutdown(kill=True)))
                await self._writer.drain()
        if self._writer is not None:
            self._writer.close()
        if self._process is not None and self._options.ephemeral:
            await asyncio.to_thread(self._process.wait, 10)

    _process: subprocess.Popen[bytes] | None = None

    async def _connect_forever(self) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._home / "podlet.sock"), limit=1 << 22)
            except OSError:
                if self._process is None or self._process.poll() is not None:
                    self._start()
                await asyncio.sleep(0.01)
                continue
            self._writer = writer
            writer.write(frames.pack(protocol.Hello(version=VERSION, epoch=0, supervisor_socket=self._supervisor)))
            try:
                await self._read(reader)
            except OSError:
                pass
            self._writer = None
            self._fail_waiting()

    def _fail_waiting(self) -> None:
        """The podlet that was asked is gone, and its successor does not know the questions."""
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(errors.Transient("the podlet ended", code="podlet-away", hint="ask again"))

    def _start(self) -> None:
        command = [sys.executable, "-m", "tradewind.podlet", "--home", str(self._home)]
        if self._options.ephemeral:
            command.append("--ephemeral")
        command += ["--zygotes", str(self._options.zygote_count)]
        with (self._home / "podlet.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    async def _read(self, reader: asyncio.StreamReader) -> None:
        splitter = frames.Splitter()
        while data := await reader.read(1 << 20):
            for body in splitter.feed(data):
                self._take(_replies.decode(body))
        raise ConnectionResetError

    def _take(self, message: Any) -> None:
        match message:
            case protocol.Welcome():
                if self._welcome is not None and not self._welcome.done():
                    self._welcome.set_result(message)
            case protocol.Started():
                self._event(
                    AttemptProgress(attempt_id=AttemptId(message.attempt_id), phase=AttemptPhase.STARTED, at=message.at)
                )
            case protocol.Ended():
                self._event(
                    AttemptEnded(
                        attempt_id=AttemptId(message.attempt_id),
                        at=message.at,
                        result=message.result,
                        started_at=message.started_at,
                        detail=message.detail,
                    )
                )
            case protocol.Parsed() | protocol.RenderedReply():
                self._resolve(message.request_id, message.report)
            case protocol.CallbackDone():
                self._resolve(message.request_id, message.problem)

    def _resolve(self, request_id: int, value: Any) -> None:
        future = self._waiting.pop(request_id, None)
        if future is not None and not future.done():
            future.set_result(value)

    def _event(self, event: Event) -> None:
        self._events.append(event)
        self._wake.set()

    def _send(self, *messages: Any) -> None:
        if self._writer is None:
            raise errors.Transient("the podlet is away", code="podlet-away", hint="it is being started again")
        self._writer.write(b"".join(frames.pack(message) for message in messages))

    async def _ask(self, make: Any) -> Any:
        self._n += 1
        future = self._waiting[self._n] = asyncio.get_running_loop().create_future()
        self._send(make(self._n))
        return await future

    async def events(self) -> AsyncIterator[Sequence[Event]]:
        while True:
            await self._wake.wait()
            self._wake.clear()
            events, self._events = self._events, []
            if events:
                yield events

    async def launch(self, launches: Sequence[port.Launch]) -> None:
        messages = []
        for launch in launches:
            if isinstance(launch.body, PodBody):
                self._pods.begin(launch, launch.body)
                continue
            if isinstance(launch.body, OpaqueBody):
                failed = Failed(message=launch.body.reason, retry=False, reason=EndReason.REJECTED, entered=False)
                self._event(
                    AttemptEnded(
                        attempt_id=launch.attempt.attempt_id, at=self._clock.now(), result=Result(outcome=failed)
                    )
                )
                continue
            messages.append(
                protocol.StartPython(
                    work=PythonWork(
                        attempt_id=launch.attempt.attempt_id,
                        file=self._file(launch.source),
                        run=launch.run,
                        task=launch.task,
                        max_tries=launch.max_tries,
                        supervisor_socket=self._supervisor,
                        do_xcom_push=launch.do_xcom_push,
                        max_xcom_bytes=self._options.max_xcom_bytes,
                        log_quota_bytes=self._options.log_quota_bytes,
                        timeout_seconds=launch.execution_timeout_seconds,
                    )
                )
            )
        if messages:
            self._send(*messages)

    def _file(self, source: port.Source, meaning: str | None = None) -> FileRef:
        return FileRef(root=source.root, file=source.file, isolated=source.isolated)

    async def stop(self, attempt_id: AttemptId, *, grace_seconds: float | None, reason: str) -> None:
        if self._pods.stop(attempt_id, reason):
            return
        self._send(
            protocol.Stop(
                attempt_id=attempt_id, grace_seconds=5 if grace_seconds is None else grace_seconds, reason=reason
            )
        )

    async def release(self, attempt_ids: Sequence[AttemptId]) -> None:
        self._send(protocol.Release(attempt_ids=tuple(attempt_ids)))

    async def observe(self) -> Sequence[port.Observed]:
        assert self._welcome is not None
        welcome = await self._welcome
        alive = [*map(AttemptId, welcome.alive), *self._pods.list_ids()]
        return [port.Observed(attempt_id=one) for one in alive] + [
            port.Observed(attempt_id=AttemptId(one), ended=True) for one in welcome.ended
        ]

    async def parse(self, request: port.ParseRequest) -> port.ParseResult:
        work = LoadWork(file=self._file(request.source), timeout_seconds=request.timeout_seconds, supervisor_socket=self._supervisor)
        report = await self._ask(lambda n: protocol.Parse(request_id=n, work=work))
        return port.ParseResult(
            specs=report.specs,
            problems=report.problems,
            warnings=report.warnings,
            reads=report.reads,
            variables=report.variables,
            seconds=report.seconds,
            isolated=report.isolated,
        )

    async def render(self, request: port.RenderRequest) -> port.Rendered:
        work = RenderWork(
            file=self._file(request.source),
            run=request.run,
            task=request.task,
            attempt_id=request.attempt_id or "",
            supervisor_socket=self._supervisor,
        )
        report = await self._ask(lambda n: protocol.Render(request_id=n, work=work))
        return port.Rendered(
            fields=report.fields,
            masked=report.masked,
            rendered_map_index=report.rendered_map_index,
            problem=report.problem,
        )

    async def callback(self, request: port.CallbackRequest) -> Problem | None:
        work = CallbackWork(
            file=self._file(request.source),
            run=request.run,
            which=request.which,
            task=request.task,
            reason=request.reason,
            supervisor_socket=self._supervisor,
        )
        found: Problem | None = await self._ask(lambda n: protocol.RunCallback(request_id=n, work=work))
        return found
