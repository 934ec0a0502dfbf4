"""Which pods are looked at: one cluster, one namespace (or all), one label selector."""

from __future__ import annotations

from dataclasses import dataclass

OURS = "app.kubernetes.io/managed-by=tradewind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """`cluster` is a name for people and keys; `namespace` None means all, which needs a right in the whole cluster."""

    cluster: str = ""
    namespace: str | None
    selector: str = OURS

    @property
    def path(self) -> str:
        """Of the pods' collection."""
        return "/api/v1/pods" if self.namespace is None else f"/api/v1/namespaces/{self.namespace}/pods"

    @property
    def query(self) -> dict[str, str]:
        """What a list and a watch of it have in common."""
        return {"labelSelector": self.selector} if self.selector else {}

    def __str__(self) -> str:
        where = f"namespace {self.namespace}" if self.namespace else "all namespaces"
        return f"{where} of cluster {self.cluster}" if self.cluster else where
