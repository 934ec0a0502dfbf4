"""How `tradewind db` reads times and shows sizes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tradewind.cli import options, sizes
from tradewind.ports import errors

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30d", NOW - timedelta(days=30)),
        ("12h", NOW - timedelta(hours=12)),
        ("4w", NOW - timedelta(weeks=4)),
        ("0d", NOW),
        ("2026-01-31T06:00:00+01:00", datetime(2026, 1, 31, 5, tzinfo=UTC)),
        ("99999999999d", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_ago_or_a_moment_is_read(text: str, moment: datetime) -> None:
    assert options.read_before(text, NOW) == moment


def test_a_date_is_midnight_where_the_user_is() -> None:
    assert options.read_before("2026-01-31", NOW) == datetime(2026, 1, 31).astimezone(UTC)


@pytest.mark.parametrize("text", ["", "soon", "30", "30m", "-3d", "d", "2026-13-01"])
def test_anything_else_is_refused_with_what_it_may_be(text: str) -> None:
    with pytest.raises(errors.Rejected) as raised:
        options.read_before(text, NOW)
    assert "30d, 12h, 4w" in raised.value.hint


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (150 << 10, "150 KiB"),
        (1474211840, "1.4 GiB"),
        (5 << 50, "5120 TiB"),
    ],
)
def test_sizes_are_shown_as_people_read_them(number: int, text: str) -> None:
    assert sizes.shown(number) == text
