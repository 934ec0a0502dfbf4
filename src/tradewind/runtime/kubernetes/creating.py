"""Creates the pod of an attempt, once, however often it is asked.

The name is the attempt's own and the attempt's id is on the pod. So a create whose answer was lost is simply made
again: 409 and our id on the pod that is there is success. A pod of that name with another id is never touched.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from tradewind.pods.identity import ATTEMPT_LABEL
from tradewind.pods.view import PodView
from tradewind.ports import errors
from tradewind.runtime.kubernetes import decode
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.patience import Patience
from tradewind.runtime.kubernetes.turns import Turns

_MEETINGS = 3
"""How often a name may be taken at the create and free at the look, before it is left for later."""


class Creator:
    """Of one cluster; at most `at_once` creates, or drafts for them, are under way."""

    def __init__(self, client: ClusterClient, patience: Patience, *, at_once: int = 16) -> None:
        self._client = client
        self._patience = patience
        self._turns = Turns(at_once)

    def drafting(self, priority: int) -> contextlib.AbstractAsyncContextManager[None]:
        """A turn for making a manifest; creates go before, so that of thousands that wait few have one yet."""
        return self._turns.turn(priority)

    async def create(self, pod: Mapping[str, Any], *, priority: int = 0) -> PodView:
        """Create it, or find that it was created. `pod` is the final manifest, with name, namespace and identity.

        Of those that wait for their turn, the highest `priority` is served first.

        Raises `errors.Conflict` ("pod-name-taken") when the name belongs to another; `errors.NotFound`
        ("created-and-gone") when ours was created and somebody deleted it since; `errors.Rejected` as `statuses` tells
        ("quota-exceeded" passes by itself); `errors.Transient` when trouble lasts or the name's last pod still ends.
        """
        creation = _Creation(self._client, pod)
        async with self._turns.turn(priority, ahead=True):
            return await self._patience.ask(creation.ask)

    async def try_out(self, pod: Mapping[str, Any]) -> bytes:
        """What the API server would make of it (dry run): the pod with its defaults, as JSON. Raises as `create`."""
        creation = _Creation(self._client, pod)
        async with self._turns.turn(0, ahead=True):
            return await self._client.request("POST", creation.path, {"dryRun": "All"}, creation.body)


class _Creation:
    """One call of `create`: it remembers whether an earlier try may have arrived."""

    def __init__(self, client: ClusterClient, pod: Mapping[str, Any]) -> None:
        metadata = pod.get("metadata") or {}
        self._client = client
        self._attempt_id = str((metadata.get("annotations") or {}).get(ATTEMPT_LABEL) or "")
        self._name, namespace = str(metadata.get("name") or ""), str(metadata.get("namespace") or "")
        if not (self._attempt_id and self._name and namespace):
            raise errors.Fatal("a pod was to be created without attempt id, name or namespace: nobody would find it")
        self._namespace = namespace
        self._may_have_arrived = False
        self.path = f"/api/v1/namespaces/{namespace}/pods"
        self.body = json.dumps(pod, separators=(",", ":")).encode()

    async def ask(self) -> PodView:
        for _ in range(_MEETINGS):
            try:
                return decode.pod(await self._client.request("POST", self.path, body=self.body))
            except errors.Transient as error:
                self._may_have_arrived |= error.code != "too-many-requests"
                raise
            except errors.Conflict as error:
                if error.code != "already-exists":
                    raise errors.Transient(
                        error.message, object=self._called, code="conflict", hint="it is asked again"
                    ) from error
            try:
                found = await self._find()
            except errors.NotFound:
                if self._may_have_arrived:
                    raise errors.NotFound(
                        "was created, and somebody deleted it since",
                        object=self._called,
                        code="created-and-gone",
                        hint="the audit log of the cluster says who deleted it",
                    ) from None
                continue
            return self._own(found)
        raise errors.Transient("its name is taken and free by turns", object=self._called)

    async def _find(self) -> PodView:
        return decode.pod(await self._client.request("GET", f"{self.path}/{self._name}"))

    def _own(self, found: PodView) -> PodView:
        """The pod that has our name, if it is ours."""
        whose = found.identity
        if whose is not None and whose.attempt_id == self._attempt_id:
            return found
        if found.deleted:
            raise errors.Transient(
                "a pod of this name is still ending",
                object=self._called,
                code="pod-name-ending",
                hint="it is waited for; if it never ends, its node may be gone: kubectl describe pod",
            )
        told = f"attempt {whose.attempt_id} of task {whose.dag_id}.{whose.task_id}" if whose else "somebody else"
        raise errors.Conflict(
            f"exists already and belongs to {told} (UID {found.uid})",
            object=self._called,
            code="pod-name-taken",
            hint="let names get a random suffix (random_name_suffix=True), or delete that pod",
        )

    @property
    def _called(self) -> str:
        return f"pod {self._namespace}/{self._name}"
