"""One attempt that has a worker and a pod: what is known of both, and the one end that they make.

Invariant: the attempt ends once, and not before both have ended. What the worker says is its end; where the worker
died, its pod is followed, and the end says which code did not run.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import msgspec

from tradewind.model import ids
from tradewind.model.events import AttemptEnded, AttemptProgress
from tradewind.model.ids import AttemptId
from tradewind.model.outcome import Failed, Outcome
from tradewind.model.states import AttemptPhase, EndReason
from tradewind.ports import runtime as port

LATE = "It did not start in time."
_NAMES = ("pod_name", "pod_uid", "namespace", "node")
_NOT_RUN = "what its execute() does after the pod, post_execute() and its success callbacks did not run"


class Companion:
    """State only; `runtime.HandoverRuntime` drives it."""

    def __init__(self, worker_id: AttemptId) -> None:
        self.worker_id = worker_id
        self.pod_id = ids.pod_of(worker_id)
        self.is_asked = False
        """A runtime has the pod, or is about to get it."""
        self.is_launched = False
        """This control plane asked for it; asking again after a restart is safe."""
        self.is_orphan = False
        """Nobody knows its worker's attempt any more."""
        self.is_late = False
        """It was stopped because it did not start in time."""
        self.base = "base"
        """The pod's main container."""
        self.stop_reason: str | None = None
        """The attempt is to end."""
        self.submitted_at: datetime | None = None
        self.has_started = False
        self.pod_end: AttemptEnded | None = None
        self.worker_end: AttemptEnded | None = None
        """Held back until the pod has ended."""
        self._names: dict[str, str] = {}
        self._changed = asyncio.Event()

    # -- what is seen ----------------------------------------------------------------------------------------------

    def take_progress(self, event: AttemptProgress) -> AttemptProgress:
        """The pod came further; what is told of the attempt: the names of its pod."""
        self._names |= {name: value for name in _NAMES if (value := getattr(event, name))}
        self.submitted_at = self.submitted_at or event.at
        self.has_started = self.has_started or event.phase is AttemptPhase.STARTED
        self._change()
        return AttemptProgress(
            attempt_id=self.worker_id, phase=AttemptPhase.SUBMITTED, at=event.at, detail=event.detail, **self._names
        )

    def take_end(self, event: AttemptEnded) -> None:
        """The pod has ended."""
        self.is_asked = True
        self.pod_end = self.pod_end or (_late(event) if self.is_late else event)
        self._change()

    def is_over(self) -> bool:
        """Whether nothing of its pod runs any more, or ever did."""
        return self.pod_end is not None or not self.is_asked

    def _change(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def reached(self, phase: AttemptPhase) -> None:
        """Wait until its pod is created, has begun or (and in any case) has ended."""
        while not self._is_at(phase):
            await self._changed.wait()

    def _is_at(self, phase: AttemptPhase) -> bool:
        if self.pod_end is not None or (phase is AttemptPhase.STARTED and self.has_started):
            return True
        return phase is AttemptPhase.SUBMITTED and self.submitted_at is not None

    # -- what is told ----------------------------------------------------------------------------------------------

    def news(self) -> port.PodNews:
        """For its worker."""
        return port.PodNews(
            name=self._names.get("pod_name", ""),
            namespace=self._names.get("namespace", ""),
            uid=self._names.get("pod_uid", ""),
            node=self._names.get("node", ""),
            started=self.has_started,
            end=self.pod_end,
        )

    def end(self, worker_end: AttemptEnded) -> AttemptEnded:
        """The end of the attempt, once its pod has ended too."""
        if self.pod_end is None:
            return worker_end
        result = worker_end.result
        if has_died(worker_end) and isinstance(result.outcome, Failed) and self.stop_reason is None:
            pushed = {push.key for push in result.xcoms}
            result = msgspec.structs.replace(
                result,
                outcome=msgspec.structs.replace(result.outcome, message=self._told(result.outcome)),
                xcoms=(*result.xcoms, *(push for push in self.pod_end.result.xcoms if push.key not in pushed)),
            )
        return msgspec.structs.replace(worker_end, result=result, detail={**self.pod_end.detail, **worker_end.detail})

    def _told(self, died: Failed) -> str:
        assert self.pod_end is not None
        name = self._names.get("pod_name", "")
        of_pod = sentence(self.pod_end)
        return f"{died.message} Its pod {name} was followed to its end: {of_pod} But {_NOT_RUN}."


def has_died(end: AttemptEnded) -> bool:
    """Whether a worker's process went without saying how its code ended: then it was not its code that ended it."""
    outcome = end.result.outcome
    return isinstance(outcome, Failed) and not outcome.error and outcome.entered


def sentence(end: AttemptEnded) -> str:
    """The verdict on a pod."""
    outcome: Outcome = end.result.outcome
    return end.verdict or getattr(outcome, "message", "") or "It completed."


def _late(event: AttemptEnded) -> AttemptEnded:
    """The end of one that was stopped since it did not start: what it waited for is what its runtime tells."""
    outcome = event.result.outcome
    if not isinstance(outcome, Failed):
        return event
    waited = f" {event.verdict}" if event.verdict and event.verdict != outcome.message else ""
    failed = msgspec.structs.replace(outcome, message=f"{LATE}{waited}", reason=EndReason.START_TIMEOUT)
    return msgspec.structs.replace(
        event, result=msgspec.structs.replace(event.result, outcome=failed), verdict=failed.message
    )
