"""Cron expressions: which moment comes next, and which came before.

An expression names wall-clock times; a zone says which moments those are. Where clocks are put forward or back, two
kinds are told apart, as Airflow does: an expression whose hour field is a plain star goes by elapsed time (each of the
two hours of a fold has its runs), every other one goes by the wall clock (`timetable_zone` has its gaps and folds).

Reading an expression is croniter's work, since its dialect is what DAG files are written in. Stepping is ours, on
values that never change: croniter steps by changing itself, and takes many times as long.
"""

from __future__ import annotations

import difflib
import functools
import re
from bisect import bisect_left, bisect_right
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from tradewind.model.timetable_problem import BadCron
from tradewind.model.timetable_zone import to_moment, to_wall

PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
"""Airflow's names for common expressions, with croniter's two more."""

SEARCH_YEARS = 50
"""How far from a moment its neighbouring tick is looked for."""

_LAST = "l"
_RANDOM = re.compile(r"(^|[\s,])r(\(|/|,|\s|$)", re.IGNORECASE)


class NoTick(Exception):
    """No matching time within `SEARCH_YEARS`; a year field has run out."""


# -- cron expressions


@dataclass(frozen=True, slots=True)
class _Days:
    """One way for a day to match: by its number in the month and by its weekday, each `None` for any.

    `last` is the month's last day; `near` the working days nearest to these numbers, instead of `numbers`; `nth` pairs
    of a weekday (0 is Sunday) and which of the month's it is, 0 for the last.
    """

    numbers: frozenset[int] | None = None
    last: bool = False
    near: frozenset[int] = frozenset()
    weekdays: frozenset[int] | None = None
    nth: frozenset[tuple[int, int]] = frozenset()

    def within(self, year: int, month: int) -> set[int]:
        """Return the days of this month that match."""
        first, length = monthrange(year, month)
        found = set(range(1, length + 1))
        if self.near:
            found &= {_nearest_working_day(first, length, day) for day in self.near}
        elif self.numbers is not None:
            found &= self.numbers | ({length} if self.last else set())
        if self.nth:
            return {day for day in found if self._is_nth(first, length, day)}
        if self.weekdays is not None:
            return {day for day in found if (first + day) % 7 in self.weekdays}
        return found

    def _is_nth(self, first: int, length: int, day: int) -> bool:
        weekday = (first + day) % 7
        return (weekday, (day + 6) // 7) in self.nth or ((weekday, 0) in self.nth and day + 7 > length)


def _nearest_working_day(first: int, length: int, day: int) -> int:
    """Monday to Friday nearest to the day without leaving the month; `first` is the first day's weekday, Monday 0."""
    day = min(day, length)
    weekday = (first + day - 1) % 7
    if weekday == 5:
        return day - 1 if day > 1 else day + 2
    if weekday == 6:
        return day + 1 if day < length else day - 2
    return day


@dataclass(frozen=True, slots=True, eq=False)
class Cron:
    """An expression, read. Steps are on naive wall-clock times and are strict: a time is not its own neighbour."""

    text: str
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[_Days, ...]
    months: frozenset[int]
    years: frozenset[int] | None
    unit: timedelta
    goes_by_elapsed_time: bool

    def after(self, wall: datetime) -> datetime:
        """Return the first time after this one; raises NoTick."""
        start = self._floor(wall + self.unit)
        time = None
        if start.day in days_of(self, start.year, start.month):
            time = self._time_from(start.hour, start.minute, start.second)
        if time is not None:
            return start.replace(hour=time[0], minute=time[1], second=time[2])
        year, month, day = self._date_after(start)
        return datetime(year, month, day, self.hours[0], self.minutes[0], self.seconds[0])  # noqa: DTZ001

    def before(self, wall: datetime) -> datetime:
        """Return the last time before this one; raises NoTick."""
        start = self._floor(wall - timedelta(microseconds=1))
        time = None
        if start.day in days_of(self, start.year, start.month):
            time = self._time_until(start.hour, start.minute, start.second)
        if time is not None:
            return start.replace(hour=time[0], minute=time[1], second=time[2])
        year, month, day = self._date_before(start)
        return datetime(year, month, day, self.hours[-1], self.minutes[-1], self.seconds[-1])  # noqa: DTZ001

    def _floor(self, wall: datetime) -> datetime:
        if self.unit.seconds == 1:
            return wall.replace(microsecond=0) if wall.microsecond else wall
        return wall.replace(second=0, microsecond=0) if wall.second or wall.microsecond else wall

    def _time_from(self, hour: int, minute: int, second: int) -> tuple[int, int, int] | None:
        if hour in self.hours:
            at = bisect_left(self.minutes, minute)
            if at < len(self.minutes) and self.minutes[at] == minute:
                found = bisect_left(self.seconds, second)
                if found < len(self.seconds):
                    return hour, minute, self.seconds[found]
                at += 1
            if at < len(self.minutes):
                return hour, self.minutes[at], self.seconds[0]
        later = bisect_right(self.hours, hour)
        return (self.hours[later], self.minutes[0], self.seconds[0]) if later < len(self.hours) else None

    def _time_until(self, hour: int, minute: int, second: int) -> tuple[int, int, int] | None:
        if hour in self.hours:
            at = bisect_right(self.minutes, minute)
            if at > 0 and self.minutes[at - 1] == minute:
                found = bisect_right(self.seconds, second)
                if found > 0:
                    return hour, minute, self.seconds[found - 1]
                at -= 1
            if at > 0:
                return hour, self.minutes[at - 1], self.seconds[-1]
        earlier = bisect_left(self.hours, hour)
        return (self.hours[earlier - 1], self.minutes[-1], self.seconds[-1]) if earlier > 0 else None

    def _date_after(self, start: datetime) -> tuple[int, int, int]:
        year, month, day = start.year, start.month, start.day
        while year <= start.year + SEARCH_YEARS:
            days = days_of(self, year, month)
            found = bisect_right(days, day)
            if found < len(days):
                return year, month, days[found]
            year, month, day = (year, month + 1, 0) if month < 12 else (year + 1, 1, 0)
        raise NoTick(self.text)

    def _date_before(self, start: datetime) -> tuple[int, int, int]:
        year, month, day = start.year, start.month, start.day
        while year >= max(1, start.year - SEARCH_YEARS):
            days = days_of(self, year, month)
            found = bisect_left(days, day)
            if found > 0:
                return year, month, days[found - 1]
            year, month, day = (year, month - 1, 32) if month > 1 else (year - 1, 12, 32)
        raise NoTick(self.text)


@functools.lru_cache(maxsize=4096)
def days_of(cron: Cron, year: int, month: int) -> tuple[int, ...]:
    """Return the days of the month on which the expression has ticks, in order."""
    if month not in cron.months or (cron.years is not None and year not in cron.years):
        return ()
    return tuple(sorted(set().union(*(rule.within(year, month) for rule in cron.days))))


@functools.lru_cache(maxsize=1024)
def parse_cron(text: str) -> Cron:
    """Read an expression of 5, 6 (seconds last) or 7 (then years) fields, or a preset; raises BadCron."""
    expression = PRESETS.get(text, text)
    if _RANDOM.search(expression):
        raise BadCron(f"cron expression {text!r}", "R means a new random time at every look", "name the time")
    fields, nth, near = _expand(text, expression)
    seconds = _numbers(fields[5], range(60)) if len(fields) > 5 else frozenset({0})
    cron = Cron(
        text=text,
        seconds=tuple(sorted(seconds)),
        minutes=tuple(sorted(_numbers(fields[0], range(60)))),
        hours=tuple(sorted(_numbers(fields[1], range(24)))),
        days=_day_rules(fields[2], fields[4], nth, near),
        months=_numbers(fields[3], range(1, 13)),
        years=_numbers(fields[6], frozenset()) if len(fields) > 6 and "*" not in fields[6] else None,
        unit=timedelta(seconds=1) if len(fields) > 5 else timedelta(minutes=1),
        goes_by_elapsed_time=fields[1] == ["*"],
    )
    _require_a_date(cron)
    return cron


_Field = list[int | str]


def _expand(text: str, expression: str) -> tuple[list[_Field], dict[Any, set[Any]], frozenset[int]]:
    """Let croniter read it: each field's numbers (or `*`, `l`), weekdays with their place in the month, and W days."""
    from croniter import CroniterError, croniter

    try:
        read = croniter(expression, start_time=0.0)
    except (CroniterError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise BadCron(f"cron expression {text!r}", _reason(error, expression), cron_hint(text)) from None
    # Its stubs are behind it: fields hold numbers too, and there are W days.
    raw: Any = read
    return raw.expanded, raw.nth_weekday_of_month, frozenset(raw.nearest_weekday)


def _reason(error: Exception, expression: str) -> str:
    count = len(expression.split())
    if count not in (5, 6, 7):
        return f"it has {count} field{'' if count == 1 else 's'}, not 5, 6 or 7"
    words = str(error).strip().splitlines()
    return f"it cannot be read: {words[-1]}" if words else "it cannot be read"


def cron_hint(text: str) -> str:
    """Say what may have been meant."""
    near = difflib.get_close_matches(text.strip().lower(), [*PRESETS, "@once", "@continuous"], n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]!r}?"
    return "write minute, hour, day of month, month and day of week, as in '30 6 * * 1-5', or a preset such as '@daily'"


def _numbers(field: _Field, everything: range | frozenset[int]) -> frozenset[int]:
    if "*" in field:
        return frozenset(everything)
    return frozenset(value for value in field if isinstance(value, int))


def _day_rules(numbers: _Field, weekdays: _Field, nth: dict[Any, set[Any]], near: frozenset[int]) -> tuple[_Days, ...]:
    """Either field may match where both are given, as in cron; W and # still narrow both ways, as in croniter."""
    places = frozenset(
        (weekday, 0 if place == _LAST else int(place))
        for key, found in nth.items()
        for weekday in (range(7) if key == "*" else [int(key)])
        for place in found
    )
    by_number = None if "*" in numbers else _numbers(numbers, frozenset())
    by_weekday = None if "*" in weekdays else _numbers(weekdays, frozenset())
    ends = _LAST in numbers
    if by_number is not None and by_weekday is not None:
        return (
            _Days(numbers=by_number, last=ends, near=near, nth=places),
            _Days(weekdays=by_weekday, near=near, nth=places),
        )
    return (_Days(numbers=by_number, last=ends, near=near, weekdays=by_weekday, nth=places),)


def _require_a_date(cron: Cron) -> None:
    """Raise BadCron when no day of any year matches, as for 30 February."""
    # Every calendar there is comes round within 40 years (28, but for a century that has no leap year).
    years = range(1990, 2030) if cron.years is None else sorted(cron.years)
    dates = [(year, month) for year in years for month in sorted(cron.months)]
    comes = [any(rule.within(year, month) for year, month in dates) for rule in cron.days]
    # Two ways to match are two chances; but croniter looks for both, and fails on one, where W or # narrows them.
    narrowed = any(rule.near or rule.nth for rule in cron.days)
    if not (all(comes) if narrowed else any(comes)):
        raise BadCron(f"cron expression {cron.text!r}", "no such date ever comes", "check the day against the month")


# -- both, remembered: one run's arithmetic asks for the same ticks several times, and each run's for the start date's


@functools.lru_cache(maxsize=4096)
def next_tick(cron: Cron, where: tzinfo, moment: datetime) -> datetime:
    """Return the first tick after the moment, both in UTC; raises NoTick."""
    wall = to_wall(moment, where)
    found = cron.after(wall)
    return moment + (found - wall) if cron.goes_by_elapsed_time else to_moment(found, where)


@functools.lru_cache(maxsize=4096)
def previous_tick(cron: Cron, where: tzinfo, moment: datetime) -> datetime:
    """Return the last tick before the moment, both in UTC; raises NoTick."""
    wall = to_wall(moment, where)
    found = cron.before(wall)
    return moment - (wall - found) if cron.goes_by_elapsed_time else to_moment(found, where)
