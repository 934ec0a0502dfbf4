"""Parts of the cluster are stopped, killed and cut off, each time in a cluster of the module's own."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests.support import cluster as clusters
from tests.support import cluster_api, cluster_images
from tests.support.cluster_api import Api, Json, Namespace

pytestmark = [pytest.mark.cluster, pytest.mark.own_cluster]

BUSYBOX = cluster_images.reference("busybox")


@pytest.fixture(scope="module")
def broken() -> Iterator[clusters.Cluster]:
    """A cluster to break; each test leaves it whole."""
    with clusters.started() as cluster:
        yield cluster


@pytest.fixture
def space(broken: clusters.Cluster) -> Iterator[Namespace]:
    with Api.read(broken.kubeconfig).namespace() as made:
        yield made


def test_two_clusters_run_side_by_side(broken: clusters.Cluster, space: Namespace) -> None:
    with clusters.started() as other:
        assert other.files.server != broken.files.server
        with Api.read(other.kubeconfig).namespace() as there:
            for one in (space, there):
                one.create("pods", cluster_api.pod("same-name", BUSYBOX, "true"))
            for one in (space, there):
                one.wait_phase("same-name", "Succeeded")


@pytest.mark.parametrize("part", ["apiserver", "kubelet-0", "containerd-0", "scheduler", "controller-manager", "etcd"])
def test_a_killed_part_comes_back_and_pods_run_on(broken: clusters.Cluster, space: Namespace, part: str) -> None:
    space.create("pods", cluster_api.pod("through", BUSYBOX, "sleep", "600"))
    before = space.wait_phase("through", "Running")
    broken.kill(part)
    assert part not in broken.pids()
    broken.start(part)
    cluster_api.wait_until(lambda: _answers(space), "the API answers")
    space.create("pods", cluster_api.pod("after", BUSYBOX, "true"))
    space.wait_phase("after", "Succeeded")
    assert _started(space.pod("through")) == _started(before)


def test_a_hanging_api_server_goes_on_where_it_was(broken: clusters.Cluster, space: Namespace) -> None:
    space.create("pods", cluster_api.pod("meanwhile", BUSYBOX, "true"))
    broken.signal("apiserver", signal.SIGSTOP)
    try:
        with pytest.raises(TimeoutError):
            dataclasses.replace(space.api, patience=1).get("/version")
    finally:
        broken.signal("apiserver", signal.SIGCONT)
    space.wait_phase("meanwhile", "Succeeded")


def test_a_cluster_that_ended_leaves_nothing(broken: clusters.Cluster) -> None:
    with clusters.started() as brief:
        state, network = brief.files.state, brief.files.network(0)
        with Api.read(brief.kubeconfig).namespace() as there:
            there.create("pods", cluster_api.pod("runs-on", BUSYBOX, "sleep", "600"))
            there.wait_phase("runs-on", "Running")
        assert network.path.exists()
    assert not state.exists()
    assert not network.path.exists()
    with open("/proc/self/mounts") as mounts:
        assert str(state) not in mounts.read()


def test_a_cluster_ends_with_the_tests_that_started_it() -> None:
    with _started_elsewhere() as (starter, cluster):
        network = cluster.files.network(0)
        assert network.path.exists()
        starter.kill()
        starter.wait()
        cluster_api.wait_until(lambda: not network.path.exists(), "the cluster of a killed process is gone")


def test_what_a_killed_keeper_left_is_taken_away_by_the_next_start() -> None:
    with _started_elsewhere() as (starter, cluster):
        with Api.read(cluster.kubeconfig).namespace() as there:
            there.create("pods", cluster_api.pod("runs-on", BUSYBOX, "sleep", "600"))
            there.wait_phase("runs-on", "Running")
            left = [psutil.Process(pid) for pid in cluster.pids().values()]
        keeper = psutil.Process(cluster.keeper)
        keeper.kill()
        cluster_api.wait_until(lambda: not _lives(keeper), "the keeper is gone")
        starter.kill()
        starter.wait()
        assert all(process.is_running() for process in left)
        with clusters.started():
            cluster_api.wait_until(lambda: not any(map(_lives, left)), "the old parts are gone")


@pytest.mark.long
def test_pods_of_a_node_that_is_cut_off_are_given_up(broken: clusters.Cluster, space: Namespace) -> None:
    second = broken.add_node()
    number = int(second.removeprefix("node-"))
    body = cluster_api.pod("lost", BUSYBOX, "sleep", "600", nodeName=second)
    # By default a pod stays for five minutes on a node that does not answer.
    body["spec"]["tolerations"] = [
        {"key": f"node.kubernetes.io/{what}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
        for what in ("unreachable", "not-ready")
    ]
    space.create("pods", body)
    space.wait_phase("lost", "Running")
    broken.cut_off(number)
    gone = space.wait_pod("lost", lambda pod: "deletionTimestamp" in pod["metadata"], "being deleted", seconds=180)
    assert [row["reason"] for row in gone["status"]["conditions"] if row["type"] == "DisruptionTarget"] == [
        "DeletionByTaintManager"
    ]
    broken.mend(number)
    cluster_api.wait_until(lambda: not space.pods(), "the pod is gone once its node is back", seconds=120)


_STARTS_ONE = """
import sys
from tests.support import cluster
with cluster.started() as one:
    print(one.files.number, flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def _started_elsewhere() -> Iterator[tuple[subprocess.Popen[str], clusters.Cluster]]:
    """A cluster started by another process, which is killed in the end at the latest."""
    program = [sys.executable, "-c", _STARTS_ONE]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        try:
            assert starter.stdout is not None
            yield starter, clusters.of_number(int(starter.stdout.readline()))
        finally:
            starter.kill()


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _answers(space: Namespace) -> bool:
    try:
        return space.api.raw("GET", "/readyz") == b"ok"
    except (cluster_api.ApiError, OSError):
        return False


def _started(pod: Json) -> str:
    return str(pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"])
