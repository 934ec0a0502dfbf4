"""The runs of a range of time, in either direction, from any place in it: what a backfill goes through.

Invariant: `slots_from(..., after=x)` yields what follows x in the whole list, so that one who goes on after a restart
neither leaves a date out nor takes one twice. Backwards, the list is computed window by window, so that a range of any
length costs the memory of a few slots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from tradewind.model.timetable_problem import NotComputable
from tradewind.model.timetable_slots import next_slot, slots_between
from tradewind.model.timetable_spec import (
    AssetOrTime,
    CronDataInterval,
    CronTrigger,
    Delta,
    DeltaDataInterval,
    DeltaTrigger,
    RunSlot,
    Timetable,
)
from tradewind.model.timetable_zone import UTC, zone

_FIRST_WINDOW = timedelta(hours=1)
_FAR = timedelta(hours=50)
_INSTANT = timedelta(microseconds=1)
_MOST_KEPT = 10_000
"""Slots held at once where a list cannot be computed from its end: relativedeltas, backwards."""


def slots_from(
    timetable: Timetable, start: datetime, end: datetime, *, after: RunSlot | None = None, reverse: bool = False
) -> Iterator[RunSlot]:
    """Yield the runs from start to end (as `slots_between`) that follow `after`, the last first when reversed.

    Raises NotComputable where the timetable has no period.
    """
    if isinstance(timetable, AssetOrTime):
        timetable = timetable.time
    whole = slots_between(timetable, start, end)  # refuses what has no period
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if not reverse:
        return whole if after is None else _following(timetable, start, end, after)
    return _reversed(timetable, whole, start, end, after)


def count_slots(timetable: Timetable, start: datetime, end: datetime, *, at_most: int) -> int:
    """How many runs the range has; one more than `at_most` where there are more. Raises NotComputable."""
    return sum(1 for _ in islice(slots_from(timetable, start, end), at_most + 1))


def _following(timetable: Timetable, start: datetime, end: datetime, last: RunSlot) -> Iterator[RunSlot]:
    slot: RunSlot | None = last
    while slot := next_slot(timetable, last=slot, earliest=start, latest=end, catchup=True, now=end):
        yield slot


def place(timetable: Timetable, slot: RunSlot) -> datetime:
    """What of a slot a range bounds: the start of the interval of the data-interval kinds, the tick of the others."""
    assert slot.data_interval is not None
    if isinstance(timetable, CronDataInterval | DeltaDataInterval):
        return slot.data_interval.start
    return slot.data_interval.end


def _reversed(
    timetable: Timetable, whole: Iterator[RunSlot], start: datetime, end: datetime, after: RunSlot | None
) -> Iterator[RunSlot]:
    latest = end if after is None else min(end, place(timetable, after) - _INSTANT)
    if isinstance(timetable, CronDataInterval | CronTrigger):
        return _windows(timetable, start, latest, _calm(timetable.timezone))
    if isinstance(timetable, DeltaDataInterval | DeltaTrigger) and (step := _fixed(timetable.delta)) is not None:
        return _windows(timetable, start, latest, lambda low: start + (low - start) // step * step, step)
    return _from_all(timetable, whole, latest)


def _windows(
    timetable: Timetable,
    start: datetime,
    latest: datetime,
    beginning: Callable[[datetime], datetime],
    width: timedelta = _FIRST_WINDOW,
) -> Iterator[RunSlot]:
    """Windows that grow until they hold something; each begins where the list from the start is met again."""
    while latest >= start:
        low = max(start, beginning(max(start, latest - width)))
        found = [slot for slot in slots_between(timetable, low, latest) if place(timetable, slot) <= latest]
        yield from reversed(found)
        latest = low - _INSTANT
        width = width if found else width * 2


def _calm(timezone: str) -> Callable[[datetime], datetime]:
    """The next moment back that is far from a change of the clocks: around one, ticks depend on those before."""
    where = zone(timezone)

    def beginning(low: datetime) -> datetime:
        while len({(low + far).astimezone(where).utcoffset() for far in (-_FAR, timedelta(0), _FAR)}) > 1:
            low -= _FAR
        return low

    return beginning


def _fixed(delta: Delta) -> timedelta | None:
    """The span, where it is always the same and moves on."""
    native = delta.native()
    if not isinstance(native, timedelta):
        moves = timedelta(days=native.days, hours=native.hours, minutes=native.minutes)
        moves += timedelta(seconds=native.seconds, microseconds=native.microseconds)
        from dateutil import relativedelta as dateutil

        if native.normalized() != dateutil.relativedelta(microseconds=moves // _INSTANT):
            return None
        native = moves
    return native if native > timedelta(0) else None


def _from_all(timetable: Timetable, whole: Iterator[RunSlot], latest: datetime) -> Iterator[RunSlot]:
    found = list(islice(whole, _MOST_KEPT + 1))
    if len(found) > _MOST_KEPT:
        raise NotComputable(
            f"timetable {type(timetable).__name__}",
            f"it has more than {_MOST_KEPT:,} runs in the range, which cannot be listed from its end",
            "go forwards, or take a shorter range",
        )
    return reversed([slot for slot in found if place(timetable, slot) <= latest])
