"""From one pod's end to the next one's create, as a proxy before the API server sees it.

The first stamp: the bytes of the watch event that says the upstream's container has ended; the second: the request that
creates the downstream's pod. kwok plays 100 pods that run all the time, in 100 chains,
for 5 to 10 s each, so that ends are spread: about 13 a second.
"""

from __future__ import annotations

import json
from typing import Any

from bench import plan, pod_dagfiles, pod_place
from bench.measures import pods_fake

OURS = "tradewind-kubernetes-fake"
_CHAINS, _LENGTH = 100, 6


def measure(ours: plan.Plan) -> list[plan.Series]:
    """Each sample is one gap."""
    gaps: list[float] = []
    with pod_place.opened(ours.folder, fake=True) as place, pod_place.Proxy(place, "gap") as proxy:
        file = pod_dagfiles.pods("chains", chains=_CHAINS, length=_LENGTH, spread_ms=50, **pods_fake.arguments(place))
        environment = {"KUBECONFIG": str(proxy.kubeconfig)}
        with ours.running([OURS], {OURS: {"chains": file}}, environment=environment) as systems:
            for number in range(2 if ours.sizes.samples > 1 else 1):
                with plan.thawed(systems[OURS]):
                    systems[OURS].trigger_all([("chains", f"gap-{number}")])
                    state = plan.wait_ended(systems[OURS], "chains", f"gap-{number}", ours.sizes.seconds_per_wait)
                ours.say(f"gap: {state}")
                place.wait_empty()
        gaps = sorted(between(proxy.lines()))
    if not gaps:
        return []
    p50, p99 = gaps[len(gaps) // 2], gaps[int(len(gaps) * 0.99)]
    ours.say(f"gap: {len(gaps)} gaps, p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {gaps[-1]:.1f} ms")
    detail = {"p50": p50, "p99": p99, "longest": gaps[-1]}
    note = f"p99 {p99:.1f} ms, longest {gaps[-1]:.1f} ms"
    return [plan.Series(measure="pod_gap_ms", unit="ms", system=OURS, samples=tuple(gaps), note=note, detail=detail)]


def between(lines: list[dict[str, Any]]) -> list[float]:
    """The gaps in milliseconds: of each chain, ends and creates alternate."""
    ended: dict[str, int] = {}
    gaps: list[float] = []
    for line in lines:
        if "ended" in line:
            chain, number = place_of(line["ended"])
            if number < _LENGTH - 1:
                ended.setdefault(f"{chain}-{number}-{run_of(line)}", line["at"])
        elif line["request"] == "POST" and "pod" in line:
            chain, number = place_of(line["pod"])
            if number and (at := ended.pop(f"{chain}-{number - 1}-{run_of(line)}", None)) is not None:
                gaps.append((line["at"] - at) / 1e6)
    return gaps


def place_of(pod: str) -> tuple[str, int]:
    """Chain and number of `c7t2-…`."""
    chain, _, number = pod.partition("-")[0].partition("t")
    return chain, int(number)


def run_of(line: dict[str, Any]) -> str:
    """Which run the pod belongs to."""
    found: str = json.dumps({name: value for name, value in line["annotations"].items() if "run" in name})
    return found
