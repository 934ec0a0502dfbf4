"""How this package says no."""

from __future__ import annotations

from tradewind.model.problem import Problem

INCOMPLETE = "incomplete-pod"
"""What is missing, and may come from a template that is laid under the pod."""


class BadPod(ValueError):
    """No pod can be built from these arguments; `problem` names the argument and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem

    @classmethod
    def of(cls, argument: str, message: str, hint: str = "") -> BadPod:
        """A problem of one argument of the operator."""
        return cls(Problem(code="bad-pod-argument", object=f"argument {argument!r}", message=message, hint=hint))


def at(path: str, message: str, hint: str = "") -> Problem:
    """A problem of one field of a manifest, by its path (`spec.containers[0].image`)."""
    return Problem(code="invalid-pod", object=path, message=message, hint=hint)


def lacking(path: str, message: str, hint: str = "") -> Problem:
    """What a pod needs and does not have."""
    return Problem(code="incomplete-pod", object=path, message=message, hint=hint)
