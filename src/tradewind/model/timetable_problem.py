"""What can be wrong with a schedule, as exceptions that say of what, why, and what to do."""

from __future__ import annotations

from typing import Any, ClassVar

from tradewind.model.problem import Problem


class BadTimetable(ValueError):
    """A schedule that cannot be kept: `object` names it, `reason` says why, `hint` what to do."""

    code: ClassVar[str] = "bad-timetable"

    def __init__(self, object: str, reason: str, hint: str) -> None:
        super().__init__(object, reason, hint)
        self.object = object
        self.reason = reason
        self.hint = hint

    @property
    def problem(self) -> Problem:
        """The error as data."""
        return Problem(code=self.code, message=self.reason, object=self.object, hint=self.hint)

    def __str__(self) -> str:
        return str(self.problem)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.object, self.reason, self.hint)


class BadCron(BadTimetable):
    """Text that is no cron expression, or one that names no date that ever comes."""

    code = "bad-cron"


class BadZone(BadTimetable):
    """The name of no time zone."""

    code = "bad-time-zone"


class NotComputable(BadTimetable):
    """A timetable that is held but whose runs cannot be computed here, or not for this question."""

    code = "timetable-not-computable"
