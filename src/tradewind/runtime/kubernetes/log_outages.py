"""When the container runtime of a node was away, as those learn who read logs there, and which logs that may have cut.

What containers write is copied into files by the container runtime. What one writes until its end while the runtime is
away is on no disk, and no status says so. Seen from the API there are three signs. A read is answered with words of the
kubelet instead of lines: known for all logs of that node, and asked for where several that write much fall silent at
once. Those that go on do so with all that they wrote meanwhile (`log_dams`). A stream, and the kubelet, learn of the
container's end seconds late: each of them asks the runtime every second. Where nobody looked, only the last of these is
left. Pure, but for what it remembers in a file.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from tradewind.runtime.kubernetes import log_dams

_WORDS = (b"unable to retrieve container logs for ", b"rpc error: code = ")
_IN_EVENTS = "rpc error: code = Unavailable"
_LATE = timedelta(seconds=2)
"""Of a kubelet, which looks every second; both times have whole seconds."""
_LATE_STREAM = timedelta(seconds=2.3)
"""Of a stream: a second until its kubelet looks, and one because the end's time has whole ones."""
_LATE_ALONE = timedelta(seconds=3)
_SECOND = timedelta(seconds=1)
_TAKEN_UP = timedelta(seconds=2)
"""A runtime that is back answers before it has taken up the output of all its containers."""
_KEPT = 8
_LIVELY_CHUNKS, _LIVELY_SECONDS, _RECENT_SECONDS = 5, 2.0, 5.0
"""A log is lively that was heard so often, in so many seconds, and that until lately. A burst is heard once."""
_BURST_SECONDS = 0.05
_SILENT_SECONDS = 0.5
_ASKED_AGAIN_SECONDS, _ASKED_WHILE_AWAY_SECONDS = 2.0, 1.0
_IDLE_SECONDS = 1.0
_log = logging.getLogger(__name__)


def are_words(text: bytes) -> bool:
    """Whether a kubelet says that its container runtime does not answer, where lines were asked for."""
    return text.startswith(_WORDS)


def is_told_by(event: str) -> bool:
    """Whether the message of a pod's event says that its node's container runtime did not answer."""
    return _IN_EVENTS in event


class Outage(msgspec.Struct, kw_only=True):
    """Times are of our clock."""

    heard: datetime
    """The last that was heard from the node before."""
    since: datetime
    """It was away then; for how long it had been is not known."""
    until: datetime | None = None

    def may_have_cut(self, finished_at: datetime, newest: datetime | None) -> bool:
        """Whether a container ended in it, or right after, and was not heard of since. Its times are by our clock."""
        ended_in_it = self.heard <= finished_at + _SECOND and (
            self.until is None or finished_at <= self.until + _TAKEN_UP
        )
        return ended_in_it and (newest is None or newest < self.since)


@dataclass(slots=True)
class _Node:
    heard: datetime | None = None
    outages: list[Outage] = field(default_factory=list)
    chunks: dict[object, deque[float]] = field(default_factory=dict)
    dams: log_dams.Dams = field(default_factory=log_dams.Dams)
    asked: float = float("-inf")


