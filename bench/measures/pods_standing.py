"""Thousands of pods that run: the control plane's memory, its CPU at rest, and what a full list costs.

kwok plays the node. "At rest": nothing begins or ends; the status of 1 % of the pods changes each minute, as probes and
conditions of real ones do. Logs are off. Each number of pods has a home of its own; what a pod costs is told against
the least number.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from typing import Any

from bench import plan, pod_dagfiles, pod_place, system
from bench.measures import pods_fake

OURS = "tradewind-kubernetes-fake"
_SETTLE_SECONDS = 15.0


def measure(ours: plan.Plan) -> list[plan.Series]:
    """One sample for each number of pods, so that growth shows."""
    found: list[plan.Series] = []
    least: tuple[int, float] | None = None
    quick = ours.sizes.samples == 1
    with pod_place.opened(ours.folder, fake=True) as place:
        for pods in (20, 100) if quick else (100, 1_000, 10_000):
            series, memory = _standing(ours, place, pods, seconds=5.0 if quick else 60.0)
            found += series
            if least is None:
                least = pods, memory
            else:
                each = (memory - least[1]) / 1000 / (pods - least[0])
                found.append(_series("standing_kb_per_pod", "kB a pod", pods, each, {"against_pods": least[0]}))
    return found


def _series(name: str, unit: str, pods: int, value: float, detail: dict[str, Any]) -> plan.Series:
    label = f"tradewind, {pods:,} pods"
    return plan.Series(measure=name, unit=unit, system=label, samples=(value,), detail={"pods": pods, **detail})


def _standing(ours: plan.Plan, place: pod_place.Place, pods: int, seconds: float) -> tuple[list[plan.Series], float]:
    """What was measured; the memory in bytes."""
    file = pod_dagfiles.pods("standing", chains=pods, length=1, **pods_fake.arguments(place, runs_for="10h"))
    environment = {"KUBECONFIG": str(place.kubeconfig("direct"))}
    with ours.running([OURS], {OURS: {"standing": file}}, environment=environment) as systems:
        running = systems[OURS]
        running.thaw()
        began = time.monotonic()
        cpu = running.cpu_seconds()
        running.trigger_all([("standing", "standing")])
        _wait_running(running, pods, ours.sizes.seconds_per_wait * 2)
        launched, launch_cpu = time.monotonic() - began, running.cpu_seconds() - cpu
        time.sleep(_SETTLE_SECONDS)
        cpu, began = running.cpu_seconds(), time.monotonic()
        with _Changing(place, pods):
            time.sleep(seconds)
        at_rest = 100 * (running.cpu_seconds() - cpu) / (time.monotonic() - began)
        memory = running.memory()["total"]
        relists = [_relist(place) for _ in range(3)]
    place.clear()
    middle = sorted(relists, key=lambda one: one["seconds"])[1]
    stall = max(one["longest_stall_ms"] for one in relists)
    ours.say(
        f"{pods} standing pods: {memory / 1e6:.0f} MB, {at_rest:.2f} % of a core, launched in {launched:.1f} s "
        f"({1000 * launch_cpu / pods:.1f} ms CPU each), list {middle['seconds']:.2f} s, stall {stall:.0f} ms"
    )
    detail = {"launched_seconds": launched, "relists": relists}
    values = {
        "standing_memory_mb": ("MB", memory / 1e6),
        "standing_cpu_percent": ("% of a core", at_rest),
        "standing_launch_cpu_ms": ("ms a pod", 1000 * launch_cpu / pods),
        "standing_list_seconds": ("s", middle["seconds"]),
        "standing_stall_ms": ("ms", stall),
    }
    return [_series(name, unit, pods, value, detail) for name, (unit, value) in values.items()], memory


def _wait_running(running: system.System, pods: int, patience: float) -> None:
    deadline = time.monotonic() + patience
    while (state := running.run_state("standing", "standing")).get("running") != pods:
        if time.monotonic() > deadline:
            raise system.NotHealthyError(f"{pods} pods do not run: {state}\n{running.tail()}")
        time.sleep(0.2)


def _relist(place: pod_place.Place) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.pod_relist", str(place.kubeconfig("direct")), place.namespace.name]
    done = subprocess.run(command, cwd=system.ROOT, capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


class _Changing:
    """Changes a condition of 1 % of the pods a minute while the block runs."""

    def __init__(self, place: pod_place.Place, pods: int) -> None:
        self._place = place
        self._pause = 60 / max(1, pods // 100)
        self._names = [pod["metadata"]["name"] for pod in place.namespace.pods()]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> _Changing:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._ended.wait(self._pause):
            name = self._names[number % len(self._names)]
            number += 1
            path = self._place.namespace.path("pods", name) + "/status"
            self._place.namespace.api.patch(path, {"status": {"message": f"change {number}"}})
