"""The test cluster itself: what later tests take for granted is really there."""

from __future__ import annotations

import base64
import json
import secrets
import time

import pytest

from tests.support import cluster as clusters
from tests.support import cluster_api
from tests.support.cluster_api import Api, ApiError, Json, Namespace

pytestmark = pytest.mark.cluster


def test_its_node_is_ready(api: Api) -> None:
    nodes = [node for node in api.get("/api/v1/nodes")["items"] if not node["metadata"]["name"].startswith("fake-")]
    ready = [row["status"] for node in nodes for row in node["status"]["conditions"] if row["type"] == "Ready"]
    assert ready
    assert set(ready) == {"True"}


def test_a_pod_runs_to_its_end_and_its_log_is_there(namespace: Namespace, busybox: str) -> None:
    namespace.create("pods", cluster_api.pod("hello", busybox, "sh", "-c", "echo out; echo err >&2; echo more"))
    ended = namespace.wait_phase("hello", "Succeeded", "Failed")
    assert ended["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
    assert sorted(namespace.log("hello").splitlines()) == ["err", "more", "out"]
    stamped = namespace.log("hello", timestamps="true").splitlines()[0]
    assert stamped.split(" ")[0].endswith("Z")


def test_a_container_beyond_its_memory_limit_is_oom_killed(namespace: Namespace, busybox: str) -> None:
    # `tail` of a stream without a line's end keeps all of it.
    body = cluster_api.pod(
        "greedy", busybox, "sh", "-c", "tail /dev/zero", container={"resources": {"limits": {"memory": "32Mi"}}}
    )
    namespace.create("pods", body)
    ended = namespace.wait_phase("greedy", "Succeeded", "Failed")
    terminated = ended["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (terminated["reason"], terminated["exitCode"]) == ("OOMKilled", 137)


def test_the_termination_message_is_in_the_status(namespace: Namespace, busybox: str) -> None:
    namespace.create(
        "pods", cluster_api.pod("last-words", busybox, "sh", "-c", "echo why >/dev/termination-log; exit 3")
    )
    ended = namespace.wait_phase("last-words", "Succeeded", "Failed")
    terminated = ended["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["status"]["phase"], terminated["exitCode"], terminated["message"]) == ("Failed", 3, "why\n")


def test_a_pod_finds_the_api_server_by_its_name(namespace: Namespace, busybox: str) -> None:
    name = "kubernetes.default.svc.cluster.local"
    namespace.create("pods", cluster_api.pod("asks", busybox, "nslookup", name))
    namespace.wait_phase("asks", "Succeeded")
    service = namespace.api.get("/api/v1/namespaces/default/services/kubernetes")
    assert service["spec"]["clusterIP"] in namespace.log("asks")


def test_a_pod_asks_the_api_with_its_service_account(namespace: Namespace, python_image: str) -> None:
    namespace.account("reader")
    code = (
        "import json, ssl, urllib.request as r; d='/var/run/secrets/kubernetes.io/serviceaccount/'\n"
        "c=ssl.create_default_context(cafile=d+'ca.crt'); n=open(d+'namespace').read()\n"
        "q=r.Request(f'https://kubernetes.default.svc/api/v1/namespaces/{n}/pods',"
        "headers={'Authorization': 'Bearer '+open(d+'token').read()})\n"
        "print([p['metadata']['name'] for p in json.load(r.urlopen(q, context=c))['items']])"
    )
    namespace.create(
        "pods", cluster_api.pod("inside", python_image, "python3", "-c", code, serviceAccountName="reader")
    )
    namespace.wait_phase("inside", "Succeeded")
    assert namespace.log("inside").strip() == "['inside']"


def test_rbac_refuses_what_the_role_lacks(namespace: Namespace) -> None:
    least = namespace.api.as_user(namespace.account("least"))
    assert least.get(namespace.path("pods"))["items"] == []
    with pytest.raises(ApiError, match="secrets is forbidden") as refused:
        least.get(namespace.path("secrets"))
    assert (refused.value.status, refused.value.reason) == (403, "Forbidden")
    with pytest.raises(ApiError, match="cannot list resource"):
        least.get("/api/v1/namespaces/default/pods")


def test_a_quota_refuses_the_pod_that_is_too_many(namespace: Namespace, busybox: str) -> None:
    namespace.create("resourcequotas", {"metadata": {"name": "one"}, "spec": {"hard": {"pods": "1"}}})
    cluster_api.wait_until(
        lambda: bool(namespace.api.get(namespace.path("resourcequotas", "one"))["status"].get("used")),
        "the quota counts",
    )
    namespace.create("pods", cluster_api.pod("first", busybox, "sleep", "60"))
    with pytest.raises(ApiError, match="exceeded quota: one, requested: pods=1, used: pods=1, limited: pods=1"):
        namespace.create("pods", cluster_api.pod("second", busybox, "true"))


def test_an_image_that_does_not_exist_is_told_in_the_status(namespace: Namespace, busybox: str) -> None:
    body = cluster_api.pod("absent", "tradewind.test/absent:1", "true", container={"imagePullPolicy": "Never"})
    namespace.create("pods", body)
    assert _wait_waiting(namespace, "absent", "ErrImageNeverPull")

    namespace.create("pods", cluster_api.pod("pulled-in-vain", "tradewind.test/absent:1", "true"))
    assert "tradewind.test/absent:1" in _wait_waiting(namespace, "pulled-in-vain", "ErrImagePull")


@pytest.mark.own_cluster
def test_a_private_image_is_pulled_with_its_secret_and_not_without(
    namespace: Namespace, own_cluster: clusters.Cluster
) -> None:
    image = own_cluster.push("busybox", f"team/{secrets.token_hex(4)}:1")
    namespace.create("pods", cluster_api.pod("stranger", image, "true"))
    assert "401" in _wait_waiting(namespace, "stranger", "ErrImagePull")

    namespace.create("secrets", _pull_secret("pulling", own_cluster))
    namespace.create("pods", cluster_api.pod("friend", image, "echo", "in", imagePullSecrets=[{"name": "pulling"}]))
    namespace.wait_phase("friend", "Succeeded")
    assert namespace.log("friend") == "in\n"

    missing = image.rpartition(":")[0] + ":2"
    namespace.create("pods", cluster_api.pod("typo", missing, "true", imagePullSecrets=[{"name": "pulling"}]))
    assert "not found" in _wait_waiting(namespace, "typo", "ErrImagePull")


@pytest.mark.own_cluster
def test_fifty_fake_pods_of_a_fake_node_run_to_their_ends(namespace: Namespace, own_cluster: clusters.Cluster) -> None:
    own_cluster.ensure("kwok")
    node = f"fake-{namespace.name}"
    namespace.api.post("/api/v1/nodes", cluster_api.fake_node(node))
    try:
        began = time.monotonic()
        for number in range(50):
            body = cluster_api.pod(f"fake-{number}", "none", "none", **cluster_api.on_fake_node(node))
            body["metadata"]["annotations"] = {"tradewind.test/runs-for": "200ms"}
            namespace.create("pods", body)
        cluster_api.wait_until(
            lambda: [pod["status"]["phase"] for pod in namespace.pods()] == ["Succeeded"] * 50, "50 pods Succeeded"
        )
        print(f"50 fake pods: {time.monotonic() - began:.1f} s")
    finally:
        namespace.api.delete(f"/api/v1/nodes/{node}")


def _wait_waiting(namespace: Namespace, name: str, reason: str) -> str:
    """The message of the container's waiting state, once it is for this reason."""

    def waiting(pod: Json) -> Json:
        rows = pod["status"].get("containerStatuses") or [{}]
        return dict(rows[0].get("state", {}).get("waiting", {}))

    found = namespace.wait_pod(name, lambda pod: waiting(pod).get("reason") == reason, f"waiting for {reason}")
    return str(waiting(found).get("message"))


def _pull_secret(name: str, cluster: clusters.Cluster) -> Json:
    pair = f"{cluster.registry_user}:{cluster.registry_password}".encode()
    host = cluster.registry_address
    told = json.dumps({"auths": {host: {"auth": base64.b64encode(pair).decode()}}})
    content = base64.b64encode(told.encode()).decode()
    return {
        "metadata": {"name": name},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": content},
    }
