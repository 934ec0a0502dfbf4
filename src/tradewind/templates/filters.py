"""The filters that every template has: dates in Airflow's spellings. Each gives None for None."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any


def ds(value: datetime | None) -> str | None:
    """2026-01-31."""
    return None if value is None else value.strftime("%Y-%m-%d")


def ds_nodash(value: datetime | None) -> str | None:
    """20260131."""
    return None if value is None else value.strftime("%Y%m%d")


def ts(value: datetime | None) -> str | None:
    """ISO 8601 with the offset."""
    return None if value is None else value.isoformat()


def ts_nodash(value: datetime | None) -> str | None:
    """20260131T235900, without an offset."""
    return None if value is None else value.strftime("%Y%m%dT%H%M%S")


def ts_nodash_with_tz(value: datetime | None) -> str | None:
    """20260131T235900+0000."""
    return None if value is None else value.isoformat().replace("-", "").replace(":", "")


FILTERS: dict[str, Callable[..., Any]] = {
    "ds": ds,
    "ds_nodash": ds_nodash,
    "ts": ts,
    "ts_nodash": ts_nodash,
    "ts_nodash_with_tz": ts_nodash_with_tz,
}
