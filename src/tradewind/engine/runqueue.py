"""Runs that wait to start, by DAG (and by backfill, which has a limit of its own), in the order in which they may.

Invariant: `running`, `active` and `of_backfill` equal a count over the runs in memory.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

from tradewind.model.ids import RunKey
from tradewind.model.rows import DagRun
from tradewind.model.states import RunState

_FIRST = datetime(1, 1, 1, tzinfo=UTC)
Line = tuple[str, int | None]
"""A DAG's own runs (None), or those of one backfill."""


class RunQueue:
    """Queued runs and how many run."""

    def __init__(self) -> None:
        self.running: defaultdict[Line, int] = defaultdict(int)
        self.active: defaultdict[str, int] = defaultdict(int)
        """Queued and running ones of each DAG, without backfills: the limit of scheduled runs looks at them."""
        self.of_backfill: defaultdict[int, int] = defaultdict(int)
        """Queued and running ones of each backfill."""
        self._waiting: defaultdict[str, dict[int | None, list[tuple[datetime, RunKey]]]] = defaultdict(dict)
        self._to_look: dict[str, None] = {}

    def changed(self, before: DagRun | None, after: DagRun) -> None:
        """A run is new, or is now so."""
        old = None if before is None else before.state
        if old is after.state:
            return
        line = (after.dag_id, after.backfill_id)
        self.running[line] += (after.state is RunState.RUNNING) - (old is RunState.RUNNING)
        change = (not after.state.is_finished) - (old is not None and not old.is_finished)
        if after.backfill_id is None:
            self.active[after.dag_id] += change
        else:
            self.of_backfill[after.backfill_id] += change
        if after.state is RunState.QUEUED:
            heap = self._waiting[after.dag_id].setdefault(after.backfill_id, [])
            # The runs of a backfill go in the order in which they were made: it may be a reversed one.
            at = after.run_after if after.backfill_id is None else _FIRST
            heapq.heappush(heap, (at, after.run_key))
        self.look(after.dag_id)

    def look(self, dag_id: str) -> None:
        """Something about the DAG changed: look at its waiting runs in the next `admit`."""
        self._to_look[dag_id] = None

    def take_looks(self) -> list[str]:
        """DAGs to look at, each once."""
        found = list(self._to_look)
        self._to_look.clear()
        return found

    def lines(self, dag_id: str) -> Iterator[tuple[Line, list[tuple[datetime, RunKey]]]]:
        """The waiting runs of a DAG: heaps that the caller pops from."""
        for backfill_id, heap in list(self._waiting.get(dag_id, {}).items()):
            yield (dag_id, backfill_id), heap
            if not heap:
                del self._waiting[dag_id][backfill_id]
