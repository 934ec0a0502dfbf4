"""How much of each limit is used: pools, runs, DAGs, tasks, the whole installation.

Invariant: equal to a count over the rows that hold an attempt (and, for pools that ask for it, the deferred ones).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable

from tradewind.engine.live import LiveRun
from tradewind.model.dagspec import TaskSpec
from tradewind.model.rows import Pool


class Usage:
    """Counters by limit. Limits of runs, DAGs and tasks are named ("run", key), ("dag", id), ("task", …)."""

    def __init__(self) -> None:
        self.alive = 0
        """Attempts that have not ended."""
        self.of: defaultdict[Hashable, int] = defaultdict(int)
        self._running: defaultdict[str, int] = defaultdict(int)
        self._deferred: defaultdict[str, int] = defaultdict(int)

    def hold(self, live: LiveRun, task: TaskSpec, sign: int) -> None:
        """An instance takes (1) or gives back (-1) what an attempt needs."""
        self._running[task.pool] += sign * task.pool_slots
        for limit in limits_of(live, task):
            self.of[limit] += sign

    def defer(self, task: TaskSpec, sign: int) -> None:
        """An instance begins or ends to wait without an attempt."""
        self._deferred[task.pool] += sign * task.pool_slots

    def room(self, pool: Pool) -> float:
        """Free slots; infinite where the pool has no limit."""
        if pool.slots < 0:
            return float("inf")
        return pool.slots - self.used(pool)

    def used(self, pool: Pool) -> int:
        """Slots that are taken."""
        return self._running[pool.name] + (self._deferred[pool.name] if pool.include_deferred else 0)

    def as_dict(self) -> dict[Hashable, int]:
        """For comparison in tests."""
        found: dict[Hashable, int] = {key: n for key, n in self.of.items() if n}
        found |= {("pool", name): n for name, n in self._running.items() if n}
        found |= {("deferred", name): n for name, n in self._deferred.items() if n}
        return found | {("alive",): self.alive}


def limits_of(live: LiveRun, task: TaskSpec) -> list[Hashable]:
    """The limits beside its pool that a task counts against.

    `max_active_tasks` is a limit of each run in Airflow 3, and of all runs of the DAG together in Airflow 2.
    """
    found: list[Hashable] = [("run", live.run.run_key) if live.run.meaning == "3" else ("dag", live.run.dag_id)]
    if task.max_active_tis_per_dag is not None:
        found.append(("task", live.run.dag_id, task.task_id))
    if task.max_active_tis_per_dagrun is not None:
        found.append(("task", live.run.run_key, task.task_id))
    return found


def capacity(live: LiveRun, task: TaskSpec, limit: Hashable) -> int:
    """How much a limit of `limits_of` allows."""
    if isinstance(limit, tuple) and limit[0] == "task":
        found = task.max_active_tis_per_dag if limit[1] == live.run.dag_id else task.max_active_tis_per_dagrun
        assert found is not None
        return found
    return live.graph.spec.max_active_tasks
