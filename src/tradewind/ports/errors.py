"""The tree of errors that cross a port. Adapters translate at their edge.

TradewindError(code, hint, retryable)
├─ Transient     try again: store busy, 429/5xx, network, the podlet restarting
├─ Conflict      someone moved first: the lease's epoch moved, a version clash → re-read, re-decide
├─ NotFound
├─ Rejected      refused: bad DAG, bad pod specification, bad input → fail the task (or the command) with message, hint
├─ Unauthorized  a credential was refused
└─ Fatal         a broken invariant → crash; the supervisor restarts us
"""

from __future__ import annotations

from typing import ClassVar

from tradewind.model.problem import Problem


class TradewindError(Exception):
    """Base of all; `code` is stable per leaf or given by the raiser, in kebab-case."""

    code: str = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", code: str | None = None, object: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.object = object
        if code is not None:
            self.code = code

    @property
    def problem(self) -> Problem:
        """The error as data."""
        return Problem(code=self.code, message=self.message, object=self.object, hint=self.hint)

    def __str__(self) -> str:
        """Object, message and hint."""
        return str(self.problem)


class Transient(TradewindError):
    """Worth the same call again."""

    code = "transient"
    retryable = True


class Conflict(TradewindError):
    """Someone moved first."""

    code = "conflict"


class NotFound(TradewindError):
    """There is no such object."""

    code = "not-found"


class Rejected(TradewindError):
    """Refused for what it says; trying again cannot help."""

    code = "rejected"


class Unauthorized(TradewindError):
    """A credential was refused."""

    code = "unauthorized"
    retryable = True


class Fatal(TradewindError):
    """An invariant is broken."""

    code = "fatal"
