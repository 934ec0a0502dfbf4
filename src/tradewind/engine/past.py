"""The run before each run, for tasks that depend on the past. Runs that are not in memory are asked for.

Invariant: while a run is active, the run that was found to be before it stays in memory too (it may be cleared), and
a run made later between the two takes its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from tradewind.engine.live import LiveRun
from tradewind.model.dagspec import TaskSpec
from tradewind.model.ids import RunKey
from tradewind.model.rows import DagRun
from tradewind.model.snapshot import RunRef
from tradewind.model.states import SUCCESSFUL, RunType


class Past:
    """Which run is before which."""

    def __init__(self) -> None:
        self._before: dict[RunKey, RunKey | None] = {}
        self._pins: Counter[RunKey] = Counter()
        self._answered: set[RunRef] = set()
        self._asked: dict[RunRef, None] = {}
        self._freed = False

    def ask(self, ref: RunRef) -> bool:
        """Whether the database was asked for this run within this batch; if not, it will be."""
        if ref in self._answered:
            return True
        self._asked[ref] = None
        return False

    def mark_answered(self, refs: Iterable[RunRef]) -> None:
        """These are loaded at once."""
        for ref in refs:
            self._asked.pop(ref, None)
            self._answered.add(ref)

    def take_asked(self) -> tuple[RunRef, ...]:
        """What is to be loaded; taken as answered from now on."""
        found = tuple(self._asked)
        self.mark_answered(found)
        return found

    def forget_answers(self) -> None:
        """The batch is over: what was loaded may leave memory, what was absent may come."""
        self._answered.clear()

    def before(self, live: LiveRun, runs: Iterable[LiveRun]) -> tuple[bool, RunKey | None]:
        """Whether it is known, and the key of the run before this one (None: there is none).

        `runs`: those of the DAG that are in memory.
        """
        run = live.run
        if run.run_key in self._before:
            return True, self._before[run.run_key]
        found: DagRun | None = None
        cursor = run.logical_date
        while cursor is not None:
            if not self.ask(RunRef(dag_id=run.dag_id, before=cursor)):
                return False, None
            earlier = [one.run for one in runs if one.run.logical_date is not None and one.run.logical_date < cursor]
            found = max(earlier, key=_date_and_key, default=None)
            if found is None or _counts(live, found):
                break
            cursor = found.logical_date
        self._set(run.run_key, None if found is None else found.run_key)
        return True, self._before[run.run_key]

    def _set(self, run_key: RunKey, before: RunKey | None) -> None:
        self._unpin(run_key)
        self._before[run_key] = before
        if before is not None:
            self._pins[before] += 1

    def _unpin(self, run_key: RunKey) -> None:
        old = self._before.pop(run_key, None)
        if old is not None:
            self._pins[old] -= 1
            if not self._pins[old]:
                del self._pins[old]
                self._freed = True

    def run_added(self, new: LiveRun, runs: Mapping[RunKey, LiveRun]) -> None:
        """A run was made: it may lie between two others."""
        at = new.run.logical_date
        if at is None:
            return
        for run_key, before in list(self._before.items()):
            live = runs[run_key]
            date = live.run.logical_date
            if live.run.dag_id != new.run.dag_id or date is None or date <= at or not _counts(live, new.run):
                continue
            earlier = None if before is None else runs[before].run.logical_date
            if earlier is None or earlier < at:
                self._set(run_key, new.run.run_key)

    def is_pinned(self, run_key: RunKey) -> bool:
        """Whether a run in memory has this one before it."""
        return run_key in self._pins

    def take_freed(self) -> bool:
        """Whether some run is no longer looked back at since the last time."""
        freed, self._freed = self._freed, False
        return freed

    def forget(self, run_key: RunKey) -> None:
        """A run ended, or left memory; if it is run again, its past is looked for anew."""
        self._unpin(run_key)


def _date_and_key(run: DagRun) -> tuple[object, RunKey]:
    return run.logical_date, run.run_key


def _counts(live: LiveRun, before: DagRun) -> bool:
    """With catchup, runs made by hand are no one's past."""
    return not (live.graph.spec.catchup and before.run_type is RunType.MANUAL)


def is_first(live: LiveRun) -> bool:
    """Whether nothing before this run matters to it: no logical date, or the first date of a backfill."""
    return live.run.logical_date is None or live.run.backfill_first


def is_met(task: TaskSpec, live: LiveRun, before: LiveRun | None) -> bool:
    """Whether the run before allows this task: it succeeded (or was skipped) there, and what is directly below, too.

    A run before without the task makes this its first one.
    """
    if before is None:
        return True
    date = before.run.logical_date
    if live.graph.spec.catchup and task.start_date is not None and date is not None and date < task.start_date:
        return True
    node = before.nodes.get(task.task_id)
    if node is None or not node.rows:
        return task.ignore_first_depends_on_past
    if any(ti.state not in SUCCESSFUL for ti in node.rows.values()):
        return False
    if not task.wait_for_downstream:
        return True
    below = [before.nodes[one] for one in live.graph.downstream[task.task_id] if one in before.nodes]
    return all(ti.state in SUCCESSFUL for node in below for ti in node.rows.values())
