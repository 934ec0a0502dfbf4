"""One run in memory: its rows, and what is counted over them.

Invariant: everything here but `run` and the rows of the nodes can be made again from those. Rows are changed only by
`core.Core`, which keeps the counts with them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tradewind.engine.counts import Counts, Tally
from tradewind.engine.graph import Graph, Sight
from tradewind.model.dagspec import TaskSpec
from tradewind.model.ids import AttemptId
from tradewind.model.rows import DagRun, TaskInstance
from tradewind.model.states import ACTIVE, FINISHED, RunState, TaskState

_MOVING = frozenset(
    {
        TaskState.SCHEDULED,
        TaskState.QUEUED,
        TaskState.RUNNING,
        TaskState.RESTARTING,
        TaskState.UP_FOR_RETRY,
        TaskState.UP_FOR_RESCHEDULE,
        TaskState.DEFERRED,
    }
)


class Node:
    """One task in one run."""

    __slots__ = (
        "direct", "fitted", "idle", "rows", "scope", "setups", "skipped", "task", "task_id", "unfinished", "width",
    )  # fmt: skip

    def __init__(self, task_id: str, task: TaskSpec | None) -> None:
        self.task_id = task_id
        self.task = task
        """None where the version does not have it (any more)."""
        self.rows: dict[int, TaskInstance] = {}
        self.idle: dict[int, None] = {}
        """Map indexes of rows about which nothing is decided yet."""
        self.width = 0
        """Number of elements once it is expanded."""
        self.unfinished = 0
        """Rows that have not ended."""
        self.skipped = 0
        """Rows that were skipped."""
        self.fitted = -1
        """The length that its elements were last compared with."""
        self.direct = Tally()
        self.setups: Tally | None = None
        self.scope: Tally | None = None

    def tally(self, sight: Sight) -> Tally:
        """What it sees in this way."""
        if sight is Sight.DIRECT:
            return self.direct
        if sight is Sight.SETUP:
            if self.setups is None:
                self.setups = Tally()
            return self.setups
        if self.scope is None:
            self.scope = Tally()
        return self.scope


class LiveRun:
    """A run with its nodes."""

    def __init__(self, run: DagRun, graph: Graph) -> None:
        self.run = run
        self.attempts: dict[AttemptId, None] = {}
        """Attempts of it that are held in memory."""
        self.reset(graph)

    def reset(self, graph: Graph) -> None:
        """Empty nodes for a graph."""
        self.graph = graph
        self.nodes: dict[str, Node] = {task.task_id: Node(task.task_id, task) for task in graph.spec.tasks}
        self.unfinished = 0
        self.active = 0
        """Instances that hold an attempt."""
        self.moving = 0
        """Instances to which something will happen by itself."""
        self._group_widths: dict[str, int] = {}

    def node(self, task_id: str) -> Node:
        """The node of a task; an empty one for a task that the version does not have."""
        found = self.nodes.get(task_id)
        if found is None:
            found = self.nodes[task_id] = Node(task_id, None)
        return found

    def find(self, task_id: str, map_index: int) -> TaskInstance | None:
        """One row."""
        node = self.nodes.get(task_id)
        return None if node is None else node.rows.get(map_index)

    def timeout_at(self) -> datetime | None:
        """When it has run for too long; None while it does not run, or ends already."""
        seconds, run = self.graph.spec.dagrun_timeout_seconds, self.run
        if seconds is None or run.state is not RunState.RUNNING or run.started_at is None or run.ending:
            return None
        return run.started_at + timedelta(seconds=seconds)

    def deadlines_ahead(self) -> list[tuple[int, datetime]]:
        """Deadlines that are neither met nor missed yet, by their positions; none of a run that has ended."""
        run = self.run
        if not run.deadlines or run.state.is_finished:
            return []
        missed = run.missed_deadlines
        return [(number, at) for number, at in enumerate(run.deadlines) if at is not None and number not in missed]

    # -- mapped groups ---------------------------------------------------------------------------------------------

    def group_width(self, group_id: str) -> int:
        """Elements of a mapped group, told by the first of its tasks that is expanded; 0 before."""
        width = self._group_widths.get(group_id)
        if width is None:
            width = self._group_widths[group_id] = self._find_width(group_id)
        return width

    def _find_width(self, group_id: str) -> int:
        deeper = 0
        for task_id, groups in self.graph.mapped_groups.items():
            if group_id not in groups or not self.nodes[task_id].width:
                continue
            if groups[-1] == group_id and self.graph.tasks[task_id].mapping is None:
                return self.nodes[task_id].width
            deeper = deeper or self.nodes[task_id].width
        return deeper

    def forget_widths(self) -> None:
        """Some task of a mapped group was expanded."""
        self._group_widths.clear()

    def part(self, task_id: str, map_index: int, group_id: str | None) -> tuple[str, int] | None:
        """In which element of the group an element of the task lies; None for what is not expanded."""
        if group_id is None or map_index < 0:
            return None
        width = self.nodes[task_id].width
        return (group_id, map_index * self.group_width(group_id) // width) if width else (group_id, map_index)

    def parts(self, task_id: str, map_index: int) -> list[tuple[str, int]]:
        """The parts that an element of the task sees."""
        if map_index < 0:
            return []
        groups = self.graph.seen_groups.get(task_id, ())
        return [part for one in groups if (part := self.part(task_id, map_index, one)) is not None]

    def see(self, node: Node, map_index: int) -> Counts:
        """What an element sees of its direct upstreams."""
        return node.direct.seen(self.parts(node.task_id, map_index))

    def visible(self, above: str, below: str, map_index: int) -> list[TaskInstance]:
        """The rows of an upstream that an element of a task sees."""
        rows = self.nodes[above].rows
        group_id = self.graph.common_group(above, below)
        mine = self.part(below, map_index, group_id)
        if group_id is None or mine is None:
            return list(rows.values())
        width = self.nodes[above].width
        if width and width == self.group_width(group_id):
            row = rows.get(mine[1])
            return [row] if row is not None else []
        return [row for index, row in rows.items() if index < 0 or self.part(above, index, group_id) == mine]

    # -- counting --------------------------------------------------------------------------------------------------

    def count(self, node: Node, ti: TaskInstance, sign: int) -> None:
        """Count a row in or out, in everything that looks at it."""
        state = ti.state
        if not state.is_finished:
            self.unfinished += sign
            node.unfinished += sign
            if state in _MOVING:
                self.moving += sign
        elif state is TaskState.SKIPPED:
            node.skipped += sign
        if state.holds_attempt:
            self.active += sign
        if state is TaskState.NONE:
            if sign > 0:
                node.idle[ti.map_index] = None
            else:
                node.idle.pop(ti.map_index, None)
        if node.task is None:
            return
        is_setup = node.task.is_setup
        for edge in self.graph.edges[node.task_id]:
            part = self.part(node.task_id, ti.map_index, edge.group)
            self.nodes[edge.target].tally(edge.sight).shift(part, state, sign, is_setup=is_setup)

    def change(self, node: Node, before: TaskInstance, after: TaskInstance) -> None:
        """Count a row's new state; what looks at it only cares for ends."""
        old, new = before.state, after.state
        if old is new:
            return
        if old in FINISHED or new in FINISHED:
            self.count(node, before, -1)
            self.count(node, after, 1)
            return
        self.moving += (new in _MOVING) - (old in _MOVING)
        self.active += (new in ACTIVE) - (old in ACTIVE)
        if old is TaskState.NONE:
            node.idle.pop(before.map_index, None)
        elif new is TaskState.NONE:
            node.idle[after.map_index] = None

    def recount(self) -> None:
        """Make every count again from the rows."""
        rows = {task_id: node.rows for task_id, node in self.nodes.items() if node.rows}
        self.reset(self.graph)
        for task_id, found in rows.items():
            node = self.node(task_id)
            node.rows = found
            node.width = max(found) + 1 if found else 0
        for node in list(self.nodes.values()):
            for ti in node.rows.values():
                self.count(node, ti, 1)

    def sums(self) -> dict[str, Any]:
        """All counts as plain values, for comparison in tests."""
        found: dict[str, Any] = {"unfinished": self.unfinished, "active": self.active, "moving": self.moving}
        for task_id, node in self.nodes.items():
            for name in ("direct", "setups", "scope"):
                tally = getattr(node, name)
                if tally is None:
                    continue
                parts = {part: counts.as_tuple() for part, counts in tally.parts.items() if any(counts.as_tuple())}
                found[f"{task_id}.{name}"] = (tally.whole.as_tuple(), parts)
            found[f"{task_id}.idle"] = sorted(node.idle)
        return found
