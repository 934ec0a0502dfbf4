"""When runs are due: the arithmetic of every kind of timetable, equal to Airflow 3.3's moment by moment.

Nothing here knows what time it is; callers say it. In the few places where Airflow's arithmetic raises (and its
scheduler then forgets the DAG's next run) there is an answer here: around changes of the clocks without catchup, and at
the ends of a cron expression's field of years.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tradewind.model.calendar import NoTick
from tradewind.model.timetable_grid import CronGrid, DeltaGrid, Grid, before_tick
from tradewind.model.timetable_problem import NotComputable
from tradewind.model.timetable_spec import (
    AssetOrTime,
    AssetTriggered,
    Continuous,
    CronDataInterval,
    CronTrigger,
    DataInterval,
    DeltaDataInterval,
    DeltaTrigger,
    Events,
    Never,
    Once,
    Opaque,
    RunSlot,
    Timetable,
)
from tradewind.model.timetable_zone import UTC

_FIVE_MINUTES = timedelta(minutes=5)
_MOST_STEPS = 1000
"""Ticks that are stepped over to come behind the last run: one or two, unless a timetable stands still."""


def next_slot(
    timetable: Timetable,
    *,
    last: RunSlot | None,
    earliest: datetime | None,
    latest: datetime | None,
    catchup: bool,
    now: datetime,
) -> RunSlot | None:
    """Return the run after the last automated one, or None where no further run is due.

    `earliest` and `latest` are the DAG's start and end dates, both inclusive: they bound the start of the interval of
    the data-interval kinds, the tick of the others. Without catchup, what lies before the newest complete interval (the
    newest tick) is left out. The slot may lie in the future: it is due at its `run_after`. Raises NotComputable.
    """
    ran = last.data_interval if last else None
    try:
        match timetable:
            case Never() | AssetTriggered():
                return None
            case Once():
                return _once(ran, earliest, latest, now)
            case Continuous():
                return _continuous(ran, earliest, latest, now)
            case Events():
                return _event(timetable, ran, earliest, latest, catchup=catchup, now=now)
            case CronDataInterval():
                return _interval_slot(
                    CronGrid(timetable.crons, timetable.timezone), ran, earliest, latest, catchup, now
                )
            case DeltaDataInterval():
                return _interval_slot(DeltaGrid(timetable.delta), ran, earliest, latest, catchup, now)
            case CronTrigger():
                return _cron_trigger(timetable, ran, earliest, latest, catchup, now)
            case DeltaTrigger():
                before = before_tick(timetable.interval, timetable.interval_seconds)
                grid = DeltaGrid(timetable.delta)
                tick = _trigger_tick(grid, ran, earliest, catchup, now, first=now)
                return _trigger_slot(tick, latest, before)
            case AssetOrTime():
                return next_slot(timetable.time, last=last, earliest=earliest, latest=latest, catchup=catchup, now=now)
            case Opaque():
                raise _opaque(timetable)
    except NoTick:
        return None


def slots_between(timetable: Timetable, start: datetime, end: datetime, *, reverse: bool = False) -> Iterator[RunSlot]:
    """Yield the runs from start to end (both inclusive, bounding what `next_slot` bounds), computed as they are taken.

    Reversed, all are computed before the first is given, since each follows from the one before. A backfill leaves out
    those whose interval has not ended yet. Raises NotComputable where there is no period: by hand, once, on assets.
    """
    if not is_periodic(timetable):
        raise NotComputable(
            f"timetable {type(timetable).__name__}", "it has no period to make runs for", "trigger single runs instead"
        )
    slots = _chain(timetable, start.astimezone(UTC), end.astimezone(UTC))
    return reversed(list(slots)) if reverse else slots


def _chain(timetable: Timetable, start: datetime, end: datetime) -> Iterator[RunSlot]:
    slot = None
    while slot := next_slot(timetable, last=slot, earliest=start, latest=end, catchup=True, now=end):
        yield slot


def is_periodic(timetable: Timetable) -> bool:
    """Tell whether it makes run after run by time alone, so that a range of it can be backfilled."""
    if isinstance(timetable, AssetOrTime):
        return is_periodic(timetable.time)
    return not isinstance(timetable, Never | Once | Continuous | AssetTriggered)


def manual_interval(timetable: Timetable, run_after: datetime) -> DataInterval:
    """Return the interval of a run made by hand at this time. Raises NotComputable."""
    try:
        match timetable:
            case CronDataInterval():
                grid = CronGrid(timetable.crons, timetable.timezone)
                end = grid.align_down(run_after)
                return DataInterval(grid.before(end), end)
            case DeltaDataInterval():
                return DataInterval(DeltaGrid(timetable.delta).before(run_after), run_after)
            case CronTrigger() | DeltaTrigger():
                return DataInterval(
                    before_tick(timetable.interval, timetable.interval_seconds).before(run_after), run_after
                )
            case Events(dates=dates, restrict_to_events=True) if dates:
                at = max((date for date in dates if date <= run_after), default=dates[0])
                return DataInterval(at, at)
            case AssetOrTime():
                return manual_interval(timetable.time, run_after)
            case Opaque():
                raise _opaque(timetable)
            case _:
                return DataInterval(run_after, run_after)
    except NoTick as error:
        raise NotComputable(f"cron expression {error}", "no tick lies near", "check its field of years") from None


def _opaque(timetable: Opaque) -> NotComputable:
    return NotComputable(
        f"timetable {timetable.classpath}",
        "it is a class of its own, whose runs cannot be computed here",
        "schedule the DAG with a cron expression, a timedelta or EventsTimetable, or trigger its runs from outside",
    )


def _exact(at: datetime) -> RunSlot:
    return RunSlot(logical_date=at, data_interval=DataInterval(at, at), run_after=at)


def _span(start: datetime, end: datetime) -> RunSlot:
    return RunSlot(logical_date=start, data_interval=DataInterval(start, end), run_after=end)


def _once(
    ran: DataInterval | None, earliest: datetime | None, latest: datetime | None, now: datetime
) -> RunSlot | None:
    at = earliest or now
    if ran is not None or (latest is not None and at > latest):
        return None
    return _exact(at)


def _continuous(
    ran: DataInterval | None, earliest: datetime | None, latest: datetime | None, now: datetime
) -> RunSlot | None:
    start = earliest or now
    if ran is None:
        end = max(start, now)
    elif ran.end > now:  # the start date was put into the future
        end = start + (ran.end - ran.start)
    else:
        start, end = ran.end, now
    return None if latest is not None and end > latest else _span(start, end)


def _event(
    timetable: Events,
    ran: DataInterval | None,
    earliest: datetime | None,
    latest: datetime | None,
    *,
    catchup: bool,
    now: datetime,
) -> RunSlot | None:
    if not catchup and (earliest is None or now > earliest):
        earliest = now
    for date in timetable.dates:
        if (earliest is None or date >= earliest) and (ran is None or date > ran.end):
            return None if latest is not None and date > latest else _exact(date)
    return None


def _interval_slot(
    grid: Grid,
    ran: DataInterval | None,
    earliest: datetime | None,
    latest: datetime | None,
    catchup: bool,
    now: datetime,
) -> RunSlot | None:
    if not catchup:
        earliest = grid.skip_to_latest(earliest, now)
    elif earliest is not None:
        earliest = grid.align_up(earliest)
    if ran is None:
        if earliest is None:
            return None
        start = earliest
    else:
        start = grid.align_down(ran.end)  # the schedule may have changed since
        start = start if earliest is None else max(start, earliest)
        for _ in range(_MOST_STEPS):  # the schedule changed, or the clocks did by half an hour: Airflow fails after one
            if start > ran.start:
                break
            start = grid.after(start)
        else:
            return None
    if latest is not None and start > latest:
        return None
    return _span(start, grid.after(start))


def _cron_trigger(
    timetable: CronTrigger,
    ran: DataInterval | None,
    earliest: datetime | None,
    latest: datetime | None,
    catchup: bool,
    now: datetime,
) -> RunSlot | None:
    """With several expressions, the first of their logical dates; without catchup, the last one that has passed."""
    before = before_tick(timetable.interval, timetable.interval_seconds)
    found = []
    for cron in timetable.crons:
        grid = CronGrid((cron,), timetable.timezone)
        first = _first_tick(grid, timetable.run_immediately, now) if ran is None and earliest is None else now
        slot = _trigger_slot(_trigger_tick(grid, ran, earliest, catchup, now, first=first), latest, before)
        if slot is not None:
            found.append(slot)
    if not found:
        return None
    if catchup:
        return min(found, key=_logical_date)
    passed = [slot for slot in found if _logical_date(slot) <= now]
    return max(passed, key=_logical_date) if passed else min(found, key=_logical_date)


def _logical_date(slot: RunSlot) -> datetime:
    assert slot.logical_date is not None
    return slot.logical_date


def _first_tick(grid: CronGrid, run_immediately: bool | float | None, now: datetime) -> datetime:
    past, coming = grid.align_down(now), grid.align_up(now)
    if run_immediately is True:
        return past
    if run_immediately is False or run_immediately is None:
        tolerated = max((coming - past) / 10, _FIVE_MINUTES)
    else:
        tolerated = timedelta(seconds=run_immediately)
    return past if now - past <= tolerated else coming


def _trigger_tick(
    grid: Grid, ran: DataInterval | None, earliest: datetime | None, catchup: bool, now: datetime, *, first: datetime
) -> datetime:
    if ran is not None:
        following = grid.after(ran.end)
    elif earliest is not None:
        following = grid.align_up(earliest)
    else:
        following = first
    if catchup:
        return following
    candidates = [following]
    if earliest is not None:
        candidates.append(grid.align_up(earliest))
    try:
        candidates.append(grid.align_down(now))
    except NoTick:  # the first one is yet to come
        pass
    return max(candidates)


def _trigger_slot(tick: datetime, latest: datetime | None, before: DeltaGrid) -> RunSlot | None:
    if latest is not None and latest < tick:
        return None
    return _span(before.before(tick), tick)
