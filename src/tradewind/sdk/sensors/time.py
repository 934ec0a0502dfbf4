"""Sensors of time: a time of day, a span after the data interval or the task's start, a moment, a day of the week.

All of them wait in the engine.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, ClassVar

from tradewind.model import dagspec
from tradewind.sdk import errors, timezone
from tradewind.sdk.sensors.engine_wait import EngineSensor, is_deferrable
from tradewind.sdk.states import WeekDay
from tradewind.sdk.unset import NOTSET

_NEVER = dt.datetime(9999, 1, 1, tzinfo=dt.timezone.utc)


class TimeSensor(EngineSensor):
    """Waits until a time of day, of the day on which it begins, in the DAG's time zone."""

    def __init__(
        self,
        *,
        target_time: Any,
        deferrable: Any = NOTSET,
        start_from_trigger: bool = False,
        end_from_trigger: bool = False,
        trigger_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        errors.expect(
            "wrong-type", f"task {self.task_id!r}", "target_time", target_time, (dt.time,),
            words="a time of day", hint="for example datetime.time(11, 30)",
        )  # fmt: skip
        self.target_time = target_time
        self.deferrable = is_deferrable(deferrable)
        self.start_from_trigger = start_from_trigger
        self.end_from_trigger = end_from_trigger

    @property
    def target_datetime(self) -> dt.datetime:
        """The moment, as seen now."""
        zone = self.dag.timezone
        day = timezone.utcnow().astimezone(zone).date()
        there = timezone.make_aware(dt.datetime.combine(day, self.target_time.replace(tzinfo=None)), zone)
        assert there is not None
        return timezone.convert_to_utc(there)

    def native(self, context: Any) -> dagspec.NativeBody | None:
        """That time of day; deferred it waits without a limit, as in Airflow."""
        limit = None if self.deferrable else self.wait_limit()
        clock = self.target_time.replace(tzinfo=None).isoformat()
        return dagspec.WaitTimeBody(clock=clock, timeout_seconds=limit, soft_fail=self.soft_fail)

    def poke(self, context: Any) -> bool:
        """Whether the time has come."""
        return timezone.utcnow() > self.target_datetime


class TimeSensorAsync(TimeSensor):
    """The same, by its older name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "deferrable": True})


class TimeDeltaSensor(EngineSensor):
    """Waits until a span after the end of the data interval, or after `run_after` where the run has none."""

    template_fields: ClassVar[Sequence[str]] = ("delta",)

    def __init__(
        self, *, delta: dt.timedelta | Any, deferrable: Any = NOTSET, end_from_trigger: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.delta = delta
        self.deferrable = is_deferrable(deferrable)
        self.end_from_trigger = end_from_trigger

    def native(self, context: Any) -> dagspec.NativeBody | None:
        """The span."""
        seconds = _span(self.task_id, "delta", self.delta).total_seconds()
        return dagspec.WaitTimeBody(after_seconds=seconds, timeout_seconds=self.wait_limit(), soft_fail=self.soft_fail)

    def poke(self, context: Any) -> bool:
        """Whether it is over."""
        base = context.get("data_interval_end") or context["dag_run"].run_after
        return bool(timezone.utcnow() > base + _span(self.task_id, "delta", self.delta))


class TimeDeltaSensorAsync(TimeDeltaSensor):
    """The same, by its older name."""

    def __init__(self, *, end_from_trigger: bool = False, delta: Any, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "delta": delta, "end_from_trigger": end_from_trigger, "deferrable": True})


class WaitSensor(EngineSensor):
    """Waits for a span that begins with the task."""

    template_fields: ClassVar[Sequence[str]] = ("time_to_wait",)

    def __init__(self, *, time_to_wait: dt.timedelta | Any, deferrable: Any = NOTSET, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.deferrable = is_deferrable(deferrable)
        self.time_to_wait = time_to_wait

    def native(self, context: Any) -> dagspec.NativeBody | None:
        """The span; as in Airflow the sensor's timeout does not count."""
        seconds = _span(self.task_id, "time_to_wait", self.time_to_wait).total_seconds()
        return dagspec.WaitTimeBody(after_seconds=seconds, anchor="start")

    def poke(self, context: Any) -> bool:
        """Whether it is over."""
        waited = timezone.utcnow() - context["ti"].start_date
        return bool(waited > _span(self.task_id, "time_to_wait", self.time_to_wait))


class DateTimeSensor(EngineSensor):
    """Waits until a moment, given as a date or as text."""

    template_fields: ClassVar[Sequence[str]] = ("target_time",)
    deferrable = False

    def __init__(self, *, target_time: str | dt.datetime, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_time = target_time

    @property
    def _moment(self) -> dt.datetime:
        given: Any = self.target_time
        if isinstance(given, dt.datetime):
            given = given.isoformat()
        if isinstance(given, str):
            return timezone.parse(given)
        raise TypeError(f"target_time is a datetime or the text of one, not {type(given).__name__}: {given!r}")

    def native(self, context: Any) -> dagspec.NativeBody | None:
        """The moment; a text that is none fails the task when it runs."""
        try:
            moment = self._moment
        except (TypeError, ValueError):
            if context is None:
                return None
            raise
        limit = None if self.deferrable else self.wait_limit()
        return dagspec.WaitTimeBody(at=timezone.to_plain(moment), timeout_seconds=limit, soft_fail=self.soft_fail)

    def poke(self, context: Any) -> bool:
        """Whether it has come."""
        return timezone.utcnow() > self._moment


class DateTimeSensorAsync(DateTimeSensor):
    """The same, deferred: it waits without a limit."""

    deferrable = True

    def __init__(
        self,
        *,
        start_from_trigger: bool = False,
        end_from_trigger: bool = False,
        trigger_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.start_from_trigger = start_from_trigger
        self.end_from_trigger = end_from_trigger


class DayOfWeekSensor(EngineSensor):
    """Waits until the day of the week is one of these: today's, or that of the run's logical date."""

    def __init__(
        self,
        *,
        week_day: Any,
        use_task_logical_date: bool = False,
        use_task_execution_day: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.week_day = week_day
        self.use_task_logical_date = use_task_logical_date or use_task_execution_day
        self._days = week_days(self.task_id, week_day)

    def native(self, context: Any) -> dagspec.NativeBody | None:
        """The next such day; a logical date of another day stays so, and the sensor times out."""
        if context is None:
            return None
        now = timezone.utcnow()
        at = now
        if self.use_task_logical_date:
            at = now if self.poke(context) else _NEVER
        elif not self.poke(context):
            days = next(one for one in range(1, 8) if (now + dt.timedelta(days=one)).isoweekday() in self._days)
            at = (now + dt.timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
        return dagspec.WaitTimeBody(
            at=timezone.to_plain(at), timeout_seconds=self.wait_limit(), soft_fail=self.soft_fail
        )

    def poke(self, context: Any) -> bool:
        """Whether it is such a day."""
        if not self.use_task_logical_date:
            return timezone.utcnow().isoweekday() in self._days
        date = context.get("logical_date") or context["dag_run"].run_after
        return date.isoweekday() in self._days


def week_days(task_id: str, given: Any) -> set[int]:
    """Numbers of days. Raises with what a day is called."""
    try:
        return WeekDay.validate_week_day(given)
    except (KeyError, TypeError) as error:
        said = f"{given!r} is no day of the week: {error}"
        hint = "write 'Monday', WeekDay.MONDAY, or a set of those"
        raise errors.ValueProblem.of("bad-week-day", f"task {task_id!r}", said, hint) from None


def _span(task_id: str, name: str, given: Any) -> dt.timedelta:
    """A span; what a template gave is a number of minutes, as in Airflow."""
    if isinstance(given, dt.timedelta):
        return given
    try:
        return dt.timedelta(minutes=int(given))
    except (TypeError, ValueError):
        said = f"{name} must be a timedelta or a number of minutes, got {type(given).__name__}: {given!r}"
        raise errors.ValueProblem.of("bad-duration", f"task {task_id!r}", said, "write timedelta(hours=1)") from None
