"""What a pod's view says of its attempt: how far it came, whether it is over, and how it ended.

Pure: the same view gives the same answer, so what is told twice is told the same. The end is that of the main
container; a sidecar that runs on keeps no attempt alive, a message or a log ends none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tradewind.model.events import AttemptProgress
from tradewind.model.ids import AttemptId
from tradewind.model.outcome import Failed, Outcome, Skipped, Success
from tradewind.model.states import AttemptPhase, EndReason
from tradewind.pods import verdict
from tradewind.pods.view import PodView

_OVER = frozenset({"Succeeded", "Failed"})


def progress(view: PodView) -> list[AttemptProgress]:
    """The phases that the pod has reached, in order, with the times that the cluster gives. Empty: it is not ours.

    That images are on the node has no time of its own in a pod's status; it is told with the start.
    """
    if view.identity is None:
        return []
    started_at = view.main.started_at if view.main is not None and has_begun(view) else None
    reached = (
        (AttemptPhase.SUBMITTED, view.created_at),
        (AttemptPhase.SCHEDULED, view.scheduled_at),
        (AttemptPhase.PULLED, started_at),
        (AttemptPhase.STARTED, started_at),
    )
    return [_progress(view, view.identity.attempt_id, phase, at) for phase, at in reached if at is not None]


def is_over(view: PodView) -> bool:
    """Whether nothing of the attempt's own can happen any more: its main container ended, or the pod as a whole."""
    main = view.main
    return (main is not None and main.state == "terminated") or view.phase in _OVER


def has_begun(view: PodView) -> bool:
    """Whether the main container's process was started; a runtime that could not start it did not begin it."""
    main = view.main
    if main is None or main.reason in ("StartError", "ContainerCannotRun"):
        return False
    return main.state == "running" or main.started_at is not None or main.restarts > 0


def ended_at(view: PodView, now: datetime) -> datetime:
    """When the attempt ended: its main container's end, else the moment at which we saw that it is over."""
    return (view.main.finished_at if view.main is not None else None) or now


def outcome(view: PodView, *, skip_exit_codes: Sequence[int] = ()) -> tuple[Outcome, str]:
    """How the attempt ended, without values that it may have handed over, and the sentence that says it.

    `view` is of a pod that is over, or the last one of a pod that is gone.
    """
    judged = verdict.judge(view, skip_exit_codes=skip_exit_codes)
    if judged.skipped:
        return Skipped(message=judged.sentence), judged.sentence
    if judged.reason is EndReason.COMPLETED:
        return Success(), judged.sentence
    failed = Failed(
        message=judged.sentence,
        reason=judged.reason,
        exit_code=judged.exit_code,
        signal=judged.signal,
        entered=has_begun(view),
    )
    return failed, judged.sentence


def _progress(view: PodView, attempt_id: str, phase: AttemptPhase, at: datetime) -> AttemptProgress:
    return AttemptProgress(
        attempt_id=AttemptId(attempt_id),
        phase=phase,
        at=at,
        pod_name=view.name,
        pod_uid=view.uid,
        namespace=view.namespace,
        node=view.node,
    )
