"""Runs whose tasks are pods of a real cluster, by the command line: chains, failures, logs, a control plane killed."""

from __future__ import annotations

import pytest

from tests.support import server as servers
from tests.support.cluster_api import wait_until
from tests.support.cluster_runs import Place

pytestmark = pytest.mark.cluster


def test_a_chain_of_two_pods_runs_in_order_and_leaves_nothing(place: Place) -> None:
    run = place.run("""
        pod("first", "echo from $HOSTNAME; date +%s%N > /dev/null") >> pod("second", "echo two")
    """)
    assert run["state"] == "success"
    assert place.log("first")[0].startswith("from first-")
    assert place.log("second") == ["two"]
    wait_until(lambda: not place.namespace.pods(), "the pods are deleted")


def test_no_more_is_needed_than_pods_and_their_logs_in_one_namespace(least: Place) -> None:
    run = least.run('pod("modest", "echo hello")')
    assert (run["state"], least.log("modest")) == ("success", ["hello"])
    wait_until(lambda: not least.namespace.pods(), "the pod is deleted")


def test_an_exit_code_is_in_the_verdict(place: Place) -> None:
    run = place.run('pod("fails", "echo before; exit 3")')
    assert run["state"] == "failed"
    assert "exit code 3" in run["fails"]["verdict"]
    assert place.log("fails") == ["before"]


def test_a_container_over_its_memory_is_told_as_oom_with_its_limit(place: Place) -> None:
    run = place.run("""
        pod("eats", "tail /dev/zero", container_resources={"limits": {"memory": "32Mi", "cpu": "500m"}})
    """)
    assert run["state"] == "failed"
    assert run["eats"]["verdict"] == "Container 'base' was OOMKilled at its limit of 32Mi."


def test_a_log_of_1000_lines_is_whole(place: Place) -> None:
    run = place.run('pod("talks", "for i in $(seq 1000); do echo line $i; done")')
    assert run["state"] == "success"
    assert place.log("talks") == [f"line {n}" for n in range(1, 1001)]


def test_pods_stay_where_the_task_says_so(place: Place) -> None:
    place.run("""
        pod("kept", "true", on_finish_action="keep_pod")
        pod("failed", "exit 1", on_finish_action="delete_succeeded_pod")
        pod("succeeded", "true", on_finish_action="delete_succeeded_pod")
    """)

    def left() -> list[str]:
        return sorted(pod["metadata"]["name"].rpartition("-")[0] for pod in place.namespace.pods())

    wait_until(lambda: len(left()) < 3, "a pod is deleted")
    assert left() == ["failed", "kept"]


def test_a_control_plane_that_was_killed_finds_its_pods_and_their_logs_go_on(
    place: Place, server: servers.Server
) -> None:
    place.write("""
        pod("counts", "for i in $(seq 60); do echo line $i; sleep 0.2; done; exit 5")
        pod("ends", "for i in $(seq 8); do echo line $i; sleep 0.2; done")
    """)
    server.start()
    server.trigger("pods", "r")
    wait_until(lambda: any(file.stat().st_size > 200 for file in place.home.glob("attempts/*/log")), "a log grows")
    server.kill()
    before = {pod["metadata"]["uid"] for pod in place.namespace.pods()}
    name = next(pod["metadata"]["name"] for pod in place.namespace.pods() if "ends" in pod["metadata"]["name"])
    place.namespace.wait_phase(name, "Succeeded")
    server.start()
    run = server.wait_run("pods", "r")
    tasks = {task["task_id"]: task for task in run["tasks"]}
    assert tasks["ends"]["state"] == "success"
    assert "exit code 5" in tasks["counts"]["verdict"]
    wait_until(lambda: not list(place.home.glob("attempts/*/log")), "the logs are sealed")
    assert place.log("counts") == [f"line {n}" for n in range(1, 61)]
    assert place.log("ends") == [f"line {n}" for n in range(1, 9)]
    assert len(before) == 2
    wait_until(lambda: not place.namespace.pods(), "the pods are deleted")
