"""100 files of one DAG of 10 tasks each, all triggered at once, on SQLite and on PostgreSQL."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from bench import dagfiles, ledger, plan
from tests.support import postgres

TITLE = "100 files × 1 DAG × 10 tasks"
TASKS = 10


def measure(ours: plan.Plan) -> list[plan.Series]:
    """Each system and database in turn, started anew for each sample; failures are counted, not hidden.

    Airflow takes minutes each time and so gets fewer samples.
    """
    found = []
    for database in ("sqlite", "postgresql"):
        labels = ours.only("airflow-tuned", plan.OURS)
        rates: dict[str, list[float]] = {label: [] for label in labels}
        ended: dict[str, list[dict[str, int]]] = {label: [] for label in labels}
        for number in range(ours.sizes.samples):
            for label in labels:
                if label != plan.OURS and number >= ours.sizes.slow_samples:
                    continue
                rate, states = one(ours, label, database, number)
                ended[label].append(states)
                ours.say(f"many files: {label} on {database}: {rate or 0:.1f} tasks/s, {states}")
                if rate is not None:
                    rates[label].append(rate)
        found += [
            plan.Series(
                measure=f"many_files_{database}_tasks_per_second",
                unit="tasks/s",
                system=label,
                samples=tuple(rates[label]),
                higher_is_better=True,
                note="" if len(rates[label]) == len(ended[label]) else "not all of its tasks succeeded",
                detail={"runs": ours.sizes.files, "tasks": ours.sizes.files * TASKS, "ended": ended[label]},
            )
            for label in labels
        ]
    return found


def one(ours: plan.Plan, label: str, database: str, number: int) -> tuple[float | None, dict[str, int]]:
    """One sample: tasks per second, None if not all of them succeeded; and how many tasks ended in each state."""
    names = [f"file_{index:03d}" for index in range(ours.sizes.files)]
    book = ours.folder / f"{label}-{database}-{number}.ledger"
    with address(database) as url, ours.make(label, url) as made:
        for name in names:
            made.put(name, dagfiles.wide(name, book, TASKS))
        made.start()
        made.hold_hand()
        made.wait_listed(set(names), ours.sizes.seconds_per_wait)
        made.trigger_all([(name, f"{name}-run") for name in names])
        run_ids = {f"{name}-run" for name in names}
        entries = wait(book, run_ids, len(names) * TASKS, ours.sizes.seconds_per_wait)
        states: dict[str, int] = {}
        for name in names:
            for state, count in plan.wait_ended(made, name, f"{name}-run", 5).items():
                if state != "state":
                    states[state] = states.get(state, 0) + int(count)
    done = [entry for entry in entries if entry.left]
    if states.get("success", 0) < len(names) * TASKS or len(done) < len(names) * TASKS:
        return None, states
    return len(done) / ((max(entry.left or 0 for entry in done) - done[0].entered) / 1e9), states


def wait(book: Path, run_ids: set[str], count: int, seconds: float) -> list[ledger.Entry]:
    """Wait for all; give up early when nothing has moved for a minute and a half."""
    deadline, seen, moved = time.monotonic() + seconds, -1, time.monotonic()
    while True:
        entries = ledger.read(book, run_ids)
        done = sum(entry.left is not None for entry in entries)
        if done != seen:
            seen, moved = done, time.monotonic()
        if done >= count or time.monotonic() > deadline or time.monotonic() - moved > 90:
            return entries
        time.sleep(0.2)


@contextlib.contextmanager
def address(database: str) -> Iterator[str | None]:
    """None for SQLite in the system's home, or a fresh database of a PostgreSQL with its durability on."""
    if database == "sqlite":
        yield None
        return
    with postgres.Cluster.start(durable=True) as cluster, cluster.database() as made:
        yield made.url
