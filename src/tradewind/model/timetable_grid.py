"""Where ticks lie, for the slots to be laid on: those of cron expressions, and steps of one length."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from tradewind.model.calendar import NoTick, next_tick, parse_cron, previous_tick
from tradewind.model.timetable_spec import Delta
from tradewind.model.timetable_zone import UTC, zone


class Grid(Protocol):
    """Ticks in a row."""

    def after(self, moment: datetime) -> datetime:
        """Return the first tick after the moment, strictly."""
        ...

    def before(self, moment: datetime) -> datetime:
        """Return the last tick before the moment, strictly."""
        ...

    def align_up(self, moment: datetime) -> datetime:
        """Return the moment if it is a tick, else the next one."""
        ...

    def align_down(self, moment: datetime) -> datetime:
        """Return the moment if it is a tick, else the one before."""
        ...

    def skip_to_latest(self, earliest: datetime | None, now: datetime) -> datetime:
        """Return the start of the newest complete interval, or the first tick from `earliest` on if that is later."""
        ...


class CronGrid:
    """The ticks of one or several expressions."""

    def __init__(self, crons: tuple[str, ...], timezone: str) -> None:
        self._crons = [parse_cron(text) for text in crons]
        self._zone = zone(timezone)

    def after(self, moment: datetime) -> datetime:
        """Return the first tick after the moment."""
        return min(next_tick(cron, self._zone, moment) for cron in self._crons)

    def before(self, moment: datetime) -> datetime:
        """Return the last tick before the moment."""
        return max(previous_tick(cron, self._zone, moment) for cron in self._crons)

    def align_up(self, moment: datetime) -> datetime:
        """See Grid."""
        later = self.after(moment)
        try:
            return moment if self.before(later) == moment else later
        except NoTick:  # it is the very first one; Airflow fails here
            return later

    def align_down(self, moment: datetime) -> datetime:
        """See Grid."""
        earlier = self.before(moment)
        try:
            return moment if self.after(earlier) == moment else earlier
        except NoTick:  # it was the very last one; Airflow fails here
            return earlier

    def skip_to_latest(self, earliest: datetime | None, now: datetime) -> datetime:
        """See Grid."""
        start = self.before(now)
        # A tick just now ends the newest complete interval. One before now is a quirk of changed clocks: Airflow fails.
        if self.after(start) > now:
            start = self.before(start)
        return start if earliest is None else max(start, self.align_up(earliest))


class DeltaGrid:
    """Steps of one length from wherever one stands; every moment is a tick."""

    def __init__(self, delta: Delta) -> None:
        self._delta = delta
        self._step = delta.native()

    def after(self, moment: datetime) -> datetime:
        """Return the moment one step on."""
        return moment + self._step

    def before(self, moment: datetime) -> datetime:
        """Return the moment one step back."""
        return moment - self._step

    def align_up(self, moment: datetime) -> datetime:
        """Every moment is a tick."""
        return moment

    def align_down(self, moment: datetime) -> datetime:
        """Every moment is a tick."""
        return moment

    def skip_to_latest(self, earliest: datetime | None, now: datetime) -> datetime:
        """See Grid."""
        start = self.before(self._floor(now, earliest or now))
        return start if earliest is None else max(start, earliest)

    def _floor(self, moment: datetime, anchor: datetime) -> datetime:
        """Fixed lengths have a grid from the epoch on, those with months one from the anchor on, step after step."""
        if self._delta.months or self._delta.years:
            at = self._leap(moment, anchor)
            while at < (following := self.after(at)) <= moment:
                at = following
            return at
        length, seconds = self._length_seconds(), moment.timestamp()
        return datetime.fromtimestamp(seconds - seconds % length, tz=UTC) if length > 0 else moment

    def _leap(self, moment: datetime, anchor: datetime) -> datetime:
        """Take the many steps of an old anchor at once, where the way does not depend on them: no day is ever cut."""
        delta = self._delta
        whole = Delta(years=delta.years, months=delta.months, relative=True)
        step = delta.years * 12 + delta.months
        apart = (moment.year - anchor.year) * 12 + moment.month - anchor.month - 1
        if delta != whole or step <= 0 or anchor.day > 28 or apart < step:
            return anchor
        months = anchor.year * 12 + anchor.month - 1 + apart // step * step
        return anchor.replace(year=months // 12, month=months % 12 + 1)

    def _length_seconds(self) -> float:
        if isinstance(self._step, timedelta):
            return self._step.total_seconds()
        delta = self._delta
        return delta.days * 86400 + delta.hours * 3600 + delta.minutes * 60 + delta.seconds + delta.microseconds / 1e6


def before_tick(interval: Delta | None, seconds: float) -> DeltaGrid:
    """Return the grid whose one step back from a tick is the start of that tick's data interval."""
    return DeltaGrid(interval if interval is not None else Delta(seconds=seconds))
