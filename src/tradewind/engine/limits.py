"""What the engine is given beside events: limits of the whole installation, and drawn values."""

from __future__ import annotations

from typing import Protocol

import msgspec

from tradewind.model.ids import AttemptId, RunKey


class Draws(Protocol):
    """Ids and randomness, as arguments."""

    def attempt_id(self) -> AttemptId: ...
    def uniform(self) -> float: ...
    def run_key(self) -> RunKey: ...


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the installation."""

    parallelism: int = 64
    """Attempts alive at once."""
    infrastructure_retries: int = 3
    """Of one try, where the task says nothing."""
    max_map_length: int = 1024
    """Of a value that a task is mapped over; the task that returned a longer one fails."""
    max_elements: int = 100_000
    """Of one mapped task, whatever multiplied it."""
    start_timeout_seconds: float = 120
    """From an attempt's submission to the start of its code."""
    default_pool_slots: int = 128
    makes_scheduled_runs: bool = True
    """False: what is due by timetable waits for a server. A command that runs one DAG must not run others as well."""
    schedule_jitter_seconds: float = 0
    """Window over which scheduled runs of different DAGs are spread."""
