"""Troubles of a cluster as runs meet them: each test is named after what people see."""

from __future__ import annotations

import base64
import contextlib
import json
import pathlib
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from tests.support import cluster as clusters
from tests.support import cluster_api
from tests.support import server as servers
from tests.support.cluster_api import Json, Namespace, wait_until
from tests.support.cluster_runs import Place, kubeconfig_of

pytestmark = pytest.mark.cluster


def tasks_of(run: Json) -> dict[str, Json]:
    return {task["task_id"]: task for task in run["tasks"]}


def pod_of(place: Place, task_id: str) -> str | None:
    """The name of a task's running pod."""
    for pod in place.namespace.pods():
        if pod["metadata"]["labels"].get("task_id") == task_id and pod["status"].get("phase") == "Running":
            return str(pod["metadata"]["name"])
    return None


def running(place: Place, task_id: str) -> str:
    wait_until(lambda: pod_of(place, task_id) is not None, f"the pod of {task_id} runs")
    name = pod_of(place, task_id)
    assert name is not None
    return name


# -- pods that are taken away --------------------------------------------------------------------------------------


_SECOND_TIME_QUICK = """
    pod(
        "t",
        "[ -e /seen/it ] && exit 0; touch /seen/it; sleep 600",
        retries=1,
        volumes=[k8s.V1Volume(name="seen", host_path=k8s.V1HostPathVolumeSource(path={folder!r}))],
        volume_mounts=[k8s.V1VolumeMount(name="seen", mount_path="/seen")],
        priority_class_name={priority!r},
        container_resources={{"requests": {{"memory": {memory!r}}}}},
    )
"""


def second_time_quick(folder: pathlib.Path, priority: str | None = None, memory: str = "1Mi") -> str:
    """A task whose pod sleeps when it is there for the first time, and ends at once afterwards."""
    seen = folder / "seen"
    seen.mkdir()
    tasks = _SECOND_TIME_QUICK.format(folder=str(seen), priority=priority, memory=memory)
    return "from kubernetes.client import models as k8s\n" + tasks.replace("\n    ", "\n").strip()


@pytest.mark.own_cluster  # its node sees the test's folder
def test_an_evicted_pod_is_made_good_and_no_retry_is_used(
    place: Place, server: servers.Server, tmp_path: pathlib.Path
) -> None:
    place.write(second_time_quick(tmp_path))
    server.start()
    server.trigger("pods", "r")
    name = running(place, "t")
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    place.namespace.create(f"pods/{name}/eviction", eviction)
    task = tasks_of(server.wait_run("pods", "r"))["t"]
    assert (task["state"], task["try_number"]) == ("success", 1)
    assert attempts(place, "t")[0]["reason"] == "Evicted"


@pytest.mark.own_cluster
def test_a_preempted_pod_is_made_good_and_no_retry_is_used(
    place: Place, server: servers.Server, api: cluster_api.Api, busybox: str, tmp_path: pathlib.Path
) -> None:
    path, urgent = "/apis/scheduling.k8s.io/v1/priorityclasses", f"urgent-{place.namespace.name}"
    api.post(path, {"metadata": {"name": urgent}, "value": 1000})
    (node,) = [row for row in api.get("/api/v1/nodes")["items"] if row["metadata"]["name"] == "node-0"]
    memory = int(node["status"]["allocatable"]["memory"].removesuffix("Ki")) * 6 // 10
    try:
        place.write(second_time_quick(tmp_path, memory=f"{memory}Ki"))
        server.start()
        server.trigger("pods", "r")
        running(place, "t")
        resources = {"resources": {"requests": {"memory": f"{memory}Ki"}}}
        body = cluster_api.pod("other", busybox, "sleep", "3", priorityClassName=urgent, container=resources)
        place.namespace.create("pods", body)
        task = tasks_of(server.wait_run("pods", "r", seconds=90))["t"]
        assert (task["state"], task["try_number"]) == ("success", 1)
        assert attempts(place, "t")[0]["reason"] == "Preempted"
    finally:
        api.delete(f"{path}/{urgent}")


@pytest.mark.own_cluster
def test_a_pod_that_somebody_deletes_with_kubectl_is_made_good(
    place: Place, server: servers.Server, tmp_path: pathlib.Path
) -> None:
    place.write(second_time_quick(tmp_path))
    server.start()
    server.trigger("pods", "r")
    place.namespace.api.delete(place.namespace.path("pods", running(place, "t")))
    task = tasks_of(server.wait_run("pods", "r"))["t"]
    assert (task["state"], task["try_number"]) == ("success", 1)
    assert attempts(place, "t")[0]["reason"] == "Lost"
    assert "was deleted" in attempts(place, "t")[0]["verdict"]


