"""A cluster as `tradewind doctor` looks at it: reached, known, allowed, roomy, of a release that does what is needed.

Nothing is changed there: rights are asked about, and a pod is created as a dry run only. Invariant: a check that cannot
be made is a finding, and one that needs a right which Tradewind does not is no failure.
"""

from __future__ import annotations

import email.utils
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tradewind.model.finding import Finding
from tradewind.ports import errors
from tradewind.runtime.kubernetes import rights
from tradewind.runtime.kubernetes.client import ClusterClient

Json = dict[str, Any]
NATIVE_SIDECARS = (1, 29)
"""A pod that returns a value has one; from this release on it needs no feature gate."""
_SKEW_SECONDS = 5.0
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


async def examine(
    client: ClusterClient, namespaces: Sequence[str], features: Iterable[rights.Feature] = rights.FEATURES
) -> AsyncIterator[Finding]:
    """All findings. `namespaces`: those of tasks; empty: the one that the access names."""
    try:
        access, _ = await client.credentials.get()
        version = json.loads(await client.request("GET", "/version"))
    except errors.TradewindError as error:
        yield _failed("cluster", error)
        return
    yield Finding(
        check="cluster", state="ok", message=f"{access.server} answers: {access.told or 'of the configuration'}"
    )
    yield _version(version)
    if client.dated is not None and (skewed := _skew(*client.dated)) is not None:
        yield skewed
    yield await _who(client)
    for namespace in namespaces or [access.namespace]:
        for feature in features:
            yield await _may(client, namespace, feature)
        yield await _secrets(client, namespace)
        yield await _dry_run(client, namespace)
        async for finding in _quotas(client, namespace):
            yield finding
    yield await _nodes(client)


def _failed(check: str, error: errors.TradewindError) -> Finding:
    what = f"{error.object}: {error.message}" if error.object else error.message
    return Finding(check=check, state="fail", message=what, hint=error.hint or "see the message")


# -- the server ----------------------------------------------------------------------------------------------------


def _version(told: Mapping[str, Any]) -> Finding:
    release, text = _numbers(str(told.get("gitVersion") or "")), str(told.get("gitVersion") or "unknown")
    if release is not None and release < NATIVE_SIDECARS:
        return Finding(
            check="version",
            state="fail",
            message=f"Kubernetes {text} has no native sidecars: pods cannot return a value (do_xcom_push)",
            hint=f"upgrade the cluster to {_dotted(NATIVE_SIDECARS)} or newer; pods without a result run as it is",
        )
    return Finding(check="version", state="ok", message=f"Kubernetes {text}, with native sidecars")


def _numbers(version: str) -> tuple[int, int] | None:
    """Major and minor of "v1.34.4" or "v1.34.4-gke.1"."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else None


def _dotted(release: tuple[int, int]) -> str:
    return f"{release[0]}.{release[1]}"


def _skew(header: str, ours: datetime) -> Finding | None:
    """The server's `Date` has whole seconds and was written before it came here: a few seconds say nothing."""
    try:
        theirs = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    seconds = (ours - theirs.replace(tzinfo=theirs.tzinfo or UTC)).total_seconds()
    if abs(seconds) <= _SKEW_SECONDS:
        return Finding(check="clock skew", state="ok", message=f"under {_SKEW_SECONDS:g} s")
    where = "ahead of" if seconds > 0 else "behind"
    return Finding(
        check="clock skew",
        state="warn",
        message=f"this machine is {abs(seconds):.0f} s {where} the API server: times of pods and ours do not fit",
        hint="let both keep time by NTP: timedatectl status; tokens and certificates fail where it grows",
    )


async def _who(client: ClusterClient) -> Finding:
    try:
        told = json.loads(await client.request("POST", _WHO, body=_body("authentication.k8s.io", "SelfSubjectReview")))
    except errors.TradewindError as error:
        if isinstance(error, errors.Unauthorized):
            return _failed("account", error)
        return Finding(check="account", state="ok", message="the cluster does not say who we are there")
    user = ((told.get("status") or {}).get("userInfo") or {}).get("username") or "nobody"
    return Finding(check="account", state="ok", message=f"we are {user}")


# -- rights --------------------------------------------------------------------------------------------------------


async def _may(client: ClusterClient, namespace: str, feature: rights.Feature) -> Finding:
    check = f"rights in {namespace}"
    lacking: list[str] = []
    try:
        for right in feature.rights:
            lacking += [
                f"{verb} {right.resource}"
                for verb in right.verbs
                if not await _is_allowed(client, namespace, right, verb)
            ]
    except errors.TradewindError as error:
        return _failed(check, error)
    if not lacking:
        return Finding(check=check, state="ok", message=f"{feature.name}: all that is needed")
    needed = feature.name == "pods"
    option = "" if needed or feature.default else f" --feature {feature.name}"
    return Finding(
        check=check,
        state="fail" if needed else "warn" if feature.default else "ok",
        message=f"{feature.name}: may not {', '.join(lacking)} ({feature.told})",
        hint=f"tradewind kubernetes role --namespace {namespace}{option} | kubectl apply -f -",
    )


