"""A cluster's API over plain HTTP, for tests that look at the world beside what they test.

Nothing of ours and no client library is in between: what is seen here is what the API server said.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import http.client
import json
import pathlib
import secrets
import ssl
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

Json = dict[str, Any]
WAIT_SECONDS = 60.0
_POLL_SECONDS = 0.05
_REQUEST_SECONDS = 30.0
#: What a control plane needs of a namespace to run pods there: the least.
LEAST_RULES: Sequence[Json] = (
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["create", "delete", "get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["list", "watch"]},
)


class ApiError(Exception):
    """An answer that is not 2xx; the message is the API server's."""

    def __init__(self, status: int, body: bytes) -> None:
        told: Json = {}
        with contextlib.suppress(ValueError):
            told = json.loads(body)
        self.status = status
        self.reason = str(told.get("reason", ""))
        super().__init__(f"{status} {self.reason}: {told.get('message', body[:300])}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Api:
    """The API of one server, as one user."""

    address: str
    tls: ssl.SSLContext
    token: str | None
    patience: float = _REQUEST_SECONDS
    """Seconds that an answer may take."""

    @classmethod
    def read(cls, kubeconfig: pathlib.Path) -> Api:
        """The current context of a kubeconfig that has a token or a certificate in it."""
        told = yaml.safe_load(kubeconfig.read_text())
        context = _named(told["contexts"], told["current-context"])["context"]
        cluster = _named(told["clusters"], context["cluster"])["cluster"]
        user = _named(told["users"], context["user"])["user"]
        with tempfile.TemporaryDirectory(prefix="tradewind-") as folder:
            beside = kubeconfig.parent
            authority = _file(cluster, "certificate-authority", beside, folder)
            tls = ssl.create_default_context(cafile=authority)
            # What kubectl does not ask of certificates, we don't either.
            tls.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
            certificate = _file(user, "client-certificate", beside, folder)
            if certificate is not None:
                tls.load_cert_chain(certificate, _file(user, "client-key", beside, folder))
        return cls(address=cluster["server"].rstrip("/"), tls=tls, token=user.get("token"))

    def as_user(self, token: str) -> Api:
        """The same server, asked with another token and no certificate."""
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        return dataclasses.replace(self, token=token, tls=tls)

    def get(self, path: str, **query: str) -> Json:
        return dict(json.loads(self.raw("GET", path, query)))

    def post(self, path: str, body: Json) -> Json:
        return dict(json.loads(self.raw("POST", path, body=body)))

    def patch(self, path: str, body: Json) -> Json:
        """A merge patch."""
        return dict(json.loads(self.raw("PATCH", path, body=body, kind="application/merge-patch+json")))

    def delete(self, path: str, **query: str) -> Json:
        return dict(json.loads(self.raw("DELETE", path, query)))

    def raw(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        kind: str = "application/json",
    ) -> bytes:
        """Ask once, on a connection of its own. Raises ApiError, and OSError where nobody answers."""
        url = urllib.parse.urlsplit(self.address)
        connection = http.client.HTTPSConnection(
            url.hostname or "", url.port or 443, context=self.tls, timeout=self.patience
        )
        headers = {"Content-Type": kind, "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        asked = url.path + path + ("?" + urllib.parse.urlencode(query) if query else "")
        with contextlib.closing(connection):
            connection.request(method, asked, body=None if body is None else json.dumps(body), headers=headers)
            answer = connection.getresponse()
            told = answer.read()
        if not 200 <= answer.status < 300:
            raise ApiError(answer.status, told)
        return told

    @contextlib.contextmanager
    def namespace(self, labels: Mapping[str, str] | None = None) -> Iterator[Namespace]:
        """A new namespace while the block runs. It is deleted then, and nobody waits for its last pod to go."""
        name = f"test-{secrets.token_hex(4)}"
        metadata = {"name": name, "labels": dict(labels or {})}
        self.post("/api/v1/namespaces", {"metadata": metadata})
        try:
            wait_until(lambda: self._is_ready_for_pods(name), f"service account and authority of {name}")
            yield Namespace(api=self, name=name)
        finally:
            self.delete(f"/api/v1/namespaces/{name}")

    def _is_ready_for_pods(self, namespace: str) -> bool:
        # A pod that comes before its service account is refused, and one before the authority's certificate waits.
        try:
            self.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/default")
            self.get(f"/api/v1/namespaces/{namespace}/configmaps/kube-root-ca.crt")
        except ApiError:
            return False
        return True


@dataclasses.dataclass(frozen=True, kw_only=True)
class Namespace:
    """One namespace, and the pods in it."""

    api: Api
    name: str

    def path(self, kind: str, name: str = "", group: str = "api/v1") -> str:
        return f"/{group}/namespaces/{self.name}/{kind}" + (f"/{name}" if name else "")

    def create(self, kind: str, body: Json, group: str = "api/v1") -> Json:
        return self.api.post(self.path(kind, group=group), body)

    def pod(self, name: str) -> Json:
        return self.api.get(self.path("pods", name))

    def pods(self) -> list[Json]:
        return list(self.api.get(self.path("pods"))["items"])

    def log(self, name: str, **query: str) -> str:
        return self.api.raw("GET", self.path("pods", name) + "/log", query).decode()

    def events(self, name: str) -> list[Json]:
        """Of one pod."""
        return list(self.api.get(self.path("events"), fieldSelector=f"involvedObject.name={name}")["items"])

    def wait_phase(self, name: str, *phases: str, seconds: float = WAIT_SECONDS) -> Json:
        """The pod, as soon as it is in one of the phases; else fails with its status and its events."""
        return self.wait_pod(name, lambda pod: pod["status"].get("phase") in phases, f"in {phases}", seconds)

    def wait_pod(self, name: str, suits: Callable[[Json], bool], wanted: str, seconds: float = WAIT_SECONDS) -> Json:
        """The pod, as soon as it suits."""
        deadline = time.monotonic() + seconds
        while not suits(pod := self.pod(name)):
            if time.monotonic() > deadline:
                events = "\n".join(f"{event['reason']}: {event['message']}" for event in self.events(name))
                raise AssertionError(f"pod {name} is not {wanted}: {json.dumps(pod['status'], indent=1)}\n{events}")
            time.sleep(_POLL_SECONDS)
        return pod

    def account(self, name: str, rules: Iterable[Json] = LEAST_RULES) -> str:
        """A service account that may do what the rules say, here and nowhere else; returns a token of it."""
        rbac = "apis/rbac.authorization.k8s.io/v1"
        self.create("serviceaccounts", {"metadata": {"name": name}})
        self.create("roles", {"metadata": {"name": name}, "rules": list(rules)}, rbac)
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
        subject = {"kind": "ServiceAccount", "name": name, "namespace": self.name}
        self.create("rolebindings", {"metadata": {"name": name}, "roleRef": role, "subjects": [subject]}, rbac)
        asked: Json = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        return str(self.api.post(self.path("serviceaccounts", name) + "/token", asked)["status"]["token"])


def pod(name: str, image: str, *command: str, **spec: Any) -> Json:
    """A pod with one container `main`, which ends when its command does. `container` adds to the container's fields."""
    container = {
        "name": "main",
        "image": image,
        "command": list(command),
        "imagePullPolicy": "IfNotPresent",
        **spec.pop("container", {}),
    }
    defaults = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {**defaults, **spec}}


def fake_node(name: str) -> Json:
    """A node that kwok plays, which only pods of `on_fake_node` are put on."""
    room = {"cpu": "1000", "memory": "1Ti", "pods": "20000"}
    return {
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {"kubernetes.io/hostname": name},
        },
        "spec": {"taints": [{"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule"}]},
        "status": {"allocatable": room, "capacity": room, "phase": "Running"},
    }


def on_fake_node(name: str) -> Json:
    """The fields of a pod's spec that bring it there, by the scheduler."""
    return {
        "nodeSelector": {"kubernetes.io/hostname": name},
        "tolerations": [{"key": "kwok.x-k8s.io/node", "operator": "Exists"}],
    }


def wait_until(holds: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Until it holds; fails with `what` when that is too late."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(_POLL_SECONDS)


def _named(rows: list[Json], name: str) -> Json:
    return next(row for row in rows if row["name"] == name)


def _file(told: Json, key: str, beside: pathlib.Path, folder: str) -> str | None:
    """A file that a kubeconfig names, or has inline."""
    if inline := told.get(f"{key}-data"):
        written = pathlib.Path(folder) / key
        written.write_bytes(base64.b64decode(inline))
        return str(written)
    return str(beside / told[key]) if key in told else None


__all__ = [
    "LEAST_RULES",
    "WAIT_SECONDS",
    "Api",
    "ApiError",
    "Json",
    "Namespace",
    "fake_node",
    "on_fake_node",
    "pod",
    "wait_until",
]
