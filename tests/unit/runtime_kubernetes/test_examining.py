"""What `tradewind doctor` finds in clusters that are in order and in clusters that are not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.runtime_kubernetes import api_server as api
from tradewind.model.finding import Finding
from tradewind.runtime.kubernetes import examining
from tradewind.runtime.kubernetes.access import Fixed
from tradewind.runtime.kubernetes.client import ClusterClient

DATE = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT"}
READY = {"type": "Ready", "status": "True"}


class Cluster:
    """Everything in order, until a test says otherwise."""

    def __init__(self) -> None:
        self.version = "v1.34.4"
        self.lacks: set[tuple[str, str]] = {("get", "secrets")}
        self.quota: dict[str, Any] = {}
        self.node: dict[str, Any] = {"conditions": [READY], "nodeInfo": {"kubeletVersion": "v1.34.4"}}
        self.create: Callable[[], api.Answer] = lambda: api.Answer(status=201, body=b"{}")
        self.headers = DATE
        self.nodes = True

    def __call__(self, request: api.Request) -> api.Answer:
        answer = self._answer(request)
        answer.headers |= self.headers
        return answer

    def _answer(self, request: api.Request) -> api.Answer:
        last = request.path.rpartition("/")[2]
        told: dict[str, Any] = {}
        match last:
            case "version":
                told = {"gitVersion": self.version}
            case "selfsubjectreviews":
                told = {"status": {"userInfo": {"username": "ann"}}}
            case "selfsubjectaccessreviews":
                asked = json.loads(request.body)["spec"]["resourceAttributes"]
                resource = "/".join(part for part in (asked["resource"], asked["subresource"]) if part)
                told = {"status": {"allowed": (asked["verb"], resource) not in self.lacks}}
            case "pods":
                assert request.query == {"dryRun": "All"}
                return self.create()
            case "resourcequotas":
                told = {"items": [{"status": self.quota}] if self.quota else []}
            case "nodes" if not self.nodes:
                return api.refused(403, 'nodes is forbidden: User "ann" cannot list resource "nodes" in API group ""')
            case "nodes":
                told = {"items": [{"metadata": {"name": "n"}, "status": self.node}]}
        return api.Answer(body=json.dumps(told).encode())


def look(script: api.Script) -> list[Finding]:
    async def scene() -> list[Finding]:
        async with (
            api.ApiServer(script).serving() as server,
            ClusterClient(Fixed(access=server.access), clock=api.LeapingClock()) as client,
        ):
            return [one async for one in examining.examine(client, ["a"])]

    return asyncio.run(scene())


def one(findings: list[Finding], check: str, has: str = "") -> Finding:
    (found,) = [finding for finding in findings if finding.check == check and has in finding.message]
    return found


def test_a_cluster_in_order_has_nothing_to_look_at() -> None:
    findings = look(Cluster())
    assert {finding.state for finding in findings} == {"ok"}
    assert one(findings, "account").message == "we are ann"
    assert one(findings, "secrets in a").message == "cannot be read by this account"


def test_whatever_is_not_in_order_has_a_hint() -> None:
    cluster = Cluster()
    cluster.version = "v1.28.9"
    cluster.lacks |= {("watch", "pods"), ("get", "pods/log"), ("list", "events")}
    cluster.quota = {"hard": {"pods": "4", "requests.cpu": "10"}, "used": {"pods": "4", "requests.cpu": "3"}}
    cluster.node = {"conditions": [{"type": "Ready", "status": "False", "message": "no network"}]}
    cluster.headers = {"Date": "Thu, 01 Jan 2026 00:02:00 GMT"}
    cluster.create = lambda: api.refused(403, 'pods "x" is forbidden: violates PodSecurity "restricted:latest"')
    findings = look(cluster)
    assert all(finding.hint for finding in findings if finding.state != "ok")
    assert one(findings, "version").state == "fail"
    assert one(findings, "clock skew").message.startswith("this machine is 120 s behind the API server")
    pods = one(findings, "rights in a", "pods:")
    assert (pods.state, pods.message.split(" (")[0]) == ("fail", "pods: may not watch pods, get pods/log")
    assert pods.hint == "tradewind kubernetes role --namespace a | kubectl apply -f -"
    assert one(findings, "rights in a", "events:").state == "warn"
    assert one(findings, "quota in a").message == "full: pods 4 of 4"
    assert one(findings, "a pod in a").state == "warn"
    assert one(findings, "nodes").message == "none takes pods: n is not ready (no network)"


def test_an_account_for_one_namespace_is_in_order() -> None:
    cluster = Cluster()
    cluster.nodes = False
    cluster.lacks |= {("list", "resourcequotas")}
    assert {finding.state for finding in look(cluster)} == {"ok"}


def test_a_namespace_that_is_not_there_is_told() -> None:
    cluster = Cluster()
    cluster.create = lambda: api.refused(404, 'namespaces "a" not found')
    found = one(look(cluster), "a pod in a")
    assert (found.state, found.hint) == ("fail", "kubectl create namespace a")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (api.refused(401, "Unauthorized"), "does not accept our credential"),
        (api.refused(500, "etcd is away"), "etcd is away"),
        (api.Answer(status=502, body=b"<html>bad gateway</html>"), "bad gateway"),
    ],
)
def test_a_server_that_does_not_answer_as_it_should_is_the_only_finding(answer: api.Answer, said: str) -> None:
    (found,) = look(lambda _: answer)
    assert (found.check, found.state) == ("cluster", "fail")
    assert said in found.message
    assert found.hint
