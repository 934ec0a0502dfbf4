"""The embedded runtime, as the control plane sees it: attempts and work with DAG files, done by the podlet.

Invariant: whatever becomes of the podlet, each attempt that was handed over ends with exactly one end that counts, and
each question gets an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Self

import msgspec

from tradewind.model.dagspec import ClusterBody, OpaqueBody, PodBody
from tradewind.model.events import AttemptEnded, AttemptProgress
from tradewind.model.ids import AttemptId
from tradewind.model.outcome import Failed, Result
from tradewind.model.problem import Problem
from tradewind.model.states import AttemptPhase, EndReason
from tradewind.ports import clock as clock_port
from tradewind.ports import runtime as port
from tradewind.protocol import podlet as protocol
from tradewind.protocol import sockets
from tradewind.protocol.work import CallbackWork, FileRef, LoadReport, LoadWork, PythonWork, RenderReport, RenderWork
from tradewind.runtime.local import pods
from tradewind.runtime.local.link import Link, Told
from tradewind.runtime.local.options import Options
from tradewind.runtime.local.process import PodletProcess

_GRACE_SECONDS = 5.0
_END_SECONDS = 10.0
_NO_CLUSTER = (
    "It is something to do in a cluster, and this machine has none: processes stand in for pods only. "
    "hint: run it with --runtime kubernetes"
)
Event = AttemptProgress | AttemptEnded


class LocalRuntime:
    """Implements `ports.runtime.AttemptRuntime` and `FileRuntime` on this machine."""

    def __init__(
        self,
        *,
        home: Path,
        supervisor_socket: Path,
        options: Options,
        clock: clock_port.Clock,
        random: clock_port.Random,
    ) -> None:
        self._supervisor = str(supervisor_socket)
        self._options = options
        self._clock = clock
        self._events: list[Event] = []
        self._wake = asyncio.Event()
        self._process = PodletProcess(home, options)
        self._link = Link(
            Path(sockets.path_in(str(home), "podlet.sock")),
            self._process,
            supervisor_socket=self._supervisor,
            on_told=self._told,
            on_broken=self._wake.set,
            replaces=not options.ephemeral,
        )
        self._pods = pods.Pods(
            options=options, clock=clock, render=self.render, send=self._link.hand_over, tell=self._event
        )

    async def __aenter__(self) -> Self:
        """Connect. Raises `errors.Conflict` where another control plane has this home's podlet."""
        try:
            await self._link.open()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave what runs to the podlet, or (ephemeral, and it is ours) end it with everything that runs."""
        await self._pods.aclose()
        await self._close()

    async def _close(self) -> None:
        kill = self._options.ephemeral and self._process.is_ours
        ends = await self._link.close(kill=kill)
        if kill:
            await asyncio.to_thread(self._process.await_end, _END_SECONDS)
        elif ends:
            await self._process.see_end(_END_SECONDS)

    @property
    def is_connected(self) -> bool:
        """Whether the podlet answers."""
        return self._link.is_connected

    # -- what the podlet tells -------------------------------------------------------------------------------------

    def _told(self, message: Told) -> None:
        attempt_id = AttemptId(message.attempt_id)
        if isinstance(message, protocol.Started):
            self._event(AttemptProgress(attempt_id=attempt_id, phase=AttemptPhase.STARTED, at=message.at))
            return
        self._event(
            AttemptEnded(
                attempt_id=attempt_id,
                at=message.at,
                result=message.result,
                started_at=message.started_at,
                detail=message.detail,
            )
        )

    def _event(self, event: Event) -> None:
        self._events.append(event)
        self._wake.set()

    async def events(self) -> AsyncIterator[Sequence[Event]]:
        """As the port says. Raises `errors.Conflict` when another control plane took the podlet over."""
        while True:
            events, self._events = self._events, []
            if events:
                yield events
            self._link.check()
            await self._wake.wait()
            self._wake.clear()

    # -- attempts --------------------------------------------------------------------------------------------------

    def lead(self, epoch: int) -> None:
        """As the port says."""
        self._link.lead(epoch)

    async def launch(self, launches: Sequence[port.Launch]) -> None:
        """As the port says."""
        handed_over: list[protocol.StartPython] = []
        for launch in launches:
            if isinstance(launch.body, PodBody):
                self._pods.begin(launch, launch.body)
            elif isinstance(launch.body, OpaqueBody):
                self._refuse(launch, launch.body.reason)
            elif isinstance(launch.body, ClusterBody):
                self._refuse(launch, _NO_CLUSTER)
            else:
                handed_over.append(protocol.StartPython(work=self.work_of(launch)))
        if handed_over:
            self._link.hand_over(*handed_over)

    def _refuse(self, launch: port.Launch, why: str) -> None:
        failed = Failed(message=why, retry=False, reason=EndReason.REJECTED, entered=False)
        self._event(
            AttemptEnded(attempt_id=launch.attempt.attempt_id, at=self._clock.now(), result=Result(outcome=failed))
        )

    def work_of(self, launch: port.Launch) -> PythonWork:
        """What a worker is given to run a Python attempt."""
        return PythonWork(
            attempt_id=launch.attempt.attempt_id,
            file=self._file(launch.source, launch.run.meaning),
            run=launch.run,
            task=launch.task,
            max_tries=launch.max_tries,
            supervisor_socket=self._supervisor,
            do_xcom_push=launch.do_xcom_push,
            max_xcom_bytes=self._options.max_xcom_bytes,
            log_quota_bytes=self._options.log_quota_bytes,
            timeout_seconds=launch.execution_timeout_seconds,
        )

    async def stop(self, attempt_id: AttemptId, *, grace_seconds: float | None, reason: str) -> None:
        """As the port says."""
        if not self._pods.stop(attempt_id, reason):
            grace = _GRACE_SECONDS if grace_seconds is None else grace_seconds
            self._link.stop(protocol.Stop(attempt_id=attempt_id, grace_seconds=grace, reason=reason))

    async def release(self, attempt_ids: Sequence[AttemptId]) -> None:
        """As the port says."""
        if attempt_ids:
            self._link.release(tuple(attempt_ids))

    async def observe(self) -> Sequence[port.Observed]:
        """As the port says."""
        await self._link.settled()
        alive, ended = self._link.list_known()
        return [
            *(port.Observed(attempt_id=AttemptId(one)) for one in alive),
            *(port.Observed(attempt_id=one) for one in self._pods.list_ids()),
            *(port.Observed(attempt_id=AttemptId(one), ended=True) for one in ended),
        ]

    # -- work with files -------------------------------------------------------------------------------------------

    async def parse(self, request: port.ParseRequest) -> port.ParseResult:
        """As the port says."""
        work = LoadWork(
            file=self._file(request.source, request.meaning),
            timeout_seconds=request.timeout_seconds,
            supervisor_socket=self._supervisor,
        )
        report: LoadReport = await self._link.ask(lambda number: protocol.Parse(request_id=number, work=work))
        return port.ParseResult(
            specs=report.specs,
            problems=report.problems,
            warnings=report.warnings,
            reads=report.reads,
            variables=report.variables,
            seconds=report.seconds,
            isolated=report.isolated,
            meaning=report.meaning,
            meaning_from=report.meaning_from,
        )

    async def render(self, request: port.RenderRequest) -> port.Rendered:
        """As the port says."""
        file = self._file(request.source, request.run.meaning)
        work = RenderWork(
            file=msgspec.structs.replace(file, options=(*file.options, *request.options)),
            run=request.run,
            task=request.task,
            attempt_id=request.attempt_id or "",
            supervisor_socket=self._supervisor,
            timeout_seconds=request.timeout_seconds,
            pod=request.pod,
        )
        report: RenderReport = await self._link.ask(lambda number: protocol.Render(request_id=number, work=work))
        return port.Rendered(
            fields=report.fields,
            masked=report.masked,
            rendered_map_index=report.rendered_map_index,
            problem=report.problem,
            outcome=report.outcome,
        )

    async def callback(self, request: port.CallbackRequest) -> Problem | None:
        """As the port says."""
        work = CallbackWork(
            file=self._file(request.source, request.run.meaning),
            run=request.run,
            which=request.which,
            task=request.task,
            reason=request.reason,
            deadlines=request.deadlines,
            supervisor_socket=self._supervisor,
            timeout_seconds=request.timeout_seconds,
        )
        found: Problem | None = await self._link.ask(lambda number: protocol.RunCallback(request_id=number, work=work))
        return found

    def _file(self, source: port.Source, meaning: str | None) -> FileRef:
        return FileRef(
            root=source.root,
            file=source.file,
            meaning=meaning,
            isolated=source.isolated,
            options=self._options.airflow,
        )