class Outages:
    """Of one cluster's nodes. `now` is of a monotonic clock, `at` of the wall's.

    `path`: a file that keeps them for who follows the logs next.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._nodes = {node: _Node(outages=outages) for node, outages in _kept(path).items()}

    def heard(
        self, node: str, who: object, at: datetime, now: float, *, lines: int, first: datetime | None = None
    ) -> None:
        """So many new lines of one log (0: an answer without any): at `at` the runtime was there.

        `first`: when the first of the lines was written; `at` is the last's.
        """
        one = self._nodes.setdefault(node, _Node())
        if first is not None:
            is_lively = who in self._lively(one, now)
            if (pause := one.dams.saw(who, first, at, lines, is_lively=is_lively)) is not None:
                self._paused(one, pause)
        one.heard = at if one.heard is None else max(at, one.heard)
        if self._is_away(one) and at > one.outages[-1].since:
            one.outages[-1].until = at
            self._keep()
        if lines:
            chunks = one.chunks.setdefault(who, deque(maxlen=_LIVELY_CHUNKS))
            if not chunks or now - chunks[-1] >= _BURST_SECONDS:
                chunks.append(now)

    def away(self, node: str, at: datetime) -> None:
        """A kubelet said that it is."""
        one = self._nodes.setdefault(node, _Node())
        if not one.outages or one.outages[-1].until is not None:
            one.outages = [*one.outages[1 - _KEPT :], Outage(heard=one.heard or at, since=at)]
            self._keep()

    def away_at(self, node: str, at: datetime) -> None:
        """An event says that it was, in that second; it may come late."""
        one = self._nodes.setdefault(node, _Node())
        if any(two.heard <= at and (two.until is None or at <= two.until) for two in one.outages):
            return
        if one.heard is None or one.heard < at:
            self.away(node, at)
        else:
            known = Outage(heard=at - _SECOND, since=at + _SECOND, until=at + 2 * _SECOND)
            one.outages = [*one.outages[1 - _KEPT :], known]
            self._keep()

    def forget(self, node: str, who: object) -> None:
        """Its log is over."""
        if (one := self._nodes.get(node)) is not None:
            one.chunks.pop(who, None)
            one.dams.forget(who)

    def find_cut(self, node: str, finished_at: datetime, newest: datetime | None) -> Outage | None:
        """The outage in which a container may have ended, and lost what it wrote last."""
        outages = self._nodes[node].outages if node in self._nodes else []
        return next((one for one in outages if one.may_have_cut(finished_at, newest)), None)

    def had_one(self, node: str, after: datetime, before: datetime) -> bool:
        """Whether it was found away between these."""
        outages = self._nodes[node].outages if node in self._nodes else []
        return any(after <= one.since <= before for one in outages)

    def patience(self, node: str, who: object, now: float) -> float:
        """Seconds until the node may have to be asked, where nothing is heard of this log."""
        one = self._nodes.get(node)
        if one is None:
            return _IDLE_SECONDS
        if self._is_away(one):
            return _ASKED_WHILE_AWAY_SECONDS
        return _SILENT_SECONDS if who in self._lively(one, now) else _IDLE_SECONDS

    def is_to_ask(self, node: str, now: float) -> bool:
        """Whether to look if the runtime is there, once for all: logs that were lively fell silent together.

        One alone often does so by itself, and what it costs to look would be paid for each pod.
        """
        one = self._nodes.get(node)
        if one is None:
            return False
        if self._is_away(one):
            due = now - one.asked >= _ASKED_WHILE_AWAY_SECONDS
        else:
            lively = self._lively(one, now)
            fell_silent = len(lively) > 1 and now - max(chunks[-1] for chunks in one.chunks.values()) >= _SILENT_SECONDS
            due = fell_silent and now - one.asked >= _ASKED_AGAIN_SECONDS
        if due:
            one.asked = now
        return due

    def _paused(self, one: _Node, pause: log_dams.Pause) -> None:
        """Nothing was written on the node between these, though it was tried."""
        if any(known.heard <= pause.ended and (known.until or pause.ended) >= pause.began for known in one.outages):
            return
        known = Outage(heard=pause.began, since=pause.ended, until=pause.ended)
        one.outages = [*one.outages[1 - _KEPT :], known]
        self._keep()

    def _keep(self) -> None:
        if self._path is None:
            return
        try:
            told = {node: one.outages for node, one in self._nodes.items() if one.outages}
            beside = self._path.with_suffix(".new")
            beside.write_bytes(msgspec.json.encode(told))
            beside.rename(self._path)
        except OSError as error:  # logs are read all the same
            _log.warning("%s: %s", self._path, error)

    @staticmethod
    def _is_away(one: _Node) -> bool:
        return bool(one.outages) and one.outages[-1].until is None

    @staticmethod
    def _lively(one: _Node, now: float) -> list[object]:
        return [
            who
            for who, chunks in one.chunks.items()
            if len(chunks) == _LIVELY_CHUNKS
            and chunks[-1] - chunks[0] <= _LIVELY_SECONDS
            and now - chunks[-1] <= _RECENT_SECONDS
        ]


def _kept(path: Path | None) -> dict[str, list[Outage]]:
    try:
        return {} if path is None else msgspec.json.decode(path.read_bytes(), type=dict[str, list[Outage]])
    except (OSError, msgspec.MsgspecError):
        return {}


def is_late(finished_at: datetime, noticed_at: datetime | None, streamed_at: datetime | None) -> bool:
    """Whether a kubelet and a stream, for both of which the runtime is asked every second, learnt of an end late."""
    if noticed_at is None or streamed_at is None:
        return False
    return noticed_at - finished_at >= _LATE and streamed_at - finished_at >= _LATE_STREAM


def is_late_alone(finished_at: datetime, noticed_at: datetime | None) -> bool:
    """Whether a kubelet learnt of it late, of whom nothing else is known."""
    return noticed_at is not None and noticed_at - finished_at >= _LATE_ALONE
