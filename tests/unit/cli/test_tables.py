"""How lists and objects are printed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from tradewind.cli import tables
from tradewind.cli.options import Output

AT = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {"dag_id": "a", "state": "success", "at": AT, "took": timedelta(seconds=75), "note": None, "tags": ["x", "y"]},
    {"dag_id": "b\tc", "state": "failed", "at": None, "took": None, "note": None, "tags": []},
]


def test_json_keeps_moments_in_utc_and_durations_in_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show(ROWS, output=Output.JSON, empty="")
    told = json.loads(capsys.readouterr().out)
    assert told[0] == {
        "dag_id": "a",
        "state": "success",
        "at": "2026-01-31T12:00:00+00:00",
        "took": 75.0,
        "note": None,
        "tags": ["x", "y"],
    }


def test_yaml_says_what_json_says(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show(ROWS, output=Output.JSON, empty="")
    tables.show(ROWS, output=Output.YAML, empty="")
    first, _, rest = capsys.readouterr().out.partition("\n")
    assert yaml.safe_load(rest) == json.loads(first)


def test_plain_is_one_line_a_row_with_tabs_between(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show(ROWS, output=Output.PLAIN, empty="")
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split("\t") == ["dag_id", "state", "at", "took", "note", "tags"]
    assert first.split("\t")[3:] == ["75", "", "x,y"]
    assert second.split("\t")[0] == "b\\tc"


def test_a_table_leaves_out_columns_that_are_empty_in_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show(ROWS, output=Output.TABLE, empty="")
    head = capsys.readouterr().out.splitlines()[0]
    assert "took" in head
    assert "note" not in head


def test_a_table_in_a_pipe_has_no_colours_and_cuts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 300
    tables.show([{"dag_id": long, "verdict": long}], output=Output.TABLE, empty="")
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert out.splitlines()[1].split() == [long, long]


def test_the_key_of_the_next_page_is_told_beside_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show(ROWS, output=Output.JSON, empty="", more="b")
    captured = capsys.readouterr()
    json.loads(captured.out)
    assert captured.err == "more: --after b\n"


def test_an_empty_list_is_said_on_stderr_only(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show([], output=Output.TABLE, empty="no DAGs")
    tables.show([], output=Output.JSON, empty="no DAGs")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("[]\n", "no DAGs\n")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.42, "0.42 s"), (12, "12 s"), (185, "3 min 05 s"), (7620, "2 h 07 min"), (273600, "3 d 04 h")],
)
def test_durations_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert tables.duration(timedelta(seconds=seconds)) == said


def test_of_an_object_in_a_terminal_the_names_alone_stand_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    tables.show_object({"dag_id": "a", "file": "a.py"}, output=Output.TABLE)
    assert capsys.readouterr().out.splitlines() == ["\x1b[1mdag_id  \x1b[0ma", "\x1b[1mfile    \x1b[0ma.py"]
