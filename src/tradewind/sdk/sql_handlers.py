"""What becomes of a cursor when a query has run, as `airflow.providers.common.sql` names it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def return_single_query_results(sql: str | Iterable[str], return_last: bool, split_statements: bool | None) -> bool:
    """Whether one result is returned rather than a list of them."""
    if not isinstance(sql, str):
        return False
    return return_last or split_statements is False


def fetch_all_handler(cursor: Any) -> list[tuple[Any, ...]] | None:
    """All rows; None for a statement that has none."""
    return None if cursor.description is None else list(cursor.fetchall())


def fetch_one_handler(cursor: Any) -> Any:
    """The first row; None for a statement that has none."""
    return None if cursor.description is None else cursor.fetchone()


def get_row_count(cursor: Any) -> int | None:
    """How many rows the statement touched; None where that makes no sense."""
    count = getattr(cursor, "rowcount", None)
    return count if isinstance(count, int) and count >= 0 else None
