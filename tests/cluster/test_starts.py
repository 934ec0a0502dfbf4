"""How long a start on a real cluster is borne, what is said of one that never comes, and who goes first."""

from __future__ import annotations

import base64
import concurrent.futures
import contextlib
import json
import secrets
import sqlite3
from typing import Any

import pytest

from tests.support import cluster as clusters
from tests.support import cluster_api
from tests.support import server as servers
from tests.support.cluster_api import Namespace, wait_until
from tests.support.cluster_runs import Place

pytestmark = pytest.mark.cluster


def quota(namespace: Namespace, **hard: str) -> None:
    """A quota that counts already."""
    namespace.create("resourcequotas", {"metadata": {"name": "all"}, "spec": {"hard": hard}})
    wait_until(
        lambda: bool(namespace.api.get(namespace.path("resourcequotas", "all"))["status"].get("used")),
        "the quota counts",
    )


def test_what_a_start_waited_for_is_in_the_verdict(place: Place) -> None:
    run = place.run("""
        big = {"requests": {"memory": "900Ti"}}
        pod("big", "true", container_resources=big, startup_timeout_seconds=3)
        pod("unplaced", "true", container_resources=big, startup_timeout_seconds=600, schedule_timeout_seconds=3)
        pod("gone", "true", image="nobody.invalid/nothing:1", startup_timeout_seconds=8)
        pod("misnamed", "true", image="Not:A:Name", startup_timeout_seconds=600)
        volume = {"name": "v", "configMap": {"name": "nobody-made-it"}}
        pod("unmounted", "true", volumes=[volume], volume_mounts=[{"name": "v", "mountPath": "/v"}],
            startup_timeout_seconds=8)
    """)
    assert run["state"] == "failed"
    assert run["big"]["verdict"].startswith("It did not start in time. The pod waited for a node: Unschedulable:")
    assert "Insufficient memory" in run["big"]["verdict"]
    assert run["unplaced"]["verdict"].startswith("It was not scheduled in time. The pod waited for a node:")
    assert run["gone"]["verdict"].startswith("It did not start in time. Container 'base' waited: ")
    assert "nobody.invalid" in run["gone"]["verdict"]
    assert run["misnamed"]["verdict"].startswith("Container 'base' cannot start: InvalidImageName")
    assert 'configmap "nobody-made-it" not found' in run["unmounted"]["verdict"]
    assert {run[name]["try_number"] for name in ("big", "unplaced", "gone", "misnamed", "unmounted")} == {1}
    wait_until(lambda: not place.namespace.pods(), "the pods are deleted")


def test_a_start_timeout_is_borne_once_for_each_try(place: Place) -> None:
    run = place.run("""
        pod("big", "true", container_resources={"requests": {"memory": "900Ti"}}, startup_timeout_seconds=2,
            retries=1, retry_delay=0)
    """)
    assert (run["state"], run["big"]["try_number"]) == ("failed", 2)
    told = servers.tradewind(
        "tasks", "attempts", "pods", "latest", "big", "--home", str(place.home), "--output", "json"
    )
    assert [(one["try"], one["number"], one["reason"]) for one in json.loads(told.stdout)] == [
        (1, 1, "StartTimeout"),
        (2, 1, "StartTimeout"),
    ]


def test_an_execution_timeout_counts_from_the_containers_start_and_ends_it_within_its_grace(place: Place) -> None:
    run = place.run("""
        from datetime import timedelta
        wait = {"name": "wait", "image": IMAGE, "command": ["sleep", "4"]}
        pod("slow_to_start", "sleep 1", init_containers=[wait], execution_timeout=timedelta(seconds=3))
        pod("slow", "trap 'echo bye; exit 0' TERM; sleep 600 & wait", execution_timeout=timedelta(seconds=2))
    """)
    assert run["slow_to_start"]["state"] == "success"
    assert (run["slow"]["state"], run["slow"]["verdict"]) == ("failed", "Its execution timeout passed.")
    wait_until(lambda: not place.namespace.pods(), "the pods are deleted")


def test_a_full_quota_keeps_attempts_waiting_without_a_pod_or_a_clock_and_the_highest_priority_goes_next(
    place: Place, busybox: str
) -> None:
    quota(place.namespace, pods="1")
    # Creates of one moment meet at the quota in any order; so it is full until all three wait.
    place.namespace.create("pods", cluster_api.pod("holder", busybox, "sleep", "3600"))

    def make_room() -> None:
        logs = place.home / "attempts"
        wait_until(lambda: sum("quota" in log.read_text() for log in logs.glob("*/log")) == 3, "all three wait")
        place.namespace.api.delete(place.namespace.path("pods", "holder"))

    with concurrent.futures.ThreadPoolExecutor(1) as beside:
        freeing = beside.submit(make_room)
        run = place.run("""
            more = {"startup_timeout_seconds": 4, "weight_rule": "absolute"}
            pod("low", "true", priority_weight=1, **more)
            pod("middle", "true", priority_weight=5, **more)
            pod("high", "true", priority_weight=9, **more)
        """)
        freeing.result()
    assert run["state"] == "success", run
    order = sorted(("low", "middle", "high"), key=lambda name: run[name]["end_date"])
    assert order == ["high", "middle", "low"]


@pytest.mark.long
def test_a_start_clock_goes_on_over_a_control_plane_that_was_killed(place: Place) -> None:
    server = servers.Server(place.home, place.dags, *place.options)
    place.write("""
        pod("big", "true", container_resources={"requests": {"memory": "900Ti"}}, startup_timeout_seconds=45)
    """)

    def deadlines() -> list[Any]:
        """Of the attempts, as they are stored."""
        with contextlib.closing(sqlite3.connect(place.home / "tradewind.db")) as database:
            return [json.loads(body).get("deadline_at") for (body,) in database.execute("select body from attempt")]

    try:
        server.start()
        server.trigger("pods", "r")
        wait_until(lambda: bool(place.namespace.pods()), "the pod is there")
        wait_until(lambda: deadlines() not in ([], [None]), "its clock runs")
        before = deadlines()
        server.kill()
        server.start()
        assert deadlines() == before
        run = server.wait_run("pods", "r")
        assert run["state"] == "failed"
        verdict = next(one["verdict"] for one in run["tasks"] if one["task_id"] == "big")
        assert verdict.startswith("It did not start in time. The pod waited for a node:")
        assert len(deadlines()) == 1
    finally:
        server.stop()


@pytest.mark.own_cluster
def test_a_private_image_runs_with_its_pull_secret_and_without_it_the_registrys_words_are_told(
    place: Place, own_cluster: clusters.Cluster
) -> None:
    image = own_cluster.push("busybox", f"team/{secrets.token_hex(4)}:1")
    pair = f"{own_cluster.registry_user}:{own_cluster.registry_password}".encode()
    told = json.dumps({"auths": {own_cluster.registry_address: {"auth": base64.b64encode(pair).decode()}}})
    place.namespace.create(
        "secrets",
        {
            "metadata": {"name": "pulling"},
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": base64.b64encode(told.encode()).decode()},
        },
    )
    run = place.run(f"""
        pod("friend", "echo in", image={image!r}, image_pull_secrets="pulling")
        pod("stranger", "echo in", image={image!r}, image_pull_policy="Always", startup_timeout_seconds=6)
        pod("typo", "echo in", image={image.rpartition(":")[0] + ":2"!r}, image_pull_secrets="pulling",
            startup_timeout_seconds=6)
    """)
    assert run["friend"]["state"] == "success", run
    assert place.log("friend") == ["in"]
    assert "401" in run["stranger"]["verdict"]
    assert "not found" in run["typo"]["verdict"]
