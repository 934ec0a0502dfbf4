"""The events of a namespace's pods: one watch, from now on, handed to those who follow a pod.

They are for people and for reasons; no attempt begins or ends by one. So trouble here never becomes trouble elsewhere:
a right that is missing is said once, and what was missed while a watch was away is read again where somebody follows a
pod. A namespace may hold a hundred thousand old events, which nobody reads.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

import msgspec

from tradewind.ports import backoff, errors
from tradewind.ports import clock as clock_port
from tradewind.runtime.kubernetes import decode, statuses
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.pod_events import EventSeen
from tradewind.runtime.kubernetes.watching import Lines

Take = Callable[[EventSeen], None]
_PAGE = 500
_MOST_PAGES = 20
_KEPT = 500
"""Of pods that nobody follows (yet): a pod's first events may come before the answer to its create."""
_LASTS_SECONDS = 600
_IDLE_SECONDS = 90.0
_STEADY_SECONDS = 10.0
_REFUSED_SECONDS = 300.0
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_log = logging.getLogger(__name__)


class _Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """As the API has it; what is absent or null is the default."""


class _About(_Shape, frozen=True):
    uid: str | None = None


class _Metadata(_Shape, frozen=True):
    uid: str | None = None
    resource_version: str | None = None
    creation_timestamp: datetime | None = None
    next: str | None = msgspec.field(default=None, name="continue")


class _Series(_Shape, frozen=True):
    count: int | None = None
    last_observed_time: datetime | None = None


class _Event(_Shape, frozen=True):
    metadata: _Metadata = _Metadata()
    involved_object: _About = _About()
    reason: str | None = None
    message: str | None = None
    type: str | None = None
    count: int | None = None
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: _Series | None = None


class _List(_Shape, frozen=True):
    metadata: _Metadata
    items: list[_Event] | None = None


class _Change(_Shape, frozen=True):
    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: _Event


class _Refused(_Shape, frozen=True):
    type: Literal["ERROR"]
    object: statuses.Status


_lists = msgspec.json.Decoder(_List)
_changes = msgspec.json.Decoder(_Change)
_refusals = msgspec.json.Decoder(_Refused)


class EventWatch:
    """Of one namespace. `run` lasts for ever; `follow` and `leave` say whose events are wanted."""

    def __init__(
        self, client: ClusterClient, namespace: str, *, clock: clock_port.Clock, random: clock_port.Random
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._path = f"/api/v1/namespaces/{namespace}/events"
        self._clock = clock
        self._random = random
        self._pause = backoff.Backoff(random, first_seconds=0.2, cap_seconds=30.0)
        self._takers: dict[str, Take] = {}
        self._early: deque[EventSeen] = deque(maxlen=_KEPT)
        self._is_refused = False
        self._version = ""
        """Where a watch goes on; empty: the list says it."""

    def follow(self, pod_uid: str, take: Take) -> None:
        """Hand over the events of this pod, those of late included. The same event may come twice."""
        self._takers[pod_uid] = take
        for event in [one for one in self._early if one.pod_uid == pod_uid]:
            take(event)

    def leave(self, pod_uid: str) -> None:
        """Nobody cares any more."""
        self._takers.pop(pod_uid, None)

    async def run(self) -> None:
        """For ever. Raises only `errors.Fatal`."""
        while True:
            began = self._clock.monotonic()
            try:
                self._version = self._version or await self._list()
                await self._watch()
            except statuses.Expired:
                self._version = ""
            except errors.Fatal:
                raise
            except (errors.Rejected, errors.Unauthorized, errors.NotFound) as error:
                self._refused(error)
                self._version = ""
                await self._clock.sleep(_REFUSED_SECONDS * (1 - self._random.uniform() / 2))
                continue
            except errors.TradewindError as error:
                _log.info("the watch of events in namespace %s ended: %s", self._namespace, error)
            if self._clock.monotonic() - began >= _STEADY_SECONDS:
                self._pause.reset()
            else:
                await self._clock.sleep(self._pause.next_seconds())

    async def _list(self) -> str:
        """The version to go on from. What was said meanwhile is read where somebody follows a pod."""
        query = {"fieldSelector": "involvedObject.kind=Pod", "limit": str(_PAGE)}
        version, more = "", ""
        for _ in range(_MOST_PAGES):
            found = _decoded(
                _lists, await self._client.request("GET", self._path, {**query, **({"continue": more} if more else {})})
            )
            self._is_refused = False
            version = version or found.metadata.resource_version or ""
            for event in found.items or ():
                self._hand(event)
            more = found.metadata.next or ""
            if not more or not self._takers:
                break
        if not version:
            raise errors.Transient(f"the list of events in namespace {self._namespace} has no version", code="nonsense")
        return version

    async def _watch(self) -> None:
        query = {
            "fieldSelector": "involvedObject.kind=Pod",
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(int(_LASTS_SECONDS * (1 + self._random.uniform()))),
        }
        async with self._client.stream(self._path, query, idle_seconds=_IDLE_SECONDS) as chunks:
            lines = Lines(chunks)
            while (line := await lines.next()) is not None:
                change = self._change(line)
                if change.type in ("ADDED", "MODIFIED"):
                    self._hand(change.object)
                self._version = change.object.metadata.resource_version or self._version

    def _change(self, line: bytes) -> _Change:
        try:
            return _changes.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            try:
                refused = _refusals.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise decode.nonsense("an event of a watch", error) from error
            raise statuses.of(refused.object, asked=f"watch of {self._path}") from error

    def _hand(self, told: _Event) -> None:
        pod_uid = told.involved_object.uid
        if not pod_uid:
            return
        event = _seen(told, pod_uid)
        if (take := self._takers.get(pod_uid)) is not None:
            take(event)
        else:
            self._early.append(event)

    def _refused(self, error: errors.TradewindError) -> None:
        if not self._is_refused:
            self._is_refused = True
            _log.warning("events of pods in namespace %s are not shown: %s", self._namespace, error)


class EventWatches:
    """Of one cluster's namespaces. `spawn` runs each in the background."""

    def __init__(self, make: Callable[[str], EventWatch], spawn: Callable[[EventWatch], object]) -> None:
        self._make = make
        self._spawn = spawn
        self._watches: dict[str, EventWatch] = {}

    def ensure(self, namespace: str) -> EventWatch:
        """That of a namespace."""
        watch = self._watches.get(namespace)
        if watch is None:
            watch = self._watches[namespace] = self._make(namespace)
            self._spawn(watch)
        return watch


def _decoded(decoder: msgspec.json.Decoder[_List], body: bytes) -> _List:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise decode.nonsense("a list of events", error) from error


def _seen(told: _Event, pod_uid: str) -> EventSeen:
    """Of either kind: those that count have `count`, newer ones a `series`."""
    series = told.series or _Series()
    created = told.metadata.creation_timestamp or _LONG_AGO
    first = told.first_timestamp or told.event_time or created
    last = series.last_observed_time or told.last_timestamp or told.event_time or created
    return EventSeen(
        uid=told.metadata.uid or "",
        pod_uid=pod_uid,
        kind=told.type or "Normal",
        reason=told.reason or "",
        message=told.message or "",
        count=max(1, series.count or 0, told.count or 0),
        first_at=first,
        last_at=max(first, last),
    )
