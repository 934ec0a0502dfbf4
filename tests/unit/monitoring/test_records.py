"""How a server's log lines are written."""

from __future__ import annotations

import io
import json
import logging
import os
import pathlib
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from tradewind.monitoring import records

RUN: dict[str, Any] = {"dag": "hello", "run": "manual__1", "state": "success", "seconds": 1.5}


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def make_record(message: str, level: int = logging.INFO, **fields: Any) -> logging.LogRecord:
    record = logging.LogRecord("tradewind.server", level, __file__, 1, message, (), None)
    record.__dict__.update(fields)
    record.created = datetime(2026, 1, 2, 3, 4, 5, 250_000, tzinfo=UTC).timestamp()
    return record


def test_json_has_each_id_as_a_field_of_its_own() -> None:
    line = records.JsonFormatter().format(make_record("run ended", **RUN))
    assert json.loads(line) == {
        "time": "2026-01-02T03:04:05.250000+00:00",
        "level": "info",
        "logger": "tradewind.server",
        "message": "run ended",
        **RUN,
    }


def test_json_stays_one_line_with_a_traceback_and_with_line_ends_in_the_message() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = make_record("a\nb", logging.ERROR)
        record.exc_info = sys.exc_info()
    line = records.JsonFormatter().format(record)
    assert "\n" not in line
    assert "ValueError: two" in json.loads(line)["traceback"]


def test_a_plain_line_ends_in_its_fields_and_quotes_what_has_spaces() -> None:
    line = records.PlainFormatter().format(make_record("broken", logging.WARNING, file="a.py", hint='say "no"'))
    assert line == '2026-01-02T03:04:05.250000Z WARNING broken  file=a.py hint="say \\"no\\""'


def test_the_journal_gets_a_priority_on_each_line_and_no_time() -> None:
    assert records.JournalFormatter().format(make_record("a\nb", logging.WARNING)) == "<4>a\n<4>b"


def test_a_person_sees_what_it_is_about_and_the_hint_below() -> None:
    line = records.TerminalFormatter(colour=False).format(
        make_record("try 1: no", dag="d", run="r", task="t[3]", hint="try again")
    )
    time, rest = line[:8], line[8:]
    assert (len(time), time[2], time[5]) == (8, ":", ":")
    assert rest == "  d  r  t[3]  try 1: no\n          hint: try again"


@pytest.mark.parametrize(("environment", "colour"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_has_colours_unless_they_are_not_wanted(environment: dict[str, str], colour: bool) -> None:
    formatter = records.choose(Terminal(), format="text", environment=environment)
    assert ("\x1b[" in formatter.format(make_record("x", logging.WARNING))) is colour


def test_the_format_follows_the_stream_and_json_is_json_everywhere(tmp_path: pathlib.Path) -> None:
    with (tmp_path / "journal").open("w") as stream:
        found = os.fstat(stream.fileno())
        journal = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        assert type(records.choose(stream, format="text", environment=journal)) is records.JournalFormatter
        assert type(records.choose(stream, format="text", environment={})) is records.PlainFormatter
        assert type(records.choose(stream, format="json", environment=journal)) is records.JsonFormatter
    assert type(records.choose(Terminal(), format="json", environment={})) is records.JsonFormatter


def test_a_warning_that_comes_every_second_is_written_once_a_minute_with_how_many_there_were() -> None:
    now = [0.0]
    repeats = records.Repeats(60, lambda: now[0])
    written: list[str] = []
    for second in range(62):
        now[0] = float(second)
        record = logging.LogRecord(
            "tradewind.scheduler.inbox", logging.WARNING, "", 1, "away for %d s", (second,), None
        )
        if repeats.filter(record):
            written.append(record.getMessage())
    assert written == ["away for 0 s", "away for 60 s (and 59 times more since)"]


def test_errors_and_what_an_operator_is_told_are_never_held_back() -> None:
    repeats = records.Repeats(60, lambda: 0.0)
    for _ in range(3):
        assert repeats.filter(make_record("the same", logging.WARNING))
        assert repeats.filter(logging.LogRecord("tradewind.scheduler", logging.ERROR, "", 1, "lost", (), None))
