"""Pods without a kubelet: how fast the control plane itself launches and finishes them, beside a bare client.

kwok plays a node that runs each pod for 100 ms; logs are off. Both make the same pods, as many alive at once, and the
scheduler's and the controllers' own rate limits are raised, so the API server is what both share.
"""

from __future__ import annotations

import time
from typing import Any

from bench import plan, pod_dagfiles, pod_place
from tests.support import cluster_api

BARE, OURS = "bare-client", "tradewind-kubernetes-fake"
_AT_ONCE = 200


def measure(ours: plan.Plan) -> list[plan.Series]:
    """Interleaved pairs; pods a second from the trigger to the run's end and the last pod's being asked to go."""
    rates: dict[str, list[float]] = {BARE: [], OURS: []}
    costs: list[float] = []
    pods = 1000 if ours.sizes.samples > 1 else 100
    with pod_place.opened(ours.folder, fake=True) as place, pod_place.BareClient(place) as bare:
        twin = place.twin(arguments(place))
        file = pod_dagfiles.pods("fake", chains=pods, length=1, at_once=_AT_ONCE, **arguments(place))
        environment = {"KUBECONFIG": str(place.kubeconfig("direct"))}
        with ours.running([OURS], {OURS: {"fake": file}}, environment=environment) as systems:
            running = systems[OURS]
            for number in range(ours.sizes.samples + 1):
                seconds = bare.run(twin, pods, at_once=_AT_ONCE, logs=False)
                place.wait_empty()
                with plan.thawed(running):
                    before, began = running.cpu_seconds(), time.monotonic()
                    running.trigger_all([("fake", f"fake-{number}")])
                    state = plan.wait_ended(running, "fake", f"fake-{number}", ours.sizes.seconds_per_wait)
                    place.wait_leaving()
                    mine, cost = time.monotonic() - began, 1000 * (running.cpu_seconds() - before) / pods
                place.wait_empty()
                ours.say(
                    f"fake pods: bare {pods / seconds:.0f}/s, ours {pods / mine:.0f}/s ({cost:.1f} ms CPU) {state}"
                )
                if number and state.get("state") == "success":  # the first warms the API server
                    rates[BARE].append(pods / seconds)
                    rates[OURS].append(pods / mine)
                    costs.append(cost)
    detail = {"pods": pods, "at_once": _AT_ONCE, "cpu_ms_per_pod": costs}
    return [
        plan.Series(
            measure="pods_fake_per_second",
            unit="pods/s",
            system=label,
            samples=tuple(samples),
            higher_is_better=True,
            detail=detail if label == OURS else {},
        )
        for label, samples in rates.items()
    ]


def arguments(place: pod_place.Place, *, runs_for: str = "100ms") -> dict[str, Any]:
    """Of the pod operator, for a pod that kwok plays."""
    where = cluster_api.on_fake_node("fake")
    return {
        "namespace": place.namespace.name,
        "image": place.image,
        "get_logs": False,
        "annotations": {"tradewind.test/runs-for": runs_for},
        "node_selector": where["nodeSelector"],
        "tolerations": where["tolerations"],
    }
