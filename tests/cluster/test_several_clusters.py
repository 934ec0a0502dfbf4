"""Attempts on two clusters under one control plane: each on the one its task means, neither hurt by the other."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator

import pytest

from tests.cluster import test_jobs
from tests.support import cluster as clusters
from tests.support import cluster_images
from tests.support import server as servers
from tests.support.cluster_api import Api, Namespace, wait_until
from tests.support.cluster_runs import Place

pytestmark = [pytest.mark.cluster, pytest.mark.own_cluster, pytest.mark.long]


@pytest.fixture(scope="module")
def other() -> Iterator[clusters.Cluster]:
    """A second cluster, to break."""
    with clusters.started() as cluster:
        yield cluster


@pytest.fixture
def there(other: clusters.Cluster) -> Iterator[Namespace]:
    """A namespace of the second cluster."""
    with Api.read(other.kubeconfig).namespace() as made:
        yield made


@pytest.fixture
def place(tmp_path: pathlib.Path, kubeconfig: pathlib.Path, namespace: Namespace) -> Place:
    """Whose settings name the first cluster."""
    return Place(tmp_path, kubeconfig, namespace, cluster_images.reference("busybox"))


@pytest.fixture
def server(place: Place) -> Iterator[servers.Server]:
    made = servers.Server(place.home, place.dags, *place.options)
    yield made
    made.stop()


def _pods(place: Place) -> list[dict[str, str]]:
    """As `pods list` tells them, in both."""
    toml = place.home.parent / "tradewind.toml"
    names = {"config_file": str(place.kubeconfig), "namespace": place.namespace.name}
    toml.write_text(
        "[runtime.kubernetes]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in names.items())
    )
    return _told(place, "pods", "list", "--settings", str(toml))


def _told(place: Place, *command: str) -> list[dict[str, str]]:
    done = servers.tradewind(*command, "--home", str(place.home), "--output", "json", check=False)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def _states(server: servers.Server) -> dict[str, str]:
    return {task["task_id"]: task["state"] for task in server.run("pods", "r")["tasks"]}


def _of(space: Namespace) -> set[str]:
    return {pod["metadata"]["labels"]["task_id"] for pod in space.pods()}


def test_tasks_run_on_the_cluster_that_they_name_by_file_connection_or_template(
    place: Place, other: clusters.Cluster, there: Namespace
) -> None:
    extra = json.dumps({"kube_config": other.kubeconfig.read_text(), "namespace": there.name})
    home = ("--home", str(place.home))
    place.home.mkdir()
    servers.tradewind("connections", "set", "other", "--conn-type", "kubernetes", "--conn-extra", extra, *home)
    file = str(other.kubeconfig)
    run = place.run(f"""
        file = {file!r}
        there = {{"namespace": {there.name!r}, "on_finish_action": "keep_pod"}}
        pod("here", "echo here", on_finish_action="keep_pod")
        pod("by_file", "echo by file", config_file=file, **there)
        pod("by_connection", "echo by connection", kubernetes_conn_id="other", on_finish_action="keep_pod")
        pod("by_template", "echo by template", config_file="{{{{ params.file }}}}", params={{"file": file}}, **there)
        pod("nowhere", "true", kubernetes_conn_id="nobody_made_it")
        pod("no_file", "true", config_file="/nowhere/kubeconfig")
    """)
    names = ("here", "by_file", "by_connection", "by_template", "nowhere", "no_file")
    assert [run[name]["state"] for name in names] == [*["success"] * 4, *["failed"] * 2], run
    assert "nobody_made_it" in run["nowhere"]["verdict"]
    assert "/nowhere/kubeconfig" in run["no_file"]["verdict"]
    assert _of(place.namespace) == {"here"}
    assert _of(there) == {"by_file", "by_connection", "by_template"}
    assert place.log("by_connection") == ["by connection"]
    assert place.log("by_template") == ["by template"]
    assert f"cluster: of {file}" in place.events("by_file")
    assert "cluster: by connection other" in place.events("by_connection")


def test_a_cluster_that_is_away_holds_up_nobody_else_and_its_pods_are_taken_up_again_when_it_is_back(
    place: Place, server: servers.Server, other: clusters.Cluster, there: Namespace
) -> None:
    place.write(f"""
        there = {{"config_file": {str(other.kubeconfig)!r}, "namespace": {there.name!r}}}
        pod("there", "for i in $(seq 300); do echo line $i; sleep 0.1; done", **there)
        pod("here", "for i in $(seq 100); do echo line $i; sleep 0.1; done") >> pod("after", "echo after")
    """)
    server.start()
    server.trigger("pods", "r")
    wait_until(lambda: _of(place.namespace) == {"here"} and _of(there) == {"there"}, "both pods are there")
    logs = place.home / "attempts"
    wait_until(lambda: sum(b"line 5" in one.read_bytes() for one in logs.glob("*/log")) == 2, "both are followed")
    rows = {row["task"]: row for row in _pods(place)}
    assert (rows["here"]["cluster"], rows["there"]["cluster"]) == ("", f"of {other.kubeconfig}")
    assert rows["there"]["attempt"] == "live"
    findings = _told(place, "doctor", "--settings", str(place.home.parent / "tradewind.toml"))
    checks = {row["check"] for row in findings if row["state"] == "ok"}
    assert {f"rights in {place.namespace.name}", f"rights in {there.name}"} <= checks
    there_too = f"of {other.kubeconfig}: "
    assert [row for row in findings if row["check"] == "cluster" and row["message"].startswith(there_too)]
    other.kill("apiserver")
    try:
        server.kill()
        server.start()
        wait_until(lambda: _states(server)["after"] == "success", "the first cluster goes on")
        assert _states(server)["there"] in ("queued", "running")
        assert [row["task"] for row in _pods(place) if row["cluster"]] == []
        told = {one["cluster"]: one for one in server.health()["clusters"]}
        assert told["settings"]["problem"] == ""
        assert (told[f"of {other.kubeconfig}"]["attempts"], bool(told[f"of {other.kubeconfig}"]["problem"])) == (
            1,
            True,
        )
    finally:
        other.start("apiserver")
    assert server.wait_run("pods", "r", 120)["state"] == "success"
    wait_until(lambda: not list(logs.glob("*/log")), "the logs are sealed")
    assert place.log("there") == [f"line {n}" for n in range(1, 301)]
    assert place.log("here") == [f"line {n}" for n in range(1, 101)]
    wait_until(lambda: not there.pods() and not place.namespace.pods(), "the pods are deleted")


def test_jobs_are_started_patched_and_deleted_on_the_cluster_that_they_name(
    tmp_path: pathlib.Path, kubeconfig: pathlib.Path, namespace: Namespace, other: clusters.Cluster, there: Namespace
) -> None:
    place = test_jobs.Place(tmp_path, kubeconfig, namespace, cluster_images.reference("busybox"))
    run = place.run(f"""
        there = {{"config_file": {str(other.kubeconfig)!r}, "namespace": {there.name!r}}}
        gives = {{"wait_until_job_complete": True, "do_xcom_push": True, **there}}
        value = job("value", "echo 5 > /airflow/xcom/return.json", **gives)

        @task
        def got(value):
            assert value == 5, value

        held = job("held", "true", suspend=True, **there)
        name = held.output["job_name"]
        go = KubernetesPatchJobOperator(task_id="go", name=name, body={{"spec": {{"suspend": False}}}}, **there)
        deletes = KubernetesDeleteJobOperator(
            task_id="deletes", name=name, delete_on_status="Complete", wait_for_completion=True, poll_interval=0.5,
            **there,
        )
        got(value.output)
        go >> deletes
    """)
    names = ("value", "got", "held", "go", "deletes")
    assert [run[name]["state"] for name in names] == ["success"] * len(names), run
    assert place.jobs() == []
    jobs = there.api.get(there.path("jobs", group="apis/batch/v1"))["items"]
    assert [job["metadata"]["annotations"]["tradewind/task-id"] for job in jobs] == ["value"]
