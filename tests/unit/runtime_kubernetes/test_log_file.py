"""Lines of containers in an attempt's log, and the place to go on from that is in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tradewind.logs import line as log_line
from tradewind.runtime.kubernetes import log_block
from tradewind.runtime.kubernetes.log_block import MAX_LINE, stamp
from tradewind.runtime.kubernetes.log_cursor import Cursor, Resume
from tradewind.runtime.kubernetes.log_file import LogFile
from tradewind.runtime.kubernetes.log_lag import Lag, find_rewind


def opened(folder: Path, **more: Any) -> LogFile:
    file = LogFile(folder / "log", now=lambda: datetime(2026, 1, 1, tzinfo=UTC), **more)
    file.resume()
    return file


def at(seconds: float, text: bytes = b"") -> bytes:
    """A line as the API tells it."""
    return b"2026-01-01T00:00:%012.9fZ " % seconds + text


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (b"2026-01-01T00:00:01.123456789Z", b"2026-01-01T00:00:01.123456"),
        (b"2026-01-01T00:00:01.5Z", b"2026-01-01T00:00:01.500000"),
        (b"2026-01-01T00:00:01Z", b"2026-01-01T00:00:01.000000"),
        (b"2026-01-01T02:00:01.5+02:00", b"2026-01-01T00:00:01.500000"),
    ],
)
def test_times_of_all_forms_are_utc_in_microseconds(told: bytes, kept: bytes) -> None:
    assert stamp(told) == kept


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="no time"):
        stamp(b"unable")


def test_a_file_that_is_opened_again_knows_the_place_of_each_container(tmp_path: Path) -> None:
    first = opened(tmp_path)
    # Of stdout and stderr side by side the node may write the later one first.
    first.append("base", [at(1, b"a"), at(2.3, b"b"), at(2.2, b"c")])
    first.append("init", [at(0, b"[x] d")])
    first.note("said by us", "base")
    again = opened(tmp_path)
    for name in ("base", "init"):
        assert again.cursor(name) == first.cursor(name)
    assert again.cursor("base").at == b"2026-01-01T00:00:02.200000"
    assert (again.cursor("base").since, again.cursor("base").count) == (b"2026-01-01T00:00:02", 2)


def test_a_name_that_people_are_not_to_see_is_in_the_file_nevertheless(tmp_path: Path) -> None:
    opened(tmp_path, unnamed="base", prefixed=False).append("side", [at(1, b"[x] text")])
    found = log_line.parse((tmp_path / "log").read_text().rstrip("\n"))
    assert (found.container, found.named, found.text) == ("side", False, "[x] text")
    assert log_line.parse(log_line.format(found)) == found
    assert opened(tmp_path, unnamed="base").cursor("side").count == 1


def test_times_of_another_zone_and_of_other_lengths_become_those_of_utc() -> None:
    lines = [b"2026-01-01T02:00:01.5+02:00 a b", at(2, b"c"), b"2026-01-01T02:00:03.123456789+02:00 ", b""]
    assert log_block.formatted(log_block.told(lines), b"") == (
        b"2026-01-01T00:00:01.500000Z stdout F a b\n"
        b"2026-01-01T00:00:02.000000Z stdout F c\n"
        b"2026-01-01T00:00:03.123456Z stdout F \n"
    )


def resumed(known: list[bytes], told: list[bytes]) -> tuple[list[bytes], list[tuple[bytes, bytes]]]:
    """What is new of what is told, and the gaps."""
    cursor, gaps = Cursor(), list[tuple[bytes, bytes]]()
    cursor.move(known)
    resume = Resume(cursor, lambda after, before: gaps.append((after, before)))
    new = [line for one in told for line in resume.new([one])]
    resume.finish(is_last=True)
    return new, gaps


def test_a_read_that_begins_earlier_leaves_out_what_is_known() -> None:
    known = [at(1.5, b"a"), at(2.1, b"b"), at(2.2, b"b"), at(2.2, b"b")]
    assert resumed(known, [*known[1:], at(2.2, b"b"), at(3, b"c")]) == ([at(2.2, b"b"), at(3, b"c")], [])


def test_the_rest_of_a_long_line_that_is_known_is_not_taken_for_a_line() -> None:
    # Its first 16 KiB are of the second before and left out by the node, with the time; the next ones come without.
    known = [at(1.9, b"x" * 100_000), at(2.1, b"b")]
    assert resumed(known, [b"x" * 83_616, at(2.1, b"b"), at(2.2, b"c")]) == ([at(2.2, b"c")], [])


def test_what_a_node_says_instead_of_a_log_is_an_error_and_no_gap() -> None:
    with pytest.raises(ValueError, match="unable to retrieve container logs"):
        resumed([at(1, b"a")], [b"unable to retrieve container logs for containerd://0"])


def test_a_last_line_that_is_missing_is_a_gap_with_its_bounds() -> None:
    one, five = at(1)[:26], at(5)[:26]
    assert resumed([at(1, b"a")], [at(5, b"e")]) == ([at(5, b"e")], [(one, five)])
    assert resumed([at(1, b"a")], []) == ([], [(one, b"")])


def test_a_half_line_and_parts_without_their_end_are_taken_back(tmp_path: Path) -> None:
    opened(tmp_path, unnamed="base").append("base", [at(1, b"whole")])
    whole = (tmp_path / "log").read_bytes()
    for rest in (b"2026-01-01T00:00:02.000000Z stdout F ha", b"2026-01-01T00:00:02.000000Z stdout P part\n"):
        (tmp_path / "log").write_bytes(whole + rest)
        assert opened(tmp_path, unnamed="base").cursor("base").count == 1
        assert (tmp_path / "log").read_bytes() == whole


def test_a_line_of_a_megabyte_is_cut_into_parts_and_counts_once(tmp_path: Path) -> None:
    text = "ä" * (1 << 19)
    file = opened(tmp_path, unnamed="base")
    file.append("base", [at(1, text.encode()), at(1, b"next")])
    lines = [log_line.parse(raw) for raw in (tmp_path / "log").read_text().splitlines()]
    assert all(len(line.text.encode()) <= MAX_LINE for line in lines)
    assert "".join(line.text for line in lines if line.text != "next") == text
    assert [line.partial for line in lines] == [True] * (len(lines) - 2) + [False, False]
    assert file.cursor("base").count == opened(tmp_path, unnamed="base").cursor("base").count == 2


def test_a_text_that_begins_like_a_containers_name_is_no_containers_name(tmp_path: Path) -> None:
    opened(tmp_path, unnamed="base").append("base", [at(1, b"[main] text")])
    found = log_line.parse((tmp_path / "log").read_text().rstrip("\n"))
    assert (found.container, found.text) == ("", "[main] text")


def test_sensitive_values_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    opened(tmp_path, unnamed="base", masked=["hunter22"]).append("base", [at(1, b"a hunter22 \xff")])
    assert (tmp_path / "log").read_text().endswith(" stdout F a *** \\xff\n")


def test_beyond_the_quota_a_line_says_so_and_nothing_is_kept(tmp_path: Path) -> None:
    file = opened(tmp_path, unnamed="base", quota_bytes=100)
    for _ in range(5):
        file.append("base", [at(1, b"x" * 60)])
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 3
    assert "log quota of 100 bytes reached" in lines[-1]
    assert opened(tmp_path, unnamed="base", quota_bytes=100).is_full


def test_a_pause_in_the_lines_of_a_stream_that_is_far_behind_may_be_a_file_that_it_leapt_over() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    behind = Lag()
    assert behind.leaps([at(0)], start, is_flood=True) == []
    assert behind.leaps([at(2)], start + timedelta(seconds=20), is_flood=True) == []
    lines, now = [at(2.5), at(15), at(15.5)], start + timedelta(seconds=21)
    assert behind.leaps(lines, now, is_flood=True) == [1]


def test_a_pause_in_the_lines_of_a_quiet_log_that_is_read_late_is_no_gap() -> None:
    late = Lag()
    assert late.leaps([at(0)], datetime(2026, 1, 1, tzinfo=UTC), is_flood=False) == []
    lines = [at(second) for second in (10, 20, 30)]
    assert late.leaps(lines, datetime(2026, 1, 1, 0, 5, tzinfo=UTC), is_flood=False) == []
    assert late.leaps([at(59)], datetime(2026, 1, 1, 0, 5, tzinfo=UTC), is_flood=False) == []


@pytest.mark.parametrize("skew", [-3600, 0, 3600])
def test_a_pause_in_lines_that_are_read_at_once_is_no_gap_however_clocks_differ(skew: float) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=skew)
    prompt = Lag()
    for second in (0, 1, 20, 50):
        assert prompt.leaps([at(second)], start + timedelta(seconds=second + 0.1), is_flood=True) == []


def test_a_file_that_a_stream_tells_from_its_beginning_again_is_left_out_as_far_as_it_is_known() -> None:
    known = [at(1), at(2.1), at(2.5), at(2.6)]
    cursor = Cursor()
    resume = Resume(cursor, lambda after, before: pytest.fail("no gap"))
    assert resume.new(known) == known
    cursor.move(known)
    told = [at(1), at(2.1), at(2.5), at(2.6), at(2.7), at(3)]
    assert find_rewind(cursor.newest, told) == 0
    resume.begin_again(cursor)
    assert resume.new(told) == told[4:]
    assert find_rewind(at(2.6)[:26], [at(2.7), at(2.65), at(3)]) is None
