"""What an event costs the engine: µs per event for shapes of growing size. Flat is right, < 150 µs is wanted.

`python bench/engine_cost.py [--profile SHAPE]`. Every event is decided as a batch of its own, with admission and
publish: the worst case; a busy leader puts many events into one batch.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tradewind.engine.engine import Engine, Limits
from tradewind.model import commands as cmd
from tradewind.model.dagspec import ConstLength, DagSpec, Mapping, PythonBody, TaskSpec
from tradewind.model.events import AttemptEnded, AttemptProgress, CommandReceived, DagSeen, Event
from tradewind.model.ids import AttemptId, DagId, RunKey, VersionHash
from tradewind.model.outcome import Result, Success
from tradewind.model.rows import DagRow
from tradewind.model.snapshot import ActiveSnapshot
from tradewind.model.states import AttemptPhase


def task(task_id: str, *upstream: str, **more: Any) -> TaskSpec:
    """A Python task below these."""
    return TaskSpec(task_id=task_id, body=PythonBody(), upstream=tuple(sorted(upstream)), **more)


def dag(*tasks: TaskSpec, dag_id: str = "d", **more: Any) -> DagSpec:
    """A DAG of these tasks."""
    return DagSpec(dag_id=dag_id, file="d.py", tasks=tasks, **more)


def chain_of(count: int, **more: Any) -> DagSpec:
    """Tasks t0 → t1 → …"""
    return dag(*[task(f"t{n}", *([f"t{n - 1}"] if n else [])) for n in range(count)], **more)


class Draws:
    """Ids in order."""

    def __init__(self) -> None:
        self.n = 0

    def attempt_id(self) -> AttemptId:
        self.n += 1
        return AttemptId(f"a{self.n:019d}")

    def uniform(self) -> float:
        return 0.5

    def run_key(self) -> RunKey:
        self.n += 1
        return RunKey(self.n)


class Drive:
    """An engine that is given events as fast as it takes them."""

    def __init__(self, parallelism: int) -> None:
        self.versions: dict[VersionHash, DagSpec] = {}
        self.engine = Engine(specs=self.versions.__getitem__, limits=Limits(parallelism=parallelism))
        self.engine.restore(ActiveSnapshot())
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.draws = Draws()
        self.events = 0
        self.facts = 0
        self.seconds = 0.0
        self.slowest = 0.0

    def batch(self, *events: Event) -> None:
        """Decide, commit to nowhere, publish."""
        self.now += timedelta(milliseconds=1)
        began = time.perf_counter()
        for event in events:
            while self.engine.needs(event):
                pass
            self.engine.apply(event, self.now, self.draws)
        self.engine.admit(self.now, self.draws)
        while self.engine.wanted_runs():
            self.engine.admit(self.now, self.draws)
        batch = self.engine.pending()
        self.engine.publish()
        self.engine.next_due()
        took = time.perf_counter() - began
        self.seconds += took
        self.slowest = max(self.slowest, took)
        self.events += len(events)
        self.facts += len(batch.facts)

    def see(self, spec: DagSpec) -> None:
        version = VersionHash(spec.dag_id)
        self.versions[version] = spec
        self.batch(DagSeen(dag=DagRow(dag_id=DagId(spec.dag_id), version=version, file="d.py")))

    def trigger(self, dag_id: str, run_id: str) -> None:
        self.batch(CommandReceived(inbox_id=1, command=cmd.TriggerRun(dag_id=dag_id, run_id=run_id)))

    def run_all(self) -> None:
        """Start and end everything, one event a batch."""
        result = Result(outcome=Success())
        while alive := self.engine.to_launch():
            for attempt in alive:
                one = attempt.attempt_id
                self.batch(AttemptProgress(attempt_id=one, phase=AttemptPhase.STARTED, at=self.now))
                self.batch(AttemptEnded(attempt_id=one, at=self.now, result=result))

    def start_clock(self) -> None:
        """Count from here."""
        self.events = self.facts = 0
        self.seconds = self.slowest = 0.0
        gc.collect()
        gc.freeze()


def fan_out(n: int) -> Drive:
    """One task, n mapped elements, one task."""
    drive = Drive(64)
    first = task("first")
    mapped = task("mapped", "first", mapping=Mapping(kind="expand", arguments=(("x", ConstLength(n=n)),)))
    drive.see(dag(first, mapped, task("last", "mapped"), max_active_tasks=64))
    drive.trigger("d", "r")
    drive.start_clock()
    drive.run_all()
    return drive


def chain(n: int) -> Drive:
    """N tasks one after the other."""
    drive = Drive(64)
    drive.see(chain_of(n))
    drive.trigger("d", "r")
    drive.start_clock()
    drive.run_all()
    return drive


def diamond(n: int) -> Drive:
    """One task, n different tasks, one task."""
    drive = Drive(64)
    middle = [task(f"m{i}", "first") for i in range(n)]
    drive.see(dag(task("first"), *middle, task("last", *[one.task_id for one in middle])))
    drive.trigger("d", "r")
    drive.start_clock()
    drive.run_all()
    return drive


def many_runs(n: int) -> Drive:
    """N active runs of a chain of 10."""
    drive = Drive(10 * n)
    drive.see(chain_of(10, max_active_runs=n))
    drive.see(chain_of(1, dag_id="other"))
    for i in range(n):
        drive.trigger("d", f"r{i}")
    drive.start_clock()
    drive.run_all()
    return drive


def many_waiting(n: int) -> Drive:
    """N active runs of a chain of 10 under a pool of 16."""
    drive = Drive(64)
    drive.see(chain_of(10, max_active_runs=n))
    drive.batch(CommandReceived(inbox_id=1, command=cmd.SetPool(name="default_pool", slots=16)))
    for i in range(n):
        drive.trigger("d", f"r{i}")
    drive.start_clock()
    drive.run_all()
    return drive


def many_dags(n: int) -> Drive:
    """N DAGs with one run of a chain of 10 each."""
    drive = Drive(64)
    for i in range(n):
        drive.see(chain_of(10, dag_id=f"d{i}"))
        drive.trigger(f"d{i}", "r")
    drive.start_clock()
    drive.run_all()
    return drive


def narrow_tasks(n: int) -> Drive:
    """N active runs of two tasks, one of which runs in one run at a time."""
    drive = Drive(64)
    narrow = task("narrow", max_active_tis_per_dag=1, priority_weight=9)
    drive.see(dag(narrow, task("wide"), max_active_runs=n, max_active_tasks=1))
    for i in range(n):
        drive.trigger("d", f"r{i}")
    drive.start_clock()
    drive.run_all()
    return drive


def depends_on_past(n: int) -> Drive:
    """N active runs, each of which waits for the one before."""
    drive = Drive(64)
    drive.see(dag(task("a", depends_on_past=True), task("b", "a"), max_active_runs=n))
    for i in range(n):
        drive.trigger("d", f"r{i}")
    drive.start_clock()
    drive.run_all()
    return drive


SHAPES: dict[str, tuple[Callable[[int], Drive], tuple[int, ...]]] = {
    "mapped fan-out": (fan_out, (50, 500, 5_000)),
    "chain": (chain, (100, 1_000, 10_000)),
    "diamond": (diamond, (50, 500, 5_000)),
    "runs of 10": (many_runs, (10, 100, 1_000)),
    "runs of 10, pool of 16": (many_waiting, (10, 100, 1_000)),
    "DAGs with a run of 10": (many_dags, (10, 100, 1_000)),
    "runs, one task at a time": (narrow_tasks, (10, 100, 1_000)),
    "runs that depend on past": (depends_on_past, (10, 100, 1_000)),
}


def main() -> None:
    """Print the table, or a profile of one shape at its largest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=SHAPES)
    chosen = parser.parse_args().profile
    if chosen:
        shape, sizes = SHAPES[chosen]
        with cProfile.Profile() as profile:
            shape(sizes[-1])
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    print(f"{'shape':26}{'n':>8}{'events':>9}{'facts':>9}{'µs/event':>10}{'slowest ms':>12}")
    for name, (shape, sizes) in SHAPES.items():
        for n in sizes:
            drive = shape(n)
            each = 1e6 * drive.seconds / drive.events
            print(f"{name:26}{n:>8}{drive.events:>9}{drive.facts:>9}{each:>10.0f}{1e3 * drive.slowest:>12.1f}")


if __name__ == "__main__":
    main()