def test_a_namespace_that_is_deleted_while_pods_run_ends_the_run_with_its_reason(
    place: Place, server: servers.Server
) -> None:
    place.write('pod("t", "sleep 600", retries=1, retry_delay=0)')
    server.start()
    server.trigger("pods", "r")
    running(place, "t")
    place.namespace.api.delete(f"/api/v1/namespaces/{place.namespace.name}")
    try:
        run = server.wait_run("pods", "r", seconds=90)
    finally:
        place.namespace.api.post("/api/v1/namespaces", {"metadata": {"name": f"{place.namespace.name}-after"}})
        place.namespace.api.delete(f"/api/v1/namespaces/{place.namespace.name}-after")
        _recreate(place.namespace)
    assert run["state"] == "failed"
    verdict = tasks_of(run)["t"]["verdict"]
    assert "terminated" in verdict or "not found" in verdict, verdict


def _recreate(namespace: Namespace) -> None:
    """The fixture deletes it once more."""

    def made() -> bool:
        try:
            namespace.api.post("/api/v1/namespaces", {"metadata": {"name": namespace.name}})
        except cluster_api.ApiError:
            return False
        return True

    wait_until(made, "the namespace is gone and made again")


# -- memory, quota, admission --------------------------------------------------------------------------------------


def test_an_init_container_over_its_memory_is_told_with_its_limit(place: Place) -> None:
    run = place.run("""
        from kubernetes.client import models as k8s
        small = k8s.V1ResourceRequirements(limits={"memory": "32Mi"})
        hungry = k8s.V1Container(name="hungry", image=IMAGE, command=["tail", "/dev/zero"], resources=small)
        pod("t", "true", init_containers=[hungry])
    """)
    assert run["t"]["verdict"] == "Init container 'hungry' was OOMKilled at its limit of 32Mi."


def test_a_sidecar_over_its_memory_does_not_fail_the_task(place: Place) -> None:
    run = place.run("""
        from kubernetes.client import models as k8s
        small = k8s.V1ResourceRequirements(limits={"memory": "32Mi"})
        beside = k8s.V1Container(name="beside", image=IMAGE, command=["tail", "/dev/zero"], resources=small)
        base = k8s.V1Container(name="base")
        pod("t", "sleep 5", full_pod_spec=k8s.V1Pod(spec=k8s.V1PodSpec(containers=[base, beside])))
    """)
    assert (run["t"]["state"], run["t"]["try_number"]) == ("success", 1)


def test_a_full_quota_parks_tasks_until_others_end(place: Place) -> None:
    place.namespace.create("resourcequotas", {"metadata": {"name": "one"}, "spec": {"hard": {"pods": "1"}}})
    run = place.run("""
        pod("a", "sleep 2", startup_timeout_seconds=120)
        pod("b", "sleep 2", startup_timeout_seconds=120)
    """)
    assert [run[name]["state"] for name in "ab"] == ["success", "success"]
    assert [run[name]["try_number"] for name in "ab"] == [1, 1]


