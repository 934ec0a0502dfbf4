"""Ranges of a timetable: backwards is the same list backwards, and each place in it goes on where it was left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.model import timetable_range
from tradewind.model.timetable import (
    AssetOrTime,
    CronDataInterval,
    CronTrigger,
    Delta,
    DeltaDataInterval,
    DeltaTrigger,
    Events,
    Never,
    NotComputable,
    Timetable,
    slots_between,
)
from tradewind.model.timetable_range import count_slots, slots_from

ZONES = (
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "-05:30",
)
CRONS = (
    "0 0 * * *",
    "0 * * * *",
    "*/25 * * * *",
    "30 2 * * *",
    "15 1 * * 0",
    "0 0 1 * *",
    "0 9-17/3 * * 1-5",
    "0 0 29 2 *",
)
EPOCH = datetime(2018, 10, 1, tzinfo=UTC)
DELTAS: tuple[timedelta | relativedelta, ...] = (
    timedelta(hours=7),
    timedelta(days=1, seconds=1),
    relativedelta(hours=5, minutes=-10),
    relativedelta(months=1),
    relativedelta(days=1, hour=3),
)
EVENTS = tuple(EPOCH + timedelta(days=n * n) for n in range(20))

crons = st.builds(CronDataInterval, crons=st.tuples(st.sampled_from(CRONS)), timezone=st.sampled_from(ZONES))
triggers = st.builds(
    CronTrigger,
    crons=st.lists(st.sampled_from(CRONS), min_size=1, max_size=2).map(tuple),
    timezone=st.sampled_from(ZONES),
    interval_seconds=st.sampled_from([0.0, 7200.0]),
)
deltas = st.sampled_from(DELTAS).map(Delta.of)
timetables: st.SearchStrategy[Timetable] = st.one_of(
    crons,
    triggers,
    crons.map(lambda one: AssetOrTime(time=one, condition={})),
    st.builds(DeltaDataInterval, delta=deltas),
    st.builds(DeltaTrigger, delta=deltas),
    st.just(Events(dates=EVENTS)),
)
starts = st.integers(0, 600 * 24 * 60).map(lambda minutes: EPOCH + timedelta(minutes=minutes))
lengths = st.one_of(st.integers(0, 60 * 24 * 60), st.integers(0, 60)).map(lambda minutes: timedelta(minutes=minutes))


@given(timetables, starts, lengths, st.data())
@settings(max_examples=400)
def test_any_place_in_either_direction_is_followed_by_the_rest_of_the_list(
    timetable: Timetable, start: datetime, length: timedelta, data: st.DataObject
) -> None:
    end = start + length
    whole = list(slots_between(timetable, start, end))
    assert list(slots_from(timetable, start, end)) == whole
    assert list(slots_from(timetable, start, end, reverse=True)) == whole[::-1]
    if whole:
        index = data.draw(st.integers(0, len(whole) - 1))
        assert list(slots_from(timetable, start, end, after=whole[index])) == whole[index + 1 :]
        assert list(slots_from(timetable, start, end, after=whole[index], reverse=True)) == whole[:index][::-1]


def test_the_last_of_a_million_is_found_without_the_others() -> None:
    every_minute = CronTrigger(crons=("* * * * *",), timezone="Europe/Paris")
    start = EPOCH - timedelta(minutes=1_000_000)
    found = slots_from(every_minute, start, EPOCH, reverse=True)
    assert [next(found).logical_date, next(found).logical_date] == [EPOCH, EPOCH - timedelta(minutes=1)]


def test_a_count_stops_beyond_what_is_asked_for() -> None:
    daily = CronTrigger(crons=("0 0 * * *",))
    assert count_slots(daily, EPOCH, EPOCH + timedelta(days=9), at_most=10) == 10
    assert count_slots(daily, EPOCH, EPOCH + timedelta(days=90), at_most=10) == 11


def test_what_cannot_be_listed_from_its_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timetable_range, "_MOST_KEPT", 5)
    monthly = DeltaTrigger(delta=Delta.of(relativedelta(months=1)))
    with pytest.raises(NotComputable, match="more than 5 runs"):
        slots_from(monthly, EPOCH, EPOCH + timedelta(days=900), reverse=True)
    with pytest.raises(NotComputable):
        slots_from(Never(), EPOCH, EPOCH)
