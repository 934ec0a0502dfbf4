"""What a pod of the API costs to read: ours beside the official client's models, µs each, and a list's longest turn.

`python bench/pod_decode.py [--pods 5000]`. The pod is one of ours after its start: two containers, a projected token,
five conditions, `managedFields` of three managers; about 8 KB, as a cluster sends it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import time
from collections.abc import Callable
from typing import Any

from tradewind.runtime.kubernetes import decode

CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
SECRETS = "/var/run/secrets"
RUN_ID = "scheduled__2026-01-01T00:00:00+00:00"


def condition(kind: str) -> dict[str, Any]:
    """A condition that is true."""
    at = "2026-01-01T10:00:03Z"
    return {"type": kind, "status": "True", "observedGeneration": 1, "lastProbeTime": None, "lastTransitionTime": at}


def container(name: str) -> dict[str, Any]:
    """A container as the API completes it."""
    return {
        "name": name,
        "image": "registry.example.com/team/transform:1.27.3",
        "command": ["python", "-m", "transform", "--day", "2026-01-01"],
        "env": [{"name": f"SETTING_{n}", "value": f"value of setting number {n}"} for n in range(12)],
        "resources": {"limits": {"cpu": "2", "memory": "4Gi"}, "requests": {"cpu": "500m", "memory": "1Gi"}},
        "volumeMounts": [
            {"name": "xcom", "mountPath": "/airflow/xcom"},
            {
                "name": "kube-api-access-x7k2p",
                "readOnly": True,
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
            },
        ],
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {"runAsNonRoot": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }


def status(name: str) -> dict[str, Any]:
    """A container's status while it runs."""
    digest = "sha256:" + "0123456789abcdef" * 4
    return {
        "name": name,
        "state": {"running": {"startedAt": "2026-01-01T10:00:03Z"}},
        "lastState": {},
        "ready": True,
        "restartCount": 0,
        "image": "registry.example.com/team/transform:1.27.3",
        "imageID": f"registry.example.com/team/transform@{digest}",
        "containerID": f"containerd://{digest[7:]}",
        "started": True,
        "volumeMounts": [{"name": "xcom", "mountPath": "/airflow/xcom"}],
    }


def managed(manager: str, *fields: str) -> dict[str, Any]:
    """What server-side apply notes of a manager."""
    entry: dict[str, Any] = {".": {}, "f:name": {}, "f:value": {}}
    tree = {f"f:{field}": {f'k:{{"name":"{number}"}}': entry for number in range(8)} for field in fields}
    told = {"apiVersion": "v1", "time": "2026-01-01T10:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": tree}
    return {"manager": manager, "operation": "Update", **told}


def pod(number: int) -> dict[str, Any]:
    """One of ours."""
    ids = {"attempt-id": f"a{number:019d}", "dag-id": "daily", "run-id": RUN_ID, "task-id": "transform"}
    managers = [managed("tradewind", "metadata", "spec"), managed("kubelet", "status"), managed("webhook", "spec")]
    toleration = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}
    token = {"name": "kube-api-access-x7k2p", "projected": {"defaultMode": 420}}
    return {
        "metadata": {
            "name": f"daily-transform-{number:08x}",
            "namespace": "team-a",
            "uid": f"6f8f3c1e-0000-4000-8000-{number:012x}",
            "resourceVersion": str(1_000_000 + number),
            "generation": 1,
            "creationTimestamp": "2026-01-01T10:00:00Z",
            "labels": {"dag_id": "daily", "task_id": "transform", "app.kubernetes.io/managed-by": "tradewind"},
            "annotations": {f"tradewind/{key}": value for key, value in ids.items()} | {"tradewind/try-number": "1"},
            "managedFields": managers,
        },
        "spec": {
            "containers": [container("base"), container("proxy")],
            "nodeName": "node-17",
            "restartPolicy": "Never",
            "serviceAccountName": "default",
            "tolerations": [{**toleration, "tolerationSeconds": 300}],
            "volumes": [{"name": "xcom", "emptyDir": {}}, token],
        },
        "status": {
            "phase": "Running",
            "conditions": [condition(kind) for kind in CONDITIONS],
            "hostIP": "10.0.0.17",
            "podIP": "10.244.3.18",
            "startTime": "2026-01-01T10:00:00Z",
            "containerStatuses": [status("base"), status("proxy")],
            "qosClass": "Burstable",
        },
    }


def cost(act: Callable[[], object], times: int) -> float:
    """µs per call, of the least disturbed of twenty rounds."""
    rounds = []
    for _ in range(20):
        gc.collect()
        began = time.perf_counter()
        for _ in range(times):
            act()
        rounds.append((time.perf_counter() - began) / times * 1e6)
    return min(rounds)


async def longest_turn(act: Callable[[], Any]) -> tuple[float, float]:
    """Seconds that `act` took, and the longest time in which nothing else could run."""
    longest, running = 0.0, True

    async def beat() -> None:
        nonlocal longest
        while running:
            began = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - began)

    async with asyncio.TaskGroup() as group:
        group.create_task(beat())
        await asyncio.sleep(0)
        began = time.perf_counter()
        await act()
        took = time.perf_counter() - began
        running = False
    return took, longest


def official() -> Callable[[bytes], object]:
    """The official client's way from bytes to V1Pod, as its `Watch` and its lists go it."""
    from kubernetes.client import ApiClient

    client = ApiClient()

    def read(body: bytes) -> object:
        return client.deserialize(body.decode(), "V1Pod", "application/json")

    return read


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--pods", type=int, default=5000)
    count = parser.parse_args().pods
    one = json.dumps(pod(1), separators=(",", ":")).encode()
    line = b'{"type":"MODIFIED","object":' + one + b"}"
    theirs = official()
    ours_us, theirs_us = cost(lambda: decode.event(line), 300), cost(lambda: theirs(one), 20)
    print(f"one event of {len(line):,} bytes: ours {ours_us:.1f} µs, the official models {theirs_us:.0f} µs")
    body = json.dumps(
        {"kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": [pod(n) for n in range(count)]},
        separators=(",", ":"),
    ).encode()
    took, longest = asyncio.run(longest_turn(lambda: decode.page(body)))
    print(f"a list of {count:,} pods in one answer of {len(body) / 1e6:.1f} MB: {took * 1e3:.0f} ms,", end=" ")
    print(f"longest turn of the loop {longest * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
