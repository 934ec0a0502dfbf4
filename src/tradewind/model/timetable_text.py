"""Schedules as text: reading what a DAG file says, and saying for people what a timetable does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from tradewind.model.calendar import PRESETS, Cron, parse_cron
from tradewind.model.timetable_problem import BadTimetable
from tradewind.model.timetable_spec import (
    AssetOrTime,
    AssetTriggered,
    Continuous,
    CronDataInterval,
    CronTrigger,
    Delta,
    DeltaDataInterval,
    DeltaTrigger,
    Events,
    Never,
    Once,
    Opaque,
    Timetable,
)
from tradewind.model.timetable_zone import UTC, zone

if TYPE_CHECKING:
    from dateutil.relativedelta import relativedelta

_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_SAMPLES = tuple(
    datetime(2000 + month // 12, month % 12 + 1, day, tzinfo=UTC) for month in range(25) for day in (1, 28)
)


def parse_schedule(text: str, *, meaning: Literal["2", "3"], timezone: str = "UTC") -> Timetable:
    """Read a DAG's `schedule` string as that version of Airflow does. Raises BadCron, BadZone."""
    if text == "@once":
        return Once()
    if text == "@continuous":
        return Continuous()
    parse_cron(text)
    zone(timezone)
    crons = (PRESETS.get(text, text),)
    if meaning == "2":
        return CronDataInterval(crons=crons, timezone=timezone)
    return CronTrigger(crons=crons, timezone=timezone)


def delta_schedule(value: timedelta | relativedelta, *, meaning: Literal["2", "3"]) -> Timetable:
    """Take a DAG's `schedule` that is a span of time as that version of Airflow does. Raises BadTimetable."""
    delta = Delta.of(value)
    timetable = DeltaDataInterval(delta=delta) if meaning == "2" else DeltaTrigger(delta=delta)
    check(timetable)
    return timetable


def check(timetable: Timetable) -> None:
    """Raise BadTimetable (BadCron, BadZone) for one that could never be kept."""
    match timetable:
        case CronDataInterval(crons=crons, timezone=name) | CronTrigger(crons=crons, timezone=name):
            zone(name)
            if not crons:
                raise BadTimetable(
                    f"timetable {type(timetable).__name__}", "it has no cron expression", "give at least one"
                )
            for text in crons:
                parse_cron(text)
        case DeltaDataInterval(delta=delta) | DeltaTrigger(delta=delta):
            step = delta.native()
            if any(sample + step <= sample for sample in _SAMPLES):
                raise BadTimetable(
                    f"schedule {summary(timetable)!r}", "it does not lead forward in time", "give a positive length"
                )
        case AssetOrTime(time=AssetTriggered() | AssetOrTime()):
            raise BadTimetable(
                "timetable AssetOrTime", "its time is itself triggered by assets", "nest a timetable that goes by time"
            )
        case AssetOrTime(time=nested):
            check(nested)
        case _:
            pass


def summary(timetable: Timetable) -> str:
    """Say it in a word or two, for a column: the expressions themselves where there are some."""
    match timetable:
        case Never():
            return "None"
        case Once():
            return "@once"
        case Continuous():
            return "@continuous"
        case CronDataInterval(crons=crons) | CronTrigger(crons=crons):
            return ", ".join(crons)
        case DeltaDataInterval(delta=delta) | DeltaTrigger(delta=delta):
            return _length(delta)
        case Events():
            return timetable.description or f"{len(timetable.dates)} events"
        case AssetTriggered():
            return "Asset"
        case AssetOrTime(time=nested):
            return f"Asset or {summary(nested)}"
        case Opaque(classpath=path):
            return path.rpartition(".")[2]


def description(timetable: Timetable) -> str:
    """Say in a sentence when runs are made."""
    match timetable:
        case Never():
            return "Never by time, only when triggered"
        case Once():
            return "Once, as soon as it is there"
        case Continuous():
            return "One run after the other, without a pause"
        case CronDataInterval(crons=crons, timezone=name) | CronTrigger(crons=crons, timezone=name):
            said = "; ".join(_ticks(parse_cron(text)) for text in crons)
            return said if zone(name) is UTC else f"{said} ({name})"
        case DeltaDataInterval(delta=delta) | DeltaTrigger(delta=delta):
            return f"Every {_length(delta)}"
        case Events(dates=dates):
            if timetable.description:
                return timetable.description
            return f"{len(dates)} events from {dates[0]:%Y-%m-%d} to {dates[-1]:%Y-%m-%d}" if dates else "No events"
        case AssetTriggered():
            return "When its assets are updated"
        case AssetOrTime(time=nested):
            return f"When its assets are updated, or: {description(nested)}"
        case Opaque(classpath=path):
            return f"By the timetable {path}"


def _length(delta: Delta) -> str:
    if not delta.relative:
        return str(delta.native())
    names = ("years", "months", "days", "hours", "minutes", "seconds", "microseconds")
    parts = [_count(getattr(delta, name), name[:-1]) for name in names if getattr(delta, name)]
    rest = repr(delta.native()) if not parts or delta.weekday or delta.leapdays else ""
    return rest or " ".join(parts)


def _count(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'' if number == 1 else 's'}"


def _ticks(cron: Cron) -> str:
    if cron.years is not None or len(cron.days) != 1 or cron.days[0].near or cron.days[0].nth or len(cron.seconds) > 1:
        return f"At the times of {cron.text!r}"
    every_hour, hour_step = len(cron.hours) == 24, _step(cron.hours, 24)
    minute_step = _step(cron.minutes, 60)
    when = _dates(cron)
    if len(cron.hours) * len(cron.minutes) <= 4:
        return f"At {_list([f'{hour:02}:{minute:02}' for hour in cron.hours for minute in cron.minutes])} {when}"
    tail = "" if when == "every day" else f" {when}"
    if every_hour and len(cron.minutes) == 60:
        return f"Every minute{tail}"
    if every_hour and minute_step:
        return f"Every {minute_step} minutes{tail}"
    if every_hour:
        return f"Every hour at minute {_list([str(minute) for minute in cron.minutes])}{tail}"
    if hour_step and len(cron.minutes) == 1:
        return f"Every {hour_step} hours at minute {cron.minutes[0]}{tail}"
    return f"At the times of {cron.text!r}"


def _dates(cron: Cron) -> str:
    days = cron.days[0]
    said = []
    if days.weekdays is not None:
        said.append(f"on {_run(sorted(days.weekdays), _WEEKDAYS)}")
    if days.numbers is not None:
        numbers = [str(day) for day in sorted(days.numbers)]
        said.append(f"on {_list(['day ' + day for day in numbers] + ['the last day'] * days.last)} of the month")
    if len(cron.months) < 12:
        said.append(f"in {_run([month - 1 for month in sorted(cron.months)], _MONTHS)}")
    return " ".join(said) or "every day"


def _step(values: tuple[int, ...], whole: int) -> int:
    """Return the distance of evenly spread values that begin at 0, or 0."""
    if len(values) > 1 and whole % len(values) == 0 and values == tuple(range(0, whole, whole // len(values))):
        return whole // len(values)
    return 0


def _run(values: list[int], names: tuple[str, ...]) -> str:
    if len(values) > 2 and values == list(range(values[0], values[-1] + 1)):
        return f"{names[values[0]]} to {names[values[-1]]}"
    return _list([names[value] for value in values])


def _list(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
