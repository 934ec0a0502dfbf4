"""Committed rows: what a store keeps, folded from facts alone, and the counters recounted from the rows."""

from __future__ import annotations

from collections import Counter

from tradewind.model.facts import Batch, DagFact, TaskDropped
from tradewind.testing.memory_tables import Tables


class Ledger(Tables):
    """Rows by key. Stricter than a store: what is dropped must have been there."""

    def __init__(self) -> None:
        super().__init__(counts=Counter())

    def commit(self, batch: Batch) -> None:
        """Write one batch."""
        for fact in batch.facts:
            if isinstance(fact, TaskDropped):
                assert (fact.run_key, fact.task_id, fact.map_index) in self.tasks, fact
            self.take(fact)
            if isinstance(fact, DagFact):
                # No bundle writes a DAG's version and file here.
                self.dags[fact.dag.dag_id] = fact.dag
        self.take_rest(batch)

    def recount(self) -> Counter[tuple[int, str]]:
        """Task instances by run and state, counted from the rows."""
        return Counter((ti.run_key, ti.state.value) for ti in self.tasks.values())

    def counted(self) -> Counter[tuple[int, str]]:
        """The same from the counters (whole runs)."""
        return Counter(
            {(key, state): n for (key, group, state), n in self.counts.items() if not group and n},
        )
