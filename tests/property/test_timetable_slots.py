"""What holds for every timetable, whatever its expression, zone and bounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import msgspec
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from tradewind.model import timetable as timetables
from tradewind.model.timetable import CronDataInterval, CronTrigger, DeltaDataInterval, DeltaTrigger, RunSlot, Timetable


def _comes(text: str) -> bool:
    try:
        timetables.check(CronTrigger(crons=(text,)))
    except timetables.BadCron:
        return False
    return True


STEADY = ("UTC", "+05:30", "Asia/Kolkata", "-11:00")
CHANGING = ("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia")

minutes = st.sampled_from(["0", "30", "*/15", "*/7", "*", "5,50", "10-20/3"])
hours = st.sampled_from(["0", "2", "*", "*/2", "*/5", "1-4", "9,17", "23"])
days = st.sampled_from(["*", "1", "13", "31", "L", "*/10", "15W", "28-31"])
months = st.sampled_from(["*", "*", "1", "*/3", "mar,oct"])
weekdays = st.sampled_from(["*", "*", "0", "1-5", "fri", "2#2", "L5"])
crons = st.builds(lambda *fields: " ".join(fields), minutes, hours, days, months, weekdays).filter(_comes)
several = st.lists(crons, min_size=1, max_size=3).map(tuple)
deltas = st.one_of(
    st.timedeltas(min_value=timedelta(minutes=1), max_value=timedelta(days=40)),
    st.builds(relativedelta, months=st.integers(1, 14), days=st.integers(0, 9), hours=st.integers(0, 30)),
    st.builds(relativedelta, years=st.integers(1, 3)),
).map(timetables.Delta.of)
moments = st.datetimes(min_value=datetime(2010, 1, 1), max_value=datetime(2032, 1, 1)).map(  # noqa: DTZ001
    lambda wall: wall.replace(tzinfo=UTC)
)
spans = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=800))
seconds = st.sampled_from([0.0, 60.0, 86400.0])


def zones(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.sampled_from(names)


def intervals(names: tuple[str, ...]) -> st.SearchStrategy[Timetable]:
    return st.one_of(
        st.builds(CronDataInterval, crons=several, timezone=zones(names)), st.builds(DeltaDataInterval, delta=deltas)
    )


def triggers(names: tuple[str, ...]) -> st.SearchStrategy[Timetable]:
    return st.one_of(
        st.builds(CronTrigger, crons=several, timezone=zones(names), interval_seconds=seconds),
        st.builds(DeltaTrigger, delta=deltas, interval_seconds=seconds),
        st.builds(timetables.Events, dates=st.lists(moments, max_size=12).map(tuple)),
    )


everything = st.one_of(intervals(STEADY + CHANGING), triggers(STEADY + CHANGING))


@given(everything, moments, spans)
def test_each_run_is_later_than_the_one_before(timetable: Timetable, start: datetime, span: timedelta) -> None:
    slots = list(islice(timetables.slots_between(timetable, start, start + span), 60))
    assert all(one.run_after < two.run_after for one, two in pairwise(slots))
    logical = [slot.logical_date for slot in slots if slot.logical_date]
    assert len(logical) == len(slots)
    assert all(one < two for one, two in pairwise(logical))


@given(everything, moments, spans)
def test_no_run_lies_outside_its_bounds(timetable: Timetable, start: datetime, span: timedelta) -> None:
    for slot in islice(timetables.slots_between(timetable, start, start + span), 60):
        bounded = slot.logical_date if isinstance(timetable, CronDataInterval | DeltaDataInterval) else slot.run_after
        assert bounded is not None
        assert start <= bounded <= start + span
        assert slot.data_interval is not None
        assert slot.logical_date == slot.data_interval.start <= slot.data_interval.end == slot.run_after


@given(everything, moments, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=20)))
def test_asking_run_by_run_gives_the_runs_of_the_range_and_reversed_the_same(
    timetable: Timetable, start: datetime, span: timedelta
) -> None:
    end = start + span
    asked: list[RunSlot] = []
    last = None
    while len(asked) < 60:
        last = timetables.next_slot(timetable, last=last, earliest=start, latest=end, catchup=True, now=start)
        if last is None:
            break
        asked.append(last)
    assert asked == list(islice(timetables.slots_between(timetable, start, end), 60))
    if len(asked) < 60:
        assert asked[::-1] == list(timetables.slots_between(timetable, start, end, reverse=True))


@given(intervals(STEADY), moments, spans)
def test_intervals_leave_no_gap_and_no_overlap(timetable: Timetable, start: datetime, span: timedelta) -> None:
    slots = list(islice(timetables.slots_between(timetable, start, start + span), 60))
    for one, two in pairwise(slots):
        assert one.data_interval is not None
        assert two.data_interval is not None
        assert one.data_interval.end == two.data_interval.start


@given(st.builds(CronDataInterval, crons=several, timezone=zones(STEADY)), moments, spans)
def test_without_catchup_the_first_interval_is_the_newest_complete_one(
    timetable: Timetable, now: datetime, age: timedelta
) -> None:
    slot = timetables.next_slot(
        timetable, last=None, earliest=now - age - timedelta(days=9000), latest=None, catchup=False, now=now
    )
    assert slot is not None
    assert slot.run_after <= now
    following = timetables.next_slot(timetable, last=slot, earliest=None, latest=None, catchup=True, now=now)
    assert following is not None
    assert following.run_after > now


@given(st.builds(CronTrigger, crons=several, timezone=zones(STEADY)), moments)
def test_without_catchup_the_first_tick_is_the_newest_and_the_second_is_to_come(
    timetable: Timetable, now: datetime
) -> None:
    earliest = now - timedelta(days=9000)
    slot = timetables.next_slot(timetable, last=None, earliest=earliest, latest=None, catchup=False, now=now)
    assert slot is not None
    assert slot.run_after <= now
    following = timetables.next_slot(timetable, last=slot, earliest=earliest, latest=None, catchup=False, now=now)
    assert following is not None
    assert following.run_after > now


@given(everything, moments)
def test_a_run_by_hand_is_about_nothing_that_is_still_to_come(timetable: Timetable, moment: datetime) -> None:
    interval = timetables.manual_interval(timetable, moment)
    assert interval.start <= interval.end
    if isinstance(timetable, CronDataInterval) and timetable.timezone in STEADY:
        assert interval.end <= moment


@given(everything)
def test_a_timetable_is_the_same_after_storage_and_can_be_told(timetable: Timetable) -> None:
    stored = msgspec.json.decode(msgspec.json.encode(timetable), type=Timetable)
    assert stored == timetable
    timetables.check(timetable)
    assert timetables.summary(timetable)
    assert timetables.description(timetable)
