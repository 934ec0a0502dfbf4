"""Subclasses of the pod operator that wait for their pods: memory of each worker, the control plane's, CPU at rest.

kwok plays the node. Each task is an operator with an `execute` of its own, as teams write them, so each has a worker:
a fork that waits in `super().execute(context)` while its pod runs.
"""

from __future__ import annotations

import time
from pprint import pformat
from typing import Any

from bench import plan, pod_place, system
from bench.measures import pods_fake

OURS = "tradewind-kubernetes-fake"
_SETTLE_SECONDS = 10.0
_FILE = """\
from datetime import datetime

from airflow import DAG
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

ARGUMENTS = {arguments}


class Ours(KubernetesPodOperator):
    def execute(self, context):
        self.env_vars = {{"NUMBER": str(context["ti"].map_index)}}
        result = super().execute(context)
        self.log.info("it gave %s", result)
        return result


with DAG("waiting", schedule=None, start_date=datetime(2026, 1, 1), catchup=False, max_active_tasks={pods}):
    Ours.partial(task_id="waits", startup_timeout_seconds=3600, **ARGUMENTS).expand(arguments=[["x"]] * {pods})
"""


def measure(ours: plan.Plan) -> list[plan.Series]:
    """One sample for each number of tasks, so that growth shows."""
    quick = ours.sizes.samples == 1
    found: list[plan.Series] = []
    with pod_place.opened(ours.folder, fake=True) as place:
        for pods in (20,) if quick else (100, 1_000):
            found += _waiting(ours, place, pods, seconds=5.0 if quick else 60.0)
    return found


def _waiting(ours: plan.Plan, place: pod_place.Place, pods: int, seconds: float) -> list[plan.Series]:
    file = _FILE.format(arguments=pformat(pods_fake.arguments(place, runs_for="10h")), pods=pods)
    environment = {"KUBECONFIG": str(place.kubeconfig("direct"))}
    with ours.running([OURS], {OURS: {"waiting": file}}, environment=environment) as systems:
        running = systems[OURS]
        running.thaw()
        before, began = running.memory(), time.monotonic()
        cpu = running.cpu_seconds()
        running.trigger_all([("waiting", "waiting")])
        _wait_pods(running, place, pods, ours.sizes.seconds_per_wait * 2)
        launched, launch_cpu = time.monotonic() - began, running.cpu_seconds() - cpu
        time.sleep(_SETTLE_SECONDS)
        cpu, began = running.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        at_rest = 100 * (running.cpu_seconds() - cpu) / (time.monotonic() - began)
        after = running.memory()
    place.clear()
    server = _of(after, podlet=False)
    each = (_of(after, podlet=True) - _of(before, podlet=True)) / pods
    ours.say(
        f"{pods} waiting workers: {each / 1e3:.0f} kB each, control plane {server / 1e6:.0f} MB, {at_rest:.2f} % of a "
        f"core at rest, begun in {launched:.1f} s ({1000 * launch_cpu / pods:.1f} ms CPU each)"
    )
    label = f"tradewind, {pods:,} workers"
    detail = {"pods": pods, "processes": len(after["processes"]), "launched_seconds": launched}
    values = {
        "waiting_kb_per_worker": ("kB a worker", each / 1e3),
        "waiting_server_mb": ("MB", server / 1e6),
        "waiting_cpu_percent": ("% of a core", at_rest),
        "waiting_begin_cpu_ms": ("ms a task", 1000 * launch_cpu / pods),
    }
    return [
        plan.Series(measure=name, unit=unit, system=label, samples=(value,), detail=detail)
        for name, (unit, value) in values.items()
    ]


def _of(memory: dict[str, Any], *, podlet: bool) -> int:
    """Bytes of the podlet and all that it forked, or of everything else."""
    return sum(one["pss"] for one in memory["processes"] if ("tradewind.podlet" in one["command"]) is podlet)


def _wait_pods(running: system.System, place: pod_place.Place, pods: int, patience: float) -> None:
    deadline = time.monotonic() + patience
    while (found := len([pod for pod in place.namespace.pods() if pod["status"].get("phase") == "Running"])) < pods:
        if time.monotonic() > deadline:
            raise system.NotHealthyError(f"{found} of {pods} pods run\n{running.tail()}")
        time.sleep(1.0)