async def _is_allowed(client: ClusterClient, namespace: str, right: rights.Right, verb: str) -> bool:
    resource, _, sub = right.resource.partition("/")
    asked = {"namespace": namespace, "verb": verb, "group": right.group, "resource": resource, "subresource": sub}
    body = _body("authorization.k8s.io", "SelfSubjectAccessReview", {"resourceAttributes": asked})
    told = json.loads(await client.request("POST", _REVIEWS, body=body))
    return bool((told.get("status") or {}).get("allowed"))


async def _secrets(client: ClusterClient, namespace: str) -> Finding:
    check = f"secrets in {namespace}"
    try:
        may = await _is_allowed(client, namespace, rights.Right(resource="secrets", verbs=("get",)), "get")
    except errors.TradewindError as error:
        return _failed(check, error)
    said = "this account could read them; Tradewind never does, and its own Role does not let it"
    return Finding(check=check, state="ok", message=said if may else "cannot be read by this account")


def _body(group: str, kind: str, spec: Json | None = None) -> bytes:
    return json.dumps({"apiVersion": f"{group}/v1", "kind": kind, "spec": spec or {}}).encode()


# -- room ----------------------------------------------------------------------------------------------------------


async def _dry_run(client: ClusterClient, namespace: str) -> Finding:
    """What admission says of a plain pod: policies, webhooks, a quota that wants requests, a namespace that ends."""
    check = f"a pod in {namespace}"
    container = {"name": "base", "image": "registry.k8s.io/pause:3.10"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "tradewind-doctor-"},
        "spec": {"restartPolicy": "Never", "containers": [container]},
    }
    path = f"/api/v1/namespaces/{namespace}/pods"
    try:
        await client.request("POST", path, {"dryRun": "All"}, json.dumps(pod).encode())
    except errors.NotFound as error:
        return Finding(check=check, state="fail", message=error.message, hint=f"kubectl create namespace {namespace}")
    except errors.Rejected as error:
        if error.code == "missing-right":
            return Finding(check=check, state="ok", message="not tried: the right to create is missing")
        hint = f"tasks have to be so that it is let in: {error.hint}"
        return Finding(check=check, state="warn", message=f"a plain one is refused: {error.message}", hint=hint)
    except errors.TradewindError as error:
        return _failed(check, error)
    return Finding(check=check, state="ok", message="a plain one is let in (dry run)")


async def _quotas(client: ClusterClient, namespace: str) -> AsyncIterator[Finding]:
    check = f"quota in {namespace}"
    try:
        told = json.loads(await client.request("GET", f"/api/v1/namespaces/{namespace}/resourcequotas"))
    except errors.TradewindError as error:
        if error.code != "missing-right":
            yield _failed(check, error)
        return  # what `rights` says of the feature
    rows = [row for quota in told.get("items") or [] for row in _rows(quota)]
    full = [text for text, is_full in rows if is_full]
    if full:
        hint = "attempts wait until it has room; raise it, or let less run at once (pools, scheduler.parallelism)"
        yield Finding(check=check, state="warn", message=f"full: {', '.join(full)}", hint=hint)
    else:
        yield Finding(check=check, state="ok", message=", ".join(text for text, _ in rows) or "none")


def _rows(quota: Json) -> Iterator[tuple[str, bool]]:
    status = quota.get("status") or {}
    used = status.get("used") or {}
    for name, hard in (status.get("hard") or {}).items():
        now = str(used.get(name, "0"))
        yield f"{name} {now} of {hard}", now == str(hard)


async def _nodes(client: ClusterClient) -> Finding:
    """Whether any takes pods; an account for one namespace may not look, and need not."""
    try:
        told = json.loads(await client.request("GET", "/api/v1/nodes", {"limit": "500"}))
    except errors.TradewindError as error:
        if error.code == "missing-right":
            return Finding(check="nodes", state="ok", message="this account may not list them, and need not")
        return _failed("nodes", error)
    nodes: list[Json] = told.get("items") or []
    held = [f"{node['metadata']['name']} {why}" for node in nodes if (why := _held(node))]
    if len(held) == len(nodes):
        said = "; ".join(held[:3]) or "there is none"
        return Finding(check="nodes", state="fail", message=f"none takes pods: {said}", hint="kubectl describe nodes")
    old = [f"{node['metadata']['name']} has kubelet {one}" for node in nodes if (one := _old_kubelet(node))]
    if held or old:
        message = f"{len(nodes) - len(held)} of {len(nodes)} take pods; {'; '.join([*held, *old][:3])}"
        return Finding(check="nodes", state="warn", message=message, hint="kubectl get nodes -o wide")
    return Finding(check="nodes", state="ok", message=f"{len(nodes)} take pods")


def _old_kubelet(node: Json) -> str:
    """The version of a kubelet without native sidecars; it may be three releases behind the API server."""
    version = str(((node.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion") or "")
    release = _numbers(version)
    return version if release is not None and release < NATIVE_SIDECARS else ""


def _held(node: Json) -> str:
    """Why a node takes no pods; empty where it does."""
    if (node.get("spec") or {}).get("unschedulable"):
        return "is cordoned"
    for condition in (node.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "Ready":
            message = str(condition.get("message") or condition.get("reason") or "").strip()
            return "" if condition.get("status") == "True" else f"is not ready ({message})"
    return "has not told that it is ready"


__all__ = ["NATIVE_SIDECARS", "examine"]
