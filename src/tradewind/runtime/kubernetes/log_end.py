"""Whether the last lines of a container that has ended may be missing, though its log was read to its end.

A container runtime that is away when a container ends loses what that wrote meanwhile (`log_outages`). What is known
of the end is compared here: when the container finished, when its kubelet noticed, and how long a stream was open.
Where nothing speaks for an outage, the log is whole; a slow node, or a kubelet that was restarted, is no reason.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tradewind.runtime.kubernetes import log_outages
from tradewind.runtime.kubernetes.log_outages import Outages

_SECOND = timedelta(seconds=1)
_IN_HAND_RATE = 64 * 1024
"""Bytes a second from which a container runtime has more than a line in its hands at any time."""
_KEPT_STREAMS = 8
WAS_AWAY = "the container runtime of its node was away"


@dataclass(slots=True)
class _Stream:
    opened_at: datetime
    closed_at: datetime | None = None
    ended_by_itself: bool = False
    broke: bool = False

    def was_open(self, at: datetime) -> bool:
        """Then; `at` has whole seconds."""
        return self.opened_at <= at + _SECOND and (self.closed_at is None or self.closed_at >= at)


class LogEnd:
    """Of one container's log. `is_resumed`: another control plane read some of it before."""

    def __init__(self, outages: Outages, node: str, began: datetime, *, is_resumed: bool) -> None:
        self._outages = outages
        self._node = node
        self._began = began
        self._is_resumed = is_resumed
        self._streams: deque[_Stream] = deque(maxlen=_KEPT_STREAMS)
        self._finished_at: datetime | None = None
        self._noticed_at: datetime | None = None
        self._told_at: datetime | None = None
        self._heard_at = began

    # -- what is seen ----------------------------------------------------------------------------------------------

    def stream_opened(self, at: datetime) -> None:
        """From now on the kubelet tells each line."""
        self._streams.append(_Stream(at))

    def stream_closed(self, at: datetime, *, by_itself: bool = False, broke: bool = False) -> None:
        """It ended as with the container or the kubelet, or broke off, or (neither) was left."""
        if self._streams and self._streams[-1].closed_at is None:
            last = self._streams[-1]
            last.closed_at, last.ended_by_itself, last.broke = at, by_itself, broke

    def told(self, at: datetime, finished_at: datetime | None, noticed_at: datetime | None) -> None:
        """The container has ended, its status says. `noticed_at`: when its kubelet learnt of it."""
        self._told_at = self._told_at or at
        self._finished_at = finished_at or self._finished_at
        self._noticed_at = noticed_at or self._noticed_at

    # -- what follows ----------------------------------------------------------------------------------------------

    @property
    def is_seen(self) -> bool:
        """Whether its stream ended with the container: one that ended before that did so with the kubelet."""
        return self._heard_end(self._finished_at) is not None

    def cut(self, newest: bytes, skew: timedelta) -> str:
        """Why its last lines may be missing; "": nothing speaks for it. `skew`: how far our clock is before its node's.

        `newest`: the time of the last line that was read, empty where there was none.
        """
        finished, last = self._finished_at, _time(newest)
        if finished is None or (last is not None and last >= finished + _SECOND):
            return ""
        if self._outages.find_cut(self._node, finished + skew, None if last is None else last + skew) is not None:
            return WAS_AWAY
        noticed = None if self._noticed_at is None else self._noticed_at + skew
        ours = finished + skew
        if any(one.was_open(ours) for one in self._streams):  # so the kubelet was there all the time
            is_late = log_outages.is_late(ours, noticed, self._heard_end(ours) or self._told_at)
            return WAS_AWAY if is_late else ""
        is_late = self._was_unseen(ours) and log_outages.is_late_alone(ours, noticed)
        return f"{WAS_AWAY}, or its kubelet, and nobody looked," if is_late else ""

    def is_torn(self, rate: float, at: datetime) -> bool:
        """Whether lines that come at `at` may have lost others right before them: what a runtime had in its hands."""
        heard, self._heard_at = self._heard_at, at
        return rate >= _IN_HAND_RATE and self._outages.had_one(self._node, heard, at)

    def _heard_end(self, finished: datetime | None) -> datetime | None:
        """When a stream first ended with the container."""
        ends = [one.closed_at for one in self._streams if one.ended_by_itself and one.closed_at is not None]
        return next((at for at in ends if finished is None or at >= finished + _SECOND), None)

    def _was_unseen(self, finished: datetime) -> bool:
        if self._is_resumed and self._began > finished:
            return True
        last = self._streams[-1] if self._streams else None
        return last is not None and last.broke and last.closed_at is not None and last.closed_at < finished


def _time(stamp: bytes) -> datetime | None:
    return datetime.fromisoformat(stamp.decode()).replace(tzinfo=UTC) if stamp else None
