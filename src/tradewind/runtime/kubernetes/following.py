"""One attempt whose pod is in the cluster: from its record to its end, its log beside it.

Invariant: it ends once. The end comes from what the API says of the main container, or from the pod being gone; it is
told when the log is complete, because the log is sealed then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from tradewind.model.events import WAITING, AttemptEnded, AttemptProgress
from tradewind.model.outcome import Failed, Outcome, Result, Skipped, Success, XComPush
from tradewind.model.states import AttemptPhase, EndReason
from tradewind.pods import result as pod_result
from tradewind.pods import verdict
from tradewind.pods.view import PodView
from tradewind.ports import clock as clock_port
from tradewind.runtime.kubernetes import log_outages, phases, results, waiting
from tradewind.runtime.kubernetes.log_file import LogFile
from tradewind.runtime.kubernetes.log_following import ContainerLog
from tradewind.runtime.kubernetes.pod_events import EventSeen, PodEvents, Told
from tradewind.runtime.kubernetes.record import Record

_log = logging.getLogger(__name__)
_READABLE = ("running", "terminated")
_START_EVENTS = timedelta(seconds=2)
"""Events have whole seconds, and the kubelet's last ones of a start come after it."""


class Surroundings(Protocol):
    """What an attempt needs of its runtime."""

    clock: clock_port.Clock

    def tell(self, event: AttemptProgress | AttemptEnded) -> None:
        """To whoever leads."""
        ...

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """In the background, until the runtime ends. What it raises ends the runtime."""
        ...

    def container_log(self, followed: Followed, container: str) -> ContainerLog:
        """A follower of one container's log."""
        ...

    def keep(self, record: Record) -> None:
        """Write the record."""
        ...

    async def with_value(self, record: Record, view: PodView, ending: results.Ending) -> results.Ending:
        """The end with the value that the pod handed over, or with why it cannot be taken."""
        ...

    def hurry(self, followed: Followed) -> None:
        """Have its other containers end: the main one has, and its helper waits for them."""
        ...

    def follow_events(self, followed: Followed) -> None:
        """From now on `heard` is told what the cluster says of its pod."""
        ...

    def saw_outage(self, node: str, at: datetime) -> None:
        """The container runtime of a node was away then: logs there may have been cut."""
        ...

    def find_specification(self, followed: Followed) -> str | None:
        """What people may see of its pod's specification."""
        ...


