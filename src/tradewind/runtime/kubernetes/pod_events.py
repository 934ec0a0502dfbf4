"""What the cluster said of one pod: its events, each kind once and counted, with times. Pure but for what it collects.

Kubelet and scheduler say the same again and again, as a new event or as a higher count of one that is there. A kind is
a reason with its message; what is asked (`last_warning`, `plain`) is the same whichever way and in which order it came.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

WARNING = "Warning"
_MOST_KINDS = 100
_MOST_KEPT = 20
_LONGEST = 1000


class EventSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a pod, as the API has it now."""

    uid: str
    """The event's own."""
    pod_uid: str
    kind: str
    """Normal or Warning."""
    reason: str
    message: str
    count: int
    first_at: datetime
    last_at: datetime


class Told(msgspec.Struct, kw_only=True):
    """One kind of event of a pod, and how often it was said."""

    reason: str
    message: str
    kind: str
    first_at: datetime
    last_at: datetime
    counts: dict[str, int]
    """By the event's uid."""
    shown: int = 0
    """How often people were told that it was said."""

    @property
    def count(self) -> int:
        """How often it was said."""
        return sum(self.counts.values())

    @property
    def text(self) -> str:
        """For people: "Scheduled: …", "Warning FailedMount: … (3 times in 2 min)"."""
        mark = f"{WARNING} " if self.kind == WARNING else ""
        said = f"{mark}{self.reason}: {self.message}" if self.message else f"{mark}{self.reason}"
        if self.count <= 1:
            return said
        return f"{said} ({self.count} times in {_span(self.last_at - self.first_at)})"


class PodEvents:
    """Of one pod."""

    __slots__ = ("_told",)

    def __init__(self) -> None:
        self._told: dict[tuple[str, str, str], Told] = {}

    def add(self, event: EventSeen) -> Told | None:
        """Take it in. What people may be told of it; None where they know it, or it is one too many."""
        message = " ".join(event.message.split())[:_LONGEST]
        key = (event.kind, event.reason, message)
        told = self._told.get(key)
        if told is None:
            if len(self._told) >= _MOST_KINDS:
                return None
            told = self._told[key] = Told(
                reason=event.reason,
                message=message,
                kind=event.kind,
                first_at=event.first_at,
                last_at=event.last_at,
                counts={},
            )
        told.counts[event.uid] = max(event.count, told.counts.get(event.uid, 0))
        told.first_at = min(told.first_at, event.first_at)
        told.last_at = max(told.last_at, event.last_at)
        return told if not told.shown else None

    def unshown(self) -> list[Told]:
        """What people were not told, or were told less often than it was said; in order of time."""
        return sorted((one for one in self._told.values() if one.shown < one.count), key=lambda one: one.last_at)

    def last_warning(self) -> str:
        """The newest warning, as "FailedScheduling: 0/1 nodes …"; empty where there is none."""
        warnings = [one for one in self._told.values() if one.kind == WARNING]
        if not warnings:
            return ""
        newest = max(warnings, key=lambda one: one.last_at)
        return f"{newest.reason}: {newest.message}" if newest.message else newest.reason

    def plain(self) -> list[dict[str, Any]]:
        """The newest kinds as plain JSON, in order of time, for the attempt's row."""
        newest = sorted(self._told.values(), key=lambda one: one.last_at)[-_MOST_KEPT:]
        return [
            {
                "type": one.kind,
                "reason": one.reason,
                "message": one.message,
                "count": one.count,
                "first_at": one.first_at.isoformat(),
                "last_at": one.last_at.isoformat(),
            }
            for one in newest
        ]


def _span(time: timedelta) -> str:
    seconds = int(time.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
