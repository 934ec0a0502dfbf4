"""Bytes of the API → `PodView`, reading only the fields that decide something.

The shapes below are those of the API, loose on purpose: what is absent or null is the default, what is not named is
skipped without becoming an object. A pod decoded here equals `pods.view.from_api` of the same JSON. Words that pods
have in common are one object each: thousands of pods are kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from sys import intern
from typing import Literal

import msgspec

from tradewind.pods import view as views
from tradewind.pods.identity import Identity, number
from tradewind.pods.view import ContainerView, PodView
from tradewind.ports import errors
from tradewind.runtime.kubernetes.statuses import Status

_SLICE = 50
"""Pods decoded in one turn of the loop: about a millisecond."""


class _Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """Values without cycles: the garbage collector need not look."""


class _State(_Shape, frozen=True):
    reason: str | None = None
    message: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    container_id: str | None = msgspec.field(default=None, name="containerID")


class _States(_Shape, frozen=True):
    terminated: _State | None = None
    running: _State | None = None
    waiting: _State | None = None


class _ContainerStatus(_Shape, frozen=True):
    name: str = ""
    state: _States | None = None
    last_state: _States | None = None
    restart_count: int | None = None
    image: str | None = None
    ready: bool | None = None
    container_id: str | None = msgspec.field(default=None, name="containerID")


class _Limits(_Shape, frozen=True):
    memory: str | int | float | None = None
    cpu: str | int | float | None = None


class _Resources(_Shape, frozen=True):
    limits: _Limits | None = None


class _Container(_Shape, frozen=True):
    name: str = ""
    image: str | None = None
    resources: _Resources | None = None
    restart_policy: str | None = None


class _Spec(_Shape, frozen=True):
    node_name: str | None = None
    active_deadline_seconds: int | None = None
    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = None


class _Condition(_Shape, frozen=True):
    type: str
    status: str | None = None
    reason: str | None = None
    message: str | None = None
    last_transition_time: datetime | None = None


class _PodStatus(_Shape, frozen=True):
    phase: str | None = None
    reason: str | None = None
    message: str | None = None
    conditions: list[_Condition] | None = None
    start_time: datetime | None = None
    init_container_statuses: list[_ContainerStatus] | None = None
    container_statuses: list[_ContainerStatus] | None = None


class _Annotations(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    attempt_id: str | None = msgspec.field(default=None, name="tradewind/attempt-id")
    dag_id: str | None = msgspec.field(default=None, name="tradewind/dag-id")
    run_id: str | None = msgspec.field(default=None, name="tradewind/run-id")
    task_id: str | None = msgspec.field(default=None, name="tradewind/task-id")
    try_number: str | None = msgspec.field(default=None, name="tradewind/try-number")
    map_index: str | None = msgspec.field(default=None, name="tradewind/map-index")
    hurried: str | None = msgspec.field(default=None, name=views.HURRIED)


class _Metadata(_Shape, frozen=True):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    annotations: _Annotations | None = None


class _Pod(_Shape, frozen=True):
    metadata: _Metadata = _Metadata()
    spec: _Spec | None = None
    status: _PodStatus | None = None


class _ListMetadata(_Shape, frozen=True):
    resource_version: str = ""
    next: str | None = msgspec.field(default=None, name="continue")


class _List(_Shape, frozen=True):
    metadata: _ListMetadata
    items: list[msgspec.Raw] | None = None


class _Event(_Shape, frozen=True):
    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: _Pod


class _Error(_Shape, frozen=True):
    type: Literal["ERROR"]
    object: Status


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a list. `next` continues it, None ends it."""

    pods: Sequence[PodView]
    resource_version: str
    next: str | None = None


class PodChanged(msgspec.Struct, frozen=True, kw_only=True):
    """ADDED or MODIFIED."""

    view: PodView


class PodDeleted(msgspec.Struct, frozen=True, kw_only=True):
    """DELETED, with the state it had last. It may only have left the selector."""

    view: PodView


