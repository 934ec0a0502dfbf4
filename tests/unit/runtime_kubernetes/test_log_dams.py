"""Two logs that pause together and go on with all lines at once tell that their node's runtime was away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tradewind.runtime.kubernetes.log_end import LogEnd
from tradewind.runtime.kubernetes.log_outages import Outages

_NONE = timedelta(0)


def at(seconds: float) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def stamp(seconds: float) -> bytes:
    return at(seconds).strftime("%Y-%m-%dT%H:%M:%S.%f").encode()


def steady(outages: Outages, *who: str, until: float) -> None:
    for step in range(int(until * 10) + 1):
        for one in who:
            outages.heard("n", one, at(step / 10), step / 10, lines=1, first=at(step / 10))


def lines(outages: Outages, who: str, when: float, count: int, *, chunks: int = 1, over: float = 0.01) -> None:
    for number in range(chunks):
        first = when + over * number / chunks
        last = when + over * (number + 1) / chunks
        outages.heard("n", who, at(last), last, lines=count // chunks, first=at(first))


def is_cut(outages: Outages, *, finished: float, last: float) -> bool:
    one = LogEnd(outages, "n", at(0), is_resumed=False)
    one.stream_opened(at(1))
    one.told(at(finished + 1), at(finished), at(finished + 1))
    return bool(one.cut(stamp(last), _NONE))


@pytest.mark.parametrize("chunks", [1, 8])
def test_one_that_ended_while_others_wrote_into_a_pipe_may_have_lost_lines(chunks: int) -> None:
    outages = Outages()
    steady(outages, "one", "two", "third", until=5)
    for who in ("one", "two"):
        lines(outages, who, 5.8, 8, chunks=chunks)
    assert is_cut(outages, finished=5, last=5.0)
    assert not is_cut(outages, finished=5, last=5.81)
    assert not is_cut(outages, finished=3, last=3.0)
    assert not is_cut(outages, finished=20, last=5.0)


def test_one_log_that_pauses_and_bursts_says_nothing() -> None:
    outages = Outages()
    steady(outages, "one", "two", until=5)
    lines(outages, "one", 5.8, 8)
    steady_on = [5.1, 5.2, 5.3, 5.4, 5.5, 5.6, 5.7, 5.8]
    for moment in steady_on:
        outages.heard("n", "two", at(moment), moment, lines=1, first=at(moment))
    assert not is_cut(outages, finished=5, last=5.0)


def test_logs_that_pause_together_and_go_on_line_by_line_say_nothing() -> None:
    outages = Outages()
    steady(outages, "one", "two", until=5)
    for who in ("one", "two"):
        lines(outages, who, 5.8, 8, chunks=8, over=0.8)
    assert not is_cut(outages, finished=5, last=5.0)


def test_a_machine_that_stood_still_is_no_runtime_that_was_away() -> None:
    outages = Outages()
    for step in range(500):
        for who in ("one", "two"):
            outages.heard("n", who, at(step / 100), step / 100, lines=10, first=at(step / 100))
    for step in range(100):
        for who in ("one", "two"):
            when = 5.6 + step / 100
            outages.heard("n", who, at(when), when, lines=10, first=at(when))
    assert not is_cut(outages, finished=5, last=4.9)


def test_bursts_of_logs_that_never_wrote_steadily_say_nothing() -> None:
    outages = Outages()
    for moment in (1.0, 4.0, 7.0):
        for who in ("one", "two"):
            lines(outages, who, moment, 50)
    assert not is_cut(outages, finished=5, last=4.0)
