"""What is told of a try that failed, or of a late task, to whom that names: a value in the engine's outbox.

Invariant: it holds all that a mail says besides the log, as it was at that moment: the task may be cleared meanwhile.
"""

from __future__ import annotations

from datetime import datetime

import msgspec


class FailureNotice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One try that failed, or (`is_late`) one task that missed its SLA."""

    to: tuple[str, ...]
    at: datetime
    dag_id: str
    run_id: str
    run_key: int
    task_id: str
    map_index: int
    try_number: int
    max_tries: int
    verdict: str
    logical_date: datetime | None = None
    attempt_id: str | None = None
    """Whose log is quoted; None where the engine itself did the task."""
    operator: str = ""
    next_try_at: datetime | None = None
    """None: it has failed for good."""
    is_late: bool = False
    """Its SLA passed before it had succeeded; it may still run."""
