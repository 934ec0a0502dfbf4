"""The cluster that these tests use, and a namespace of it for each test.

It is a cluster of ours, started once for a test process, or the one that TRADEWIND_TEST_KUBECONFIG names (`make
test-cluster` sets it from KUBECONFIG). Tests that need to reach into the machine of the cluster are marked
`own_cluster` and are left out with a foreign one.
"""

from __future__ import annotations

import os
import pathlib
import shutil
from collections.abc import Iterator

import pytest

from tests.support import cluster as clusters
from tests.support import cluster_api, cluster_images, machine
from tests.support import server as servers
from tests.support.cluster_runs import Place, kubeconfig_of

_started = pytest.StashKey[str]()
_LOGS = pathlib.Path(__file__).resolve().parents[2] / ".reports" / "cluster-logs"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how long the cluster took to start."""
    if (told := config.stash.get(_started, None)) is not None:
        terminalreporter.write_line(f"the cluster started: {told}")


@pytest.fixture(scope="session")
def own_cluster(request: pytest.FixtureRequest) -> Iterator[clusters.Cluster]:
    """A cluster of ours, shared: don't break it. To break one, start it with `clusters.started()`."""
    kept = clusters.find_kept()
    if kept is not None and machine.named_kubeconfig() == str(kept.kubeconfig):
        yield kept
        return
    with clusters.started() as cluster:
        request.config.stash[_started] = cluster.told_steps()
        yield cluster
        died = cluster.died()
        if request.session.testsfailed or died:
            shutil.copytree(cluster.files.state / "logs", _LOGS, dirs_exist_ok=True)
        assert not died, f"parts of the cluster ended by themselves, see {_LOGS}"


@pytest.fixture(scope="session")
def kubeconfig(request: pytest.FixtureRequest) -> pathlib.Path:
    """The administrator's, of the cluster under test."""
    named = machine.named_kubeconfig()
    if named is not None:
        return pathlib.Path(named)
    cluster: clusters.Cluster = request.getfixturevalue("own_cluster")
    return cluster.kubeconfig


@pytest.fixture(scope="session")
def api(kubeconfig: pathlib.Path) -> cluster_api.Api:
    """The API as the administrator has it."""
    return cluster_api.Api.read(kubeconfig)


@pytest.fixture
def namespace(api: cluster_api.Api) -> Iterator[cluster_api.Namespace]:
    """An empty namespace of this test's own."""
    with api.namespace() as made:
        yield made


@pytest.fixture(scope="session")
def busybox(kubeconfig: pathlib.Path) -> str:
    """An image with `sh` and the usual commands."""
    return os.environ.get("TRADEWIND_TEST_BUSYBOX") or _image("busybox", "busybox:1.37")


@pytest.fixture(scope="session")
def python_image(request: pytest.FixtureRequest, kubeconfig: pathlib.Path) -> str:
    """An image with `python3`."""
    if machine.why_no_own_cluster() is None:
        cluster: clusters.Cluster = request.getfixturevalue("own_cluster")
        return cluster.load("python")
    return os.environ.get("TRADEWIND_TEST_PYTHON") or "python:3.13-slim"


@pytest.fixture
def place(tmp_path: pathlib.Path, kubeconfig: pathlib.Path, namespace: cluster_api.Namespace, busybox: str) -> Place:
    """A home whose pods go to the test's namespace."""
    return Place(tmp_path, kubeconfig, namespace, busybox)


@pytest.fixture
def least(place: Place, kubeconfig: pathlib.Path, tmp_path: pathlib.Path) -> Place:
    """The same, with the least rights."""
    token = place.namespace.account("us")
    place.use(kubeconfig_of(token, kubeconfig, tmp_path / "least.yaml"))
    return place


@pytest.fixture
def server(place: Place) -> Iterator[servers.Server]:
    """A server of that home, which the test starts."""
    made = servers.Server(place.home, place.dags, *place.options)
    yield made
    made.stop()


def _image(name: str, public: str) -> str:
    return cluster_images.reference(name) if machine.why_no_own_cluster() is None else public