class Followed:
    """One attempt. There are thousands."""

    __slots__ = (
        "_around", "_is_ending", "_is_hurried", "_logs", "_pulls", "_reading", "_told", "_waited", "_waits_for", "end",
        "events", "file", "record", "stop_reason", "view",
    )  # fmt: skip

    def __init__(self, record: Record, around: Surroundings, file: LogFile) -> None:
        self.record = record
        self.file = file
        self.view: PodView | None = None
        self.events = PodEvents()
        """What the cluster said of its pod."""
        self.end: AttemptEnded | None = None
        """What was told of its end."""
        self.stop_reason: str | None = None
        self._around = around
        self._told: tuple[AttemptPhase, ...] = ()
        self._logs: dict[str, ContainerLog] = {}
        self._reading: list[asyncio.Task[None]] = []
        self._pulls: dict[str, str] = {}
        self._waits_for = ""
        self._waited = ""
        self._is_ending = False
        self._is_hurried = False

    @property
    def attempt_id(self) -> str:
        """Whose it is."""
        return self.record.attempt_id

    @property
    def is_ending(self) -> bool:
        """It is decided how it ended, whether that is told already or not."""
        return self._is_ending

    def is_current(self) -> bool:
        """Whether the pod's name still is that of this pod, as far as is known."""
        return self.view is None or self.view.uid == self.record.uid

    # -- what is seen ----------------------------------------------------------------------------------------------

    def see(self, view: PodView) -> None:
        """A state of its pod."""
        if self._is_ending or (self.record.uid and view.uid != self.record.uid):
            return
        if not self.record.uid:
            self.record = msgspec.structs.replace(self.record, uid=view.uid)
            self._around.keep(self.record)
            self._around.follow_events(self)
        self.view = view
        self._pulls |= waiting.pull_errors(view)
        reached = phases.progress(view)
        for event in reached:
            if event.phase not in self._told:
                self._told += (event.phase,)
                self._around.tell(msgspec.structs.replace(event, attempt_id=self.record.attempt_id))
        self._tell_wait(view, reached)
        self._read_logs(view)
        if phases.is_over(view):
            self._over(view)
        elif why := waiting.hopeless(view):
            self.refuse(Failed(message=why, retry=False, reason=EndReason.REJECTED, entered=False))

    def heard(self, event: EventSeen) -> None:
        """The cluster says something of its pod. It decides nothing."""
        told = self.events.add(event)
        if self.view is not None and log_outages.is_told_by(event.message):
            self._around.saw_outage(self.view.node, event.last_at)
        if self.view is not None and not self._is_ending:
            self._tell_wait(self.view, phases.progress(self.view))
        if told is not None and self.record.events_on_startup and self._is_of_start(event):
            self._show(told)

    def _tell_wait(self, view: PodView, reached: Sequence[AttemptProgress]) -> None:
        """What keeps it from its start, as often as that changes."""
        waits_for = "" if phases.has_begun(view) or phases.is_over(view) else self._waiting(view, "waits")
        if waits_for == self._waits_for or not reached or reached[-1].phase is AttemptPhase.STARTED:
            return
        self._waits_for = waits_for
        detail = {WAITING: waits_for} if waits_for else {}
        at = self._around.clock.now()
        attempt_id = self.record.attempt_id
        self._around.tell(msgspec.structs.replace(reached[-1], attempt_id=attempt_id, at=at, detail=detail))

    def _waiting(self, view: PodView, verb: str) -> str:
        return waiting.find(view, verb, pulls=self._pulls, warning=self.events.last_warning())

    def gone(self, view: PodView | None) -> None:
        """Its pod is not there any more, and it is sure. `view` is the last that was seen of it."""
        if not self._is_ending:
            self._finish(view or self.view, is_gone=True)

    def mark_stopping(self, reason: str) -> None:
        """It is to end; what it waited for until now is what its verdict says."""
        if self.stop_reason is None:
            self.stop_reason = reason or "stopped on request"
            if self.view is not None and not phases.has_begun(self.view):
                self._waited = self._waiting(self.view, "waited") or verdict.sentence(self.view)

    def note(self, text: str) -> None:
        """A line of ours in its log."""
        try:
            self.file.note(text)
        except OSError as error:
            _log.error("log of attempt %s: %s", self.attempt_id, error)

    def want_logs(self) -> None:
        """Somebody follows its log, live."""
        for follower in self._logs.values():
            follower.want()

    def refuse(self, outcome: Failed | Skipped) -> None:
        """It ends without having begun."""
        if not self._is_ending:
            self._is_ending = True
            self._tell_end(results.Ending(outcome, outcome.message), None)

    # -- its log ---------------------------------------------------------------------------------------------------

    def _read_logs(self, view: PodView) -> None:
        for one in view.containers:
            if one.name not in self.record.logged or one.state not in _READABLE:
                continue
            if one.name not in self._logs:
                follower = self._logs[one.name] = self._around.container_log(self, one.name)
                work = self._read_log(follower)
                self._reading.append(self._around.spawn(work, f"log of {self.attempt_id} {one.name}"))
            if one.state == "terminated":
                self._logs[one.name].end(finished_at=one.finished_at, noticed_at=view.unready_at)

    async def _read_log(self, follower: ContainerLog) -> None:
        try:
            await follower.run()
        except OSError as error:  # a full disk must not keep the attempt from ending
            _log.error("log of attempt %s, container %s: %s", self.attempt_id, follower.container, error)

    def _is_of_start(self, event: EventSeen) -> bool:
        """Whether it was said before the main container ran, whenever it comes."""
        main = self.view.main if self.view is not None else None
        if self.view is None or main is None or not phases.has_begun(self.view) or main.started_at is None:
            return True
        return event.first_at <= main.started_at + _START_EVENTS

    def _show(self, told: Told) -> None:
        told.shown = told.count
        try:
            self.file.note_once(told.text, told.last_at)
        except OSError as error:
            _log.error("log of attempt %s: %s", self.attempt_id, error)

    def _show_last(self, outcome: Outcome) -> None:
        """What comes after the containers' lines: events that were said again, and what a failure is to show."""
        failed = isinstance(outcome, Failed)
        for told in self.events.unshown():
            if told.shown or (failed and self.record.events_on_failure):
                self._show(told)
        if failed and self.record.spec_on_failure and (shown := self._around.find_specification(self)):
            self.note(f"the pod's specification as it was sent, without secrets:\n{shown}")

    # -- its end ---------------------------------------------------------------------------------------------------

    def _over(self, view: PodView) -> None:
        """Its main container has ended; of a pod that hands over a value, the helper has yet to do so."""
        if not results.is_awaited(self.record, view):
            self._finish(view)
        elif results.is_held_up(view) and not (self._is_hurried or view.hurried):
            self._is_hurried = True
            self._around.hurry(self)

    def _finish(self, view: PodView | None, *, is_gone: bool = False) -> None:
        self._is_ending = True
        for follower in self._logs.values():
            follower.end(is_gone=is_gone)  # also of containers that run on: they keep nothing alive
        self._around.spawn(self._end(view), f"end of {self.attempt_id}")

    async def _end(self, view: PodView | None) -> None:
        if self._reading:
            await asyncio.wait(self._reading)
        ending = results.Ending(*self._outcome(view))
        if view is not None and results.may_have_value(self.record, view, ending.outcome):
            ending = await self._around.with_value(self.record, view, ending)
        if ending.note:
            self.note(ending.note)
        self._show_last(ending.outcome)
        self._tell_end(ending, view)

    def finish_stopped(self) -> None:
        """It was stopped and its pod stays."""
        if not self._is_ending:
            self._finish(self.view)

    def _outcome(self, view: PodView | None) -> tuple[Outcome, str]:
        if view is None:
            said = "The pod went away while nobody looked; nobody can say how it ended."
            return Failed(message=said, reason=EndReason.LOST), said
        outcome, said = phases.outcome(view, skip_exit_codes=self.record.skip_exit_codes)
        index = self.record.rendered_map_index
        if self.stop_reason is not None and not (isinstance(outcome, Success) and view.deletion_at is None):
            begun = phases.has_begun(view)
            failed = Failed(
                message=f"It was stopped on request ({self.stop_reason}).", reason=EndReason.STOPPED, entered=begun
            )
            return failed, said if begun else self._waited or said
        match outcome:
            case Success() | Skipped() | Failed() if index is not None:
                return msgspec.structs.replace(outcome, rendered_map_index=index), said
        return outcome, said

    def _tell_end(self, ending: results.Ending, view: PodView | None) -> None:
        main = view.main if view is not None else None
        begun = view is not None and phases.has_begun(view)
        self.end = AttemptEnded(
            attempt_id=self.record.attempt_id,
            at=phases.ended_at(view, self._around.clock.now()) if view is not None else self._around.clock.now(),
            result=Result(outcome=ending.outcome, xcoms=_pushes(view, ending.value)),
            started_at=main.started_at if main is not None and begun else None,
            verdict=ending.said,
            detail=_detail(view, self.events),
        )
        self._around.tell(self.end)


def _pushes(view: PodView | None, value: XComPush | None) -> tuple[XComPush, ...]:
    """What Airflow's operator pushes of every pod, and the value."""
    if view is None:
        return ()
    told = (pod_result.push("pod_name", view.name), pod_result.push("pod_namespace", view.namespace))
    return told if value is None else (*told, value)


def _detail(view: PodView | None, events: PodEvents) -> dict[str, Any]:
    """What was seen and said, as plain JSON."""
    said = events.plain()
    if view is None:
        return {"events": said} if said else {}
    plain: dict[str, Any] = {**msgspec.to_builtins(results.without_value(view)), "events": said}
    kept = ("containers", "conditions", "phase", "reason", "message", "disruption", "node", "events")
    return {name: plain[name] for name in kept if plain.get(name)}
