"""A chain of 10 Python tasks: from one function's return to the next one's entry, by the bodies' own stamps."""

from __future__ import annotations

import itertools
import statistics

from bench import dagfiles, ledger, plan

TITLE = "Chain of 10"
LENGTH = 10


def measure(ours: plan.Plan) -> list[plan.Series]:
    """Each sample is the median of a run's nine gaps; the systems take turns, the others frozen."""
    labels = ours.only("airflow-default", "airflow-tuned", "airflow-tuned-reduced", plan.OURS)
    book = ours.folder / "chain.ledger"
    files = {label: {"chain": dagfiles.chain("chain", book, LENGTH)} for label in labels}
    gaps: dict[str, list[float]] = {label: [] for label in labels}
    every: dict[str, list[list[float]]] = {label: [] for label in labels}
    with ours.running(labels, files) as systems:
        # The first run of each warms what is made once; it does not count.
        for number in range(ours.sizes.samples + 1):
            for label in labels:
                run_id = f"{label}-{number}"
                with plan.thawed(systems[label]):
                    systems[label].trigger_all([("chain", run_id)])
                    entries = ledger.wait(book, {run_id}, LENGTH, ours.sizes.seconds_per_wait)
                found = [
                    (after.entered - before.left) / 1e6 for before, after in itertools.pairwise(entries) if before.left
                ]
                ours.say(f"chain: {label} {[round(gap, 1) for gap in found]} ms")
                if number and len(found) == LENGTH - 1:
                    gaps[label].append(statistics.median(found))
                    every[label].append(found)
    return [
        plan.Series(
            measure="chain_gap_ms", unit="ms", system=label, samples=tuple(gaps[label]), detail={"gaps": every[label]}
        )
        for label in labels
    ]
