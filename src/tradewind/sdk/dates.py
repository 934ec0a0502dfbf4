"""Dates as Airflow 1 and 2 computed them in `airflow.utils.dates`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from tradewind.model import timetable
from tradewind.model.timetable_grid import CronGrid
from tradewind.sdk import timezone
from tradewind.sdk.timezone import days_ago

__all__ = [
    "cron_presets", "date_range", "datetime_to_nano", "days_ago", "infer_time_unit", "parse_execution_date",
    "round_time", "scale_time_units",
]  # fmt: skip

cron_presets = dict(timetable.PRESETS)
_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


def date_range(
    start_date: datetime, end_date: datetime | None = None, num: int | None = None, delta: Any = None
) -> list[datetime]:
    """Dates from the start to the end, or `num` of them (backwards where negative), a `delta` or cron tick apart."""
    if not delta:
        return []
    if end_date and start_date > end_date:
        raise ValueError("end_date lies before start_date")
    if end_date and num:
        raise ValueError("give either end_date or num")
    first = start_date if timezone.is_localized(start_date) else timezone.make_aware(start_date)
    last = end_date if end_date or num else timezone.utcnow()
    if last is not None and timezone.is_naive(last):
        last = timezone.make_aware(last)
    found: list[datetime] = []
    for moment in _steps(first, delta, backwards=(num or 0) < 0):
        if len(found) >= abs(num) if num else moment > last:
            return sorted(found)
        found.append(moment)
    return sorted(found)


def _steps(first: Any, delta: Any, *, backwards: bool) -> Iterator[Any]:
    if isinstance(delta, str):
        grid = CronGrid((cron_presets.get(delta, delta),), timetable.zone_name(first.tzinfo or timezone.default()))
        moment = first
        while True:
            yield moment
            moment = (grid.before if backwards else grid.after)(moment).astimezone(first.tzinfo)
    step = -abs(delta) if backwards else abs(delta)
    moment = first
    while True:
        yield moment
        moment += step


def round_time(dt: datetime, delta: Any, start_date: datetime | None = None) -> datetime:
    """The date nearest to `dt` that lies a whole number of deltas after the start."""
    first = start_date or datetime.min.replace(tzinfo=timezone.default())
    if isinstance(delta, str):
        grid = CronGrid((delta,), timetable.zone_name(first.tzinfo or timezone.default()))
        return grid.align_down(first)
    moment = dt.replace(microsecond=0)
    if isinstance(delta, timedelta):
        return first + max(round((moment - first) / delta), 0) * delta
    below = first
    while below + delta < moment:
        below += delta
    return below + delta if (below + delta) - moment <= moment - below else below


def infer_time_unit(time_seconds_arr: Collection[float]) -> str:
    """The unit in which durations in seconds read best."""
    longest = max(time_seconds_arr, default=None)
    if longest is None:
        return "hours"
    bounds = (("seconds", 120), ("minutes", 7200), ("hours", 172800))
    return next((unit for unit, above in bounds if longest <= above), "days")


def scale_time_units(time_seconds_arr: Collection[float], unit: str) -> list[float]:
    """Durations in seconds, in another unit."""
    return [seconds / _UNITS.get(unit, 1) for seconds in time_seconds_arr]


def parse_execution_date(execution_date_str: str) -> datetime:
    """A moment from text."""
    return timezone.parse(execution_date_str)


def datetime_to_nano(datetime: datetime | None) -> int | None:
    """Nanoseconds since 1970."""
    if datetime is None:
        return None
    aware = datetime if timezone.is_localized(datetime) else timezone.make_aware(datetime)
    assert aware is not None
    return int(aware.timestamp() * 1_000_000_000)
