"""How far a pod came, in one or two words, and what keeps it from beginning."""

from __future__ import annotations

from tradewind.model.events import WAITING
from tradewind.model.rows import Attempt
from tradewind.model.states import AttemptPhase

_WORDS = {
    AttemptPhase.SUBMITTED: "Pending",
    AttemptPhase.SCHEDULED: "Pulling",
    AttemptPhase.PULLED: "Pulling",
    AttemptPhase.STARTED: "Running",
}


def told(attempt: Attempt) -> str:
    """Empty for what is no pod of a cluster, and for what has ended."""
    if attempt.phase is AttemptPhase.ENDED:
        return ""
    word = _WORDS.get(attempt.phase, "") if attempt.pod_uid else ""
    waits = str(attempt.detail.get(WAITING) or "") if attempt.phase is not AttemptPhase.STARTED else ""
    return f"{word or 'Waiting'}: {waits}" if waits else word
