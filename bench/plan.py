"""What one call of the benchmark does: how many samples, how big, where; and the making of systems for it."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import airflow_system, system, tradewind_system

OURS = "tradewind-default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much work each measure does."""

    samples: int = 7
    slow_samples: int = 2
    """Of what takes Airflow minutes each time: a new file with its defaults, 100 files."""
    idle_seconds: float = 60
    settle_seconds: float = 15
    airflow_fanout: int = 200
    our_fanout: int = 2000
    files: int = 100
    loaded_files: int = 101
    many_loaded_files: int = 1000
    history_tasks: int = 1_000_000
    seconds_per_wait: float = 420


QUICK = Sizes(
    samples=1,
    slow_samples=1,
    idle_seconds=5,
    settle_seconds=2,
    airflow_fanout=10,
    our_fanout=50,
    files=4,
    loaded_files=5,
    many_loaded_files=20,
    history_tasks=5_000,
    seconds_per_wait=120,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Samples of one quantity of one system, in the order in which they were taken.

    Samples with the same position in two series of a measure were taken next to each other.
    """

    measure: str
    unit: str
    system: str
    samples: tuple[float, ...]
    higher_is_better: bool = False
    note: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Plan:
    """Given to every measure."""

    sizes: Sizes
    folder: Path
    systems: tuple[str, ...]
    began: float = field(default_factory=time.monotonic)
    _made: int = 0

    def make(self, label: str, database: str | None = None, environment: dict[str, str] | None = None) -> system.System:
        """A system in a fresh folder of its own, not started; `environment` is added to its own."""
        self._made += 1
        folder = self.folder / f"{self._made:03d}-{label}"
        folder.mkdir(parents=True)
        name, _, variant = label.partition("-")
        kinds: dict[str, type[system.System]] = {
            "airflow": airflow_system.Airflow,
            "tradewind": tradewind_system.Tradewind,
        }
        made = kinds[name](variant, folder, database)
        made.more = environment or {}
        return made

    def remake(self, old: system.System) -> system.System:
        """The same home again, for another start."""
        return type(old)(old.variant, old.folder, old.database)

    def only(self, *labels: str) -> list[str]:
        """Those of the labels that this call was asked for."""
        return [label for label in labels if label in self.systems]

    @contextlib.contextmanager
    def running(
        self, labels: list[str], dag_files: dict[str, dict[str, str]], environment: dict[str, str] | None = None
    ) -> Iterator[dict[str, system.System]]:
        """Start these systems one after another, each with its files, listed and frozen; end them all afterwards.

        The measure thaws one at a time, so what is not measured costs nothing.
        """
        started: dict[str, system.System] = {}
        try:
            for label in labels:
                made = self.make(label, environment=environment)
                for name, text in dag_files.get(label, {}).items():
                    made.put(name, text)
                self.say(f"starting {label}")
                started[label] = made
                made.start()
                made.hold_hand()
                if not made.wait_listed(set(dag_files.get(label, {})), self.sizes.seconds_per_wait):
                    raise system.NotHealthyError(f"{label} did not list its files:\n{made.tail()}")
                made.freeze()
            yield started
        finally:
            for made in started.values():
                made.stop()
                shutil.rmtree(made.folder, ignore_errors=True)

    def say(self, text: str) -> None:
        """Progress, for who watches."""
        print(f"[{time.monotonic() - self.began:6.0f} s] {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def thawed(measured: system.System) -> Iterator[None]:
    """Let one system go on for a moment."""
    measured.thaw()
    time.sleep(1.0)
    try:
        yield
    finally:
        measured.freeze()


def wait_ended(measured: system.System, dag_id: str, run_id: str, seconds: float) -> dict[str, int | str]:
    """The run's state once it has ended, or as it is at the deadline.

    Looking costs what the run could use: what takes long is looked at each 200th of it.
    """
    began = time.monotonic()
    while True:
        state, waited = measured.run_state(dag_id, run_id), time.monotonic() - began
        if state.get("state") in {"success", "failed"} or waited > seconds:
            return state
        time.sleep(max(0.02, waited / 200))
