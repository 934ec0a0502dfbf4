"""How much later than its moment a DAG's scheduled run is made, so that DAGs with one schedule do not begin at once.

Invariant: the delay of a DAG is always the same (a hash of its id), shorter than the window and than the schedule's
own period; it changes when a run is made and nothing else: not its logical date, interval or `run_after`.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from itertools import islice, pairwise

from tradewind.model.timetable_problem import BadTimetable
from tradewind.model.timetable_slots import is_periodic, slots_between
from tradewind.model.timetable_spec import Timetable
from tradewind.model.timetable_zone import UTC

_FROM = datetime(2026, 1, 5, tzinfo=UTC)
_TO = datetime(2028, 1, 5, tzinfo=UTC)
_LOOKED_AT = 25
"""Slots whose distances tell a schedule's period: a day of an hourly one."""


def delay(timetable: Timetable, dag_id: str, window_seconds: float) -> timedelta:
    """The DAG's place in the window; nothing for a schedule that is not of moments (by hand, once, continuous)."""
    if window_seconds <= 0 or not is_periodic(timetable):
        return timedelta(0)
    try:
        slots = [slot.run_after for slot in islice(slots_between(timetable, _FROM, _TO), _LOOKED_AT)]
    except (BadTimetable, ArithmeticError, ValueError):  # it gets no runs anyway, and its problem is told elsewhere
        return timedelta(0)
    period = min(((later - earlier).total_seconds() for earlier, later in pairwise(slots)), default=window_seconds)
    digest = hashlib.sha256(dag_id.encode()).digest()
    part = int.from_bytes(digest[:8], "big") / 2**64
    return timedelta(seconds=round(part * min(window_seconds, period), 3))