class _Webhook(BaseHTTPRequestHandler):
    """Refuses pods, or takes its time."""

    seconds = 0.0
    asked = 0

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).asked += 1
        if self.seconds:
            time.sleep(self.seconds)
        refusal = {"uid": review["request"]["uid"], "allowed": False, "status": {"message": "only on Tuesdays"}}
        body = json.dumps(
            {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": refusal}
        ).encode()
        with contextlib.suppress(OSError):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def webhook(
    place: Place, cluster: clusters.Cluster, folder: pathlib.Path, *, seconds: float
) -> Iterator[type[_Webhook]]:
    """A real one for pods of the namespace, on the machine's end of the cluster's network."""
    address = cluster.files.network(0).other_end
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={address}"]
    command += ["-addext", f"subjectAltName=IP:{address}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    handler = type("Webhook", (_Webhook,), {"seconds": seconds, "asked": 0})
    server = ThreadingHTTPServer((address, 0), handler)
    server.daemon_threads = False
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    name = f"refuses.{place.namespace.name}.test"
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    hook = {
        "name": name,
        "clientConfig": {
            "url": f"https://{address}:{server.server_address[1]}/",
            "caBundle": base64.b64encode(certificate.read_bytes()).decode(),
        },
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": place.namespace.name}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 1,
    }
    place.namespace.api.post(path, {"metadata": {"name": name}, "webhooks": [hook]})
    try:
        yield handler
    finally:
        place.namespace.api.delete(f"{path}/{name}")
        server.shutdown()
        server.server_close()
        serving.join()


def is_in_force(place: Place, handler: type[_Webhook], busybox: str) -> None:
    """The API server takes a moment to hear of it."""

    def asks() -> bool:
        with contextlib.suppress(cluster_api.ApiError):
            path = place.namespace.path("pods")
            place.namespace.api.raw("POST", path, {"dryRun": "All"}, cluster_api.pod("probe", busybox, "true"))
        return handler.asked > 0

    wait_until(asks, "the webhook is asked")


@pytest.mark.own_cluster
def test_a_webhook_that_refuses_fails_the_try_with_its_words(
    place: Place, own_cluster: clusters.Cluster, busybox: str, tmp_path: pathlib.Path
) -> None:
    with webhook(place, own_cluster, tmp_path, seconds=0) as handler:
        is_in_force(place, handler, busybox)
        run = place.run('pod("t", "true")')
    assert run["t"]["state"] == "failed"
    assert "only on Tuesdays" in run["t"]["verdict"]


@pytest.mark.own_cluster
def test_a_webhook_that_does_not_answer_is_waited_for(
    place: Place, server: servers.Server, own_cluster: clusters.Cluster, busybox: str, tmp_path: pathlib.Path
) -> None:
    place.write('pod("t", "true")')
    server.start()
    with webhook(place, own_cluster, tmp_path, seconds=2) as handler:
        is_in_force(place, handler, busybox)
        before = handler.asked
        server.trigger("pods", "r")
        wait_until(lambda: handler.asked > before + 1, "the create was asked twice")
        assert server.run("pods", "r")["state"] == "running"
    task = tasks_of(server.wait_run("pods", "r"))["t"]
    assert (task["state"], task["try_number"]) == ("success", 1)


# -- the API server ------------------------------------------------------------------------------------------------


def test_a_token_that_was_revoked_makes_tasks_wait_until_there_is_another(
    place: Place, kubeconfig: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    token = tmp_path / "token"
    token.write_text(place.namespace.account("first"))
    config = kubeconfig_of("replaced", kubeconfig, tmp_path / "token.yaml")
    told = yaml.safe_load(config.read_text())
    told["users"] = [{"name": user["name"], "user": {"tokenFile": str(token)}} for user in told["users"]]
    config.write_text(yaml.safe_dump(told))
    place.use(config)
    place.write('pod("a", "sleep 1") >> pod("b", "true")')
    with servers.Server(place.home, place.dags, *place.options) as server:
        place.namespace.api.delete(place.namespace.path("serviceaccounts", "first"))
        server.trigger("pods", "r")
        wait_until(lambda: "credential" in str(told_pod(place, "a")), "it is told that the credential is refused")
        token.write_text(place.namespace.account("second"))
        run = server.wait_run("pods", "r", seconds=90)
        assert run["state"] == "success", run
        assert {task["try_number"] for task in run["tasks"]} == {1}


def told_pod(place: Place, task_id: str) -> str | None:
    """What `tasks list` says of a task's pod."""
    done = servers.tradewind("tasks", "list", "pods", "r", "--home", str(place.home), "-o", "json", check=False)
    if done.returncode != 0:
        return None
    return next((row["pod"] for row in json.loads(done.stdout) if row["task_id"] == task_id), None)


def attempts(place: Place, task_id: str) -> list[Json]:
    """Every launch of a task, the first first."""
    words = ["tasks", "attempts", "pods", "r", task_id, "--home", str(place.home), "-o", "json"]
    return list(json.loads(servers.tradewind(*words).stdout))


@pytest.mark.own_cluster
def test_an_api_server_that_lets_few_requests_through_slows_runs_and_fails_none(
    place: Place, api: cluster_api.Api, kubeconfig: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """Priority and fairness, with the smallest share that it can give and no queue."""
    group = "/apis/flowcontrol.apiserver.k8s.io/v1"
    name = f"narrow-{place.namespace.name}"
    limited = {"nominalConcurrencyShares": 1, "lendablePercent": 0, "borrowingLimitPercent": 0}
    level = {"type": "Limited", "limited": {**limited, "limitResponse": {"type": "Reject"}}}
    user = {"kind": "ServiceAccount", "serviceAccount": {"name": "us", "namespace": place.namespace.name}}
    rule = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
    schema = {
        "priorityLevelConfiguration": {"name": name},
        "matchingPrecedence": 100,
        "rules": [{"subjects": [user], "resourceRules": [rule]}],
    }
    api.post(f"{group}/prioritylevelconfigurations", {"metadata": {"name": name}, "spec": level})
    api.post(f"{group}/flowschemas", {"metadata": {"name": name}, "spec": schema})
    try:
        place.use(kubeconfig_of(place.namespace.account("us"), kubeconfig, tmp_path / "us.yaml"))
        run = place.run("""
            for n in range(12):
                pod(f"t{n}", f"echo {n}")
        """)
        refused = _refused(api, name)
    finally:
        api.delete(f"{group}/flowschemas/{name}")
        api.delete(f"{group}/prioritylevelconfigurations/{name}")
    assert run["state"] == "success"
    assert {run[f"t{n}"]["try_number"] for n in range(12)} == {1}
    assert [place.log(f"t{n}") for n in range(12)] == [[str(n)] for n in range(12)]
    assert refused > 0


def _refused(api: cluster_api.Api, level: str) -> float:
    """As the API server counts them."""
    lines = api.raw("GET", "/metrics").decode().splitlines()
    named = [
        line
        for line in lines
        if line.startswith("apiserver_flowcontrol_rejected_requests_total{") and f'priority_level="{level}"' in line
    ]
    return sum(float(line.rpartition(" ")[2]) for line in named)


# -- parts that are away: in a cluster of the module's own ---------------------------------------------------------


@pytest.fixture(scope="module")
def broken() -> Iterator[clusters.Cluster]:
    """A cluster to break; each test leaves it whole."""
    with clusters.started() as cluster:
        yield cluster


@pytest.fixture
def there(broken: clusters.Cluster, tmp_path: pathlib.Path, busybox: str) -> Iterator[Place]:
    with cluster_api.Api.read(broken.kubeconfig).namespace() as space:
        yield Place(tmp_path, broken.kubeconfig, space, busybox)


@pytest.mark.own_cluster
@pytest.mark.parametrize("seconds", [5, pytest.param(60, marks=pytest.mark.long)])
def test_an_api_server_that_is_away_while_tasks_end_loses_nothing_and_runs_nothing_twice(
    there: Place, broken: clusters.Cluster, seconds: int
) -> None:
    there.write("""
        [pod(f"t{n}", f"for i in 1 2 3 4; do echo line $i; sleep 1; done; exit {n}") for n in range(3)]
        pod("late", "echo once; sleep 30; echo twice")
    """)
    with servers.Server(there.home, there.dags, *there.options) as server:
        server.trigger("pods", "r")
        for name in ("t0", "t1", "t2", "late"):
            running(there, name)
        broken.kill("apiserver")
        time.sleep(seconds)
        broken.start("apiserver")
        tasks = tasks_of(server.wait_run("pods", "r", seconds=120))
    assert [tasks[f"t{n}"]["state"] for n in range(3)] == ["success", "failed", "failed"]
    assert "exit code 2" in tasks["t2"]["verdict"]
    assert {task["try_number"] for task in tasks.values()} == {1}
    assert [there.log(f"t{n}") for n in range(3)] == [[f"line {i}" for i in range(1, 5)]] * 3
    assert there.log("late") == ["once", "twice"]


@pytest.mark.long
@pytest.mark.own_cluster
@pytest.mark.timeout(900)
def test_a_task_whose_node_is_lost_runs_on_another(
    there: Place, broken: clusters.Cluster, tmp_path: pathlib.Path
) -> None:
    node = broken.add_node()
    seen = tmp_path / "seen"
    seen.mkdir()
    there.write(f"""
        from kubernetes.client import models as k8s
        soon = [
            {{"key": f"node.kubernetes.io/{{what}}", "operator": "Exists", "effect": "NoExecute",
             "tolerationSeconds": 5}}
            for what in ("unreachable", "not-ready")
        ]
        there = {{"matchExpressions": [{{"key": "kubernetes.io/hostname", "operator": "In", "values": [{node!r}]}}]}}
        prefers = [{{"weight": 100, "preference": there}}]
        pod(
            "t", "[ -e /seen/it ] && exit 0; touch /seen/it; sleep 600", retries=1, tolerations=soon,
            affinity={{"nodeAffinity": {{"preferredDuringSchedulingIgnoredDuringExecution": prefers}}}},
            volumes=[k8s.V1Volume(name="seen", host_path=k8s.V1HostPathVolumeSource(path={str(seen)!r}))],
            volume_mounts=[k8s.V1VolumeMount(name="seen", mount_path="/seen")],
        )
    """)
    with servers.Server(there.home, there.dags, *there.options, start_seconds=180) as server:
        server.trigger("pods", "r")
        name = running(there, "t")
        assert there.namespace.pod(name)["spec"]["nodeName"] == node
        number = int(node.removeprefix("node-"))
        broken.cut_off(number)
        try:
            gone = there.namespace.wait_pod(name, lambda pod: "deletionTimestamp" in pod["metadata"], "deleted", 180)
            assert gone["metadata"]["name"] == name
        finally:
            broken.mend(number)
        task = tasks_of(server.wait_run("pods", "r", seconds=300))["t"]
    assert (task["state"], task["try_number"]) == ("success", 1)
    assert attempts(there, "t")[0]["reason"] == "NodeLost"
