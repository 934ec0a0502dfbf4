"""The whole list of a scope's pods, page by page, as of one version.

Pages are of one version (the server keeps it some minutes). When it is gone in the middle, the list begins anew; when
that happens again, it is asked for in one piece, which cannot expire (client-go's pager does the same).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tradewind.pods.view import PodView
from tradewind.ports import errors
from tradewind.runtime.kubernetes import decode, statuses
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.scope import Scope

_EXPIRIES = 2
"""Of one list, before it is asked for in one piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Every pod of a scope at one version, from which a watch goes on."""

    pods: Sequence[PodView]
    resource_version: str


async def pods(client: ClusterClient, scope: Scope, *, page_size: int = 500) -> Listed:
    """List them. Raises what `ClusterClient.request` does, and `errors.Transient` ("nonsense")."""
    for _ in range(_EXPIRIES):
        try:
            return await _paged(client, scope, page_size)
        except statuses.Expired:
            continue
    return await _paged(client, scope, None)


async def _paged(client: ClusterClient, scope: Scope, page_size: int | None) -> Listed:
    found: list[PodView] = []
    limit = {"limit": str(page_size)} if page_size else {}
    page = await _page(client, scope, limit)
    first = page
    found.extend(page.pods)
    while page.next:
        asked_for = page.next
        page = await _page(client, scope, {**limit, "continue": asked_for})
        if page.next == asked_for:
            raise errors.Transient(
                f"the list of pods in {scope} does not end: a page continues itself", code="nonsense"
            )
        found.extend(page.pods)
    if not first.resource_version:
        raise errors.Transient(f"the list of pods in {scope} has no version", code="nonsense")
    return Listed(pods=found, resource_version=first.resource_version)


async def _page(client: ClusterClient, scope: Scope, more: dict[str, str]) -> decode.Page:
    return await decode.page(await client.request("GET", scope.path, {**scope.query, **more}))
