"""Timetables as DAG files construct them; each tells its data by `to_timetable`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from tradewind.model import timetable
from tradewind.sdk import assets


class BaseTimetable:
    """What DAGs accept as `schedule`; a user's own timetable derives from it too."""

    description: str = ""
    periodic: bool = True

    @property
    def can_be_scheduled(self) -> bool:
        """Whether runs come by themselves."""
        return True

    @property
    def summary(self) -> str:
        """A short text for lists."""
        return type(self).__name__

    def serialize(self) -> dict[str, Any]:
        """Its arguments as JSON."""
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Any:
        """The opposite."""
        return cls(**data)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.summary}>"


class _Made(BaseTimetable):
    """Holds its data from the start."""

    def __init__(self, data: timetable.Timetable) -> None:
        self._data = data

    def to_timetable(self) -> timetable.Timetable:
        """The data."""
        return self._data

    @property
    def summary(self) -> str:
        return timetable.summary(self._data)


class NullTimetable(_Made):
    """Never: only by hand."""

    def __init__(self) -> None:
        super().__init__(timetable.Never())


class OnceTimetable(_Made):
    """Once."""

    def __init__(self) -> None:
        super().__init__(timetable.Once())


class ContinuousTimetable(_Made):
    """The next run as soon as the last one is done."""

    def __init__(self) -> None:
        super().__init__(timetable.Continuous())


class CronDataIntervalTimetable(_Made):
    """A run at the end of each interval of a cron expression."""

    def __init__(self, cron: str, timezone: Any) -> None:
        super().__init__(timetable.CronDataInterval(crons=(_cron(cron),), timezone=_zone(timezone)))


class CronTriggerTimetable(_Made):
    """A run at each moment of a cron expression; `interval` reaches back from it."""

    def __init__(
        self,
        cron: str,
        *,
        timezone: Any,
        interval: Any = timedelta(),
        run_immediately: bool | timedelta | None = False,
    ) -> None:
        super().__init__(_trigger((cron,), timezone, interval, run_immediately))


class MultipleCronTriggerTimetable(_Made):
    """A run at each moment of any of several cron expressions."""

    def __init__(
        self,
        *crons: str,
        timezone: Any,
        interval: Any = timedelta(),
        run_immediately: bool | timedelta | None = False,
    ) -> None:
        if not crons:
            raise ValueError("cron expression required")
        super().__init__(_trigger(crons, timezone, interval, run_immediately))


class DeltaDataIntervalTimetable(_Made):
    """A run at the end of each interval of a fixed length."""

    def __init__(self, delta: Any) -> None:
        super().__init__(timetable.DeltaDataInterval(delta=_delta(delta)))


class DeltaTriggerTimetable(_Made):
    """A run each time a fixed length has passed."""

    def __init__(self, delta: Any, *, interval: Any = timedelta()) -> None:
        seconds, relative = _reach(interval)
        super().__init__(timetable.DeltaTrigger(delta=_delta(delta), interval_seconds=seconds, interval=relative))


class EventsTimetable(_Made):
    """Runs at listed moments."""

    def __init__(
        self,
        event_dates: Iterable[datetime],
        restrict_to_events: bool = False,
        presorted: bool = False,
        description: str | None = None,
    ) -> None:
        dates = tuple(_utc(date) for date in event_dates)
        super().__init__(
            timetable.Events(
                dates=dates if presorted else tuple(sorted(set(dates))),
                restrict_to_events=restrict_to_events,
                description=description,
            )
        )


class AssetOrTimeSchedule(BaseTimetable):
    """By time, and when assets change."""

    def __init__(self, *, timetable: Any, assets: Any) -> None:
        self._time = timetable
        self._assets = assets

    def to_timetable(self) -> timetable.Timetable:
        """The data."""
        given = self._assets
        whole = given if assets.is_condition(given) else assets.AssetAll(*given)
        return timetable.AssetOrTime(time=self._time.to_timetable(), condition=assets.condition_of(whole))


def _trigger(crons: tuple[str, ...], zone: Any, interval: Any, immediately: Any) -> timetable.CronTrigger:
    seconds, relative = _reach(interval)
    now = immediately.total_seconds() if isinstance(immediately, timedelta) else immediately
    return timetable.CronTrigger(
        crons=tuple(_cron(cron) for cron in crons),
        timezone=_zone(zone),
        interval_seconds=seconds,
        interval=relative,
        run_immediately=now,
    )


def _cron(text: str) -> str:
    return timetable.PRESETS.get(text, text)


def _zone(zone: Any) -> str:
    return zone if isinstance(zone, str) else timetable.zone_name(zone)


def _delta(value: Any) -> timetable.Delta:
    found: Any = timetable.delta_schedule(value, meaning="2")
    return found.delta  # type: ignore[no-any-return]


def _reach(interval: Any) -> tuple[float, timetable.Delta | None]:
    if isinstance(interval, timedelta):
        return interval.total_seconds(), None
    return 0, _delta(interval)


def _utc(value: datetime) -> datetime:
    from tradewind.sdk import timezone as zones

    at = zones.make_aware(value) if zones.is_naive(value) else value
    assert at is not None
    plain = at.astimezone(timezone.utc)
    return datetime(*plain.timetuple()[:6], plain.microsecond, tzinfo=timezone.utc)
