"""A new DAG file put into the folder: how long until the DAG is listed."""

from __future__ import annotations

import time

from bench import dagfiles, plan

TITLE = "New file listed"


def measure(ours: plan.Plan) -> list[plan.Series]:
    """The systems take turns, the others frozen. Airflow's defaults take minutes and so get fewer samples."""
    labels = ours.only("airflow-default", "airflow-tuned", plan.OURS)
    files = {label: {"first": dagfiles.chain("first", ours.folder / "listed.ledger", 2)} for label in labels}
    samples: dict[str, list[float]] = {label: [] for label in labels}
    missed: dict[str, int] = dict.fromkeys(labels, 0)
    with ours.running(labels, files) as systems:
        for number in range(ours.sizes.samples):
            for label in labels:
                if label == "airflow-default" and number >= ours.sizes.slow_samples:
                    continue
                name = f"new_{number}"
                text = dagfiles.chain(name, ours.folder / "listed.ledger", 2)
                with plan.thawed(systems[label]):
                    # Another phase of Airflow's intervals each time, and not the moment of the thaw.
                    time.sleep(0.37 * (number + 1))
                    began = time.monotonic()
                    systems[label].put(name, text)
                    if systems[label].wait_listed({name}, ours.sizes.seconds_per_wait):
                        samples[label].append(time.monotonic() - began)
                        ours.say(f"listed: {label} after {samples[label][-1]:.2f} s")
                    else:
                        missed[label] += 1
                        ours.say(f"listed: {label} not within {ours.sizes.seconds_per_wait:.0f} s")
    return [
        plan.Series(
            measure="new_file_listed_seconds",
            unit="s",
            system=label,
            samples=tuple(samples[label]),
            note=f"{missed[label]} more not within {ours.sizes.seconds_per_wait:.0f} s" if missed[label] else "",
        )
        for label in labels
    ]
