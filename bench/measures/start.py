"""Start of the program to healthy: it would accept a trigger and start its task. The home was used before."""

from __future__ import annotations

from bench import dagfiles, plan

TITLE = "Start to healthy"


def measure(ours: plan.Plan) -> list[plan.Series]:
    """Start and stop each system in turn, so many times; the first start of each, on an empty home, is kept apart."""
    labels = ours.only("airflow-default", "airflow-default-reduced", plan.OURS)
    homes = {}
    first: dict[str, float] = {}
    for label in labels:
        made = homes[label] = ours.make(label)
        for number in range(10):
            made.put(f"dag_{number}", dagfiles.chain(f"dag_{number}", made.folder / "ledger"))
        ours.say(f"first start of {label}")
        with made:
            first[label] = made.start()
            made.wait_listed({f"dag_{number}" for number in range(10)}, ours.sizes.seconds_per_wait)
    samples: dict[str, list[float]] = {label: [] for label in labels}
    for number in range(ours.sizes.samples):
        for label in labels:
            ours.say(f"start {number + 1} of {label}")
            with ours.remake(homes[label]) as again:
                samples[label].append(again.start())
    return [
        plan.Series(
            measure="start_seconds",
            unit="s",
            system=label,
            samples=tuple(samples[label]),
            detail={"first_start_on_an_empty_home": first[label]},
        )
        for label in labels
    ]
