"""Which revision of the schema a database has, without changing it."""

from __future__ import annotations

import contextlib
from datetime import timedelta

from tradewind.store import dialect as dialects
from tradewind.store import schema


def find(url: str, busy: timedelta) -> str | None:
    """The revision; None where there is no database yet. Raises as `open_store` does."""
    dialect = dialects.choose(url, busy)
    if isinstance(dialect, dialects.Sqlite) and not dialect.path.is_file():
        return None
    try:
        with contextlib.closing(dialect.connect()) as session:
            return schema.find_version(session)
    except Exception as error:
        raise dialect.translate(error) from error
