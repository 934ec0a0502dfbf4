"""A problem as data: what was wrong with which object, and what to do; the form in which errors cross processes."""

from __future__ import annotations

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One error for people.

    `code` is stable (kebab-case, in the reference docs); `object` names what it is about ("DAG 'x'",
    "file etl.py line 3"); `hint` says what to do.
    """

    code: str
    message: str
    object: str = ""
    hint: str = ""
    traceback: str = ""
    file: str = ""
    line: int = 0
    lacks: str = ""
    """What only the environment lacks, as `package:NAME`, `variable:KEY`, `connection:ID`, `environment:NAME`,
    `file:PATH` or `credentials:CLOUD`: nothing is wrong with the file. Empty where the file is at fault.
    """

    def __str__(self) -> str:
        """One text of at most three parts: object, message, hint."""
        head = f"{self.object}: {self.message}" if self.object else self.message
        return f"{head}\nhint: {self.hint}" if self.hint else head
