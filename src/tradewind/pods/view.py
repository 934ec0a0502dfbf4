"""PodView: what a runtime saw of a pod, in one form for a cluster and for the embedded runtime."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from tradewind.pods import manifest as manifests
from tradewind.pods.identity import Identity

Role = Literal["main", "init", "sidecar", "other"]
State = Literal["unknown", "waiting", "running", "terminated"]
_EPOCH_YEAR = 1970
HURRIED = "tradewind/hurried"
"""Annotation: see `PodView.hurried`."""


class ContainerView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One container. `state` "terminated" fills exit_code (or signal); "waiting" and "terminated" may have a reason."""

    name: str
    role: Role = "other"
    state: State = "unknown"
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    signal: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    restarts: int = 0
    image: str = ""
    memory_limit: str = ""
    cpu_limit: str = ""
    ready: bool = False
    container_id: str = ""
    """Another one after a restart: what a log's cursor holds on to."""
    last_reason: str = ""
    """How it ended before its last restart, as `last_exit_code` does."""
    last_exit_code: int | None = None


class PodView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One pod. `reason` and `message` are the pod's own (Evicted, DeadlineExceeded, NodeLost, …)."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    node: str = ""
    phase: str = ""
    reason: str = ""
    message: str = ""
    containers: tuple[ContainerView, ...] = ()
    conditions: dict[str, str] = {}
    """Type → "status reason: message"."""
    events: tuple[str, ...] = ()
    deleted: bool = False
    """It is being deleted, or is gone."""
    deadline_seconds: int | None = None
    hurried: bool = False
    """Its deadline is one that we set when its main container had ended, so that the other containers end too."""
    resource_version: str = ""
    identity: Identity | None = None
    """Whose it is, by our annotations; None for a pod that is not ours."""
    created_at: datetime | None = None
    scheduled_at: datetime | None = None
    accepted_at: datetime | None = None
    """A kubelet took it."""
    disruption: str = ""
    """Why the cluster takes it away (reason of a true condition DisruptionTarget): PreemptionByScheduler, …"""
    disrupted_at: datetime | None = None
    unready_at: datetime | None = None
    """When its kubelet saw that it is not ready: before its containers run, and again when the first of them ended."""
    deletion_at: datetime | None = None
    """When its grace period ends (or ended), if somebody deleted it."""

    @property
    def main(self) -> ContainerView | None:
        """The container that decides how the task ends."""
        return next((container for container in self.containers if container.role == "main"), None)


def from_api(pod: Mapping[str, Any]) -> PodView:
    """The view of a Pod as the API gives it (spec and status as JSON)."""
    metadata, spec, status = pod.get("metadata") or {}, pod.get("spec") or {}, pod.get("status") or {}
    specs = {one["name"]: one for key in ("containers", "initContainers") for one in spec.get(key) or []}
    main = manifests.base_container(pod)["name"] if spec.get("containers") else ""
    containers = [
        _container(one, specs.get(one.get("name"), {}), _role(key, specs.get(one.get("name"), {}), main))
        for key in ("initContainerStatuses", "containerStatuses")
        for one in status.get(key) or []
    ]
    conditions = status.get("conditions") or []
    true = {one["type"]: one for one in conditions if one.get("status") == "True"}
    scheduled, disruption = true.get("PodScheduled") or {}, true.get("DisruptionTarget") or {}
    false = {one["type"]: one for one in conditions if one.get("status") == "False"}
    return PodView(
        name=metadata.get("name") or "",
        namespace=metadata.get("namespace") or "",
        uid=metadata.get("uid") or "",
        node=spec.get("nodeName") or "",
        phase=status.get("phase") or "",
        reason=status.get("reason") or "",
        message=status.get("message") or "",
        containers=tuple(containers),
        conditions={
            one["type"]: condition(one.get("status"), one.get("reason"), one.get("message")) for one in conditions
        },
        deleted=metadata.get("deletionTimestamp") is not None,
        deadline_seconds=spec.get("activeDeadlineSeconds"),
        hurried=HURRIED in (metadata.get("annotations") or {}),
        resource_version=metadata.get("resourceVersion") or "",
        identity=Identity.find(metadata.get("annotations") or {}),
        created_at=_time(metadata.get("creationTimestamp")),
        scheduled_at=_time(scheduled.get("lastTransitionTime")),
        accepted_at=_time(status.get("startTime")),
        disruption=disruption.get("reason") or "",
        disrupted_at=_time(disruption.get("lastTransitionTime")),
        unready_at=_time((false.get("Ready") or {}).get("lastTransitionTime")),
        deletion_at=_time(metadata.get("deletionTimestamp")),
    )


def condition(status: str | None, reason: str | None, message: str | None) -> str:
    """The text of a condition in `PodView.conditions`."""
    return " ".join(part for part in (status, f"{reason}:" if reason else "", message) if part)


def real(at: datetime | None) -> datetime | None:
    """A time, or None for the year 1970: what a container has that could not be started."""
    return None if at is None or at.year == _EPOCH_YEAR else at


def _role(key: str, spec: Mapping[str, Any], main: str) -> Role:
    if key == "initContainerStatuses":
        return "sidecar" if spec.get("restartPolicy") == "Always" else "init"
    return "main" if spec.get("name") == main else "other"


def _container(status: Mapping[str, Any], spec: Mapping[str, Any], role: Role) -> ContainerView:
    state = status.get("state") or {}
    kind: State = "unknown"
    if state.get("terminated") is not None:
        kind = "terminated"
    elif state.get("running") is not None:
        kind = "running"
    elif state.get("waiting") is not None:
        kind = "waiting"
    told = state.get(kind) or {}
    last = (status.get("lastState") or {}).get("terminated") or {}
    limits = (spec.get("resources") or {}).get("limits") or {}
    return ContainerView(
        name=status.get("name") or "",
        role=role,
        state=kind,
        reason=told.get("reason") or "",
        message=told.get("message") or "",
        exit_code=told.get("exitCode"),
        signal=told.get("signal") or None,
        started_at=real(_time(told.get("startedAt"))),
        finished_at=_time(told.get("finishedAt")),
        restarts=status.get("restartCount") or 0,
        image=status.get("image") or spec.get("image") or "",
        memory_limit=str(limits.get("memory") or ""),
        cpu_limit=str(limits.get("cpu") or ""),
        ready=bool(status.get("ready")),
        container_id=told.get("containerID") or status.get("containerID") or "",
        last_reason=last.get("reason") or "",
        last_exit_code=last.get("exitCode"),
    )


def _time(text: Any) -> datetime | None:
    return datetime.fromisoformat(str(text).replace("Z", "+00:00")) if text else None
