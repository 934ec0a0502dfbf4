"""Time zones by name, and the way between moments and wall-clock times.

Wall-clock times are naive datetimes, moments are aware ones in UTC. Where a clock time does not exist or exists twice,
the answer is Airflow's: one in a gap is read with the offset before the gap (so it comes out after it), one in a fold
is the second showing.
"""

from __future__ import annotations

import difflib
import functools
import re
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from tradewind.model.timetable_problem import BadZone

UTC = timezone.utc

_OFFSET = re.compile(r"^(?:UTC|GMT)?\s*([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?$", re.IGNORECASE)


@functools.lru_cache(maxsize=1024)
def zone(name: str) -> tzinfo:
    """Return the zone of an IANA name or a fixed offset ("+02:00", "UTC+2"); raises BadZone."""
    if name.upper() in ("UTC", "Z"):
        return UTC
    offset = _fixed_offset(name)
    if offset is not None:
        return timezone(offset) if offset else UTC
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        near = difflib.get_close_matches(name, sorted(available_timezones()), n=1, cutoff=0.6)
        hint = f"did you mean {near[0]!r}?" if near else "use a name such as 'Europe/Paris', or an offset: '+02:00'"
        raise BadZone(f"time zone {name!r}", "there is no such zone", hint) from None


def zone_name(where: tzinfo) -> str:
    """Return the name under which `zone` finds this one again; raises BadZone for one without a name."""
    for attribute in ("key", "name", "zone"):  # of zoneinfo and pendulum, of pendulum's fixed ones, of pytz
        name = getattr(where, attribute, None)
        if isinstance(name, str) and name:
            return name
    offset = where.utcoffset(None)
    if offset is None:
        raise BadZone(f"time zone {where!r}", "it has no name", "use zoneinfo.ZoneInfo('Europe/Paris') or pendulum's")
    if not offset:
        return "UTC"
    minutes, seconds = divmod(abs(int(offset.total_seconds())), 60)
    text = f"{'-' if offset < timedelta(0) else '+'}{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{seconds:02}" if seconds else text


def _fixed_offset(name: str) -> timedelta | None:
    found = _OFFSET.match(name)
    if not found:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    span = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if span >= timedelta(days=1):
        return None
    return -span if found[1] == "-" else span


def to_wall(moment: datetime, where: tzinfo) -> datetime:
    """Return what the clocks there show, without a zone."""
    if where is UTC:
        return moment.replace(tzinfo=None)
    return moment.astimezone(where).replace(tzinfo=None, fold=0)


def to_moment(wall: datetime, where: tzinfo) -> datetime:
    """Return the moment in UTC at which clocks there show this; see the module for gaps and folds."""
    if where is UTC:
        return wall.replace(tzinfo=UTC)
    offsets = (where.utcoffset(wall), where.utcoffset(wall.replace(fold=1)))
    # In a gap the offset before it is the smaller one, in a fold that of the second showing is.
    return (wall - min(offset for offset in offsets if offset is not None)).replace(tzinfo=UTC)
