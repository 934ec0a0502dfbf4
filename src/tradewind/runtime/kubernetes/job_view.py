"""What is seen of a Job, read from the API's bytes, and what it says of its end. Pure but for decoding."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeVar

import msgspec

from tradewind.ports import errors
from tradewind.runtime.kubernetes.statuses import Status

ATTEMPT = "tradewind/attempt-id"
_T = TypeVar("_T")


class _Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is absent or null is the default, what is not named is skipped."""


class Metadata(_Shape, frozen=True):
    """Of any object."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    annotations: dict[str, str] | None = None
    deletion_timestamp: datetime | None = None


class Condition(_Shape, frozen=True):
    """Complete, Failed, Suspended, and what comes before them."""

    type: str
    status: str = ""
    reason: str | None = None
    message: str | None = None


class Expression(_Shape, frozen=True):
    """One of a selector's."""

    key: str
    operator: str
    values: list[str] | None = None


class Selector(_Shape, frozen=True):
    """Which pods are the Job's."""

    match_labels: dict[str, str] | None = None
    match_expressions: list[Expression] | None = None

    def __str__(self) -> str:
        """As a query's labelSelector."""
        parts = [f"{key}={value}" for key, value in (self.match_labels or {}).items()]
        for one in self.match_expressions or []:
            values = ",".join(one.values or [])
            words = {"In": f"{one.key} in ({values})", "NotIn": f"{one.key} notin ({values})", "Exists": one.key}
            parts.append(words.get(one.operator, f"!{one.key}"))
        return ",".join(parts)


class Spec(_Shape, frozen=True):
    """What was asked for."""

    completions: int | None = None
    parallelism: int | None = None
    suspend: bool | None = None
    selector: Selector = Selector()


class JobStatus(_Shape, frozen=True):
    """Where it is."""

    active: int | None = None
    ready: int | None = None
    succeeded: int | None = None
    failed: int | None = None
    start_time: datetime | None = None
    conditions: list[Condition] | None = None


class JobView(_Shape, frozen=True):
    """One Job."""

    metadata: Metadata = Metadata()
    spec: Spec = Spec()
    status: JobStatus = JobStatus()

    @property
    def attempt_id(self) -> str:
        """Whose it is, by our annotation; empty for one that is not ours."""
        return (self.metadata.annotations or {}).get(ATTEMPT, "")

    def condition(self, kind: str) -> Condition | None:
        """The condition of this type, if it holds."""
        conditions = self.status.conditions or []
        return next((one for one in conditions if one.type == kind and one.status == "True"), None)

    @property
    def is_over(self) -> bool:
        """Whether it is complete or has failed, for good."""
        return self.condition("Complete") is not None or self.condition("Failed") is not None

    @property
    def sentence(self) -> str:
        """Where it is, for people."""
        status, name = self.status, f"Job {self.metadata.name!r}"
        if (failed := self.condition("Failed")) is not None:
            why = f" ({failed.reason})" if failed.reason else ""
            return f"{name} failed{why}: {failed.message}" if failed.message else f"{name} failed{why}."
        counts = f"{status.succeeded or 0} of {self._wanted} done, {status.failed or 0} failed"
        if self.condition("Complete") is not None:
            return f"{name} is complete: {counts}."
        if self.spec.suspend:
            return f"{name} is suspended: {counts}."
        return f"{name} runs: {status.active or 0} active, {counts}."

    @property
    def _wanted(self) -> int:
        return self.spec.completions if self.spec.completions is not None else (self.spec.parallelism or 1)


class _ListMetadata(_Shape, frozen=True):
    resource_version: str = ""
    next: str | None = msgspec.field(default=None, name="continue")


class Page(_Shape, frozen=True):
    """A list, or a page of one."""

    metadata: _ListMetadata = _ListMetadata()
    items: list[JobView] | None = None


class Changed(_Shape, frozen=True):
    """An event of a watch."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: JobView


class _Error(_Shape, frozen=True):
    type: Literal["ERROR"]
    object: Status


class _Kind(_Shape, frozen=True):
    type: str


def job(data: bytes) -> JobView:
    """Of an answer. Raises `errors.Transient` ("nonsense")."""
    return _decode(data, JobView)


def page(data: bytes) -> Page:
    """As `job`."""
    return _decode(data, Page)


def event(line: bytes) -> Changed | Status:
    """A line of a watch; a Status is the end of the watch. As `job`."""
    if _decode(line, _Kind).type == "ERROR":
        return _decode(line, _Error).object
    return _decode(line, Changed)


def _decode(data: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise errors.Transient(f"the API server's answer is no {kind.__name__}: {error}", code="nonsense") from error
