"""Moments with a time zone, as DAG files handle them: Airflow's `timezone` helpers over pendulum.

A moment without a zone is in that of the option `core.default_timezone`, UTC where nobody chose another.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, overload

import pendulum
from pendulum.tz.local_timezone import get_local_timezone
from pendulum.tz.timezone import FixedTimezone, Timezone

from tradewind.sdk import errors
from tradewind.sdk.configuration import conf

utc = pendulum.UTC
utc_epoch = dt.datetime(1970, 1, 1, tzinfo=utc)


def default() -> Any:
    """The zone of moments that have none. Raises AirflowConfigException for one that does not exist."""
    name = str(conf.get("core", "default_timezone"))
    if name.lower() == "utc":
        return utc
    try:
        return local_timezone() if name == "system" else parse_timezone(name)
    except ValueError:
        raise errors.AirflowConfigException(f"core.default_timezone: there is no zone {name!r}") from None


def is_localized(value: dt.datetime) -> bool:
    """Whether the value knows its offset."""
    return value.utcoffset() is not None


def is_naive(value: dt.datetime) -> bool:
    """Whether the value has no offset."""
    return value.utcoffset() is None


def utcnow() -> dt.datetime:
    """Now, aware, in UTC."""
    return dt.datetime.now(tz=utc)


@overload
def convert_to_utc(value: None) -> None: ...
@overload
def convert_to_utc(value: dt.datetime) -> pendulum.DateTime: ...
def convert_to_utc(value: dt.datetime | None) -> pendulum.DateTime | None:
    """The same moment in UTC; a value without zone is in the default one."""
    if value is None:
        return None
    aware = value if is_localized(value) else value.replace(tzinfo=default())
    return pendulum.instance(aware.astimezone(utc))


def make_aware(value: dt.datetime | None, timezone: Any = None) -> dt.datetime | None:
    """Give a naive value its zone, the default one unless told."""
    if value is None:
        return None
    if is_localized(value):
        raise ValueError(f"expected a time without a zone, got {value.isoformat()}")
    where = timezone or default()
    if isinstance(where, (Timezone, FixedTimezone)) and isinstance(value, pendulum.DateTime):
        return where.convert(value)
    return value.replace(tzinfo=where)


def make_naive(value: dt.datetime, timezone: Any = None) -> dt.datetime:
    """Take the zone from an aware value, after bringing it there."""
    if is_naive(value):
        raise ValueError(f"expected a time with a zone, got {value.isoformat()}")
    return value.astimezone(timezone or default()).replace(tzinfo=None)


def coerce_datetime(value: dt.datetime | None, tz: Any = None) -> pendulum.DateTime | None:
    """A pendulum moment, aware; the zone is used where the value has none."""
    if value is None:
        return None
    aware = value if is_localized(value) else value.replace(tzinfo=tz or utc)
    return aware if isinstance(aware, pendulum.DateTime) else pendulum.instance(aware)


def datetime(*args: Any, **kwargs: Any) -> dt.datetime:
    """Like `datetime.datetime`, in the default zone where none is given."""
    if kwargs.get("tzinfo") is None:
        kwargs["tzinfo"] = default()
    return dt.datetime(*args, **kwargs)  # noqa: DTZ001 - the zone is in kwargs


def parse(string: str, timezone: Any = None, *, strict: bool = False) -> pendulum.DateTime:
    """Read a moment from text."""
    found = pendulum.parse(string, tz=timezone or default(), strict=strict)
    if not isinstance(found, pendulum.DateTime):
        raise TypeError(f"{string!r} is no moment")
    return found


def parse_timezone(name: str | int) -> Any:
    """A zone by name, or by its offset in seconds."""
    return FixedTimezone(name) if isinstance(name, int) else Timezone(name)


def local_timezone() -> Any:
    """The zone of this machine."""
    return get_local_timezone()


def from_timestamp(timestamp: float, tz: Any = utc) -> pendulum.DateTime:
    """The moment of a Unix time."""
    return pendulum.from_timestamp(timestamp, tz=tz)


def td_format(td_object: dt.timedelta | float | None) -> str | None:
    """A span in short words, like "1d:2h"; None where there is nothing."""
    if td_object is None:
        return None
    seconds = int(td_object.total_seconds() if isinstance(td_object, dt.timedelta) else td_object)
    parts: list[str] = []
    for letters, size in (("yr", 31536000), ("M", 2592000), ("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{letters}")
    return ":".join(parts) or ("<1s" if td_object else None)


def to_plain(value: dt.datetime) -> dt.datetime:
    """The same moment in UTC as a plain datetime, which is what can be written as data: pendulum's cannot."""
    at = value.astimezone(dt.timezone.utc)
    parts = (at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond)
    return dt.datetime(*parts, tzinfo=dt.timezone.utc)


def days_ago(n: int, hour: int = 0, minute: int = 0, second: int = 0, microsecond: int = 0) -> dt.datetime:
    """The start of the UTC day `n` days ago, or another time of that day."""
    today = utcnow().replace(hour=hour, minute=minute, second=second, microsecond=microsecond)
    return today - dt.timedelta(days=n)
