"""The pods with our label, as people look at them and clean them up.

Invariant: a pod is offered for deletion only where an annotation says which home made it; deleting carries its UID.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tradewind.pods import redaction, verdict
from tradewind.pods import view as views
from tradewind.pods.view import PodView
from tradewind.ports import errors
from tradewind.runtime.kubernetes import phases, requesting, waiting
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.scope import Scope

Json = dict[str, Any]
_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One pod that is in the cluster. `home` is the id of the Tradewind that made it, empty where it is not told."""

    raw: Json
    view: PodView
    home: str

    @property
    def is_over(self) -> bool:
        """Its main container has ended."""
        return phases.is_over(self.view)

    @property
    def told(self) -> str:
        """How it ended, or what it waits for; empty while it runs."""
        if self.is_over:
            return verdict.sentence(self.view)
        return "" if phases.has_begun(self.view) else waiting.find(self.view, "waits")

    def age(self, now: datetime) -> timedelta:
        """Since it was made."""
        return now - (self.view.created_at or now)

    def redacted(self) -> Json:
        """Its specification for people's eyes, without what the API server adds for itself."""
        metadata = {name: value for name, value in self.raw["metadata"].items() if name != "managedFields"}
        return redaction.redact({"metadata": metadata, "spec": self.raw.get("spec") or {}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event of a pod."""

    at: datetime | None
    kind: str
    reason: str
    message: str
    times: int


async def pods(client: ClusterClient, namespace: str | None) -> list[Kept]:
    """All of a namespace (None: of every one) with our label, by age, the oldest first."""
    scope = Scope(namespace=namespace)
    found: list[Json] = []
    more = {"limit": str(_PAGE)}
    while True:
        page: Json = json.loads(await client.request("GET", scope.path, {**scope.query, **more}))
        found += page.get("items") or []
        if not (token := (page.get("metadata") or {}).get("continue")):
            break
        more = {"limit": str(_PAGE), "continue": token}
    return sorted(map(kept, found), key=lambda one: str(one.raw["metadata"].get("creationTimestamp")))


async def get(client: ClusterClient, namespace: str, name: str) -> Kept:
    """One pod. Raises `errors.NotFound`, also for one that is none of Tradewind's."""
    one = kept(json.loads(await client.request("GET", f"/api/v1/namespaces/{namespace}/pods/{name}")))
    if one.view.identity is None:
        raise errors.NotFound(
            "was not made by Tradewind",
            object=f"pod {namespace}/{name}",
            code="not-ours",
            hint=f"kubectl describe pod -n {namespace} {name}",
        )
    return one


async def events(client: ClusterClient, one: Kept) -> Sequence[Happened]:
    """What the cluster says of it, in order; the API server forgets after an hour by default."""
    view = one.view
    query = {"fieldSelector": f"involvedObject.name={view.name},involvedObject.uid={view.uid}"}
    told: Json = json.loads(await client.request("GET", f"/api/v1/namespaces/{view.namespace}/events", query))
    found = [
        Happened(
            at=_time(event.get("lastTimestamp") or event.get("eventTime") or event.get("firstTimestamp")),
            kind=str(event.get("type") or ""),
            reason=str(event.get("reason") or ""),
            message=str(event.get("message") or ""),
            times=int(event.get("count") or 1),
        )
        for event in told.get("items") or []
    ]
    return sorted(found, key=lambda event: str(event.at))


def kept(raw: Json) -> Kept:
    """A pod as the API gives it."""
    marks = (raw.get("metadata") or {}).get("annotations") or {}
    return Kept(raw=raw, view=views.from_api(raw), home=str(marks.get(requesting.HOME) or ""))


def _time(text: Any) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None
