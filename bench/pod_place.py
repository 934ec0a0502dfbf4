"""A cluster for a measure, a namespace in it, and the processes beside it: the proxy that counts, the bare client."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench import pod_dagfiles, system
from tests.support import cluster as clusters
from tests.support import cluster_api

SCRIPT = "echo; sleep 0.2; echo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the pods of one measure go."""

    folder: Path
    cluster: clusters.Cluster
    namespace: cluster_api.Namespace
    image: str

    def kubeconfig(self, name: str, port: int | None = None) -> Path:
        """A kubeconfig for this namespace: of the API server itself, or of a proxy on this port of ours."""
        told = yaml.safe_load(self.cluster.kubeconfig.read_text())
        told["contexts"][0]["context"]["namespace"] = self.namespace.name
        if port is not None:
            told["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{port}"}
        path = self.folder / f"{name}.kubeconfig"
        path.write_text(yaml.safe_dump(told))
        return path

    def twin(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The pod that our operator makes of these, for the bare client: the same but for its name.

        The keys that make it ours are as long and say something else, so that no watch of ours sees it.
        """
        file = self.folder / "twin.py"
        file.write_text(pod_dagfiles.pods("twin", chains=1, length=1, **arguments))
        command = [str(Path(sys.executable).with_name("tradewind")), "render", str(file), "c0t0"]
        told = subprocess.run(
            command, env=system.clean_environment(), cwd=self.folder, capture_output=True, text=True, check=True
        )
        pod: dict[str, Any] = yaml.safe_load(told.stdout.replace("tradewind/", "bare-twin/"))
        return pod

    def arguments(self) -> dict[str, Any]:
        """The pod that all systems run, as arguments of the pod operator."""
        command = {"cmds": ["sh", "-c"], "arguments": [SCRIPT]}
        return {"namespace": self.namespace.name, "image": self.image, "image_pull_policy": "IfNotPresent", **command}

    def clear(self) -> None:
        """Delete all pods; one request deletes them one after the other, which takes thousands of them long."""
        patient = dataclasses.replace(self.namespace.api, patience=600)
        patient.delete(self.namespace.path("pods"), gracePeriodSeconds="0")
        self.wait_empty()

    def wait_leaving(self) -> None:
        """Until all pods are gone or asked to go, which is where the bare client's clock stops too."""
        cluster_api.wait_until(
            lambda: all("deletionTimestamp" in pod["metadata"] for pod in self.namespace.pods()),
            "all pods go",
            seconds=120,
        )

    def wait_empty(self) -> None:
        """Until no pod is left, so that the next sample begins like this one."""
        cluster_api.wait_until(lambda: not self.namespace.pods(), "all pods are gone", seconds=300)


@contextlib.contextmanager
def opened(folder: Path, *, fake: bool = False) -> Iterator[Place]:
    """Start a cluster of its own. `fake`: pods are played by kwok on one node that has room for all."""
    with clusters.started() as cluster:
        api = cluster_api.Api.read(cluster.kubeconfig)
        with api.namespace() as namespace:
            if fake:
                cluster.ensure("kwok")
                api.post("/api/v1/nodes", cluster_api.fake_node("fake"))
            image = "none" if fake else cluster.load("busybox")
            yield Place(folder=folder, cluster=cluster, namespace=namespace, image=image)


class Proxy:
    """A running `bench.pod_proxy`; what it wrote."""

    def __init__(self, place: Place, name: str) -> None:
        self.log = place.folder / f"{name}.proxy.jsonl"
        command = [sys.executable, "-m", "bench.pod_proxy", str(place.cluster.kubeconfig), str(self.log)]
        self._process = subprocess.Popen(
            command, cwd=system.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())
        self.kubeconfig = place.kubeconfig(name, self.port)

    def lines(self) -> list[dict[str, Any]]:
        """All that passed, in order."""
        with self.log.open() as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)


class BareClient:
    """A running `bench.bare_client`."""

    def __init__(self, place: Place) -> None:
        command = [sys.executable, "-m", "bench.bare_client", str(place.cluster.kubeconfig), place.namespace.name]
        self._process = subprocess.Popen(
            command, cwd=system.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        self._process.stdout.readline()

    def run(self, pod: dict[str, Any], pods: int, *, at_once: int = 1, chain: bool = False, logs: bool = True) -> float:
        """Seconds for so many pods."""
        assert self._process.stdin
        assert self._process.stdout
        request = {"pod": pod, "pods": pods, "at_once": at_once, "chain": chain, "logs": logs}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer = json.loads(line or '{"error": "it ended"}')
        if "error" in answer:
            raise system.NotHealthyError(f"the bare client: {answer['error']}")
        return float(answer["seconds"])

    def __enter__(self) -> BareClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
