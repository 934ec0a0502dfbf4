"""What an answer of the API server means: its `Status` object translated to the tree of `ports.errors`.

The codes tell apart what callers treat apart: a quota that is full waits, a right that is missing is named, a version
that is too old is listed anew. If this is wrong, a passing trouble fails a task, or a lasting one is tried for ever.
"""

from __future__ import annotations

import re
from http import HTTPStatus

import msgspec

from tradewind.ports import errors

_RIGHT = re.compile(
    r'cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]+)")?'
)
_TRY_AGAIN = frozenset({408, 425, 429})
_LONGEST_TEXT = 500
"""Of an answer that is no Status: proxies send whole pages."""


class Expired(errors.Conflict):
    """410: the version, or the list's next page, is no longer kept by the server. List anew."""

    code = "resource-version-expired"


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """One field that was refused, and why."""

    reason: str | None = None
    message: str | None = None
    field: str | None = None


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """Which object, and the causes."""

    name: str | None = None
    group: str | None = None
    kind: str | None = None
    causes: list[Cause] | None = None
    retry_after_seconds: int | None = msgspec.field(default=None, name="retryAfterSeconds")


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A `v1.Status`: what the server sends with everything that is not 2xx, and in a watch with `ERROR`."""

    kind: str | None = None
    status: str | None = None
    message: str | None = None
    reason: str | None = None
    details: Details | None = None
    code: int | None = None


_decoder = msgspec.json.Decoder(Status)


def error(http_status: int, body: bytes, *, asked: str) -> errors.TradewindError:
    """The error that an answer stands for. `asked` is what was asked, e.g. "GET /api/v1/namespaces/a/pods"."""
    return of(read(http_status, body), asked=asked)


def read(http_status: int, body: bytes) -> Status:
    """The Status in a body; where there is none (a proxy, a load balancer), one made of the HTTP status."""
    try:
        found = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = Status()
    if found.kind == "Status" and found.code:
        return found
    text = " ".join(body[:_LONGEST_TEXT].decode(errors="replace").split())
    return Status(kind="Status", code=http_status, message=text or _phrase(http_status), reason="")


def of(status: Status, *, asked: str) -> errors.TradewindError:
    """The error that a Status stands for."""
    code, message = status.code or 0, status.message or status.reason or f"HTTP status {status.code}"
    if code in _TRY_AGAIN or code >= 500 or _is_quota_race(status):
        return _passing(status, message, asked)
    match code:
        case 401:
            return errors.Unauthorized(
                f"the API server does not accept our credential: {message}",
                object=asked,
                hint="log in anew, or look at the user of the kubeconfig's context: kubectl auth whoami",
            )
        case 403:
            return _forbidden(status, message)
        case 404:
            return errors.NotFound(message, object=_object(status) or asked)
        case 409:
            kind = "already-exists" if status.reason == "AlreadyExists" else None
            return errors.Conflict(
                message,
                code=kind,
                object=_object(status) or asked,
                hint="look at what is there: kubectl get, with its name",
            )
        case 410:
            return Expired(message, object=asked, hint="the list is read anew, by itself")
        case _:
            return _refused(status, message, asked)


def _forbidden(status: Status, message: str) -> errors.Rejected:
    """403 is five things: a missing right, a full quota, an ending namespace, a policy, a webhook."""
    if (right := _RIGHT.search(message)) is not None:
        return _missing_right(right, message)
    about = _object(status)
    causes = {cause.reason for cause in _causes(status)}
    if "NamespaceTerminating" in causes or "because it is being terminated" in message:
        return errors.Rejected(
            message, code="namespace-terminating", object=about, hint="create the namespace anew, or name another"
        )
    if "exceeded quota" in message:
        return errors.Rejected(
            message, code="quota-exceeded", object=about, hint="it fits when other pods end, or with a larger quota"
        )
    if "violates PodSecurity" in message:
        return errors.Rejected(
            message, code="pod-security", object=about, hint="set security contexts that the namespace's level admits"
        )
    return errors.Rejected(
        message, code="admission-denied", object=about, hint="a policy of the cluster says no; its message names it"
    )


def _missing_right(right: re.Match[str], message: str) -> errors.Rejected:
    resource = right["resource"] + (f".{right['group']}" if right["group"] else "")
    where = f"in namespace {right['namespace']}" if right["namespace"] else "in the whole cluster"
    user = message.partition("User ")[2].partition(" cannot ")[0].strip('"') or "we"
    return errors.Rejected(
        f"{user} may not {right['verb']} {resource} {where}",
        code="missing-right",
        object=resource,
        hint=f"give it a Role with the verb {right['verb']!r} on {resource!r} {where}: `tradewind kubernetes role`",
    )


def _refused(status: Status, message: str, asked: str) -> errors.Rejected:
    causes = [f"{cause.field}: {cause.message}" for cause in _causes(status) if cause.field and cause.message]
    lacking = [cause for cause in causes if cause not in message]
    whole = f"{message} [{'; '.join(lacking)}]" if lacking else message
    code = "admission-denied" if "denied the request" in message else "invalid" if status.code == 422 else "bad-request"
    return errors.Rejected(
        whole, code=code, object=_object(status) or asked, hint="change what the message names in the task's arguments"
    )


def _is_quota_race(status: Status) -> bool:
    """Whether two creates met at a quota's row: the server says 409, and the same create again succeeds."""
    return status.code == 409 and status.details is not None and status.details.kind == "resourcequotas"


def _passing(status: Status, message: str, asked: str) -> errors.Transient:
    """What may go well the next time."""
    if status.code == 429:
        return errors.Transient(
            f"{asked}: the API server asks for less: {message}",
            code="too-many-requests",
            hint="less is asked for a while, by itself; if this lasts, the API server has too much to do",
        )
    if "failed calling webhook" in message:
        return errors.Transient(
            f"{asked}: {message}", code="webhook-failed", hint="it is asked again; look whether the webhook's pods run"
        )
    return errors.Transient(
        f"{asked}: {message} ({status.code})",
        object=_object(status),
        hint="it is asked again; if this lasts, look at the API server: kubectl get --raw '/readyz?verbose'",
    )


def _object(status: Status) -> str:
    details = status.details
    if details is None or not details.name:
        return ""
    return f"{details.kind}/{details.name}" if details.kind else details.name


def _causes(status: Status) -> list[Cause]:
    return (status.details.causes if status.details else None) or []


def _phrase(http_status: int) -> str:
    try:
        return HTTPStatus(http_status).phrase
    except ValueError:
        return f"HTTP status {http_status}"
