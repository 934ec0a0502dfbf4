"""A DAG's graph: drawn with lines in the terminal, or as DOT and Mermaid text.

The drawing has a task per line, in topological order. To its left are lanes: one that a task with several downstreams
opens until the last of them has come, and one that several upstreams share until the task that they lead to comes. So a
fan-out and its fan-in take two lanes, however wide they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tradewind.model.dagspec import DagSpec, TaskSpec, TriggerRule

_NODE = "●"
_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_LINES = {
    0: " ",
    _UP: "╵",
    _DOWN: "╷",
    _LEFT: "╴",
    _RIGHT: "╶",
    _UP | _DOWN: "│",
    _LEFT | _RIGHT: "─",
    _UP | _RIGHT: "╰",
    _UP | _LEFT: "╯",
    _DOWN | _RIGHT: "╭",
    _DOWN | _LEFT: "╮",
    _UP | _DOWN | _RIGHT: "├",
    _UP | _DOWN | _LEFT: "┤",
    _UP | _LEFT | _RIGHT: "┴",
    _DOWN | _LEFT | _RIGHT: "┬",
    _UP | _DOWN | _LEFT | _RIGHT: "┼",
}


@dataclass(slots=True)
class _Lane:
    """A line that goes down: from one task to those in `to`, or from several to one."""

    to: set[str]
    shared: bool = False
    """It leads to one task, and others may join it."""


@dataclass(slots=True)
class _Drawing:
    lanes: list[_Lane | None] = field(default_factory=list)

    def place(self, lane: _Lane) -> int:
        """The leftmost free place."""
        for index, there in enumerate(self.lanes):
            if there is None:
                self.lanes[index] = lane
                return index
        self.lanes.append(lane)
        return len(self.lanes) - 1

    def free(self) -> int:
        """The leftmost free place, not taken yet."""
        return next((index for index, there in enumerate(self.lanes) if there is None), len(self.lanes))

    def shared(self, task_id: str) -> int | None:
        """The lane that leads to this task and may be joined."""
        for index, lane in enumerate(self.lanes):
            if lane is not None and lane.shared and lane.to == {task_id}:
                return index
        return None

    def row(self, joined: dict[int, int], node: int | None = None) -> str:
        """One line: each lane goes through; `joined` gives the arms that are joined by a horizontal line."""
        width = max([len(self.lanes), *(index + 1 for index in joined), (node or 0) + 1])
        low, high = (min(joined), max(joined)) if joined else (0, -1)
        text = ""
        for index in range(width):
            arms = joined.get(index)
            if arms is None:
                lane = self.lanes[index] if index < len(self.lanes) else None
                arms = _UP | _DOWN if lane is not None else 0
            if low <= index <= high and low != high:
                arms |= (_LEFT if index > low else 0) | (_RIGHT if index < high else 0)
            text += _NODE if index == node else _LINES[arms]
            text += "─" if low <= index < high else " "
        return text.rstrip()


def draw(spec: DagSpec) -> Iterator[tuple[str, TaskSpec | None]]:
    """Lines of the drawing from above: the lanes, and the task that stands there (None: only lanes)."""
    below = _downstreams(spec.tasks)
    drawing = _Drawing()
    for task in spec.tasks:
        yield from _draw_task(drawing, task, below[task.task_id])


def _draw_task(drawing: _Drawing, task: TaskSpec, below: Sequence[str]) -> Iterator[tuple[str, TaskSpec | None]]:
    incoming = [i for i, lane in enumerate(drawing.lanes) if lane is not None and task.task_id in lane.to]
    joined: dict[int, int] = {}
    ending = []
    for index in incoming:
        lane = drawing.lanes[index]
        assert lane is not None
        lane.to.discard(task.task_id)
        joined[index] = _UP if not lane.to else _UP | _DOWN
        if not lane.to:
            ending.append(index)
    node = ending[0] if ending else drawing.free()
    joined.setdefault(node, 0)
    line = drawing.row(joined, node=node)
    for index in ending:
        drawing.lanes[index] = None
    yield line, task
    yield from _open(drawing, node, below)


def _open(drawing: _Drawing, node: int, below: Sequence[str]) -> Iterator[tuple[str, TaskSpec | None]]:
    """The lanes below a task: it joins those that lead where it leads, and opens one for the rest."""
    joins = {index: name for name in below if (index := drawing.shared(name)) is not None}
    rest = [name for name in below if name not in joins.values()]
    if rest:
        while len(drawing.lanes) <= node:
            drawing.lanes.append(None)
        drawing.lanes[node] = _Lane(set(rest), shared=len(rest) == 1)
    if joins:
        arms = dict.fromkeys(joins, _UP | _DOWN)
        arms[node] = _UP | (_DOWN if rest else 0)
        yield drawing.row(arms), None
    while drawing.lanes and drawing.lanes[-1] is None:
        drawing.lanes.pop()


def label(task: TaskSpec) -> str:
    """A task in a drawing: its id, whether it is mapped, its operator, and what of it is not the usual."""
    marks = [task.operator]
    if task.is_setup or task.is_teardown:
        marks.append("setup" if task.is_setup else "teardown")
    if task.trigger_rule is not TriggerRule.ALL_SUCCESS and not task.is_teardown:
        marks.append(task.trigger_rule.value)
    return f"{task.task_id}{'[]' if task.mapping is not None else ''}  ({', '.join(one for one in marks if one)})"


def dot(spec: DagSpec) -> str:
    """The graph for Graphviz; groups are clusters."""
    lines = [f"digraph {_quoted(spec.dag_id)} {{", "  rankdir=LR;", "  node [shape=box, style=rounded];"]
    lines += _dot_group(spec, None, "  ")
    for task in spec.tasks:
        for upstream in task.upstream:
            text = _label_of(spec, upstream, task.task_id)
            suffix = f" [label={_quoted(text)}]" if text else ""
            lines.append(f"  {_quoted(upstream)} -> {_quoted(task.task_id)}{suffix};")
    return "\n".join([*lines, "}"])


def _dot_group(spec: DagSpec, group_id: str | None, indent: str) -> list[str]:
    lines = []
    for task in spec.tasks:
        if task.group_id == group_id:
            peripheries = ", peripheries=2" if task.mapping is not None else ""
            lines.append(f"{indent}{_quoted(task.task_id)} [label={_quoted(_short(task))}{peripheries}];")
    for group in spec.groups:
        if group.parent_id == group_id:
            lines.append(f"{indent}subgraph {_quoted('cluster_' + group.group_id)} {{")
            lines.append(f"{indent}  label={_quoted(group.display_name or group.group_id.rpartition('.')[2])};")
            lines += _dot_group(spec, group.group_id, indent + "  ")
            lines.append(f"{indent}}}")
    return lines


def mermaid(spec: DagSpec) -> str:
    """The graph as a Mermaid flowchart; groups are subgraphs."""
    names = {task.task_id: f"t{number}" for number, task in enumerate(spec.tasks)}
    lines = ["flowchart LR", *_mermaid_group(spec, None, "  ", names)]
    for task in spec.tasks:
        for upstream in task.upstream:
            text = _label_of(spec, upstream, task.task_id)
            arrow = f'-- "{_escaped(text)}" -->' if text else "-->"
            lines.append(f"  {names[upstream]} {arrow} {names[task.task_id]}")
    return "\n".join(lines)


def _mermaid_group(spec: DagSpec, group_id: str | None, indent: str, names: dict[str, str]) -> list[str]:
    lines = []
    for task in spec.tasks:
        if task.group_id == group_id:
            left, right = ('[["', '"]]') if task.mapping is not None else ('["', '"]')
            lines.append(f"{indent}{names[task.task_id]}{left}{_escaped(_short(task))}{right}")
    for number, group in enumerate(spec.groups):
        if group.parent_id == group_id:
            title = _escaped(group.display_name or group.group_id.rpartition(".")[2])
            lines.append(f'{indent}subgraph g{number}["{title}"]')
            lines += _mermaid_group(spec, group.group_id, indent + "  ", names)
            lines.append(f"{indent}end")
    return lines


def _downstreams(tasks: Sequence[TaskSpec]) -> dict[str, list[str]]:
    below: dict[str, list[str]] = {task.task_id: [] for task in tasks}
    for task in tasks:
        for upstream in task.upstream:
            below[upstream].append(task.task_id)
    return below


def _short(task: TaskSpec) -> str:
    own = task.task_id.rpartition(".")[2] if task.group_id else task.task_id
    return task.display_name or (own + ("[]" if task.mapping is not None else ""))


def _label_of(spec: DagSpec, upstream: str, downstream: str) -> str:
    for task in spec.tasks:
        if task.task_id == upstream:
            return task.edge_labels.get(downstream, "")
    return ""


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escaped(text: str) -> str:
    return text.replace("&", "#amp;").replace('"', "#quot;")
