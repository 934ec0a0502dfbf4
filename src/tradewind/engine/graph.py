"""A DAG version compiled for the engine: indexes instead of scans. Shared by all runs of the version."""

from __future__ import annotations

from tradewind.model.dagspec import DagSpec, GroupSpec, Mapping, TaskSpec, WeightRule


class Graph:
    """Immutable after construction."""

    def __init__(self, spec: DagSpec) -> None:
        self.spec = spec
        self.tasks: dict[str, TaskSpec] = {task.task_id: task for task in spec.tasks}
        self.groups: dict[str, GroupSpec] = {group.group_id: group for group in spec.groups}
        self.downstream: dict[str, tuple[str, ...]] = {}
        down: dict[str, list[str]] = {task.task_id: [] for task in spec.tasks}
        for task in spec.tasks:
            for upstream in task.upstream:
                down[upstream].append(task.task_id)
        self.downstream = {task_id: tuple(ids) for task_id, ids in down.items()}
        self.mapped_groups: dict[str, tuple[str, ...]] = {
            task.task_id: self._mapped_groups(task) for task in spec.tasks
        }
        self.mappings: dict[str, tuple[Mapping, ...]] = {}
        for task in spec.tasks:
            found = [self._mapping_of(group_id) for group_id in self.mapped_groups[task.task_id]]
            if task.mapping is not None:
                found.append(task.mapping)
            self.mappings[task.task_id] = tuple(found)
        self.weights = self._weights()
        self.leaves = self._leaves()

    def _mapping_of(self, group_id: str) -> Mapping:
        mapping = self.groups[group_id].mapping
        assert mapping is not None
        return mapping

    def _mapped_groups(self, task: TaskSpec) -> tuple[str, ...]:
        found: list[str] = []
        group_id = task.group_id
        while group_id is not None and group_id in self.groups:
            if self.groups[group_id].mapping is not None:
                found.append(group_id)
            group_id = self.groups[group_id].parent_id
        return tuple(reversed(found))

    def _weights(self) -> dict[str, int]:
        weights: dict[str, int] = {}
        for task in self.spec.tasks:
            if task.weight_rule is WeightRule.ABSOLUTE or len(self.spec.tasks) > 2000:
                weights[task.task_id] = task.priority_weight
            else:
                relatives = self.relatives(task.task_id, down=task.weight_rule is WeightRule.DOWNSTREAM)
                weights[task.task_id] = task.priority_weight + sum(self.tasks[one].priority_weight for one in relatives)
        return weights

    def relatives(self, task_id: str, *, down: bool) -> set[str]:
        """All tasks below (or above) one."""
        found: set[str] = set()
        pending = [task_id]
        while pending:
            one = pending.pop()
            for other in self.downstream[one] if down else self.tasks[one].upstream:
                if other not in found:
                    found.add(other)
                    pending.append(other)
        return found

    def _leaves(self) -> tuple[str, ...]:
        """Tasks which decide the run's state: those without downstreams that are not plain teardowns."""

        def ignored(task_id: str) -> bool:
            task = self.tasks[task_id]
            return task.is_teardown and not task.on_failure_fail_dagrun

        found: set[str] = set()
        pending = [task_id for task_id, below in self.downstream.items() if not below]
        seen: set[str] = set()
        while pending:
            one = pending.pop()
            if one in seen:
                continue
            seen.add(one)
            if ignored(one):
                pending.extend(self.tasks[one].upstream)
            elif not any(not ignored(below) for below in self.downstream[one]):
                found.add(one)
        return tuple(sorted(found))
