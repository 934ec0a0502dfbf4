"""What a task instance may do by what is above it, said a second time and slowly: straight from Airflow's documentation
of trigger rules, setups, mapping and branches, over plain rows. Nothing of `tradewind.engine` is used here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from tradewind.model.dagspec import ConstLength, DagSpec, Length, TaskSpec, XComLength
from tradewind.model.rows import TaskInstance

Rows = Mapping[tuple[str, int], TaskInstance]
"""The rows of one run by task id and map index."""

RUN, WAIT, SKIP, UPSTREAM_FAILED = "run", "wait", "skipped", "upstream_failed"
EXPAND = "expand"
FINISHED = ("success", "failed", "skipped", "upstream_failed", "removed")


def rule_says(rule: str, states: list[str]) -> str:  # noqa: C901 one case for each rule, to be read beside the documentation
    """A trigger rule over the states of the upstream instances."""
    if not states or rule == "always":
        return RUN
    n, over = Counter(states), all(state in FINISHED for state in states)
    bad = n["failed"] + n["upstream_failed"]
    present = [state for state in states if state != "removed"]
    match rule:
        case "all_success":
            if bad:
                return UPSTREAM_FAILED
            if n["skipped"]:
                return SKIP
            return RUN if all(state == "success" for state in present) else WAIT
        case "all_failed":
            if n["success"] or n["skipped"]:
                return SKIP
            return RUN if all(state in ("failed", "upstream_failed") for state in present) else WAIT
        case "all_done":
            return RUN if over else WAIT
        case "all_done_min_one_success":
            if n["skipped"]:
                return SKIP
            if not over:
                return WAIT
            return RUN if n["success"] else UPSTREAM_FAILED
        case "all_skipped":
            if n["success"] or bad:
                return SKIP
            return RUN if all(state == "skipped" for state in present) else WAIT
        case "one_success":
            if n["success"]:
                return RUN
            if not over:
                return WAIT
            return SKIP if n["skipped"] == len(states) else UPSTREAM_FAILED
        case "one_failed":
            if bad:
                return RUN
            return SKIP if over else WAIT
        case "one_done":
            if n["success"] or n["failed"]:
                return RUN
            return SKIP if over else WAIT
        case "none_failed":
            if bad:
                return UPSTREAM_FAILED
            return RUN if over else WAIT
        case "none_failed_min_one_success":
            if bad:
                return UPSTREAM_FAILED
            if not over:
                return WAIT
            if n["skipped"] == len(states):
                return SKIP
            return RUN if n["success"] else UPSTREAM_FAILED
        case "none_skipped":
            if n["skipped"]:
                return SKIP
            return RUN if over else WAIT
    raise AssertionError(rule)


class Oracle:
    """Answers for one version of a DAG."""

    def __init__(self, spec: DagSpec) -> None:
        self.spec = spec
        self.tasks = {task.task_id: task for task in spec.tasks}
        self.groups = {group.group_id: group for group in spec.groups}

    # -- the shape of the DAG --------------------------------------------------------------------------------------

    def below(self, task_id: str) -> set[str]:
        direct = {one.task_id for one in self.spec.tasks if task_id in one.upstream}
        return direct.union(*(self.below(one) for one in direct)) if direct else set()

    def above(self, task_id: str) -> set[str]:
        direct = set(self.tasks[task_id].upstream)
        return direct.union(*(self.above(one) for one in direct)) if direct else set()

    def mapped_group(self, task_id: str) -> str | None:
        """The one mapped group that a task is in (generated DAGs do not nest them)."""
        group_id = self.tasks[task_id].group_id
        return group_id if group_id is not None and self.groups[group_id].mapping is not None else None

    def lengths(self, task_id: str) -> list[Length]:
        task, group_id = self.tasks[task_id], self.mapped_group(task_id)
        mappings = [self.groups[group_id].mapping] if group_id is not None else []
        mappings.append(task.mapping)
        return [length for mapping in mappings if mapping is not None for _, length in mapping.arguments]

    # -- one instance ----------------------------------------------------------------------------------------------

    def seen(self, rows: Rows, above: str, task_id: str, index: int) -> list[TaskInstance]:
        """The instances of another task that one instance sees: its own element in a common mapped group."""
        common = self.mapped_group(task_id) is not None and self.mapped_group(above) == self.mapped_group(task_id)
        found = [ti for (name, _), ti in rows.items() if name == above]
        if not common:
            return found
        return [ti for ti in found if ti.map_index < 0 or ti.map_index == index]

    def says(self, rows: Rows, task_id: str, index: int) -> str:
        """What an instance about which nothing is decided does now, apart from other runs."""
        task = self.tasks[task_id]
        setups = self._setups_say(rows, task, index)
        if setups == UPSTREAM_FAILED or (setups == SKIP and self._sources_say(rows, task_id) != UPSTREAM_FAILED):
            return setups
        said = self._rule_says(rows, task, index)
        if said == SKIP and task.trigger_rule.value == "all_success" and self._skips_early(rows, task, index):
            said = WAIT
        sources = self._sources_say(rows, task_id)
        if UPSTREAM_FAILED in (said, sources):
            return UPSTREAM_FAILED
        if SKIP in (said, sources):
            return SKIP
        if said == WAIT or setups == WAIT:
            return WAIT
        if task.is_teardown and not self._scope_is_over(rows, task, index):
            return WAIT
        if self.lengths(task_id) and index < 0:
            return WAIT if self.length(rows, task_id) is None else EXPAND
        deciders = (ti for one in task.upstream for ti in self.seen(rows, one, task_id, index))
        if any(task_id in ti.skips and ti.map_index in (-1, index) for ti in deciders):
            return SKIP
        return RUN

    def _skips_early(self, rows: Rows, task: TaskSpec, index: int) -> bool:
        """Nothing is skipped but elements of mapped upstreams, seen as wholes, of which others might still fail."""
        skipped = {
            one
            for one in task.upstream
            if any(ti.state.value == "skipped" for ti in self.seen(rows, one, task.task_id, index))
        }
        return all(self._is_being_mapped(rows, one, task) for one in skipped)

    def _is_being_mapped(self, rows: Rows, above: str, task: TaskSpec) -> bool:
        group = self.mapped_group(above)
        if group is not None and group == self.mapped_group(task.task_id):
            return False
        return any(
            name == above and ti.map_index >= 0 and ti.state.value not in FINISHED for (name, _), ti in rows.items()
        )

    def _rule_says(self, rows: Rows, task: TaskSpec, index: int) -> str:
        seen = [(one, ti) for one in task.upstream for ti in self.seen(rows, one, task.task_id, index)]
        states = [ti.state.value for _, ti in seen]
        rule = task.trigger_rule.value
        if rule != "all_done_setup_success":
            return rule_says(rule, states)
        if any(state not in FINISHED for state in states):
            return WAIT
        setups = [ti.state.value for one, ti in seen if self.tasks[one].is_setup]
        if setups and all(state == "skipped" for state in setups):
            return SKIP
        return UPSTREAM_FAILED if setups and "success" not in setups else RUN

    def _setups_say(self, rows: Rows, task: TaskSpec, index: int) -> str:
        """Setups further above, with a teardown below the task or none at all, must all have succeeded."""
        if task.is_teardown or task.trigger_rule.value == "always":
            return RUN
        states: list[str] = []
        for setup in self.above(task.task_id) - set(task.upstream):
            if not self.tasks[setup].is_setup:
                continue
            teardowns = {one.task_id for one in self.spec.tasks if one.is_teardown and setup in one.upstream}
            if not teardowns or teardowns & self.below(task.task_id):
                states += [ti.state.value for ti in self.seen(rows, setup, task.task_id, index)]
        if "failed" in states or "upstream_failed" in states:
            return UPSTREAM_FAILED
        if "skipped" in states:
            return SKIP
        return RUN if all(state in ("success", "removed") for state in states) else WAIT

    def _scope_is_over(self, rows: Rows, task: TaskSpec, index: int) -> bool:
        setups = [one for one in task.upstream if self.tasks[one].is_setup]
        between = {one for setup in setups for one in self.below(setup)} & self.above(task.task_id)
        seen = [ti for one in between - set(task.upstream) for ti in self.seen(rows, one, task.task_id, index)]
        return all(ti.state.value in FINISHED for ti in seen)

    def _sources_say(self, rows: Rows, task_id: str) -> str:
        names = {length.task_id for length in self.lengths(task_id) if isinstance(length, XComLength)}
        states = [rows[name, -1].state.value for name in names if (name, -1) in rows]
        if "failed" in states or "upstream_failed" in states:
            return UPSTREAM_FAILED
        return SKIP if "skipped" in states else RUN

    def length(self, rows: Rows, task_id: str) -> int | None:
        """Elements of a mapped task; None while some source is not over."""
        total = 1
        for length in self.lengths(task_id):
            n = self._one_length(rows, length)
            if n is None:
                return None
            total *= n
        return total

    def _one_length(self, rows: Rows, length: Length) -> int | None:
        if isinstance(length, ConstLength):
            return length.n
        assert isinstance(length, XComLength)
        found = [ti for (name, _), ti in rows.items() if name == length.task_id]
        if len(found) == 1 and found[0].map_index < 0:
            return found[0].result_length if found[0].state.value == "success" else None
        if any(ti.state.value not in FINISHED for ti in found):
            return None
        return sum(ti.state.value == "success" and ti.has_value for ti in found)

    def run_should(self, rows: Rows) -> str:
        """The state of a run whose tasks are all over."""
        return (
            "failed" if any(ti.state.value in ("failed", "upstream_failed") for ti in self._leaves(rows)) else "success"
        )

    def _leaves(self, rows: Rows) -> Iterable[TaskInstance]:
        def counts(task: TaskSpec) -> bool:
            return not task.is_teardown or task.on_failure_fail_dagrun

        leaves = [
            task.task_id
            for task in self.spec.tasks
            if counts(task) and not any(counts(other) for other in self.spec.tasks if task.task_id in other.upstream)
        ]
        if not leaves:
            leaves = [one.task_id for one in self.spec.tasks if not self.below(one.task_id)]
        return [ti for (name, _), ti in rows.items() if name in leaves]
