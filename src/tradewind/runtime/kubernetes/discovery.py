"""Where in the API objects of a kind are, as the cluster itself tells it: any kind, custom ones too.

What was asked once is remembered while we run; a kind that is not found is asked again, because somebody may have
defined it since.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from tradewind.ports import errors
from tradewind.runtime.kubernetes.client import ClusterClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of objects."""

    base: str
    """/api/v1, or /apis/GROUP/VERSION."""
    plural: str
    namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        """Of the collection, or of one object."""
        inside = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{self.base}{inside}/{self.plural}" + (f"/{name}" if name else "")


class _Resource(msgspec.Struct, frozen=True):
    name: str
    kind: str
    namespaced: bool = True


class _Resources(msgspec.Struct, frozen=True):
    resources: list[_Resource] = []


class Discovery:
    """Of one cluster."""

    def __init__(self, client: ClusterClient) -> None:
        self._client = client
        self._known: dict[tuple[str, str], Kind] = {}

    async def get(self, api_version: str, kind: str) -> Kind:
        """Raises `errors.NotFound` where the cluster has no such kind."""
        if (known := self._known.get((api_version, kind))) is not None:
            return known
        base = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        hint = "kubectl api-resources lists what it has; a custom kind needs its definition first"
        about = f"{kind} of {api_version}"
        try:
            answer = await self._client.request("GET", base)
        except errors.NotFound as error:
            raise errors.NotFound("the cluster has no such API", object=about, code="no-kind", hint=hint) from error
        try:
            found = msgspec.json.decode(answer, type=_Resources)
        except msgspec.MsgspecError as error:
            raise errors.Transient(f"{base} answered nonsense: {error}", code="nonsense") from error
        for one in found.resources:
            if one.kind == kind and "/" not in one.name:
                made = self._known[api_version, kind] = Kind(base=base, plural=one.name, namespaced=one.namespaced)
                return made
        raise errors.NotFound("the cluster has no such kind", object=about, code="no-kind", hint=hint)
