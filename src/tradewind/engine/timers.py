"""What happens by time alone: a heap of moments. An entry whose row has moved on is passed over when it comes up."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime
from enum import IntEnum
from typing import Any


class Kind(IntEnum):
    """What a timer is about; its key is a task key, an attempt id, a run key, a DAG id or a backfill's id."""

    TASK = 0
    ATTEMPT = 1
    RUN_START = 2
    RUN_TIMEOUT = 3
    SLOT = 4
    BACKFILL = 5
    DEADLINE = 6


_TIDY_AT = 4096
"""Entries before those that moved on are thrown out; deadlines of hours would gather otherwise."""

Entry = tuple[datetime, Kind, Any]


class Timers:
    """Moments in order."""

    def __init__(self, is_current: Callable[[Entry], bool]) -> None:
        self._is_current = is_current
        self._heap: list[Entry] = []
        self._tidy_at = _TIDY_AT

    def add(self, at: datetime, kind: Kind, key: Any) -> None:
        """Ask for a moment."""
        heapq.heappush(self._heap, (at, kind, key))
        if len(self._heap) > self._tidy_at:
            self._heap = [entry for entry in self._heap if self._is_current(entry)]
            heapq.heapify(self._heap)
            self._tidy_at = max(_TIDY_AT, 2 * len(self._heap))

    def clear(self) -> None:
        """Forget all."""
        self._heap.clear()

    def next_due(self) -> datetime | None:
        """The first moment that still matters."""
        while self._heap:
            if self._is_current(self._heap[0]):
                return self._heap[0][0]
            heapq.heappop(self._heap)
        return None

    def take_due(self, now: datetime) -> list[Entry]:
        """All current entries up to now, in order; they are gone afterwards."""
        found: list[Entry] = []
        while self._heap and self._heap[0][0] <= now:
            entry = heapq.heappop(self._heap)
            if self._is_current(entry) and (not found or found[-1] != entry):
                found.append(entry)
        return found
