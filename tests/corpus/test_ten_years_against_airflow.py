"""Ten years of cron schedules in twelve zones, as Airflow 2 and as Airflow 3 mean them: run for run Airflow's.

Each quarter is asked about by itself, so that one in which Airflow raises leaves the others to be compared. Answers are
digests, kept in the user's cache; where one differs, Airflow is asked for the quarter once more, whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.corpus import oracle
from tradewind.model import timetable as timetables
from tradewind.model.timetable import RunSlot, Timetable

pytestmark = pytest.mark.airflow

_PROGRAMS = [Path(__file__).with_name(name) for name in ("oracle_ten_years.py", "oracle_timetables.py")]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_YEARS = range(2016, 2026)
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
)
DAILY = ("0 0 * * *", "30 2 * * *", "0 6 * * 1-5", "0 0 1 * *")
OFTEN = ("0 * * * *", "30 */3 * * *", "15 1 * * *", "*/25 0-3 * * *", "0 2 31 * *", "0 0 * * 1#1", "0 0 L * *")
WALKS = ("0 0 * * *", "0 * * * *", "30 2 * * 0")
_WALK_STEP = timedelta(hours=5, minutes=13)
KINDS = (timetables.CronDataInterval, timetables.CronTrigger)


def _questions(zone: str, crons: tuple[str, ...], step: timedelta) -> list[dict[str, Any]]:
    return [
        {
            "timetable": msgspec.to_builtins(kind(crons=(cron,), timezone=zone)),
            "start": _number(start),
            "end": _number(end),
            "step": step // _MICROSECOND,
            "whole": False,
        }
        for kind in KINDS
        for cron in crons
        for start, end in _quarters()
    ]


def _quarters() -> Iterator[tuple[datetime, datetime]]:
    """Each with a day of the next."""
    starts = [datetime(year, month, 1, tzinfo=UTC) for year in _YEARS for month in (1, 4, 7, 10)]
    for start, following in zip(starts, [*starts[1:], datetime(_YEARS.stop, 1, 1, tzinfo=UTC)], strict=True):
        yield start, following + timedelta(days=1)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.timeout(900)
def test_ten_years_of_daily_schedules_are_those_of_airflow(zone: str) -> None:
    _compare(_questions(zone, DAILY, timedelta(0)))


@pytest.mark.long
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.timeout(3600)
def test_ten_years_of_schedules_within_the_day_are_those_of_airflow(zone: str) -> None:
    _compare(_questions(zone, OFTEN, timedelta(0)))


@pytest.mark.long
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.timeout(3600)
def test_ten_years_of_looks_without_catchup_are_answered_as_by_airflow(zone: str) -> None:
    _compare(_questions(zone, WALKS, _WALK_STEP))


def _compare(questions: list[dict[str, Any]]) -> None:
    wrong: list[str] = []
    ended = 0
    for question, (count, digest, raised, _) in zip(questions, _answers(questions), strict=True):
        ours = _ours(question, count if raised else None)
        ended += raised
        if len(ours) != count or _digest(ours) != digest:
            wrong.append(_difference(question, ours))
    assert not wrong, f"{len(wrong)} of {len(questions)} quarters differ:\n" + "\n".join(wrong[:5])
    # Airflow raises around changes of the clocks in some places; most must have been compared to their end.
    assert ended <= len(questions) // 2


def _answers(questions: list[dict[str, Any]]) -> list[Any]:
    """Airflow's, kept under its version and the hash of the questions and of the programs that asked."""
    asked = json.dumps(questions)
    programs = b"".join(program.read_bytes() for program in _PROGRAMS)
    mark = hashlib.sha256(asked.encode() + programs).hexdigest()[:16]
    root = Path(os.environ.get("TRADEWIND_CACHE") or Path.home() / ".cache" / "tradewind")
    kept = root / "oracle-ten-years" / oracle.version() / f"{mark}.json"
    if not kept.exists():
        with ThreadPoolExecutor(2) as pool:
            halves = list(pool.map(_ask, (questions[::2], questions[1::2])))
        told = [halves[number % 2][number // 2] for number in range(len(questions))]
        kept.parent.mkdir(parents=True, exist_ok=True)
        draft = kept.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(told))
        draft.replace(kept)
    found: list[Any] = json.loads(kept.read_text())
    return found


def _ask(questions: list[dict[str, Any]]) -> list[Any]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    command = [oracle.interpreter(), _PROGRAMS[0]]
    ran = subprocess.run(
        command, input=json.dumps(questions), capture_output=True, text=True, env=clean, timeout=3500, check=False
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    told: list[Any] = json.loads(ran.stdout)
    return told


def _ours(question: dict[str, Any], at_most: int | None) -> list[Any]:
    timetable = msgspec.convert(question["timetable"], Timetable)
    asked = _walk(timetable, question) if question["step"] else _chain(timetable, question)
    found: list[Any] = []
    for slot in asked:
        if at_most is not None and len(found) == at_most:
            break
        found.append(slot)
    return found


def _chain(timetable: Timetable, question: dict[str, Any]) -> Iterator[Any]:
    for slot in timetables.slots_between(timetable, _moment(question["start"]), _moment(question["end"])):
        yield _numbers(slot)


def _walk(timetable: Timetable, question: dict[str, Any]) -> Iterator[Any]:
    last = None
    start = _moment(question["start"])
    for number in range(question["start"], question["end"], question["step"]):
        now = _moment(number)
        slot = timetables.next_slot(timetable, last=last, earliest=start, latest=None, catchup=False, now=now)
        yield _numbers(slot)
        if slot is not None and slot.run_after <= now:
            last = slot


def _digest(slots: list[Any]) -> str:
    digest = hashlib.sha256()
    for slot in slots:
        digest.update(json.dumps(slot).encode())
    return digest.hexdigest()


def _difference(question: dict[str, Any], ours: list[Any]) -> str:
    ((_, _, _, theirs),) = _ask([question | {"whole": True}])
    place = next(
        (n for n, (one, other) in enumerate(zip(ours, theirs, strict=False)) if one != other),
        min(len(ours), len(theirs)),
    )
    said = [
        str([str(_moment(n)) for n in row[place] or []]) if place < len(row) else f"ends after {len(row)}"
        for row in (theirs, ours)
    ]
    about = f"{question['timetable']} from {_moment(question['start'])} at {place}"
    return f"{about}:\n    Airflow {said[0]}\n    ours    {said[1]}"


def _numbers(slot: RunSlot | None) -> list[int] | None:
    if slot is None or slot.data_interval is None:
        return None
    return [_number(slot.data_interval.start), _number(slot.data_interval.end), _number(slot.run_after)]


def _number(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _moment(number: int) -> datetime:
    return _EPOCH + number * _MICROSECOND
