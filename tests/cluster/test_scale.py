"""Thousands of fake pods: that the test cluster carries what later tests want to measure on it."""

from __future__ import annotations

import concurrent.futures
import time
from collections import Counter

import pytest

from tests.support import cluster as clusters
from tests.support import cluster_api
from tests.support.cluster_api import Namespace

pytestmark = [pytest.mark.cluster, pytest.mark.own_cluster, pytest.mark.long]

PODS = 2000


def test_thousands_of_fake_pods_run_to_their_ends(namespace: Namespace, own_cluster: clusters.Cluster) -> None:
    own_cluster.ensure("kwok")
    node = f"fake-{namespace.name}"
    namespace.api.post("/api/v1/nodes", cluster_api.fake_node(node))

    def create(number: int) -> None:
        body = cluster_api.pod(f"fake-{number}", "none", "none", **cluster_api.on_fake_node(node))
        body["metadata"]["annotations"] = {"tradewind.test/runs-for": "100ms"}
        namespace.create("pods", body)

    began = time.monotonic()
    try:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(create, range(PODS)))
        cluster_api.wait_until(lambda: _phases(namespace) == {"Succeeded": PODS}, f"{PODS} pods Succeeded", seconds=600)
        seconds = time.monotonic() - began
        print(f"{PODS} fake pods: {seconds:.1f} s, {PODS / seconds:.0f} pods/s")
    finally:
        namespace.api.delete(f"/api/v1/nodes/{node}")


def _phases(namespace: Namespace) -> Counter[str]:
    return Counter(pod["status"]["phase"] for pod in namespace.pods())
