"""The rows that the engine holds, and the batch that is being decided over them.

Whoever changes a row writes a journal entry with what was there before, and the fact that a store will keep.

Invariant: `undo` brings the rows back to a mark exactly. What is counted over the rows is not its business: whoever
calls it makes those indexes again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from tradewind.engine.graph import Graph
from tradewind.engine.limits import Limits
from tradewind.engine.live import LiveRun
from tradewind.model.dagspec import DagSpec
from tradewind.model.facts import Fact, XComsCleared
from tradewind.model.ids import AttemptId, RunKey, TaskKey, VersionHash
from tradewind.model.rows import Attempt, Backfill, DagRow, Pool, TaskInstance, XComRow


class Tables:
    """Rows by key, facts in order, and how to go back."""

    def __init__(self, specs: Callable[[VersionHash], DagSpec], limits: Limits) -> None:
        self.specs = specs
        self.limits = limits
        self._graphs: dict[VersionHash, Graph] = {}
        self.holding = False
        """Nothing new is launched for now."""
        self._empty()

    def _empty(self) -> None:
        self.dags: dict[str, DagRow] = {}
        self.pools: dict[str, Pool] = {}
        self.backfills: dict[int, Backfill] = {}
        """Those that are neither completed nor cancelled (and those that became so in this batch)."""
        self.last_backfill_id = 0
        self.runs: dict[RunKey, LiveRun] = {}
        self.attempts: dict[AttemptId, Attempt] = {}
        self.facts: list[Fact] = []
        self.xcoms: list[XComRow] = []
        self.deltas: defaultdict[tuple[RunKey, str, str], int] = defaultdict(int)
        self._journal: list[tuple[Any, ...]] = []

    def graph(self, version: VersionHash) -> Graph:
        """The compiled version."""
        found = self._graphs.get(version)
        if found is None:
            found = self._graphs[version] = Graph(self.specs(version))
        return found

    def keep_graphs(self) -> None:
        """Forget versions that nothing uses."""
        used = {dag.version for dag in self.dags.values()} | {live.run.version for live in self.runs.values()}
        used |= {backfill.version for backfill in self.backfills.values()}
        for version in [version for version in self._graphs if version not in used]:
            del self._graphs[version]

    def task(self, key: TaskKey) -> TaskInstance | None:
        """One task instance, if its run is here."""
        live = self.runs.get(key.run_key)
        return None if live is None else live.find(key.task_id, key.map_index)

    # -- the batch -------------------------------------------------------------------------------------------------

    def mark(self) -> tuple[int, int, int]:
        """Where the batch is now."""
        return len(self._journal), len(self.facts), len(self.xcoms)

    def undo(self, mark: tuple[int, int, int] = (0, 0, 0)) -> None:
        """Take everything after a mark back; `rebuild` must follow."""
        journal, facts, xcoms = mark
        while len(self._journal) > journal:
            self._undo(self._journal.pop())
        del self.facts[facts:]
        del self.xcoms[xcoms:]

    def _undo(self, entry: tuple[Any, ...]) -> None:
        kind, key, before, after = entry
        if kind == "task":
            found = self.runs[key.run_key].node(key.task_id).rows
            if before is None:
                del found[key.map_index]
            else:
                found[key.map_index] = before
            self._tell(self.runs[key.run_key], after, before)
        elif kind == "run":
            self.runs[key].run = before
        elif kind == "created":
            del self.runs[key]
        elif kind == "version":
            self.runs[key].graph = before
        elif kind == "xcoms":
            self.xcoms = before
        else:
            tables: dict[str, dict[Any, Any]] = {
                "attempt": self.attempts,
                "dag": self.dags,
                "pool": self.pools,
                "backfill": self.backfills,
            }
            rows = tables[kind]
            if before is None:
                del rows[key]
            else:
                rows[key] = before

    def published(self) -> None:
        """The batch is committed: it cannot be taken back any more."""
        self._journal.clear()
        self.facts.clear()
        self.xcoms.clear()
        self.deltas.clear()

    def clear_xcoms(self, ti: TaskInstance) -> None:
        """All XComs of a task instance are gone, those of this batch too (a store writes them after the clears)."""
        self.facts.append(XComsCleared(run_key=ti.run_key, task_id=ti.task_id, map_index=ti.map_index))
        kept = [row for row in self.xcoms if (row.run_key, row.task_id, row.map_index) != tuple(ti.key)]
        if len(kept) < len(self.xcoms):
            self._journal.append(("xcoms", None, self.xcoms, None))
            self.xcoms = kept

    def _tell(self, live: LiveRun, before: TaskInstance | None, after: TaskInstance | None) -> None:
        """Counters that people look at: for the run and each group that the task is in."""
        row = after or before
        assert row is not None
        for group_id in ("", *live.graph.groups_of.get(row.task_id, ())):
            if before is not None:
                self.deltas[row.run_key, group_id, before.state.value] -= 1
            if after is not None:
                self.deltas[row.run_key, group_id, after.state.value] += 1
