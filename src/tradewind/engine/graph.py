"""A DAG version compiled for the engine: indexes instead of scans. Shared by all runs of the version.

Immutable after construction. What takes a walk over the graph (relatives, setups, scopes) is computed when it is first
asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from enum import Enum
from functools import cached_property
from typing import NamedTuple

from tradewind.model.dagspec import DagSpec, GroupSpec, Mapping, TaskSpec, WeightRule, XComLength


class Sight(Enum):
    """Why a task looks at another one."""

    DIRECT = "direct"
    """A direct upstream: its trigger rule."""
    SETUP = "setup"
    """A setup further above, in whose scope it is: all must succeed."""
    SCOPE = "scope"
    """Only for teardowns: what lies between its setups and itself must be over."""


class Edge(NamedTuple):
    """A task further down looks at this one."""

    target: str
    sight: Sight
    group: str | None
    """The innermost mapped group that holds both: then only elements of one index see each other."""


class Graph:
    """One version."""

    def __init__(self, spec: DagSpec) -> None:
        self.spec = spec
        self.tasks: dict[str, TaskSpec] = {task.task_id: task for task in spec.tasks}
        self.order: dict[str, int] = {task.task_id: place for place, task in enumerate(spec.tasks)}
        self.groups: dict[str, GroupSpec] = {group.group_id: group for group in spec.groups}
        down: dict[str, list[str]] = {task.task_id: [] for task in spec.tasks}
        for task in spec.tasks:
            for upstream in task.upstream:
                down[upstream].append(task.task_id)
        self.downstream: dict[str, tuple[str, ...]] = {task_id: tuple(ids) for task_id, ids in down.items()}
        self.mapped_groups: dict[str, tuple[str, ...]] = {one.task_id: self._mapped_groups(one) for one in spec.tasks}
        """Of each task: its mapped groups, outermost first."""
        self.mappings: dict[str, tuple[Mapping, ...]] = {one.task_id: self._mappings(one) for one in spec.tasks}
        """Of each task: the mappings that multiply it, outermost first."""
        self.groups_of: dict[str, tuple[str, ...]] = {one.task_id: self._groups_of(one.group_id) for one in spec.tasks}
        """Of each task: all its groups, innermost first."""
        self.teardowns = tuple(task.task_id for task in spec.tasks if task.is_teardown)
        self.has_setups = any(task.is_setup for task in spec.tasks) or bool(self.teardowns)
        self.looks_back = any(task.depends_on_past or task.wait_for_downstream for task in spec.tasks)
        self.delay: timedelta | None = None
        """How much later than its moment a scheduled run is made; found when it is first asked for."""

    def _groups_of(self, group_id: str | None) -> tuple[str, ...]:
        found: list[str] = []
        while group_id is not None and group_id in self.groups:
            found.append(group_id)
            group_id = self.groups[group_id].parent_id
        return tuple(found)

    def _mapped_groups(self, task: TaskSpec) -> tuple[str, ...]:
        chain = self._groups_of(task.group_id)
        return tuple(one for one in reversed(chain) if self.groups[one].mapping is not None)

    def _mappings(self, task: TaskSpec) -> tuple[Mapping, ...]:
        found = [mapping for one in self.mapped_groups[task.task_id] if (mapping := self.groups[one].mapping)]
        return tuple(found) if task.mapping is None else (*found, task.mapping)

    # -- who sees whom ---------------------------------------------------------------------------------------------

    @cached_property
    def edges(self) -> dict[str, tuple[Edge, ...]]:
        """Of each task: who looks at it."""
        found: dict[str, list[Edge]] = {task_id: [] for task_id in self.tasks}
        for task in self.spec.tasks:
            for upstream in task.upstream:
                found[upstream].append(self._edge(upstream, task.task_id, Sight.DIRECT))
        if self.has_setups:
            for task in self.spec.tasks:
                sight = Sight.SCOPE if task.is_teardown else Sight.SETUP
                for seen in self._scope(task) if task.is_teardown else self.distant_setups(task.task_id):
                    found[seen].append(self._edge(seen, task.task_id, sight))
        return {task_id: tuple(edges) for task_id, edges in found.items()}

    def _edge(self, above: str, below: str, sight: Sight) -> Edge:
        return Edge(below, sight, self.common_group(above, below))

    def common_group(self, one: str, other: str) -> str | None:
        """The innermost mapped group that holds both tasks."""
        common = None
        for mine, theirs in zip(self.mapped_groups[one], self.mapped_groups[other], strict=False):
            if mine != theirs:
                break
            common = mine
        return common

    @cached_property
    def seen_groups(self) -> dict[str, tuple[str, ...]]:
        """Of each task in a mapped group: the groups in whose elements it sees parts of upstreams."""
        found: dict[str, dict[str, None]] = {}
        for edges in self.edges.values():
            for edge in edges:
                if edge.group is not None:
                    found.setdefault(edge.target, {})[edge.group] = None
        return {task_id: tuple(groups) for task_id, groups in found.items()}

    @cached_property
    def mapped_over(self) -> frozenset[str]:
        """Tasks whose return value some mapping is made over."""
        mappings = [mapping for found in self.mappings.values() for mapping in found]
        return frozenset(one for mapping in dict.fromkeys(mappings) for one in _return_values(mapping))

    # -- setups and teardowns --------------------------------------------------------------------------------------

    @cached_property
    def _setups(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for setup in (task.task_id for task in self.spec.tasks if task.is_setup):
            inside = self.relatives(setup, down=True)
            teardowns = [one for one in self.downstream[setup] if self.tasks[one].is_teardown]
            if teardowns:
                inside &= set().union(*(self.relatives(one, down=False) for one in teardowns))
            for task_id in inside:
                found.setdefault(task_id, []).append(setup)
        return found

    def relevant_setups(self, task_id: str) -> list[str]:
        """Setups above a task in whose scope it is: those with a teardown below it, or with none at all."""
        return self._setups.get(task_id, [])

    def distant_setups(self, task_id: str) -> list[str]:
        """Its relevant setups that are not its direct upstreams (those are its trigger rule's)."""
        direct = self.tasks[task_id].upstream
        return [one for one in self.relevant_setups(task_id) if one not in direct]

    def _scope(self, teardown: TaskSpec) -> list[str]:
        setups = [one for one in teardown.upstream if self.tasks[one].is_setup]
        above = self.relatives(teardown.task_id, down=False) - set(teardown.upstream)
        found: set[str] = set()
        for setup in setups:
            found |= above & self.relatives(setup, down=True)
        return sorted(found, key=self.order.__getitem__)

    # -- walks -----------------------------------------------------------------------------------------------------

    def relatives(self, task_id: str, *, down: bool) -> set[str]:
        """All tasks below (or above) one, without itself."""
        found: set[str] = set()
        pending = [task_id]
        while pending:
            one = pending.pop()
            for other in self.downstream[one] if down else self.tasks[one].upstream:
                if other not in found:
                    found.add(other)
                    pending.append(other)
        return found

    @cached_property
    def weights(self) -> dict[str, int]:
        """Effective priority weights. Sets of relatives are bits of integers: one `or` for each edge."""
        down = self._reach(reversed(self.spec.tasks), down=True)
        up = self._reach(self.spec.tasks, down=False)
        weights = {}
        for task in self.spec.tasks:
            reach = 0
            if task.weight_rule is WeightRule.DOWNSTREAM:
                reach = down[task.task_id]
            elif task.weight_rule is WeightRule.UPSTREAM:
                reach = up[task.task_id]
            weights[task.task_id] = task.priority_weight + self._weight_of(reach)
        return weights

    def _reach(self, tasks: Iterable[TaskSpec], *, down: bool) -> dict[str, int]:
        rule = WeightRule.DOWNSTREAM if down else WeightRule.UPSTREAM
        if not any(task.weight_rule is rule for task in self.spec.tasks):
            return {}
        reach: dict[str, int] = {}
        for task in tasks:
            bits = 0
            for other in self.downstream[task.task_id] if down else task.upstream:
                bits |= reach[other] | 1 << self.order[other]
            reach[task.task_id] = bits
        return reach

    @cached_property
    def _masks(self) -> dict[int, int]:
        masks: dict[int, int] = {}
        for place, task in enumerate(self.spec.tasks):
            masks[task.priority_weight] = masks.get(task.priority_weight, 0) | 1 << place
        return masks

    def _weight_of(self, reach: int) -> int:
        return sum(weight * (mask & reach).bit_count() for weight, mask in self._masks.items())

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """Tasks which decide the run's state: nothing below them counts; plain teardowns do not count."""

        def counts(task_id: str) -> bool:
            task = self.tasks[task_id]
            return not task.is_teardown or task.on_failure_fail_dagrun

        found = [one for one in self.tasks if counts(one) and not any(counts(below) for below in self.downstream[one])]
        return tuple(found) or tuple(one for one in self.tasks if not self.downstream[one])


def _return_values(mapping: Mapping) -> Iterable[str]:
    pending = [length for _, length in mapping.arguments]
    while pending:
        length = pending.pop()
        if isinstance(length, XComLength):
            if length.key == "return_value":
                yield length.task_id
        else:
            pending.extend(getattr(length, "parts", ()))
