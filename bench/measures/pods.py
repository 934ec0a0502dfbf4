"""Pods on a real cluster: a chain of 5, 50 and 200 at once; API requests and memory beside.

The floor is `bench.bare_client`, whose pods are what our operator makes of the same arguments. Each system's makespan
is from the trigger to the later of two moments: its run has ended, and all of its pods are asked to go. All systems but
the measured one are frozen. The pod: one container, 0.2 s of work, two lines of log, no result. 200 at once are for the
floor and us alone, with the same number alive at once.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bench import plan, pod_dagfiles, pod_place, system

BARE = "bare-client"
OURS = "tradewind-kubernetes"
AIRFLOW = ("airflow-kubernetes-default", "airflow-kubernetes-tuned")
_AT_ONCE = 32
"""Alive at once: `scheduler.parallelism` as it is without settings, and the same for the bare client."""
SHAPES = {"chain": (1, 5), "wide": (50, 1), "many": (200, 1)}


@dataclass(slots=True)
class _Taken:
    seconds: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    requests: dict[str, list[float]] = field(default_factory=dict)
    memory: dict[str, list[float]] = field(default_factory=dict)


def measure(ours: plan.Plan) -> list[plan.Series]:
    """Real pods, in turns; Airflow normal and deferrable, fewer samples, since one takes it minutes."""
    labels = [label for label in (*AIRFLOW, OURS) if _asked(ours, label)]
    taken = _Taken()
    with pod_place.opened(ours.folder) as place, pod_place.BareClient(place) as bare:
        twin = place.twin(place.arguments())
        for shape in SHAPES:
            bare.run(twin, 2, at_once=2)  # the image and the node are warm for everybody
            with _running(ours, place, labels if shape != "many" else [OURS]) as systems:
                for number in range(ours.sizes.samples):
                    _take_bare(ours, place, bare, twin, shape, taken)
                    _take(ours, place, systems, shape, number, taken)
        _count_requests(ours, place, labels, taken)
    return list(_series(taken))


def _asked(ours: plan.Plan, label: str) -> bool:
    """`--systems airflow-default` means its pods too."""
    return any(asked.partition("-")[0] == label.partition("-")[0] for asked in ours.systems)


@contextlib.contextmanager
def _running(ours: plan.Plan, place: pod_place.Place, labels: list[str]) -> Iterator[dict[str, system.System]]:
    files = {
        f"{shape}{way}": pod_dagfiles.pods(f"{shape}{way}", chains=chains, length=length, **place.arguments(), **more)
        for shape, (chains, length) in SHAPES.items()
        for way, more in (("", {}), ("_deferrable", {"deferrable": True}))
    }
    environment = {"KUBECONFIG": str(place.kubeconfig("direct"))}
    with ours.running(labels, dict.fromkeys(labels, files), environment=environment) as systems:
        yield systems


def _take_bare(
    ours: plan.Plan,
    place: pod_place.Place,
    bare: pod_place.BareClient,
    twin: dict[str, Any],
    shape: str,
    taken: _Taken,
) -> None:
    chains, length = SHAPES[shape]
    seconds = bare.run(twin, chains * length, at_once=_AT_ONCE, chain=shape == "chain")
    taken.seconds.setdefault((shape, BARE), []).append(seconds)
    ours.say(f"pods: {shape} {BARE} {seconds:.1f} s")
    place.wait_empty()


def _take(
    ours: plan.Plan,
    place: pod_place.Place,
    systems: dict[str, system.System],
    shape: str,
    number: int,
    taken: _Taken,
) -> None:
    for label, running in systems.items():
        ways = [""] if label == OURS else ["", "_deferrable"]
        if label != OURS and number >= (ours.sizes.slow_samples if shape == "chain" else 1):
            continue
        for way in ways:
            with plan.thawed(running):
                found = _run(place, running, f"{shape}{way}", f"{shape}{way}-{number}", ours.sizes.seconds_per_wait)
                taken.memory.setdefault(label + way.replace("_", "-"), []).append(running.memory()["total"] / 1e6)
            ours.say(f"pods: {shape} {label}{way} {found}")
            if found is not None:
                taken.seconds.setdefault((shape, label + way.replace("_", "-")), []).append(found)
            place.wait_empty()


def _run(place: pod_place.Place, running: system.System, dag_id: str, run_id: str, patience: float) -> float | None:
    """Seconds of one run; None where it did not succeed in time."""
    began = time.monotonic()
    running.trigger_all([(dag_id, run_id)])
    state = plan.wait_ended(running, dag_id, run_id, patience)
    if state.get("state") != "success":
        return None
    place.wait_leaving()
    return time.monotonic() - began


def _count_requests(ours: plan.Plan, place: pod_place.Place, labels: list[str], taken: _Taken) -> None:
    """Requests per pod, watches aside, counted by a proxy: those between trigger and the end of 20 pods at once."""
    pods = 20
    for label in labels:
        with pod_place.Proxy(place, label) as proxy:
            file = pod_dagfiles.pods("few", chains=pods, length=1, **place.arguments())
            environment = {"KUBECONFIG": str(proxy.kubeconfig)}
            with ours.running([label], {label: {"few": file}}, environment=environment) as systems:
                for number in range(min(3, ours.sizes.samples)):
                    before = len(proxy.lines())
                    with plan.thawed(systems[label]):
                        if _run(place, systems[label], "few", f"few-{number}", ours.sizes.seconds_per_wait) is None:
                            continue
                    told = [line for line in proxy.lines()[before:] if "request" in line]
                    asked = [line for line in told if "watch=" not in line["path"] and "/pods" in line["path"]]
                    taken.requests.setdefault(label, []).append(len(asked) / pods)
                    ours.say(f"pods: {label} {len(asked) / pods:.1f} requests a pod")
                    place.wait_empty()


def _series(taken: _Taken) -> Iterator[plan.Series]:
    for (shape, label), samples in sorted(taken.seconds.items()):
        chains, length = SHAPES[shape]
        yield plan.Series(
            measure=f"pods_{shape}_seconds",
            unit="s",
            system=label,
            samples=tuple(samples),
            detail={"pods": chains * length, "at_once": _AT_ONCE},
        )
    for label, samples in sorted(taken.requests.items()):
        yield plan.Series(measure="pods_requests", unit="requests", system=label, samples=tuple(samples))
    for label, samples in sorted(taken.memory.items()):
        yield plan.Series(measure="pods_memory_mb", unit="MB", system=label, samples=tuple(samples))
