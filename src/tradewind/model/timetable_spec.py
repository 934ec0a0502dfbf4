"""What a DAG's schedule is, as data: one struct per kind of timetable, and the slots that a timetable asks for.

Each struct means exactly what Airflow's class beside its name means. Times are aware and in UTC; a `Delta` is either a
fixed span or one that has months in it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from tradewind.model.timetable_problem import BadTimetable
from tradewind.model.timetable_zone import UTC

if TYPE_CHECKING:
    from dateutil.relativedelta import relativedelta

_RELATIVE = ("years", "months", "days", "leapdays", "hours", "minutes", "seconds", "microseconds")
_ABSOLUTE = ("year", "month", "day", "hour", "minute", "second", "microsecond")


class DataInterval(msgspec.Struct, frozen=True):
    """The span of data that a run is about, in UTC; start and end are equal where it has no length."""

    start: datetime
    end: datetime


class RunSlot(msgspec.Struct, frozen=True, kw_only=True):
    """One run that a timetable asks for; it may be made from `run_after` on."""

    logical_date: datetime | None
    data_interval: DataInterval | None
    run_after: datetime


class Delta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A timedelta, or dateutil's relativedelta field by field: plurals are added, singulars are set.

    `relative` tells them apart. A timedelta has only `days`, `seconds` and `microseconds`.
    """

    years: int = 0
    months: int = 0
    days: float = 0
    leapdays: int = 0
    hours: float = 0
    minutes: float = 0
    seconds: float = 0
    microseconds: float = 0
    year: int | None = None
    month: int | None = None
    day: int | None = None
    hour: int | None = None
    minute: int | None = None
    second: int | None = None
    microsecond: int | None = None
    weekday: tuple[int, int | None] | None = None
    """Monday is 0; then which one from there, counted back when negative."""
    relative: bool = False

    @classmethod
    def of(cls, value: timedelta | relativedelta) -> Delta:
        """Take over the value of either class."""
        if isinstance(value, timedelta):
            return cls(days=value.days, seconds=value.seconds, microseconds=value.microseconds)
        fields: dict[str, Any] = {name: getattr(value, name) for name in (*_RELATIVE, *_ABSOLUTE)}
        weekday: Any = value.weekday
        return cls(**fields, weekday=None if weekday is None else (weekday.weekday, weekday.n), relative=True)

    def native(self) -> timedelta | relativedelta:
        """Return the value in the class it came from."""
        if not self.relative:
            return timedelta(days=self.days, seconds=self.seconds, microseconds=self.microseconds)
        from dateutil import relativedelta as dateutil

        fields: dict[str, Any] = {name: getattr(self, name) for name in (*_RELATIVE, *_ABSOLUTE)}
        weekday = None if self.weekday is None else dateutil.weekday(*self.weekday)
        return dateutil.relativedelta(**fields, weekday=weekday)


class Never(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """`schedule=None`; Airflow's NullTimetable."""


class Once(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """`schedule="@once"`; Airflow's OnceTimetable."""


class Continuous(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """`schedule="@continuous"`: one run after the other; Airflow's ContinuousTimetable."""


class CronDataInterval(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """A run for each span between two ticks, made at its end: what a cron string means in Airflow 2."""

    crons: tuple[str, ...]
    timezone: str = "UTC"


class CronTrigger(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """A run at each tick: what a cron string means in Airflow 3; CronTriggerTimetable and MultipleCronTriggerTimetable.

    The data interval is `interval` (or else `interval_seconds`) long and ends at the tick. `run_immediately` is looked
    at only when nothing has run and there is no start date: true takes the last tick, seconds take it if it is no
    older than that, false and none (as in Airflow) if it is no older than a tenth of the way to the next, or 5 minutes.
    """

    crons: tuple[str, ...]
    timezone: str = "UTC"
    interval_seconds: float = 0
    run_immediately: bool | float | None = False
    interval: Delta | None = None


class DeltaDataInterval(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """A run for each span of this length, made at its end; what a timedelta means in Airflow 2."""

    delta: Delta


class DeltaTrigger(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """A run after each span of this length; what a timedelta means in Airflow 3."""

    delta: Delta
    interval_seconds: float = 0
    interval: Delta | None = None


class Events(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """A run at each listed time; Airflow's EventsTimetable. The dates are kept in order and in UTC."""

    dates: tuple[datetime, ...]
    restrict_to_events: bool = False
    """Whether a run made by hand is about the last event before it, not about its own time."""
    description: str | None = None

    def __post_init__(self) -> None:
        if any(date.tzinfo is None for date in self.dates):
            raise BadTimetable("dates of EventsTimetable", "one has no time zone", "give each date a time zone")
        dates = tuple(sorted(date.astimezone(UTC) for date in self.dates))
        if dates != self.dates or any(date.tzinfo is not UTC for date in self.dates):
            msgspec.structs.force_setattr(self, "dates", dates)


class AssetTriggered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Due when assets are updated, never by time."""

    condition: dict[str, Any]


class AssetOrTime(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """Due when assets are updated, and by a timetable; Airflow's AssetOrTimeSchedule."""

    time: Timetable
    condition: dict[str, Any]


class Opaque(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True):
    """A timetable of someone's own class (or one not known here), held with its serialised data, not computable."""

    classpath: str
    data: dict[str, Any]


Timetable = (
    Never
    | Once
    | Continuous
    | CronDataInterval
    | CronTrigger
    | DeltaDataInterval
    | DeltaTrigger
    | Events
    | AssetTriggered
    | AssetOrTime
    | Opaque
)
