"""How a pod is refused before any of its code runs."""

from __future__ import annotations

from tradewind.model.outcome import Failed
from tradewind.model.problem import Problem
from tradewind.model.states import EndReason


class PodRefused(Exception):
    """What the pod asks for cannot be had on this machine; nothing of it has run."""

    def __init__(self, about: str, message: str, hint: str = "") -> None:
        self.problem = Problem(code="pod-refused", object=about, message=message, hint=hint)
        super().__init__(str(self.problem))

    @property
    def outcome(self) -> Failed:
        """The end of its attempt: another try would be refused in the same way."""
        return Failed(message=str(self.problem), retry=False, reason=EndReason.REJECTED, entered=False)
