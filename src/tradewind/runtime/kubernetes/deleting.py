"""Deletes exactly the pod that is meant: every delete carries its UID, so a namesake is safe.

Gone is gone, whoever did it: 404 and another UID under the name are success.
"""

from __future__ import annotations

import asyncio
import enum
import json
from typing import Any

from tradewind.ports import errors
from tradewind.runtime.kubernetes import decode
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.patience import Patience


class Deletion(enum.Enum):
    """What became of it."""

    ASKED = "asked"
    """Its containers are told to end; that it is gone is told by the reflector."""
    GONE = "gone"
    """No pod with this UID is there."""


class Deleter:
    """Of one cluster; at most `at_once` deletes are under way."""

    def __init__(self, client: ClusterClient, patience: Patience, *, at_once: int = 16) -> None:
        self._client = client
        self._patience = patience
        self._room = asyncio.Semaphore(at_once)

    async def delete(
        self, namespace: str, name: str, uid: str, *, grace_seconds: int | None = None, force: bool = False
    ) -> Deletion:
        """Ask for it. `grace_seconds` None is the pod's own; 0 is 1, as with kubectl.

        Only `force` takes the pod out of the API without waiting for its kubelet: its containers may run on, so it is
        for pods whose node is gone. Raises `errors.Rejected`, `errors.Unauthorized`, and `errors.Transient` when
        trouble lasts.
        """
        if not uid:
            raise errors.Fatal(f"pod {namespace}/{name} was to be deleted without its UID: it might be another's")
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        if force:
            options["gracePeriodSeconds"] = 0
        elif grace_seconds is not None:
            options["gracePeriodSeconds"] = max(1, grace_seconds)
        path, body = f"/api/v1/namespaces/{namespace}/pods/{name}", json.dumps(options).encode()
        async with self._room:
            return await self._patience.ask(lambda: self._ask(path, uid, body))

    async def _ask(self, path: str, uid: str, body: bytes) -> Deletion:
        try:
            await self._client.request("DELETE", path, body=body)
        except errors.NotFound:
            return Deletion.GONE
        except errors.Conflict as error:
            if await self._is_another(path, uid):
                return Deletion.GONE
            raise errors.Transient(error.message, object=error.object, code="conflict") from error
        return Deletion.ASKED

    async def _is_another(self, path: str, uid: str) -> bool:
        """Whether the name stands for another pod by now, or for none."""
        try:
            found = decode.pod(await self._client.request("GET", path))
        except errors.NotFound:
            return True
        return found.uid != uid