class Bookmark(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing changed up to this version."""

    resource_version: str


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """ERROR: the watch is over."""

    status: Status


Event = PodChanged | PodDeleted | Bookmark | Refused

_pods = msgspec.json.Decoder(_Pod)
_lists = msgspec.json.Decoder(_List)
_events = msgspec.json.Decoder(_Event)
_errors = msgspec.json.Decoder(_Error)


def pod(body: bytes) -> PodView:
    """One pod. Raises `errors.Transient` ("nonsense") for what is none."""
    try:
        return _view(_pods.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise nonsense("a pod", error) from error


async def page(body: bytes) -> Page:
    """A page of a list, decoded in slices between which the loop does other work. Raises as `pod`."""
    try:
        found = _lists.decode(body)
        items = found.items or []
        pods: list[PodView] = []
        for at in range(0, len(items), _SLICE):
            if at:
                await asyncio.sleep(0)
            pods.extend([_view(_pods.decode(item)) for item in items[at : at + _SLICE]])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise nonsense("a list of pods", error) from error
    return Page(pods=pods, resource_version=found.metadata.resource_version, next=found.metadata.next or None)


def event(line: bytes) -> Event:
    """One line of a watch. Raises as `pod`."""
    try:
        found = _events.decode(line)
        if found.type == "BOOKMARK":
            return Bookmark(resource_version=found.object.metadata.resource_version)
        view = _view(found.object)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _refused(line, error)
    return PodDeleted(view=view) if found.type == "DELETED" else PodChanged(view=view)


def _refused(line: bytes, error: Exception) -> Refused:
    """What is no event of a pod may be the one kind that carries a Status; looked at second, since it is rare."""
    try:
        return Refused(status=_errors.decode(line).object)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise nonsense("an event of a watch", error) from error


def nonsense(what: str, error: object) -> errors.Transient:
    """The server sent what is not of the API: a proxy's page, half an answer."""
    return errors.Transient(
        f"the API server's answer is not {what}: {error}",
        code="nonsense",
        hint="it is asked again; if this lasts, a proxy or something else answers in the API server's place",
    )


_NO_SPEC, _NO_STATUS, _NO_CONTAINER, _NO_STATE = _Spec(), _PodStatus(), _Container(), _State()
_NO_STATES, _NO_LIMITS = _States(), _Limits()


def _view(seen: _Pod) -> PodView:
    metadata, spec, status = seen.metadata, seen.spec or _NO_SPEC, seen.status or _NO_STATUS
    if not metadata.name or not metadata.uid:
        raise msgspec.ValidationError("a pod without name or uid")
    containers = _inits(spec, status) + _containers(spec, status)
    conditions: dict[str, str] = {}
    scheduled_at = disrupted_at = unready_at = None
    disruption = ""
    for condition in status.conditions or ():
        told = views.condition(condition.status, condition.reason, condition.message)
        conditions[intern(condition.type)] = intern(told)
        if condition.type == "PodScheduled" and condition.status == "True":
            scheduled_at = condition.last_transition_time
        elif condition.type == "Ready" and condition.status == "False":
            unready_at = condition.last_transition_time
        elif condition.type == "DisruptionTarget" and condition.status == "True":
            disruption, disrupted_at = condition.reason or "", condition.last_transition_time
    return PodView(
        name=metadata.name,
        namespace=intern(metadata.namespace),
        uid=metadata.uid,
        node=intern(spec.node_name or ""),
        phase=intern(status.phase or ""),
        reason=status.reason or "",
        message=status.message or "",
        containers=containers,
        conditions=conditions,
        deleted=metadata.deletion_timestamp is not None,
        deadline_seconds=spec.active_deadline_seconds,
        hurried=metadata.annotations is not None and metadata.annotations.hurried is not None,
        resource_version=metadata.resource_version,
        identity=_identity(metadata.annotations),
        created_at=metadata.creation_timestamp,
        scheduled_at=scheduled_at,
        accepted_at=status.start_time,
        disruption=disruption,
        disrupted_at=disrupted_at,
        unready_at=unready_at,
        deletion_at=metadata.deletion_timestamp,
    )


def _inits(spec: _Spec, status: _PodStatus) -> tuple[ContainerView, ...]:
    if not status.init_container_statuses:
        return ()
    specs = {one.name: one for one in spec.init_containers or ()}
    pairs = [(one, specs.get(one.name, _NO_CONTAINER)) for one in status.init_container_statuses]
    return tuple([_container(one, its, "sidecar" if its.restart_policy == "Always" else "init") for one, its in pairs])


def _containers(spec: _Spec, status: _PodStatus) -> tuple[ContainerView, ...]:
    own = spec.containers or ()
    main = own[0].name if own else ""
    specs = {one.name: one for one in own}
    pairs = [(one, specs.get(one.name, _NO_CONTAINER)) for one in status.container_statuses or ()]
    return tuple([_container(one, its, "main" if one.name == main else "other") for one, its in pairs])


def _container(seen: _ContainerStatus, spec: _Container, role: views.Role) -> ContainerView:
    states = seen.state or _NO_STATES
    kind: views.State
    if (told := states.terminated) is not None:
        kind = "terminated"
    elif (told := states.running) is not None:
        kind = "running"
    elif (told := states.waiting) is not None:
        kind = "waiting"
    else:
        kind, told = "unknown", _NO_STATE
    last = (seen.last_state or _NO_STATES).terminated or _NO_STATE
    limits = (spec.resources.limits if spec.resources else None) or _NO_LIMITS
    return ContainerView(
        name=intern(seen.name),
        role=role,
        state=kind,
        reason=intern(told.reason or ""),
        message=told.message or "",
        exit_code=told.exit_code,
        signal=told.signal or None,
        started_at=views.real(told.started_at),
        finished_at=told.finished_at,
        restarts=seen.restart_count or 0,
        image=intern(seen.image or spec.image or ""),
        memory_limit=intern(str(limits.memory or "")),
        cpu_limit=intern(str(limits.cpu or "")),
        ready=bool(seen.ready),
        container_id=told.container_id or seen.container_id or "",
        last_reason=last.reason or "",
        last_exit_code=last.exit_code,
    )


def _identity(found: _Annotations | None) -> Identity | None:
    if found is None or not found.attempt_id:
        return None
    if found.dag_id is None or found.task_id is None or found.run_id is None:
        return None
    return Identity(
        attempt_id=found.attempt_id,
        dag_id=intern(found.dag_id),
        task_id=found.task_id,
        run_id=intern(found.run_id),
        try_number=number(found.try_number, 1),
        map_index=number(found.map_index, -1),
    )
