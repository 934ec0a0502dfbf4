"""Secrets in what is shown."""

from __future__ import annotations

import pytest

from tradewind.settings import text


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://ana:pw@db/x", "postgresql://ana:***@db/x"),
        ("postgresql://ana@db:5432/x", "postgresql://ana@db:5432/x"),
        (
            "postgresql://db/x?user=ana&password=pw&sslmode=require",
            "postgresql://db/x?user=ana&password=***&sslmode=require",
        ),
        ("postgresql://ana:p:w@db/x", "postgresql://ana:***@db/x"),
        ("postgresql://ana:p@w@db/x", "postgresql://ana:***@db/x"),
        ("postgresql://ana:p/w@db/x", "***"),
        ("postgresql://ana:p#w@db/x", "***"),
        ("postgresql://ana:p?w@db/x", "***"),
        ("postgresql://[bad:pw@db/x", "***"),
        ("sqlite:////var/lib/x.db", "sqlite:////var/lib/x.db"),
        ("postgresql:///x?password=pw", "postgresql:///x?password=***"),
        ("postgresql:ana:pw@db", "***"),
        ("host=db password=pw", "***"),
    ],
)
def test_a_password_in_an_address_is_masked(given: str, shown: str) -> None:
    assert text.masked(given) == shown
