"""Every timetable answers what Airflow 3.3's does, above all where clocks change: in chains, and as time goes on."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from dateutil.relativedelta import MO, relativedelta

from tests.corpus import oracle
from tradewind.model import timetable as timetables
from tradewind.model.timetable import Delta, RunSlot, Timetable

pytestmark = pytest.mark.airflow

_PROGRAM = Path(__file__).with_name("oracle_timetables.py")
_SECONDS = 150
_PROCESSES = 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Beside the usual: half an hour of summer time, changes at midnight, a day that never was, a winter time that deviates.
ZONES = (
    "UTC",
    "Europe/Paris",
    "Europe/Dublin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Asia/Kolkata",
    "Asia/Tehran",
    "Africa/Casablanca",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "+02:00",
    "-05:30",
)
_WHOLE = {"Europe/Paris", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia"}
CRONS = (
    "0 0 * * *",
    "0 * * * *",
    "30 * * * *",
    "*/15 * * * *",
    "*/25 * * * *",
    "* * * * *",
    "0 2 * * *",
    "30 2 * * *",
    "15 1 * * *",
    "0 */2 * * *",
    "30 */3 * * *",
    "0 1-4 * * *",
    "*/10 0-3 * * *",
    "0 0 * * 0",
    "30 1 * * mon-fri",
    "0 * * * sun",
    "0 0 1 * *",
    "0 0 1 1 *",
    "0 0 L * *",
    "0 2 31 * *",
    "0 0 29 2 *",
    "0 0 13 * 5",
    "0 0 * * 1#1",
    "0 0 15W * *",
    "0 0 * * L7",
    "0 0 * * * 30",
    "* * * * * */20",
    "0 2 * * * 0 2018-2030",
    "0 0 1 1 * 0 2020",
)
_AROUND = (-1560, -31, -1, 0, 1, 29, 61, 90, 1500)
"""Minutes from a change of the clocks at which the scheduler asks."""


def _changes(name: str) -> list[datetime]:
    """Find changes of the clocks, the second and the last two of those years; a plain day for zones without any."""
    if name[0] in "+-" or name == "UTC":
        return [_at(2024, 2, 28, 22)]
    zone, found, day = ZoneInfo(name), [], _at(2011, 1, 1)
    while day < _at(2026, 1, 1):
        if day.astimezone(zone).utcoffset() != (day + timedelta(days=1)).astimezone(zone).utcoffset():
            found.append(_narrow(zone, day, day + timedelta(days=1)))
        day += timedelta(days=1)
    return [*found[1:2], *found[-2:]] or [_at(2024, 2, 28, 22)]


def _narrow(zone: ZoneInfo, early: datetime, late: datetime) -> datetime:
    while late - early > timedelta(minutes=1):
        middle = early + (late - early) // 2
        middle = middle.replace(second=0)
        same = middle.astimezone(zone).utcoffset() == early.astimezone(zone).utcoffset()
        early, late = (middle, late) if same else (early, middle)
    return late


def _at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def _case(timetable: Timetable, start: datetime | None, change: datetime, **changes: Any) -> dict[str, Any]:
    nows = [change + timedelta(minutes=minutes) for minutes in _AROUND]
    case = {
        "timetable": msgspec.to_builtins(timetable),
        "earliest": start and _number(start),
        "latest": None,
        "catchup": False,
        "chain": 8,
        "nows": [_number(now) for now in nows],
        "manual": [_number(now + timedelta(seconds=7, microseconds=11)) for now in nows[1:8:2]],
    }
    return case | changes


def _cron_cases(zone: str) -> Iterator[dict[str, Any]]:
    changes = _changes(zone)
    for count, cron in enumerate(CRONS):
        if zone not in _WHOLE and (count // 2 + ZONES.index(zone)) % 2:
            continue  # Airflow takes its time; each expression is asked about in every second of these zones
        interval = timetables.CronDataInterval(crons=(cron,), timezone=zone)
        trigger = timetables.CronTrigger(crons=(cron,), timezone=zone, interval_seconds=3600 * (count % 3))
        for number, change in enumerate(changes):
            start = change - (timedelta(minutes=37), timedelta(days=3, minutes=5, seconds=3))[(number + count) // 2 % 2]
            yield _case((interval, trigger)[(number + count) % 2], start, change)
        change = changes[count % len(changes)]
        far = change - timedelta(days=3, minutes=5, seconds=3)
        yield _case(interval, far, change, catchup=True, latest=_number(change + timedelta(hours=12)), chain=0)
        yield _case(trigger, None, change, manual=[], chain=1)


def _several_cron_cases() -> Iterator[dict[str, Any]]:
    change = _at(2024, 3, 31, 1)
    pairs = (("0 2 * * *", "30 2 * * 1"), ("*/15 1-3 * * *", "0 * * * *", "7 2 31 * *"), ("0 0 * * *", "0 0 * * *"))
    for crons in pairs:
        for zone in ("UTC", "Europe/Paris", "America/New_York"):
            for catchup in (True, False):
                timetable = timetables.CronTrigger(crons=crons, timezone=zone, interval_seconds=600)
                yield _case(timetable, change - timedelta(hours=30), change, catchup=catchup)
                yield _case(timetable, None, change, catchup=catchup)
    for patience in (True, False, 120.0, 4000.0):
        for cron in ("0 * * * *", "0 2 * * *", "*/5 * * * *"):
            timetable = timetables.CronTrigger(crons=(cron,), timezone="Europe/Paris", run_immediately=patience)
            for minutes in (-20, -1, 0, 2, 4, 5, 6, 7, 59, 70):
                now = _number(change + timedelta(minutes=minutes, seconds=1))
                for catchup in (True, False):
                    yield _case(timetable, None, change, nows=[now], catchup=catchup, chain=0, manual=[])
    interval = timetables.CronTrigger(
        crons=("0 3 1 * *",), timezone="Europe/Paris", interval=Delta.of(relativedelta(months=1))
    )
    yield _case(interval, _at(2024, 1, 30), change)


def _delta_cases() -> Iterator[dict[str, Any]]:
    deltas = (
        timedelta(minutes=5),
        timedelta(hours=1),
        timedelta(days=1),
        timedelta(days=7, hours=5),
        timedelta(seconds=90, microseconds=500),
        relativedelta(hours=3),
        relativedelta(days=2),
        relativedelta(weeks=1),
        relativedelta(months=1),
        relativedelta(months=5),
        relativedelta(years=1),
        relativedelta(years=1, months=7),
        relativedelta(months=1, days=3, hours=2),
        relativedelta(months=1, day=31),
        relativedelta(days=1, weekday=MO(1)),
        relativedelta(months=1, weekday=MO(-1), hour=6),
    )
    change = _at(2024, 3, 1, 0)
    for delta in deltas:
        held = Delta.of(delta)
        for start in (_at(2024, 1, 31, 5), _at(2023, 8, 15, 0, 30), _at(1999, 11, 28), _at(2024, 5, 1), None):
            for catchup in (False, True):
                yield _case(timetables.DeltaDataInterval(delta=held), start, change, catchup=catchup)
                yield _case(timetables.DeltaTrigger(delta=held, interval_seconds=60), start, change, catchup=catchup)


def _other_cases() -> Iterator[dict[str, Any]]:
    change = _at(2024, 3, 1, 0)
    dates = (change - timedelta(days=3), change, change + timedelta(minutes=30), change + timedelta(days=1))
    daily = timetables.CronDataInterval(crons=("0 0 * * *",))
    kinds: tuple[Timetable, ...] = (
        timetables.Never(),
        timetables.Once(),
        timetables.Continuous(),
        timetables.Events(dates=dates),
        timetables.Events(dates=dates, restrict_to_events=True),
        timetables.Events(dates=()),
        timetables.AssetOrTime(time=daily, condition={}),
        timetables.AssetOrTime(time=timetables.Events(dates=dates), condition={}),
    )
    for timetable in kinds:
        for start in (None, change - timedelta(days=4), change, change + timedelta(days=2)):
            for latest in (None, _number(change + timedelta(minutes=35)), _number(change - timedelta(days=1))):
                for catchup in (True, False):
                    yield _case(timetable, start, change, latest=latest, catchup=catchup, chain=0)


@functools.cache
def _cases() -> dict[str, list[dict[str, Any]]]:
    groups = {f"cron in {zone}": list(_cron_cases(zone)) for zone in ZONES}
    groups["several crons"] = list(_several_cron_cases())
    groups["deltas"] = list(_delta_cases())
    groups["other kinds"] = list(_other_cases())
    return groups


@pytest.fixture(scope="module")
def answers() -> dict[str, list[dict[str, Any]]]:
    """Airflow's answers to all cases, kept in the user's cache under its version and the hash of the questions."""
    groups = _cases()
    questions = [case for cases in groups.values() for case in cases]
    mark = hashlib.sha256(json.dumps(questions).encode() + _PROGRAM.read_bytes()).hexdigest()[:16]
    root = Path(os.environ.get("TRADEWIND_CACHE") or Path.home() / ".cache" / "tradewind")
    kept = root / "oracle-timetables" / oracle.version() / f"{mark}.json"
    if not kept.exists():
        with ThreadPoolExecutor(_PROCESSES) as pool:
            parts = list(pool.map(_ask, (questions[start::_PROCESSES] for start in range(_PROCESSES))))
        told = [parts[number % _PROCESSES][number // _PROCESSES] for number in range(len(questions))]
        kept.parent.mkdir(parents=True, exist_ok=True)
        draft = kept.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(told))
        draft.replace(kept)
    given = iter(json.loads(kept.read_text()))
    return {name: [next(given) for _ in cases] for name, cases in groups.items()}


def _ask(questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    command = [oracle.interpreter(), _PROGRAM]
    asked = json.dumps(questions)
    ran = subprocess.run(command, input=asked, capture_output=True, text=True, env=clean, timeout=_SECONDS, check=False)
    assert ran.returncode == 0, ran.stderr[-4000:]
    told: list[dict[str, Any]] = json.loads(ran.stdout)
    return told


@pytest.mark.parametrize("group", [f"cron in {zone}" for zone in ZONES] + ["several crons", "deltas", "other kinds"])
def test_answers_are_those_of_airflow(group: str, answers: dict[str, list[dict[str, Any]]]) -> None:
    wrong = []
    for case, theirs in zip(_cases()[group], answers[group], strict=True):
        ours = _answer(case)
        for question, answer in theirs.items():
            # Where Airflow raises, there is nothing to be equal to, nor in what follows from it.
            whole = answer.index("error") if "error" in answer else len(answer) + 1
            if ours[question][:whole] != answer[:whole]:
                wrong.append(_difference(case, question, answer, ours[question]))
    assert not wrong, f"{len(wrong)} of {len(answers[group])} differ:\n" + "\n".join(wrong[:10])


def _answer(case: dict[str, Any]) -> dict[str, list[Any]]:
    timetable = msgspec.convert(case["timetable"], Timetable)
    bounds = {"earliest": _moment(case["earliest"]), "latest": _moment(case["latest"])}
    return {
        "chain": _chain(timetable, bounds, case["chain"]),
        "walk": _walk(timetable, bounds, catchup=case["catchup"], nows=case["nows"]),
        "manual": [_manual(timetable, at) for at in case["manual"]],
    }


def _chain(timetable: Timetable, bounds: dict[str, Any], count: int) -> list[Any]:
    found: list[Any] = []
    slot: RunSlot | None = None
    while len(found) < count and (slot or not found):
        slot = timetables.next_slot(timetable, last=slot, **bounds, catchup=True, now=bounds["latest"] or _EPOCH)
        found.append(_numbers(slot))
    return found


def _walk(timetable: Timetable, bounds: dict[str, Any], *, catchup: bool, nows: list[int]) -> list[Any]:
    found, last = [], None
    for number in nows:
        now = _moment(number)
        assert now is not None
        slot = timetables.next_slot(timetable, last=last, **bounds, catchup=catchup, now=now)
        found.append(_numbers(slot))
        if slot is not None and slot.run_after <= now:
            last = slot
    return found


def _manual(timetable: Timetable, at: int) -> list[int] | None:
    moment = _moment(at)
    assert moment is not None
    try:
        found = timetables.manual_interval(timetable, moment)
    except timetables.NotComputable:
        return None
    return [_number(found.start), _number(found.end)]


def _numbers(slot: RunSlot | None) -> list[int] | None:
    if slot is None or slot.data_interval is None:
        return None
    return [_number(slot.data_interval.start), _number(slot.data_interval.end), _number(slot.run_after)]


def _number(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _moment(number: int | None) -> datetime | None:
    return None if number is None else _EPOCH + timedelta(microseconds=number)


def _difference(case: dict[str, Any], question: str, expected: list[Any], got: list[Any]) -> str:
    place = next(i for i in range(len(expected) + 1) if expected[: i + 1] != got[: i + 1])
    said = [str([str(_moment(n)) for n in row[place] or []]) if place < len(row) else "-" for row in (expected, got)]
    about = {"earliest": str(_moment(case["earliest"])), "catchup": case["catchup"]}
    now = _moment(case["nows"][place]) if question == "walk" else place
    return f"{case['timetable']} {about} {question} at {now}:\n    Airflow {said[0]}\n    ours    {said[1]}"
