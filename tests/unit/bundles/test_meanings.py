"""What settings say of which Airflow a bundle's files mean."""

from __future__ import annotations

import pytest

from tradewind.bundles.meanings import Meanings

_BOTH = Meanings(rows=(("legacy/new_*.py", "3"), ("legacy/*", "2")), otherwise="3")


@pytest.mark.parametrize(
    ("path", "meaning"),
    [
        ("legacy/etl.py", "2"),
        ("legacy/deep/etl.py", "2"),
        ("legacy/old.zip/etl.py", "2"),
        ("legacy/new_etl.py", "3"),
        ("etl.py", "3"),
        ("Legacy/etl.py", "3"),
    ],
)
def test_the_first_pattern_that_a_path_matches_counts_before_what_is_said_of_all(path: str, meaning: str) -> None:
    assert _BOTH.of(path) == meaning


def test_where_nothing_is_said_the_file_tells() -> None:
    assert Meanings().of("etl.py") is None
    assert Meanings(rows=(("legacy/*", "2"),)).of("etl.py") is None
