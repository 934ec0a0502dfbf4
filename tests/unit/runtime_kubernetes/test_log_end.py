"""Which logs may have lost their last lines with their node's container runtime, and which nobody may doubt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tradewind.runtime.kubernetes.log_end import LogEnd
from tradewind.runtime.kubernetes.log_outages import Outages, are_words, is_told_by

_NONE = timedelta(0)


def at(seconds: float) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def stamp(seconds: float) -> bytes:
    return at(seconds).strftime("%Y-%m-%dT%H:%M:%S.%f").encode()


def end(outages: Outages | None = None, *, began: float = 0, is_resumed: bool = False) -> LogEnd:
    return LogEnd(outages or Outages(), "n", at(began), is_resumed=is_resumed)


def outage(since: float, until: float, node: str = "n") -> Outages:
    made = Outages()
    made.heard(node, "other", at(since - 0.5), since - 0.5, lines=1)
    made.away(node, at(since))
    made.heard(node, "other", at(until), until, lines=1)
    return made


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (b"unable to retrieve container logs for containerd://71a7", True),
        (b"rpc error: code = Unknown desc = server is not initialized yet", True),
        (b"2026-01-01T00:00:00.000000000Z rpc error: code = 1", False),
        (b"", False),
    ],
)
def test_a_kubelets_words_about_its_runtime_are_told_from_lines(words: bytes, expected: bool) -> None:
    assert are_words(words) is expected


def test_an_events_words_about_a_runtime_are_told_from_others() -> None:
    away = 'Failed to create pod sandbox: rpc error: code = Unavailable desc = connection error: desc = "transport: …'
    assert is_told_by(away)
    assert not is_told_by("Back-off pulling image: rpc error: code = NotFound desc = no such image")


@pytest.mark.parametrize(
    ("node", "last", "finished", "is_cut"),
    [
        ("n", 9.8, 12, True),
        ("n", None, 12, True),
        ("n", 9.8, 9, True),  # at some time of that second
        ("n", 14.2, 14, False),  # it wrote after the runtime was back
        ("n", 9.8, 15, True),  # it was not taken up again before it ended
        ("n", 14.2, 15, False),
        ("n", 9.8, 30, False),  # it ended long after
        ("n", 3.0, 4, False),  # and this one before
        ("other node", 9.8, 12, False),
    ],
)
def test_a_container_that_ended_while_its_nodes_runtime_was_away_may_have_lost_lines(
    node: str, last: float | None, finished: float, is_cut: bool
) -> None:
    one = end(outage(10.2, 14.0, node))
    one.stream_opened(at(1))
    one.told(at(finished + 1), at(finished), at(finished + 1))
    assert bool(one.cut(b"" if last is None else stamp(last), _NONE)) is is_cut


def test_a_runtime_that_is_still_away_has_cut_what_ends_now() -> None:
    outages = Outages()
    outages.away("n", at(10))
    one = end(outages)
    one.told(at(13), at(12), at(13))
    assert one.cut(stamp(9.5), _NONE)


def test_lines_that_were_on_their_way_when_a_runtime_went_away_do_not_end_the_outage() -> None:
    outages = outage(10.2, 10.1)
    outages.heard("n", "third", at(10.15), 10.6, lines=3)
    one = end(outages)
    one.told(at(13), at(12), at(13))
    assert one.cut(stamp(9.5), _NONE)


def test_an_outage_is_known_to_the_next_control_plane(tmp_path: Path) -> None:
    first = Outages(tmp_path / "outages.json")
    first.heard("n", "one", at(9), 9.0, lines=1)
    first.away("n", at(10))
    one = end(Outages(tmp_path / "outages.json"))
    one.told(at(13), at(12), at(13))
    assert one.cut(stamp(9.5), _NONE)


def test_the_nodes_clock_may_differ_from_ours() -> None:
    skew = timedelta(seconds=100)
    one = end(outage(110.2, 114.0))
    one.told(at(113), at(12), at(13))
    assert one.cut(stamp(9.8), skew)
    assert not one.cut(stamp(9.8), _NONE)


def test_a_stream_and_a_kubelet_that_both_learn_of_an_end_late_speak_for_a_runtime_that_was_away() -> None:
    one = end()
    one.stream_opened(at(1))
    one.told(at(15), at(10), at(14))
    one.stream_closed(at(14.5), by_itself=True)
    assert one.cut(stamp(9), _NONE)


def test_an_overloaded_node_that_tells_an_end_late_is_no_reason_where_the_stream_ended_in_time() -> None:
    one = end()
    one.stream_opened(at(1))
    one.stream_closed(at(11), by_itself=True)
    one.stream_opened(at(15))  # its end is not told yet
    one.stream_closed(at(16), by_itself=True)
    one.told(at(19), at(10), at(19))
    assert not one.cut(stamp(9), _NONE)


def test_an_api_server_that_hung_is_no_reason() -> None:
    one = end()
    one.stream_opened(at(1))
    one.told(at(20), at(10), at(11))
    assert not one.cut(stamp(9), _NONE)


def test_a_kubelet_that_was_restarted_is_no_reason() -> None:
    one = end()
    one.stream_opened(at(1))
    one.stream_closed(at(8), by_itself=True)
    one.told(at(19), at(10), at(18))
    assert not one.cut(stamp(9), _NONE)


@pytest.mark.parametrize(("is_resumed", "broke"), [(True, False), (False, True)])
def test_a_late_word_is_a_reason_where_nobody_looked(is_resumed: bool, broke: bool) -> None:
    one = end(began=20 if is_resumed else 0, is_resumed=is_resumed)
    if broke:
        one.stream_opened(at(1))
        one.stream_closed(at(8), broke=True)
    one.told(at(21), at(10), at(14))
    assert "nobody looked" in one.cut(stamp(9), _NONE)
    assert not one.cut(stamp(11.5), _NONE)


def test_a_short_container_on_an_overloaded_node_is_whole() -> None:
    one = end(began=16)
    one.told(at(16), at(10), at(16))
    assert not one.cut(stamp(9.9), _NONE)


def test_a_node_is_asked_once_when_all_that_write_much_on_it_fall_silent() -> None:
    outages = Outages()
    for step in range(5):
        for who in ("one", "two"):
            outages.heard("n", who, at(step * 0.15), step * 0.15, lines=2)
    assert not outages.is_to_ask("n", 0.9)
    assert outages.is_to_ask("n", 1.2)
    assert not outages.is_to_ask("n", 1.9)
    outages.away("n", at(2))
    assert outages.is_to_ask("n", 2.3)
    assert not outages.is_to_ask("n", 2.4)
    outages.heard("n", "one", at(3), 3.0, lines=0)
    assert not outages.is_to_ask("n", 3.6)


def test_an_event_that_names_an_outage_counts_though_it_comes_late() -> None:
    outages = Outages()
    outages.heard("n", "other", at(20), 20.0, lines=1)
    outages.away_at("n", at(10))
    assert outages.find_cut("n", at(10), at(9.8)) is not None
    assert outages.find_cut("n", at(10), at(11.5)) is None
    assert outages.find_cut("n", at(19), at(18)) is None


def test_one_log_that_falls_silent_costs_no_request_and_neither_do_two_after_a_burst() -> None:
    outages = Outages()
    for step in range(5):
        outages.heard("n", "one", at(step), step * 0.1, lines=50)
    assert not outages.is_to_ask("n", 1.0)
    outages.heard("n", "two", at(1), 1.0, lines=5000)
    assert not outages.is_to_ask("n", 1.6)


def test_lines_that_a_runtime_had_in_its_hands_are_doubted_where_they_came_fast() -> None:
    one = end(outage(10.0, 11.0))
    assert not one.is_torn(1e6, at(9))
    assert one.is_torn(1e6, at(11.1))
    assert not one.is_torn(1e6, at(12))
    slow = end(outage(10.0, 11.0))
    assert not slow.is_torn(1e6, at(9))
    assert not slow.is_torn(100, at(11.1))
