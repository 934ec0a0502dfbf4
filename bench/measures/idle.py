"""What each costs while nothing happens: memory (PSS of all its processes) with 10 DAGs loaded, and CPU."""

from __future__ import annotations

import time

from bench import dagfiles, plan

TITLE = "Idle, 10 DAGs loaded"
SNAPSHOTS = 7


def measure(ours: plan.Plan) -> list[plan.Series]:
    """One system at a time: settle, then look at memory and CPU over the same stretches of time."""
    labels = ours.only(
        "airflow-default", "airflow-default-reduced", "airflow-tuned", "airflow-tuned-reduced", plan.OURS
    )
    found = []
    for label in labels:
        with ours.make(label) as made:
            names = {f"dag_{number}" for number in range(10)}
            for name in names:
                made.put(name, dagfiles.chain(name, made.folder / "ledger"))
            ours.say(f"idle: {label}")
            made.start()
            made.wait_listed(names, ours.sizes.seconds_per_wait)
            time.sleep(ours.sizes.settle_seconds)
            memory, cpu, last = [], [], {}
            for _ in range(SNAPSHOTS if ours.sizes.samples > 1 else 1):
                before, began = made.cpu_seconds(), time.monotonic()
                time.sleep(ours.sizes.idle_seconds / SNAPSHOTS)
                cpu.append(100 * (made.cpu_seconds() - before) / (time.monotonic() - began))
                last = made.memory()
                memory.append(last["total"] / 1e6)
        found.append(plan.Series(measure="idle_pss_mb", unit="MB", system=label, samples=tuple(memory), detail=last))
        found.append(plan.Series(measure="idle_cpu_percent", unit="% of a core", system=label, samples=tuple(cpu)))
    return found
