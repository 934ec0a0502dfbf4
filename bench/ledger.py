"""What task bodies wrote of themselves: when each was entered and when it returned (ns, monotonic clock)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One execution of a task's body; `left` is None while it runs, or when it was killed."""

    run_id: str
    name: str
    entered: int
    left: int | None


def read(path: Path, run_ids: set[str] | None = None) -> list[Entry]:
    """All executions, in the order of their entries."""
    entered: dict[tuple[str, str], int] = {}
    left: dict[tuple[str, str], int] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        run_id, name, what, when = line.rsplit(" ", 3)
        if run_ids is None or run_id in run_ids:
            (entered if what == "in" else left)[run_id, name] = int(when)
    found = [
        Entry(run_id=run, name=name, entered=at, left=left.get((run, name))) for (run, name), at in entered.items()
    ]
    return sorted(found, key=lambda entry: entry.entered)


def wait(path: Path, run_ids: set[str], count: int, seconds: float) -> list[Entry]:
    """Wait until so many executions have returned; return what there is at that moment or at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        entries = read(path, run_ids)
        if sum(entry.left is not None for entry in entries) >= count or time.monotonic() > deadline:
            return entries
        time.sleep(0.1)
