"""A thousand pod operators with code of their own at once, each waiting in its worker for a pod that kwok plays."""

from __future__ import annotations

import pathlib
import textwrap
from collections.abc import Iterator

import pytest

from tests.support import cluster as clusters
from tests.support import cluster_api
from tests.support import server as servers
from tests.support.cluster_api import Namespace, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.own_cluster, pytest.mark.long]

WORKERS = 1000
_RUNS_FOR = 150
"""Seconds: longer than it takes to begin them all."""
_FILE = """
from datetime import datetime
from airflow import DAG
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

class Ours(KubernetesPodOperator):
    def execute(self, context):
        self.env_vars = {{"NUMBER": str(context["ti"].map_index)}}
        super().execute(context)
        return context["ti"].map_index

with DAG("waiting", start_date=datetime(2026, 1, 1), schedule=None, max_active_tasks={workers}):
    Ours.partial(
        task_id="waits", image="none", get_logs=False, startup_timeout_seconds=900, **{arguments!r}
    ).expand(arguments=[["x"]] * {workers})
"""


@pytest.fixture
def server(
    tmp_path: pathlib.Path, kubeconfig: pathlib.Path, namespace: Namespace, own_cluster: clusters.Cluster
) -> Iterator[servers.Server]:
    own_cluster.ensure("kwok")
    node = f"fake-{namespace.name}"
    namespace.api.post("/api/v1/nodes", cluster_api.fake_node(node))
    where = cluster_api.on_fake_node(node)
    arguments = {
        "annotations": {"tradewind.test/runs-for": f"{_RUNS_FOR}s"},
        "node_selector": where["nodeSelector"],
        "tolerations": where["tolerations"],
    }
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "waiting.py").write_text(textwrap.dedent(_FILE.format(workers=WORKERS, arguments=arguments)))
    options = ["--runtime", "kubernetes"]
    for name, value in {
        "runtime.kubernetes.config_file": kubeconfig,
        "runtime.kubernetes.namespace": namespace.name,
        "runtime.kubernetes.requests_per_second": 500,
        "scheduler.parallelism": 2 * WORKERS,
        "scheduler.default_pool_slots": 2 * WORKERS,
    }.items():
        options += ["--set", f"{name}={value}"]
    made = servers.Server(tmp_path / "home", dags, *options)
    try:
        yield made
    finally:
        made.stop()
        namespace.api.delete(f"/api/v1/nodes/{node}")


@pytest.mark.timeout(900)
def test_a_thousand_workers_wait_for_a_thousand_pods_survive_a_restart_and_all_end(
    server: servers.Server, namespace: Namespace
) -> None:
    server.start()
    server.trigger("waiting", "r")
    wait_until(lambda: _running(namespace) == WORKERS, f"{WORKERS} pods run", seconds=_RUNS_FOR)
    before = {pod["metadata"]["uid"] for pod in namespace.pods()}
    assert len(list(server.home.glob("attempts/*/fence"))) == WORKERS
    server.kill()
    server.start()
    assert {pod["metadata"]["uid"] for pod in namespace.pods()} == before
    run = server.wait_run("waiting", "r", seconds=600)
    assert run["state"] == "success", [task for task in run["tasks"] if task["state"] != "success"][:3]
    assert {task["try_number"] for task in run["tasks"]} == {1}
    assert {task["state"] for task in run["tasks"]} == {"success"}
    wait_until(lambda: not namespace.pods(), "all pods are deleted", seconds=120)
    wait_until(lambda: not list(server.home.glob("attempts/*")), "nothing is left of them", seconds=120)


def _running(namespace: Namespace) -> int:
    return sum(pod["status"].get("phase") == "Running" for pod in namespace.pods())
