"""Keeps what is seen of one scope's pods complete: list, watch, and list again when the watch cannot be trusted.

A list is compared with what was known: a pod that is not in it is told as gone with its last state, one of the same
name with another UID as gone and seen. So no end is missed, whatever the watch lost; the watch is for speed. Every
failure, and every watch that ended too early, is followed by a pause that grows: a broken server is never asked in a
hot loop.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from tradewind.model.problem import Problem
from tradewind.pods.view import PodView
from tradewind.ports import backoff, errors
from tradewind.ports import clock as clock_port
from tradewind.runtime.kubernetes import decode, listing, statuses, watching
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.scope import Scope

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReflectorOptions:
    """How a reflector lists, watches and waits."""

    page_size: int = 500
    watch_lasts: timedelta = timedelta(minutes=5)
    """A watch is asked to end after this, plus up to as much again, so that watches do not end together."""
    relist_after: timedelta = timedelta(minutes=15)
    """A list is compared at least this often."""
    idle_after: timedelta = timedelta(seconds=90)
    """Servers send a bookmark about every minute; a watch without anything for this long is opened anew."""
    steady_after: timedelta = timedelta(seconds=10)
    """A watch that lasted this long worked: the next pause is short again."""
    first_pause: timedelta = timedelta(milliseconds=200)
    longest_pause: timedelta = timedelta(seconds=10)
    refused_pause: timedelta = timedelta(seconds=60)
    """After a missing right or a refused credential: between half of this and all of it."""
    failures: int = 3
    """Watches in a row that brought nothing, not even a bookmark, before the list is compared."""


class PodSeen(msgspec.Struct, frozen=True, kw_only=True):
    """It is new or has changed."""

    scope: Scope
    view: PodView


class PodGone(msgspec.Struct, frozen=True, kw_only=True):
    """It exists no more, or left the selector. `view` is its last known state, with `deleted` set."""

    scope: Scope
    view: PodView


class Synced(msgspec.Struct, frozen=True, kw_only=True):
    """What was told until now is everything that a list showed: who is not seen now is not there."""

    scope: Scope


class Blind(msgspec.Struct, frozen=True, kw_only=True):
    """What was told may be old from now on, until the next `Synced`. Told once for each different problem."""

    scope: Scope
    problem: Problem


Change = PodSeen | PodGone | Synced | Blind


class Reflector:
    """Of one scope. `changes` is iterated once."""

    def __init__(
        self,
        client: ClusterClient,
        scope: Scope,
        *,
        clock: clock_port.Clock,
        random: clock_port.Random,
        options: ReflectorOptions | None = None,
    ) -> None:
        self._client = client
        self.scope = scope
        self._clock = clock
        self._random = random
        self._options = options or ReflectorOptions()
        self._pods: dict[tuple[str, str], PodView] = {}
        self._pause = backoff.Backoff(
            random,
            first_seconds=self._options.first_pause.total_seconds(),
            cap_seconds=self._options.longest_pause.total_seconds(),
        )
        self._blind_for: dict[str, str] = {}
        """The code of the problem that was told last, of the list and of the watch."""
        self._in_doubt = False

    @property
    def pods(self) -> list[PodView]:
        """What is known now."""
        return list(self._pods.values())

    def knows(self, namespace: str, name: str, uid: str) -> bool:
        """Whether this pod is among them."""
        known = self._pods.get((namespace, name))
        return known is not None and known.uid == uid

    async def changes(self) -> AsyncGenerator[Change, None]:
        """What happens, for ever. Raises only `errors.Fatal`; any other error is told as `Blind` and tried again."""
        while True:
            try:
                listed = await listing.pods(self._client, self.scope, page_size=self._options.page_size)
            except errors.Fatal:
                raise
            except errors.TradewindError as error:
                for change in self._went_blind("list", error):
                    yield change
                await self._wait(error)
                continue
            for change in self._replace(listed):
                yield change
            self._blind_for.pop("list", None)
            yield Synced(scope=self.scope)
            async with contextlib.aclosing(self._watched(listed.resource_version)) as watched:
                async for change in watched:
                    yield change

    async def _watched(self, version: str) -> AsyncGenerator[Change, None]:
        """Watches, one after the other, until the list has to be compared."""
        until = self._clock.monotonic() + self._options.relist_after.total_seconds() * (1 - self._random.uniform() / 4)
        failures = 0
        while (left := until - self._clock.monotonic()) > 0:
            began, brought, failed = self._clock.monotonic(), False, None
            try:
                async with contextlib.aclosing(self._one_watch(version, left)) as events:
                    async for event in events:
                        version, brought = _version(event) or version, True
                        for change in self._apply(event):
                            yield change
                        if self._in_doubt or self._clock.monotonic() >= until:
                            break
            except errors.Fatal:
                raise
            except errors.TradewindError as error:
                failed = error
            if failed is not None and not isinstance(failed, (errors.Transient, statuses.Expired)):
                for change in self._went_blind("watch", failed):
                    yield change
            elif brought:
                self._blind_for.pop("watch", None)
            steady = await self._rest(began, failed)
            failures = 0 if brought else failures + 1
            was_away = failed is not None and failed.code == "network" and not brought and not steady
            if failures >= self._options.failures or was_away or self._must_list(failed):
                # A server that comes back with an older store (a restored backup) accepts our version, which it has
                # not reached yet, and says nothing: only a list shows it.
                return

    def _one_watch(self, version: str, left: float) -> AsyncGenerator[decode.Event, None]:
        lasts = min(left, self._options.watch_lasts.total_seconds() * (1 + self._random.uniform()))
        idle = self._options.idle_after.total_seconds()
        return watching.events(self._client, self.scope, version, lasts_seconds=max(1, int(lasts)), idle_seconds=idle)

    def _must_list(self, failed: errors.TradewindError | None) -> bool:
        """Whether the watch said that it cannot go on from here, or contradicted what was known."""
        doubt, self._in_doubt = self._in_doubt, False
        return doubt or (failed is not None and not isinstance(failed, errors.Transient))

    async def _rest(self, began: float, failed: errors.TradewindError | None) -> bool:
        """After a watch: nothing where it lasted long enough to be a sound one (True), else a pause that grows."""
        if failed is not None:
            _log.info("the watch of pods in %s ended: %s", self.scope, failed)
        if self._clock.monotonic() - began >= self._options.steady_after.total_seconds():
            self._pause.reset()
            return True
        await self._wait(failed)
        return False

    async def _wait(self, failed: errors.TradewindError | None) -> None:
        pause = self._pause.next_seconds()
        if isinstance(failed, (errors.Rejected, errors.Unauthorized, errors.NotFound)):
            # Somebody has to grant a right or log in; asking often only fills the cluster's audit log.
            pause = max(pause, self._options.refused_pause.total_seconds() * (1 - self._random.uniform() / 2))
        await self._clock.sleep(pause)

    def _replace(self, listed: listing.Listed) -> Iterator[Change]:
        """What a list says anew, the gone ones first: of a name that was used again, the old pod ends before."""
        now = {(view.namespace, view.name): view for view in listed.pods}
        for key, known in list(self._pods.items()):
            if (seen := now.get(key)) is None or seen.uid != known.uid:
                del self._pods[key]
                yield self._gone(known)
        for key, seen in now.items():
            if (old := self._pods.get(key)) is None or old.resource_version != seen.resource_version:
                self._pods[key] = seen
                yield PodSeen(scope=self.scope, view=seen)

    def _apply(self, event: decode.Event) -> Iterator[Change]:
        match event:
            case decode.PodChanged(view=view):
                known = self._pods.get((view.namespace, view.name))
                self._pods[view.namespace, view.name] = view
                if known is not None and known.uid != view.uid:
                    yield self._gone(known)
                yield PodSeen(scope=self.scope, view=view)
            case decode.PodDeleted(view=view):
                known = self._pods.get((view.namespace, view.name))
                if known is not None and known.uid == view.uid:
                    del self._pods[view.namespace, view.name]
                elif known is not None:
                    self._in_doubt = True  # of one name we know another pod than the watch: only a list can tell
                yield self._gone(view)
            case decode.Bookmark() | decode.Refused():
                pass

    def _gone(self, view: PodView) -> PodGone:
        return PodGone(scope=self.scope, view=msgspec.structs.replace(view, deleted=True))

    def _went_blind(self, asked: str, error: errors.TradewindError) -> Iterator[Change]:
        if self._blind_for.get(asked) != error.code:
            self._blind_for[asked] = error.code
            _log.warning("pods in %s cannot be seen: %s", self.scope, error)
            yield Blind(scope=self.scope, problem=error.problem)


def _version(event: decode.Event) -> str | None:
    match event:
        case decode.PodChanged(view=view) | decode.PodDeleted(view=view):
            return view.resource_version
        case decode.Bookmark(resource_version=version):
            return version
        case _:
            return None
