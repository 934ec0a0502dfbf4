"""Our steps through a cron expression are croniter's, which Airflow uses, on wall-clock times without a zone."""

from __future__ import annotations

from datetime import datetime, timedelta

from croniter import CroniterBadDateError, CroniterError, croniter
from hypothesis import example, given
from hypothesis import strategies as st

from tradewind.model.calendar import NoTick, parse_cron
from tradewind.model.timetable_problem import BadCron


@st.composite
def fields(draw: st.DrawFn, low: int, high: int, *special: str) -> str:
    numbers = st.integers(low, high)
    parts = st.one_of(
        st.just("*"),
        numbers.map(str),
        st.tuples(numbers, numbers).map(lambda pair: f"{min(pair)}-{max(pair)}"),
        st.tuples(numbers, numbers).map(lambda pair: f"{max(pair)}-{min(pair)}"),
        st.integers(1, high).map("*/{}".format),
        st.tuples(numbers, st.integers(1, 9)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
        *([st.sampled_from(special)] if special else []),
    )
    return ",".join(draw(st.lists(parts, min_size=1, max_size=3)))


expressions = st.tuples(
    fields(0, 59),
    fields(0, 23),
    st.one_of(st.just("*"), fields(1, 31, "L"), st.sampled_from(["15W", "1W", "31W", "L", "31"])),
    st.one_of(st.just("*"), fields(1, 12, "jan", "feb", "dec")),
    st.one_of(
        st.just("*"), fields(0, 7, "mon", "fri", "sun-tue"), st.sampled_from(["L5", "2#3", "1#5", "mon#1,fri#2"])
    ),
    st.one_of(st.just(""), fields(0, 59)),
    st.sampled_from(["", "", "", "2024", "2020-2030", "2026/2"]),
).map(lambda given: " ".join(given[:5] + ((given[5] or "0", given[6]) if given[6] else (given[5],))).strip())

walls = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2040, 1, 1))  # noqa: DTZ001
near = st.sampled_from([timedelta(0), timedelta(microseconds=1), timedelta(seconds=1), timedelta(hours=5)])


@given(expressions, walls, near)
@example("* * L * 1#5 0 2020-2030", datetime(2020, 4, 1), timedelta(0))  # noqa: DTZ001
def test_the_neighbours_of_a_time_are_croniters(text: str, wall: datetime, beside: timedelta) -> None:
    try:
        cron = parse_cron(text)
    except BadCron:
        assert not _fires(text)
        return
    for moment in (wall, wall.replace(minute=0, second=0, microsecond=0) + beside):
        assert _ours(cron.after, moment) == _theirs(text, moment, "get_next")
        assert _ours(cron.before, moment) == _theirs(text, moment, "get_prev")


@given(expressions, walls)
def test_back_from_the_next_tick_there_is_nothing_in_between(text: str, wall: datetime) -> None:
    try:
        cron = parse_cron(text)
        later = cron.after(wall)
        assert later > wall
        assert cron.before(later) <= wall < later
    except (BadCron, NoTick):
        return


def _ours(step: object, wall: datetime) -> datetime | None:
    assert callable(step)
    try:
        found = step(wall)
    except NoTick:
        return None
    assert isinstance(found, datetime)
    return found


def _theirs(text: str, wall: datetime, step: str) -> datetime | None:
    try:
        found = getattr(croniter(text, start_time=wall), step)(datetime)
    except CroniterBadDateError:
        return _theirs_within_years(text, wall, step)
    assert isinstance(found, datetime)
    return found


def _theirs_within_years(text: str, wall: datetime, step: str) -> datetime | None:
    """What it finds without the field of years, as long as that lies in them.

    It looks for days and for weekdays apart, and gives up where these years hold none of the one, though some of the
    other.
    """
    years = [year for field in croniter.expand(text)[0][6:] for year in field if isinstance(year, int)]
    while years and (wall.year >= min(years) if step == "get_prev" else wall.year <= max(years)):
        try:
            found = getattr(croniter(" ".join(text.split()[:6]), start_time=wall), step)(datetime)
        except CroniterBadDateError:
            return None
        if found.year in years:
            assert isinstance(found, datetime)
            return found
        beyond = datetime(found.year + (step == "get_next"), 1, 1)  # noqa: DTZ001
        wall = beyond if step == "get_prev" else beyond - timedelta(microseconds=1)
    return None


def _fires(text: str) -> bool:
    """Whether croniter finds a date, asked from before the years named above."""
    try:
        croniter(text, start_time=datetime(2019, 12, 31)).get_next(datetime)  # noqa: DTZ001
    except CroniterError:
        return False
    return True
