"""Attempts that do something in a cluster and are no pod: launched, followed to their end, stopped, taken up again.

Invariant: each that was handed over ends with exactly one end that counts, whatever becomes of the control plane or the
API server. Nothing waits in a process: an act is a coroutine here, and its record in the home outlives us.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec

from tradewind.model.dagspec import ClusterBody
from tradewind.model.events import AttemptEnded, AttemptProgress
from tradewind.model.ids import AttemptId
from tradewind.model.outcome import Failed, Result, Skipped, Success
from tradewind.model.states import AttemptPhase, EndReason
from tradewind.pods.view import PodView
from tradewind.ports import backoff, errors
from tradewind.ports import clock as clock_port
from tradewind.ports import runtime as port
from tradewind.runtime.kubernetes import (
    act_request,
    exec_act,
    job_act,
    launching,
    log_file,
    log_following,
    log_streams,
    object_acts,
    requesting,
    results,
)
from tradewind.runtime.kubernetes.act import Act, ActRecord, ActRecords, Around, Ending
from tradewind.runtime.kubernetes.background import Background, Event
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.job_watching import JobWatches
from tradewind.runtime.kubernetes.options import Options
from tradewind.runtime.kubernetes.patience import Patience

_MAKERS: Mapping[str, Callable[[ActRecord, Around], Act]] = {
    "start_job": job_act.JobAct,
    "delete_job": object_acts.DeleteJob,
    "patch_job": object_acts.PatchJob,
    "create_resources": object_acts.CreateResources,
    "delete_resources": object_acts.DeleteResources,
    "exec": exec_act.ExecAct,
}
_TAKE_DOWN_SECONDS = 10.0
_log = logging.getLogger(__name__)


class _Attempt:
    """One attempt, from its launch to its release."""

    def __init__(self) -> None:
        self.act: Act | None = None
        self.task: asyncio.Task[None] | None = None
        self.end: AttemptEnded | None = None
        self.is_leaving = False


class ActRuntime:
    """Implements `ports.runtime.AttemptRuntime` for bodies of a cluster that are no pods. `client` is open."""

    def __init__(
        self,
        *,
        home: Path,
        client: ClusterClient,
        render: launching.Render,
        place: Callable[[], Awaitable[requesting.Place]],
        handover: Callable[[], Awaitable[requesting.Handover]],
        streams: log_streams.Streams,
        options: Options,
        clock: clock_port.Clock,
        random: clock_port.Random,
    ) -> None:
        self._client = client
        self._render = render
        self._hook = launching.hook_of(options, render)
        self._place = place
        self._handover = handover
        self._options = options
        self._clock = clock
        self._random = random
        self._records = ActRecords(home)
        self._background = Background()
        self._patience = Patience(clock=clock, random=random)
        self._streams = streams
        self._results = results.Reader(client, clock=clock, random=random)
        self._watches = JobWatches(client, clock=clock, random=random, spawn=self._background.spawn)
        self._attempts: dict[AttemptId, _Attempt] = {}

    async def __aenter__(self) -> Self:
        """Take up what is recorded in the home; the cluster need not answer yet."""
        for record in await asyncio.to_thread(self._records.list):
            if record.cluster != self._options.cluster:
                continue
            one = self._attempts[record.attempt_id] = _Attempt()
            one.task = self._background.spawn(self._go_on(record, one), f"act of {record.attempt_id}")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave what is begun to the cluster, or (ephemeral) end it."""
        if self._options.ephemeral:
            running = [one for one in self._attempts.values() if one.end is None]
            abandoned = [asyncio.ensure_future(self._abandon(one)) for one in running]
            if abandoned:
                await asyncio.wait(abandoned, timeout=_TAKE_DOWN_SECONDS)
        await self._background.aclose()

    async def _abandon(self, one: _Attempt) -> None:
        if one.task is not None:
            one.task.cancel()
            await asyncio.gather(one.task, return_exceptions=True)
        if one.act is not None:
            try:
                await one.act.undo()
            except errors.TradewindError as error:
                _log.warning("what an attempt began in the cluster could not be ended: %s", error)

    # -- the port --------------------------------------------------------------------------------------------------

    def lead(self, epoch: int) -> None:
        """As the port says. Who may write is decided by the lease."""

    @property
    def attempts(self) -> int:
        """How many are under way."""
        return len(self._attempts)

    def has(self, attempt_id: AttemptId) -> bool:
        """Whether it is an attempt of ours."""
        return attempt_id in self._attempts

    async def launch(self, launches: Sequence[port.Launch]) -> None:
        """As the port says; each has a `ClusterBody`."""
        for launch in launches:
            attempt_id = launch.attempt.attempt_id
            if attempt_id in self._attempts:
                continue
            if not isinstance(launch.body, ClusterBody):
                raise errors.Fatal(f"attempt {attempt_id} is none of a cluster", hint="a defect: please report it")
            one = self._attempts[attempt_id] = _Attempt()
            one.task = self._background.spawn(self._begin(launch, launch.body, one), f"act of {attempt_id}")

    async def stop(self, attempt_id: AttemptId, *, grace_seconds: float | None, reason: str) -> None:
        """As the port says; what a stop means to an act is the act's own."""
        one = self._attempts.get(attempt_id)
        if one is None or one.end is not None or one.task is None:
            return
        task, one.task = one.task, None
        self._background.spawn(self._stop(attempt_id, one, task, reason), f"stop of {attempt_id}")

    async def release(self, attempt_ids: Sequence[AttemptId]) -> None:
        """As the port says."""
        for attempt_id in attempt_ids:
            one = self._attempts.get(attempt_id)
            if one is not None and one.end is not None and not one.is_leaving:
                one.is_leaving = True
                self._background.spawn(self._let_go(attempt_id, one), f"release of {attempt_id}")

    async def observe(self) -> Sequence[port.Observed]:
        """As the port says."""
        found: list[port.Observed] = []
        for attempt_id, one in self._attempts.items():
            if one.is_leaving:
                continue
            if one.end is not None:
                self._background.tell_again(one.end)
            found.append(port.Observed(attempt_id=attempt_id, ended=one.end is not None))
        return found

    def events(self) -> AsyncIterator[Sequence[Event]]:
        """As the port says."""
        return self._background.events()

    # -- one attempt -----------------------------------------------------------------------------------------------

    async def _begin(self, launch: port.Launch, body: ClusterBody, one: _Attempt) -> None:
        attempt_id = launch.attempt.attempt_id

        async def record() -> ActRecord | Failed | Skipped:
            fields = port.Rendered(fields=body.arguments, masked=launch.masked)
            if launch.templated or body.templated:
                fields = await launching.rendered(launch, self._render)
            if (end := fields.end()) is not None:
                return end
            made = await self._request(launch, body, fields)
            if isinstance(made, ActRecord):
                await asyncio.to_thread(self._records.put, made)
            return made

        found = await self._insist(attempt_id, record)
        if isinstance(found, ActRecord):
            await self._go_on(found, one)
        else:
            self._end(
                attempt_id, one, found if isinstance(found, Ending) else Ending(outcome=found, said=found.message)
            )

    async def _request(
        self, launch: port.Launch, body: ClusterBody, fields: port.Rendered
    ) -> ActRecord | Failed | Skipped:
        place = await self._place()
        if body.act != "start_job":
            return act_request.record(launch, body, fields, place)
        handover = await self._handover() if act_request.has_values(fields.fields) else None
        composed = act_request.compose_job(launch, fields, place, handover)
        if self._hook is not None:
            changed = await self._hook(launch, composed.as_pod())
            if (end := changed.end()) is not None:
                return end
            composed = composed.after_hook(changed.fields)
        return act_request.record(launch, body, fields, place, composed)

    async def _go_on(self, record: ActRecord, one: _Attempt) -> None:
        log = self._log(record)
        await asyncio.to_thread(log.resume)
        one.act = act = _MAKERS[record.act](record, self._around(log))
        self._background.tell(
            AttemptProgress(attempt_id=record.attempt_id, phase=AttemptPhase.STARTED, at=self._clock.now())
        )
        if record.ending is None:
            # Its log tells the end too: what succeeded has no verdict.
            ending = _with_index(await self._insist(record.attempt_id, act.run, log), record.rendered_map_index)
            record = msgspec.structs.replace(act.record, ending=ending)
            try:
                log.note(ending.said)
                await asyncio.to_thread(self._records.put, record)
            except OSError as error:  # whoever leads next asks the cluster again
                _log.warning("record of attempt %s: %s", record.attempt_id, error)
        assert record.ending is not None
        self._end(record.attempt_id, one, record.ending)

    async def _insist(
        self, attempt_id: AttemptId, do: Callable[[], Awaitable[Any]], log: log_file.LogFile | None = None
    ) -> Any:
        """What it gives, however often it has to be asked for; an `Ending` where it is refused."""
        pause = backoff.Backoff(self._random, first_seconds=1.0, cap_seconds=20.0)
        told = ""
        while True:
            try:
                return await do()
            except errors.Fatal:
                raise
            except (errors.Transient, errors.Unauthorized) as error:
                waits_for: errors.TradewindError = error
            except (errors.NotFound, errors.Conflict) as error:
                return Ending(outcome=Failed(message=str(error.problem)), said=str(error.problem))
            except errors.TradewindError as error:
                if error.code != "quota-exceeded":
                    said = str(error.problem)
                    failed = Failed(message=said, retry=False, reason=EndReason.REJECTED, entered=False)
                    return Ending(outcome=failed, said=said)
                waits_for = error
            except OSError as error:
                said = f"Its record or log could not be written: {error}"
                return Ending(outcome=Failed(message=said, reason=EndReason.NEVER_STARTED, entered=False), said=said)
            except Exception as error:  # noqa: BLE001 - arguments may hold anything; the attempt must end
                _log.exception("act of attempt %s", attempt_id)
                said = f"It could not be done: {type(error).__name__}: {error}"
                return Ending(outcome=Failed(message=said, retry=False, reason=EndReason.REJECTED), said=said)
            _log.info("act of attempt %s is tried again: %s", attempt_id, waits_for)
            if log is not None and told != waits_for.code:
                told = waits_for.code
                log.note(f"waiting: {waits_for}")
            await self._clock.sleep(pause.next_seconds())

    async def _stop(self, attempt_id: AttemptId, one: _Attempt, task: asyncio.Task[None], reason: str) -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if one.end is not None:
            return
        if one.act is not None:
            await self._patience.insist(one.act.undo, f"stopping {attempt_id}")
        said = f"It was stopped on request ({reason})." if reason else "It was stopped on request."
        failed = Failed(message=said, reason=EndReason.STOPPED, entered=one.act is not None)
        self._end(attempt_id, one, Ending(outcome=failed, said=said))

    async def _let_go(self, attempt_id: AttemptId, one: _Attempt) -> None:
        if one.act is not None:
            await self._patience.insist(one.act.tidy, f"tidying after {attempt_id}")
        await asyncio.to_thread(self._records.remove, attempt_id)
        self._attempts.pop(attempt_id, None)

    # -- small things ----------------------------------------------------------------------------------------------

    def _log(self, record: ActRecord) -> log_file.LogFile:
        return log_file.LogFile(
            self._records.folder(record.attempt_id) / "log",
            now=self._clock.now,
            masked=record.masked,
            quota_bytes=self._options.log_quota_bytes,
        )

    def _around(self, log: log_file.LogFile) -> Around:
        async def keep(record: ActRecord) -> None:
            await asyncio.to_thread(self._records.put, record)

        def container_log(pod: PodView, container: str, mark: str) -> log_following.ContainerLog:
            return log_following.ContainerLog(
                self._client,
                self._streams,
                log,
                namespace=pod.namespace,
                pod=pod.name,
                container=container,
                node=pod.node,
                mark=mark,
                file_bytes=self._options.log_file_bytes,
                clock=self._clock,
                random=self._random,
                is_ours=lambda: True,
            )

        return Around(
            client=self._client,
            patience=self._patience,
            watches=self._watches,
            results=self._results,
            clock=self._clock,
            random=self._random,
            log=log,
            keep=keep,
            container_log=container_log,
        )

    def _end(self, attempt_id: AttemptId, one: _Attempt, ending: Ending) -> None:
        one.end = AttemptEnded(
            attempt_id=attempt_id,
            at=self._clock.now(),
            result=Result(outcome=ending.outcome, xcoms=ending.xcoms),
            verdict=ending.said,
            detail=ending.detail,
        )
        self._background.tell(one.end)


def _with_index(ending: Ending, index: str | None) -> Ending:
    outcome = ending.outcome
    if index is None or not isinstance(outcome, (Success, Skipped, Failed)):
        return ending
    return msgspec.structs.replace(ending, outcome=msgspec.structs.replace(outcome, rendered_map_index=index))
