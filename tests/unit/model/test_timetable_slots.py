"""When runs are due, kind by kind, on calendars small enough to check by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta

from tradewind.model import timetable as timetables
from tradewind.model.timetable import CronDataInterval, CronTrigger, DataInterval, Delta, RunSlot, Timetable

PARIS = ZoneInfo("Europe/Paris")
NEW_YORK = ZoneInfo("America/New_York")


def at(month: int, day: int, hour: int = 0, minute: int = 0, *, year: int = 2024, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def span(start: datetime, end: datetime) -> RunSlot:
    return RunSlot(logical_date=start, data_interval=DataInterval(start, end), run_after=end)


def exact(moment: datetime) -> RunSlot:
    return span(moment, moment)


def first(
    timetable: Timetable,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    catchup: bool = True,
    now: datetime | None = None,
    last: RunSlot | None = None,
) -> RunSlot | None:
    return timetables.next_slot(timetable, last=last, earliest=start, latest=end, catchup=catchup, now=now or at(6, 1))


def ticks(timetable: Timetable, start: datetime, count: int, zone: ZoneInfo) -> list[str]:
    slots = islice(timetables.slots_between(timetable, start, start + timedelta(days=400)), count)
    return [slot.run_after.astimezone(zone).strftime("%d %H:%M %z") for slot in slots]


class TestCronAsDataInterval:
    daily = CronDataInterval(crons=("0 0 * * *",))

    def test_the_first_run_covers_the_day_of_the_start_date_and_waits_for_its_end(self) -> None:
        assert first(self.daily, start=at(5, 1)) == span(at(5, 1), at(5, 2))

    def test_a_start_date_between_ticks_waits_for_the_next_tick_to_begin(self) -> None:
        assert first(self.daily, start=at(5, 1, 13)) == span(at(5, 2), at(5, 3))

    def test_each_run_begins_where_the_one_before_ended(self) -> None:
        assert first(self.daily, start=at(5, 1), last=span(at(5, 7), at(5, 8))) == span(at(5, 8), at(5, 9))

    def test_an_end_date_still_has_its_own_day_and_no_later_one(self) -> None:
        assert first(self.daily, end=at(5, 8), last=span(at(5, 7), at(5, 8))) == span(at(5, 8), at(5, 9))
        assert first(self.daily, end=at(5, 8), last=span(at(5, 8), at(5, 9))) is None

    def test_without_catchup_only_the_newest_complete_day_is_run(self) -> None:
        assert first(self.daily, start=at(1, 1), catchup=False, now=at(6, 1, 9)) == span(at(5, 31), at(6, 1))

    def test_at_the_very_tick_the_day_that_just_ended_is_complete(self) -> None:
        assert first(self.daily, start=at(1, 1), catchup=False, now=at(6, 1)) == span(at(5, 31), at(6, 1))

    def test_without_catchup_a_start_date_in_the_future_is_waited_for(self) -> None:
        assert first(self.daily, start=at(7, 1), catchup=False, now=at(6, 1)) == span(at(7, 1), at(7, 2))

    def test_without_catchup_missed_days_are_left_out_after_a_pause(self) -> None:
        last = span(at(5, 7), at(5, 8))
        assert first(self.daily, catchup=False, now=at(6, 1, 9), last=last) == span(at(5, 31), at(6, 1))

    def test_without_any_start_there_is_nothing_to_catch_up_from(self) -> None:
        assert first(self.daily) is None

    def test_a_schedule_made_coarser_does_not_repeat_the_day_it_already_ran(self) -> None:
        weekly = CronDataInterval(crons=("0 0 * * 0",))
        sunday, next_sunday = at(5, 5), at(5, 12)
        assert first(weekly, last=span(sunday, at(5, 6))) == span(next_sunday, at(5, 19))

    def test_several_expressions_share_one_row_of_intervals(self) -> None:
        both = CronDataInterval(crons=("0 6 * * *", "0 18 * * *"))
        assert first(both, start=at(5, 1, 6)) == span(at(5, 1, 6), at(5, 1, 18))

    def test_a_run_made_by_hand_is_about_the_last_complete_day(self) -> None:
        assert timetables.manual_interval(self.daily, at(5, 25, 1)) == DataInterval(at(5, 24), at(5, 25))


class TestCronAsTrigger:
    daily = CronTrigger(crons=("0 0 * * *",))

    def test_the_first_run_is_at_the_start_date_itself_without_an_interval(self) -> None:
        assert first(self.daily, start=at(5, 1)) == exact(at(5, 1))

    def test_the_logical_date_is_the_tick_where_airflow_2_had_the_day_before(self) -> None:
        two = timetables.parse_schedule("@daily", meaning="2", timezone="UTC")
        three = timetables.parse_schedule("@daily", meaning="3", timezone="UTC")
        found = [first(meant, start=at(1, 1), catchup=False, now=at(6, 1, 9)) for meant in (two, three)]
        assert [slot and slot.logical_date for slot in found] == [at(5, 31), at(6, 1)]

    def test_without_catchup_the_newest_tick_is_run(self) -> None:
        assert first(self.daily, start=at(1, 1), catchup=False, now=at(6, 1, 9)) == exact(at(6, 1))

    def test_after_the_newest_tick_the_next_one_is_waited_for(self) -> None:
        assert first(self.daily, start=at(1, 1), catchup=False, now=at(6, 1, 9), last=exact(at(6, 1))) == exact(
            at(6, 2)
        )

    def test_an_end_date_includes_a_tick_on_it(self) -> None:
        assert first(self.daily, end=at(6, 2), last=exact(at(6, 1))) == exact(at(6, 2))
        assert first(self.daily, end=at(6, 2), last=exact(at(6, 2))) is None

    def test_an_interval_lies_before_the_tick(self) -> None:
        hourly = CronTrigger(crons=("0 * * * *",), interval_seconds=3600)
        assert first(hourly, start=at(5, 1, 3)) == span(at(5, 1, 2), at(5, 1, 3))

    def test_an_interval_may_be_a_month(self) -> None:
        monthly = CronTrigger(crons=("0 0 1 * *",), interval=Delta.of(relativedelta(months=1)))
        assert first(monthly, start=at(3, 1)) == span(at(2, 1), at(3, 1))

    def test_several_expressions_run_once_where_they_meet(self) -> None:
        both = CronTrigger(crons=("0 0 * * *", "0 */12 * * *"))
        runs = timetables.slots_between(both, at(5, 1), at(5, 2))
        assert [slot.run_after for slot in runs] == [at(5, 1), at(5, 1, 12), at(5, 2)]

    def test_several_expressions_without_catchup_leave_out_all_but_the_newest(self) -> None:
        both = CronTrigger(crons=("0 0 * * *", "30 8 * * *"))
        assert first(both, start=at(1, 1), catchup=False, now=at(6, 1, 9)) == exact(at(6, 1, 8, 30))

    @pytest.mark.parametrize(
        ("immediately", "minute", "due"),
        [
            (True, 50, at(6, 1, 9)),
            (False, 5, at(6, 1, 9)),
            (False, 7, at(6, 1, 10)),
            (None, 7, at(6, 1, 10)),
            (600.0, 9, at(6, 1, 9)),
        ],
    )
    def test_without_a_start_date_a_recent_tick_is_made_good(
        self, immediately: bool | float | None, minute: int, due: datetime
    ) -> None:
        hourly = CronTrigger(crons=("0 * * * *",), run_immediately=immediately)
        assert first(hourly, now=at(6, 1, 9, minute)) == exact(due)

    def test_a_run_made_by_hand_ends_where_it_is_made(self) -> None:
        hourly = CronTrigger(crons=("0 * * * *",), interval_seconds=3600)
        moment = at(5, 25, 1, 17)
        assert timetables.manual_interval(hourly, moment) == DataInterval(moment - timedelta(hours=1), moment)


class TestClocksPutForwardAndBack:
    def test_a_time_in_the_gap_is_an_hour_later_by_the_clock_that_day(self) -> None:
        at_half_past_two = CronTrigger(crons=("30 2 * * *",), timezone="Europe/Paris")
        assert ticks(at_half_past_two, at(3, 30), 3, PARIS) == ["30 02:30 +0100", "31 03:30 +0200", "01 02:30 +0200"]

    def test_a_time_in_the_fold_is_the_second_of_the_two(self) -> None:
        at_half_past_two = CronTrigger(crons=("30 2 * * *",), timezone="Europe/Paris")
        assert ticks(at_half_past_two, at(10, 26), 3, PARIS) == ["26 02:30 +0200", "27 02:30 +0100", "28 02:30 +0100"]

    def test_an_hourly_schedule_runs_in_both_hours_of_the_fold(self) -> None:
        hourly = CronTrigger(crons=("30 * * * *",), timezone="America/New_York")
        assert ticks(hourly, at(11, 3, 5), 3, NEW_YORK) == ["03 01:30 -0400", "03 01:30 -0500", "03 02:30 -0500"]

    def test_an_hourly_schedule_has_no_run_in_the_gap(self) -> None:
        hourly = CronTrigger(crons=("30 * * * *",), timezone="America/New_York")
        assert ticks(hourly, at(3, 10, 6), 3, NEW_YORK) == ["10 01:30 -0500", "10 03:30 -0400", "10 04:30 -0400"]

    def test_every_two_hours_goes_by_the_clock_and_passes_over_the_fold(self) -> None:
        every_two = CronTrigger(crons=("0 */2 * * *",), timezone="Europe/Paris")
        assert ticks(every_two, at(10, 26, 22), 3, PARIS) == ["27 00:00 +0200", "27 02:00 +0100", "27 04:00 +0100"]

    def test_a_day_is_23_or_25_hours_long(self) -> None:
        daily = CronDataInterval(crons=("0 0 * * *",), timezone="Europe/Paris")
        for start, hours in ((at(3, 30, 23), 23), (at(10, 26, 22), 25), (at(5, 1, 22), 24)):
            slot = first(daily, start=start)
            assert slot is not None
            assert slot.run_after - start == timedelta(hours=hours)

    def test_a_fixed_offset_has_no_summer(self) -> None:
        daily = CronTrigger(crons=("0 0 * * *",), timezone="+02:00")
        found = [slot.run_after for slot in timetables.slots_between(daily, at(3, 30, 22), at(4, 1))]
        assert found == [at(3, 30, 22), at(3, 31, 22)]


class TestSpansOfTime:
    def test_as_data_interval_the_first_run_waits_for_one_span(self) -> None:
        hourly = timetables.delta_schedule(timedelta(hours=1), meaning="2")
        assert first(hourly, start=at(5, 1, 0, 17)) == span(at(5, 1, 0, 17), at(5, 1, 1, 17))

    def test_as_trigger_the_first_run_is_at_the_start_date(self) -> None:
        hourly = timetables.delta_schedule(timedelta(hours=1), meaning="3")
        assert first(hourly, start=at(5, 1, 0, 17)) == exact(at(5, 1, 0, 17))

    def test_without_catchup_a_data_interval_is_rounded_to_its_length(self) -> None:
        hourly = timetables.delta_schedule(timedelta(hours=1), meaning="2")
        assert first(hourly, start=at(5, 1, 0, 17), catchup=False, now=at(6, 1, 9, 40)) == span(
            at(6, 1, 8), at(6, 1, 9)
        )

    def test_months_are_counted_from_the_start_date(self) -> None:
        monthly = timetables.delta_schedule(relativedelta(months=1), meaning="2")
        assert first(monthly, start=at(1, 15), catchup=False, now=at(6, 1)) == span(at(4, 15), at(5, 15))

    def test_a_month_from_its_last_day_ends_on_the_last_day_there_is(self) -> None:
        monthly = timetables.delta_schedule(relativedelta(months=1), meaning="2")
        assert first(monthly, start=at(1, 31)) == span(at(1, 31), at(2, 29))

    def test_a_start_date_long_ago_gives_the_same_months_as_a_near_one(self) -> None:
        monthly = timetables.delta_schedule(relativedelta(months=1), meaning="2")
        found = [first(monthly, start=at(1, 9, year=y), catchup=False, now=at(6, 1)) for y in (1970, 2023)]
        assert found == [span(at(4, 9), at(5, 9))] * 2


class TestOtherKinds:
    def test_never_is_never_due(self) -> None:
        assert first(timetables.Never(), start=at(5, 1)) is None

    def test_once_is_at_the_start_date_or_now_and_only_once(self) -> None:
        assert first(timetables.Once(), start=at(5, 1)) == exact(at(5, 1))
        assert first(timetables.Once(), now=at(6, 1, 9)) == exact(at(6, 1, 9))
        assert first(timetables.Once(), start=at(5, 1), last=exact(at(5, 1))) is None
        assert first(timetables.Once(), start=at(5, 1), end=at(4, 1)) is None

    def test_continuous_runs_begin_where_the_last_ended_and_end_now(self) -> None:
        last = span(at(5, 1), at(5, 2))
        assert first(timetables.Continuous(), now=at(6, 1), last=last) == span(at(5, 2), at(6, 1))
        assert first(timetables.Continuous(), start=at(5, 1), now=at(6, 1)) == span(at(5, 1), at(6, 1))

    def test_events_come_in_order_each_once_whatever_order_they_were_given_in(self) -> None:
        events = timetables.Events(dates=(at(5, 9), at(5, 1), at(5, 9), at(5, 4)))
        found = [slot.run_after for slot in timetables.slots_between(events, at(5, 2), at(6, 1))]
        assert found == [at(5, 4), at(5, 9)]

    def test_events_without_catchup_are_only_those_to_come(self) -> None:
        events = timetables.Events(dates=(at(5, 1), at(6, 4)))
        assert first(events, start=at(1, 1), catchup=False, now=at(6, 1)) == exact(at(6, 4))

    def test_a_run_by_hand_of_restricted_events_is_about_the_last_one(self) -> None:
        events = timetables.Events(dates=(at(5, 1), at(6, 4)), restrict_to_events=True)
        assert timetables.manual_interval(events, at(5, 20)) == DataInterval(at(5, 1), at(5, 1))
        assert timetables.manual_interval(events, at(4, 20)) == DataInterval(at(5, 1), at(5, 1))

    def test_dates_without_a_zone_are_refused(self) -> None:
        with pytest.raises(timetables.BadTimetable, match="no time zone"):
            timetables.Events(dates=(datetime(2024, 5, 1),))  # noqa: DTZ001

    def test_assets_alone_are_never_due_by_time(self) -> None:
        assert first(timetables.AssetTriggered(condition={"asset": "a"}), start=at(5, 1)) is None

    def test_assets_or_time_goes_by_its_time(self) -> None:
        both = timetables.AssetOrTime(time=CronTrigger(crons=("0 0 * * *",)), condition={"asset": "a"})
        assert first(both, start=at(5, 1)) == exact(at(5, 1))
        assert timetables.manual_interval(both, at(5, 1, 7)) == DataInterval(at(5, 1, 7), at(5, 1, 7))

    def test_a_timetable_of_ones_own_class_says_that_it_cannot_be_computed(self) -> None:
        own = timetables.Opaque(classpath="plugins.workdays.AfterWorkday", data={"country": "NL"})
        with pytest.raises(timetables.NotComputable, match=r"(?s)plugins\.workdays\.AfterWorkday.*hint:"):
            first(own, start=at(5, 1))
        with pytest.raises(timetables.NotComputable):
            timetables.manual_interval(own, at(5, 1))


class TestRanges:
    hourly = CronTrigger(crons=("0 * * * *",))

    def test_both_ends_are_included(self) -> None:
        found = [slot.run_after for slot in timetables.slots_between(self.hourly, at(5, 1), at(5, 1, 2))]
        assert found == [at(5, 1), at(5, 1, 1), at(5, 1, 2)]

    def test_reversed_gives_the_same_from_the_end(self) -> None:
        forth = list(timetables.slots_between(self.hourly, at(5, 1), at(5, 1, 5)))
        assert list(timetables.slots_between(self.hourly, at(5, 1), at(5, 1, 5), reverse=True)) == forth[::-1]

    def test_a_century_of_minutes_is_not_computed_before_it_is_taken(self) -> None:
        minutes = timetables.slots_between(CronTrigger(crons=("* * * * *",)), at(1, 1), at(1, 1, year=2124))
        assert next(minutes).run_after == at(1, 1)

    @pytest.mark.parametrize("timetable", [timetables.Never(), timetables.Once(), timetables.Continuous()])
    def test_what_has_no_period_has_no_ranges(self, timetable: Timetable) -> None:
        with pytest.raises(timetables.NotComputable, match="no period"):
            timetables.slots_between(timetable, at(5, 1), at(5, 2))


class TestFieldsOfYears:
    cron = CronTrigger(crons=("0 0 1 1 * 0 2030",))

    def test_a_year_to_come_is_waited_for_without_catchup(self) -> None:
        assert first(self.cron, start=at(1, 1), catchup=False, now=at(6, 1)) == exact(at(1, 1, year=2030))

    def test_its_only_tick_is_run_when_it_has_passed(self) -> None:
        found = first(self.cron, start=at(1, 1), catchup=False, now=at(1, 1, 0, 5, year=2030))
        assert found == exact(at(1, 1, year=2030))

    def test_after_the_last_year_there_is_no_run(self) -> None:
        assert first(self.cron, last=exact(at(1, 1, year=2030)), now=at(6, 1, year=2031)) is None
