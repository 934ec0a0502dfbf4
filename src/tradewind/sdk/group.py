"""Task groups: tasks drawn together, whose ids share a prefix and which can be ordered and multiplied as one.

A DAG has one root group without id. Children are kept in order of definition; that order breaks ties everywhere.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewind.sdk import errors, scope
from tradewind.sdk.node import DependencyMixin, Node, check_group_key, listed
from tradewind.sdk.unset import NOTSET

if TYPE_CHECKING:
    from tradewind.sdk.definition import DAG
    from tradewind.sdk.edges import EdgeModifier
    from tradewind.sdk.expansion import ExpandInput

_KINDS = {"group_display_name": str, "tooltip": str, "ui_color": str, "ui_fgcolor": str}


class TaskGroup(Node):
    """A group of tasks; used as a context manager. `expand_input` is set where the group is mapped."""

    def __init__(
        self,
        group_id: str | None,
        group_display_name: str = "",
        prefix_group_id: bool = True,
        parent_group: Any = NOTSET,
        dag: Any = NOTSET,
        default_args: dict[str, Any] | None = None,
        tooltip: str = "",
        doc_md: str | None = None,
        ui_color: str = "CornflowerBlue",
        ui_fgcolor: str = "#000",
        add_suffix_on_collision: bool = False,
        *,
        expand_input: ExpandInput | None = None,
    ) -> None:
        if group_id is not None:
            check_group_key(group_id)
        self._group_id = group_id
        self.group_display_name = group_display_name
        self.prefix_group_id = prefix_group_id
        self.tooltip = tooltip
        self.doc_md = _document(doc_md)
        self.ui_color = ui_color
        self.ui_fgcolor = ui_fgcolor
        self.expand_input = expand_input
        self.children: dict[str, Any] = {}
        self.upstream_group_ids: set[str | None] = set()
        self.downstream_group_ids: set[str | None] = set()
        self.upstream_task_ids = set()
        self.downstream_task_ids = set()
        self._check_kinds()
        self.parent_group = self._join(parent_group, dag, add_suffix_on_collision)
        inherited = self.parent_group.default_args if self.parent_group is not None else {}
        self.default_args: dict[str, Any] = {**inherited, **copy.deepcopy(default_args or {})}

    def _check_kinds(self) -> None:
        for name, kind in _KINDS.items():
            hint = "put the text in quotes"
            about = f"task group {self._group_id!r}"
            errors.expect("wrong-type", about, name, getattr(self, name), (kind,), words="a text", hint=hint)

    def _join(self, parent: Any, dag: Any, add_suffix: bool) -> TaskGroup | None:
        given_dag: DAG | None = None if dag is NOTSET else dag
        if self._group_id is None and parent is None:
            self.dag = dag
            return None
        if parent is NOTSET:
            parent = given_dag.task_group if given_dag is not None else None
            current = scope.current_group(given_dag)
            parent = current if current is not None else parent
        if parent is None and given_dag is not None:
            parent = given_dag.task_group
        if parent is None:
            hint = "make it inside `with DAG(...)`, or pass dag="
            raise errors.DagProblem.of("no-dag", f"task group {self._group_id!r}", "it belongs to no DAG", hint)
        self.dag = given_dag if given_dag is not None else parent.dag
        if parent.dag is not self.dag:
            said = f"its parent group belongs to another DAG, {parent.dag.dag_id!r}"
            hint = "a group and its parent belong to one DAG"
            raise errors.DagProblem.of("two-dags", f"task group {self._group_id!r}", said, hint)
        self.parent_group = parent
        self._settle_name(add_suffix)
        parent.children[self.node_id] = self
        self.dag.used_ids.add(self.node_id)
        return self.parent_group

    def _settle_name(self, add_suffix: bool) -> None:
        used = self.dag.used_ids
        if self.node_id not in used:
            return
        if not add_suffix or self._group_id is None:
            raise duplicate("task group", self.node_id, self.dag.dag_id)
        stem = re.split(r"__\d+$", self._group_id)[0]
        prefix = self.node_id[: len(self.node_id) - len(self._group_id)]
        number = 1
        while f"{prefix}{stem}__{number}" in used:
            number += 1
        self._group_id = f"{stem}__{number}"

    @property
    def group_id(self) -> str | None:
        """The id, with the prefixes of the groups around it."""
        parent = self.parent_group
        if self._group_id and parent is not None:
            return parent.child_id(self._group_id)
        return self._group_id

    @property
    def node_id(self) -> str:
        return self.group_id or ""

    @property
    def label(self) -> str | None:
        return self.group_display_name or self._group_id

    @property
    def is_root(self) -> bool:
        """Whether this is its DAG's root group."""
        return not self._group_id

    @property
    def task_group(self) -> TaskGroup | None:
        """The group around it."""
        return self.parent_group

    @task_group.setter
    def task_group(self, value: TaskGroup | None) -> None:
        self.parent_group = value

    def get_dag(self) -> DAG | None:
        return self.dag

    def child_id(self, label: str) -> str:
        """The id of a child of this name."""
        if self.prefix_group_id:
            return f"{self.group_id}.{label}" if self.group_id else label
        return label

    def add(self, task: Any) -> Any:
        """Take a task in."""
        group = task.task_group
        if group is not None and group is not self:
            said = f"it is in the group {group.node_id!r} already and cannot join {self.node_id!r} too"
            raise errors.TaskAlreadyInTaskGroup.of(
                "two-groups", f"task {task.node_id!r}", said, "make the task inside one group's block only"
            )
        task.task_group = self
        if task.node_id in self.children and self.children[task.node_id] is not task:
            raise duplicate("task", task.node_id, self.dag_id)
        self.children[task.node_id] = task
        return task

    def __enter__(self) -> TaskGroup:
        scope.enter_group(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self.expand_input is not None:
            for operator, _key in self.expand_input.iter_references():
                self.set_upstream(operator)
        scope.leave_group()

    def __iter__(self) -> Iterator[Any]:
        for child in self.children.values():
            if isinstance(child, TaskGroup):
                yield from child
            else:
                yield child

    def iter_tasks(self) -> Iterator[Any]:
        """All tasks inside, nested groups' too."""
        return iter(self)

    def has_task(self, task: Any) -> bool:
        """Whether the task is inside, at any depth."""
        return any(own is task for own in self)

    def get_child_by_label(self, label: str) -> Any:
        """The child of this name, without the group's prefix."""
        return self.children[self.child_id(label)]

    def __getitem__(self, label: str) -> Any:
        try:
            return self.get_child_by_label(label)
        except KeyError:
            raise errors.NodeNotFound(f"group {self.node_id!r} has no task or group {label!r}") from None

    def get_task_group_dict(self) -> dict[str | None, TaskGroup]:
        """The group itself and all groups inside, by id, parents first."""
        found: dict[str | None, TaskGroup] = {self.group_id: self}
        for child in self.children.values():
            if isinstance(child, TaskGroup):
                found.update(child.get_task_group_dict())
        return found

    @property
    def roots(self) -> Sequence[Any]:
        return list(self.get_roots())

    @property
    def leaves(self) -> Sequence[Any]:
        return list(self.get_leaves())

    def get_roots(self) -> Iterator[Any]:
        """Tasks without an upstream inside."""
        names = {task.task_id for task in self}
        return (task for task in self if task.upstream_task_ids.isdisjoint(names))

    def get_leaves(self) -> Iterator[Any]:
        """Tasks without a downstream inside; teardowns do not count, what stands before them does."""
        inside = {task.task_id: task for task in self}
        for task in inside.values():
            if task.downstream_task_ids.isdisjoint(inside):
                if task.is_teardown:
                    yield from _before_teardown(task, inside)
                else:
                    yield task

    def set_upstream(self, other: Any, edge_modifier: EdgeModifier | None = None) -> None:
        for thing in listed(other):
            self.update_relative(thing, True, edge_modifier)
        for task in self.get_roots():
            task.set_upstream(other)

    def set_downstream(self, other: Any, edge_modifier: EdgeModifier | None = None) -> None:
        leaves = self._outward_leaves()
        for thing in listed(other):
            self.update_relative(thing, False, edge_modifier)
        for task in leaves:
            task.set_downstream(other)

    def _outward_leaves(self) -> list[Any]:
        """Leaves; of an empty group what stands before it, or the leaves of the group around it."""
        group: TaskGroup | None = self
        while group is not None:
            if leaves := list(group.get_leaves()):
                return leaves
            if group.upstream_task_ids:
                return [self.dag.get_task(name) for name in sorted(group.upstream_task_ids)]
            group = group.parent_group
        return []

    def update_relative(
        self, other: DependencyMixin, upstream: bool = True, edge_modifier: EdgeModifier | None = None
    ) -> None:
        if isinstance(other, TaskGroup):
            after, before = (self, other) if upstream else (other, self)
            after.upstream_group_ids.add(before.group_id)
            before.downstream_group_ids.add(after.group_id)
            if edge_modifier is not None:
                edge_modifier.add_edge_info(self.dag, before.downstream_join_id, after.upstream_join_id)
            return
        for task in other.roots:
            if task is self or not isinstance(task, Node):
                continue
            mine = self.upstream_join_id if upstream else self.downstream_join_id
            (self.upstream_task_ids if upstream else self.downstream_task_ids).add(task.node_id)
            if edge_modifier is not None:
                ends = (task.node_id, mine) if upstream else (mine, task.node_id)
                edge_modifier.add_edge_info(self.dag, *ends)

    @property
    def upstream_join_id(self) -> str:
        """Name of the point where edges into the group meet."""
        return f"{self.group_id}.upstream_join_id"

    @property
    def downstream_join_id(self) -> str:
        """Name of the point where edges out of the group meet."""
        return f"{self.group_id}.downstream_join_id"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.group_id}>"


def _before_teardown(teardown: Any, inside: dict[str, Any]) -> Iterator[Any]:
    for name in sorted(teardown.upstream_task_ids):
        task = inside.get(name)
        if task is None:
            continue
        if task.is_teardown:
            yield from _before_teardown(task, inside)
        elif teardown.is_teardown and task.is_setup:
            continue
        elif not _has_work_after(task, inside, besides=teardown.task_id):
            yield task


def _has_work_after(task: Any, inside: dict[str, Any], *, besides: str) -> bool:
    names = (name for name in task.downstream_task_ids if name != besides and name in inside)
    return any(not inside[name].is_teardown for name in names)


def duplicate(what: str, name: str, dag_id: str) -> errors.DuplicateTaskIdFound:
    """Build the error for an id that is taken."""
    said = f"there is a {what.rsplit(' ', maxsplit=1)[-1]} or group of this id already"
    hint = "ids are unique within a DAG; in a loop, put the loop's value into the id"
    return errors.DuplicateTaskIdFound.of("duplicate-id", f"{what} {name!r} of DAG {dag_id!r}", said, hint)


def _document(text: str | None) -> str | None:
    if text is not None and text.endswith(".md") and (path := Path(text)).is_file():
        return path.read_text(encoding="utf-8")
    return text
