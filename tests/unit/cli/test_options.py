"""Texts that options are given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tradewind.cli import options, task_logs
from tradewind.ports import errors
from tradewind.ports import logs as logs_port

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("text", "task"), [("load", ("load", -1)), ("load[3]", ("load", 3)), ("g.t[0]", ("g.t", 0))])
def test_a_task_may_name_its_element(text: str, task: tuple[str, int]) -> None:
    assert options.read_task(text) == task


@pytest.mark.parametrize("text", ["load[", "load[x]", "load[3", "load[-1]", "load[]"])
def test_what_is_no_task_is_refused_with_the_way_to_write_it(text: str) -> None:
    with pytest.raises(errors.Rejected) as refused:
        options.read_task(text)
    assert "task[3]" in refused.value.problem.hint


def test_a_moment_without_a_zone_is_in_utc() -> None:
    assert options.read_moment("2026-01-31T12:00") == NOW
    assert options.read_moment("2026-01-31T13:00+01:00") == NOW


@pytest.mark.parametrize(("text", "ago"), [("90s", 90), ("10m", 600), ("10 min", 600), ("2h", 7200), ("1d", 86400)])
def test_since_may_be_a_span(text: str, ago: int) -> None:
    assert task_logs.read_since(text, NOW) == NOW - timedelta(seconds=ago)


def test_since_may_be_a_moment() -> None:
    assert task_logs.read_since("2026-01-31", NOW) == datetime(2026, 1, 31, tzinfo=UTC)


def test_since_that_is_neither_names_the_option() -> None:
    with pytest.raises(errors.Rejected) as refused:
        task_logs.read_since("yesterday", NOW)
    assert refused.value.problem.object == "--since"


def test_a_filter_takes_lines_that_match_and_are_new_enough() -> None:
    only = task_logs.Filter("ERR|WARN", "2026-01-31T12:00")
    kept = [
        line.text
        for line in (
            logs_port.LogLine(at=NOW - timedelta(seconds=1), stream="stdout", text="ERR too old"),
            logs_port.LogLine(at=NOW, stream="stdout", text="fine"),
            logs_port.LogLine(at=NOW, stream="stdout", text="a WARNing"),
        )
        if only.wants(line)
    ]
    assert kept == ["a WARNing"]


def test_a_pattern_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(errors.Rejected) as refused:
        task_logs.Filter("(", None)
    assert "--grep" in refused.value.problem.object


def test_lines_of_one_container_are_told_by_its_name_and_the_main_ones_have_none() -> None:
    lines = [
        logs_port.LogLine(at=NOW, stream="stdout", text="main"),
        logs_port.LogLine(at=NOW, stream="stdout", text="beside", container="proxy"),
        logs_port.LogLine(at=NOW, stream="event", text="Scheduled"),
        logs_port.LogLine(at=NOW, stream="event", text="gap", container="proxy"),
    ]

    def kept(container: str) -> list[str]:
        only = task_logs.Filter(None, None, container, main="app")
        found = [line.text for line in lines if only.wants(line)]
        only.check()
        return found

    assert kept("app") == ["main"]
    assert kept("proxy") == ["beside", "gap"]
    with pytest.raises(errors.NotFound) as absent:
        kept("other")
    assert "app, proxy" in absent.value.problem.hint
