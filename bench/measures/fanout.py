"""Many no-op Python tasks at once: tasks per second, first body's entry to last one's return, and CPU per task."""

from __future__ import annotations

from bench import dagfiles, ledger, plan

TITLE = "Fan-out of no-op Python tasks"


def measure(ours: plan.Plan) -> list[plan.Series]:
    """The systems take turns, the others frozen. CPU is that of all processes of the system, from trigger to end."""
    labels = ours.only("airflow-default", "airflow-tuned", "airflow-tuned-reduced", plan.OURS)
    sizes = {label: ours.sizes.our_fanout if label == plan.OURS else ours.sizes.airflow_fanout for label in labels}
    book = ours.folder / "fanout.ledger"
    files = {label: {"wide": dagfiles.wide("wide", book, sizes[label])} for label in labels}
    rates: dict[str, list[float]] = {label: [] for label in labels}
    costs: dict[str, list[float]] = {label: [] for label in labels}
    ended: dict[str, list[dict[str, int | str]]] = {label: [] for label in labels}
    with ours.running(labels, files) as systems:
        for number in range(ours.sizes.samples):
            for label in labels:
                run_id, count = f"{label}-{number}", sizes[label]
                with plan.thawed(systems[label]):
                    before = systems[label].cpu_seconds()
                    systems[label].trigger_all([("wide", run_id)])
                    entries = ledger.wait(book, {run_id}, count, ours.sizes.seconds_per_wait)
                    state = plan.wait_ended(systems[label], "wide", run_id, 30)
                    spent = systems[label].cpu_seconds() - before
                done = [entry for entry in entries if entry.left]
                ended[label].append(state)
                if len(done) < count:
                    ours.say(f"fan-out: {label} did {len(done)} of {count}: {state}")
                    continue
                seconds = (max(entry.left or 0 for entry in done) - done[0].entered) / 1e9
                rates[label].append(count / seconds)
                costs[label].append(1000 * spent / count)
                ours.say(f"fan-out: {label} {count / seconds:.1f} tasks/s, {1000 * spent / count:.1f} ms CPU each")
    return [
        series
        for label in labels
        for series in (
            plan.Series(
                measure="fanout_tasks_per_second",
                unit="tasks/s",
                system=label,
                samples=tuple(rates[label]),
                higher_is_better=True,
                detail={"tasks": sizes[label], "ended": ended[label]},
            ),
            plan.Series(measure="cpu_ms_per_task", unit="ms", system=label, samples=tuple(costs[label])),
        )
    ]
