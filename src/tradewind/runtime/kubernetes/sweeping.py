"""Takes away pods that this Tradewind made and no attempt wants: left by a leader that was killed or deposed.

Invariant: a pod is deleted only if an annotation says that this home made it, and its attempt is none that is followed;
pods of another Tradewind in the same namespace have our label too and are never touched. What the task wanted to be
kept after its end is kept.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from tradewind.pods.view import PodView
from tradewind.ports import clock as clock_port
from tradewind.ports import errors
from tradewind.runtime.kubernetes import phases, requesting
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.deleting import Deleter

_EVERY_SECONDS = 30.0
_OLD_ENOUGH_SECONDS = 60.0
"""An attempt that is about to be launched again after a restart takes its pod up within this time."""
_log = logging.getLogger(__name__)


def is_to_go(action: str, *, succeeded: bool, active: bool) -> bool:
    """What `on_finish_action` says of a pod whose attempt has ended. `active`: its containers may still run."""
    match action:
        case "keep_pod":
            return False
        case "delete_succeeded_pod":
            return succeeded
        case "delete_active_pod":
            return active
        case _:
            return True


class Sweeper:
    """Of one cluster."""

    def __init__(
        self,
        client: ClusterClient,
        deleter: Deleter,
        *,
        home_id: str,
        is_followed: Callable[[str], bool],
        clock: clock_port.Clock,
    ) -> None:
        self._client = client
        self._deleter = deleter
        self._home_id = home_id
        self._is_followed = is_followed
        self._clock = clock
        self._strays: dict[str, tuple[float, PodView]] = {}
        self._left: set[str] = set()
        """Of others, or to be kept."""

    def note(self, view: PodView) -> None:
        """A pod with our label that nobody here follows."""
        if view.uid not in self._left and not view.deleted:
            since = self._strays[view.uid][0] if view.uid in self._strays else self._clock.monotonic()
            self._strays[view.uid] = (since, view)

    def forget(self, uid: str) -> None:
        """It is gone, or followed."""
        self._strays.pop(uid, None)
        self._left.discard(uid)

    async def run_forever(self) -> None:
        """Look every half minute."""
        while True:
            await self._clock.sleep(_EVERY_SECONDS)
            await self.sweep()

    async def sweep(self) -> None:
        """Once."""
        now = self._clock.monotonic()
        for uid, (since, view) in list(self._strays.items()):
            if now - since < _OLD_ENOUGH_SECONDS:
                continue
            try:
                await self._look(view)
            except errors.TradewindError as error:
                _log.info("pod %s/%s is left for later: %s", view.namespace, view.name, error)
                continue
            self._strays.pop(uid, None)

    async def _look(self, view: PodView) -> None:
        if view.identity is None or self._is_followed(view.identity.attempt_id):
            return
        path = f"/api/v1/namespaces/{view.namespace}/pods/{view.name}"
        try:
            pod: dict[str, Any] = json.loads(await self._client.request("GET", path))
        except errors.NotFound:
            return
        marks = pod["metadata"].get("annotations") or {}
        over, succeeded = phases.is_over(view), view.phase == "Succeeded"
        action = marks.get(requesting.ON_FINISH, "delete_pod") if over else "delete_pod"
        if marks.get(requesting.HOME) != self._home_id or not is_to_go(action, succeeded=succeeded, active=not over):
            self._left.add(view.uid)
            return
        _log.warning(
            "pod %s/%s belongs to attempt %s, which nobody wants any more: it is deleted",
            view.namespace,
            view.name,
            view.identity.attempt_id,
        )
        await self._deleter.delete(view.namespace, view.name, view.uid)
