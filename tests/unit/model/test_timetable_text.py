"""Schedules as DAG files write them, and as people read them."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import msgspec
import pytest
from dateutil.relativedelta import MO, relativedelta

from tradewind.model import timetable as timetables
from tradewind.model.timetable import CronDataInterval, CronTrigger, Delta, Timetable
from tradewind.model.timetable_zone import zone


class TestReading:
    @pytest.mark.parametrize(
        ("preset", "cron"),
        [
            ("@hourly", "0 * * * *"),
            ("@daily", "0 0 * * *"),
            ("@midnight", "0 0 * * *"),
            ("@weekly", "0 0 * * 0"),
            ("@monthly", "0 0 1 * *"),
            ("@quarterly", "0 0 1 */3 *"),
            ("@yearly", "0 0 1 1 *"),
            ("@annually", "0 0 1 1 *"),
        ],
    )
    def test_a_preset_is_its_expression(self, preset: str, cron: str) -> None:
        assert timetables.parse_schedule(preset, meaning="3", timezone="UTC") == CronTrigger(crons=(cron,))

    def test_once_and_continuous_mean_the_same_in_both_versions(self) -> None:
        for meaning in ("2", "3"):
            assert timetables.parse_schedule("@once", meaning=meaning, timezone="UTC") == timetables.Once()
            assert timetables.parse_schedule("@continuous", meaning=meaning, timezone="UTC") == timetables.Continuous()

    def test_an_expression_is_an_interval_in_airflow_2_and_a_trigger_in_airflow_3(self) -> None:
        two = timetables.parse_schedule("30 6 * * 1-5", meaning="2", timezone="Europe/Paris")
        assert two == CronDataInterval(crons=("30 6 * * 1-5",), timezone="Europe/Paris")
        three = timetables.parse_schedule("30 6 * * 1-5", meaning="3", timezone="Europe/Paris")
        assert three == CronTrigger(crons=("30 6 * * 1-5",), timezone="Europe/Paris")

    def test_a_span_is_an_interval_in_airflow_2_and_a_trigger_in_airflow_3(self) -> None:
        held = Delta(seconds=5400)
        assert timetables.delta_schedule(timedelta(minutes=90), meaning="2") == timetables.DeltaDataInterval(delta=held)
        assert timetables.delta_schedule(timedelta(minutes=90), meaning="3") == timetables.DeltaTrigger(delta=held)

    @pytest.mark.parametrize(
        "cron", ["*/10 * * * * 30", "0 0 1 1 * 0 2030", "0 0 * * MON#2", "0 9 L * *", "0 0 15W * *"]
    )
    def test_seconds_years_and_special_days_are_read(self, cron: str) -> None:
        assert timetables.parse_schedule(cron, meaning="3", timezone="UTC") == CronTrigger(crons=(cron,))


class TestBadInput:
    @pytest.mark.parametrize(
        ("text", "reason", "hint"),
        [
            ("@dayly", "1 field,", "did you mean '@daily'?"),
            ("@montly", "1 field,", "did you mean '@monthly'?"),
            ("every day", "2 fields", "or a preset such as '@daily'"),
            ("* * *", "3 fields", "minute, hour, day of month"),
            ("", "0 fields", "minute, hour, day of month"),
            ("61 * * * *", "out of range", "minute, hour, day of month"),
            ("0 0 30 2 *", "no such date ever comes", "the day against the month"),
            ("0 0 31 4,6 *", "no such date ever comes", "the day against the month"),
            ("0 0 * * foo", "foo", "minute, hour, day of month"),
            ("H * * * *", "cannot be read", "minute, hour, day of month"),
            ("R R * * *", "random", "name the time"),
            ("*/0 * * * *", "cannot be read", "minute, hour, day of month"),
        ],
    )
    def test_a_bad_expression_names_itself_the_reason_and_what_to_write(
        self, text: str, reason: str, hint: str
    ) -> None:
        with pytest.raises(timetables.BadCron) as caught:
            timetables.parse_schedule(text, meaning="3", timezone="UTC")
        problem = caught.value.problem
        assert repr(text) in problem.object
        assert reason in problem.message
        assert hint in problem.hint
        assert problem.code == "bad-cron"

    def test_a_bad_zone_names_the_nearest_one(self) -> None:
        with pytest.raises(timetables.BadZone, match=r"(?s)'Europe/Pari'.*did you mean 'Europe/Paris'"):
            timetables.parse_schedule("@daily", meaning="3", timezone="Europe/Pari")

    @pytest.mark.parametrize("name", ["", "../etc/passwd", "+25:00", "Mars/Olympus", "+1", "UTC+", "\0"])
    def test_what_is_no_zone_is_refused(self, name: str) -> None:
        if name == "+1":
            assert zone(name).utcoffset(None) == timedelta(hours=1)
            return
        with pytest.raises(timetables.BadZone):
            zone(name)

    @pytest.mark.parametrize(
        "delta", [timedelta(0), timedelta(days=-1), relativedelta(), relativedelta(months=-1), relativedelta(day=1)]
    )
    def test_a_span_that_leads_nowhere_is_refused(self, delta: timedelta | relativedelta) -> None:
        with pytest.raises(timetables.BadTimetable, match="does not lead forward"):
            timetables.delta_schedule(delta, meaning="3")

    def test_a_cron_timetable_without_expressions_is_refused(self) -> None:
        with pytest.raises(timetables.BadTimetable, match="no cron expression"):
            timetables.check(CronTrigger(crons=()))

    def test_asset_timetables_are_not_nested(self) -> None:
        nested = timetables.AssetOrTime(time=timetables.AssetTriggered(condition={}), condition={})
        with pytest.raises(timetables.BadTimetable, match="itself triggered by assets"):
            timetables.check(nested)

    def test_errors_cross_processes_whole(self) -> None:
        with pytest.raises(timetables.BadCron) as caught:
            timetables.parse_schedule("@dayly", meaning="3", timezone="UTC")
        arrived = pickle.loads(pickle.dumps(caught.value))
        assert arrived.problem == caught.value.problem
        assert str(copy.copy(caught.value)) == str(caught.value)


class TestZones:
    @pytest.mark.parametrize(
        ("name", "hours"),
        [("+02:00", 2), ("UTC+2", 2), ("UTC-03", -3), ("gmt+5:30", 5.5), ("-0930", -9.5), ("utc", 0), ("+00:00", 0)],
    )
    def test_a_fixed_offset_is_read_in_its_usual_spellings(self, name: str, hours: float) -> None:
        assert zone(name).utcoffset(None) == timedelta(hours=hours)

    @pytest.mark.parametrize(
        "where", [UTC, ZoneInfo("Asia/Tehran"), timezone(timedelta(hours=-3, minutes=-30)), timezone(timedelta(0))]
    )
    def test_the_name_of_a_zone_leads_back_to_it(self, where: timezone | ZoneInfo) -> None:
        moment = datetime(2024, 7, 1, tzinfo=UTC)
        again = zone(timetables.zone_name(where))
        assert moment.astimezone(again).utcoffset() == moment.astimezone(where).utcoffset()


class TestTelling:
    @pytest.mark.parametrize(
        ("cron", "said"),
        [
            ("0 0 * * *", "At 00:00 every day"),
            ("30 6 * * 1-5", "At 06:30 on Monday to Friday"),
            ("0 9,17 * 1-3 mon,fri", "At 09:00 and 17:00 on Monday and Friday in January to March"),
            ("* * * * *", "Every minute"),
            ("*/15 * * * *", "Every 15 minutes"),
            ("30 * * * *", "Every hour at minute 30"),
            ("0 */4 * * *", "Every 4 hours at minute 0"),
            ("0 0 1 */3 *", "At 00:00 on day 1 of the month in January, April, July and October"),
            ("0 0 L * *", "At 00:00 on the last day of the month"),
            ("0 0 13 * 5", "At the times of '0 0 13 * 5'"),
        ],
    )
    def test_common_expressions_are_said_in_words(self, cron: str, said: str) -> None:
        assert timetables.description(CronTrigger(crons=(cron,))) == said

    def test_a_zone_other_than_utc_is_named(self) -> None:
        daily = CronTrigger(crons=("0 2 * * *",), timezone="Europe/Paris")
        assert timetables.description(daily) == "At 02:00 every day (Europe/Paris)"

    @pytest.mark.parametrize(
        ("timetable", "short", "long"),
        [
            (timetables.Never(), "None", "Never by time, only when triggered"),
            (timetables.Once(), "@once", "Once, as soon as it is there"),
            (timetables.Continuous(), "@continuous", "One run after the other, without a pause"),
            (CronTrigger(crons=("0 0 * * *", "0 12 * * *")), "0 0 * * *, 0 12 * * *", None),
            (timetables.delta_schedule(timedelta(days=1), meaning="3"), "1 day, 0:00:00", "Every 1 day, 0:00:00"),
            (timetables.delta_schedule(relativedelta(months=1), meaning="2"), "1 month", "Every 1 month"),
            (timetables.Events(dates=()), "0 events", "No events"),
            (timetables.AssetTriggered(condition={}), "Asset", "When its assets are updated"),
            (timetables.AssetOrTime(time=timetables.Once(), condition={}), "Asset or @once", None),
            (timetables.Opaque(classpath="a.b.Own", data={}), "Own", "By the timetable a.b.Own"),
        ],
    )
    def test_every_kind_has_a_summary_and_a_description(
        self, timetable: Timetable, short: str, long: str | None
    ) -> None:
        assert timetables.summary(timetable) == short
        said = timetables.description(timetable)
        assert said == long if long else said


class TestStorage:
    @pytest.mark.parametrize(
        "delta",
        [
            timedelta(days=-3, seconds=5, microseconds=9),
            relativedelta(years=1, months=-2, days=3, hours=4, minutes=5, seconds=6, microseconds=7),
            relativedelta(day=31, hour=0, weekday=MO(-1), leapdays=1),
        ],
    )
    def test_a_delta_gives_its_value_back(self, delta: timedelta | relativedelta) -> None:
        held = msgspec.json.decode(msgspec.json.encode(Delta.of(delta)), type=Delta)
        assert held.native() == delta

    def test_the_kind_is_the_tag(self) -> None:
        encoded = msgspec.json.encode(CronTrigger(crons=("0 0 * * *",)))
        assert encoded == b'{"type":"CronTrigger","crons":["0 0 * * *"]}'
        assert msgspec.json.decode(encoded, type=Timetable) == CronTrigger(crons=("0 0 * * *",))

    def test_events_are_kept_in_utc(self) -> None:
        paris = datetime(2024, 7, 1, 2, tzinfo=ZoneInfo("Europe/Paris"))
        assert timetables.Events(dates=(paris,)).dates[0].isoformat() == "2024-07-01T00:00:00+00:00"
