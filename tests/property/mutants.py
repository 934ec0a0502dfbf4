"""Faults planted in the engine, one at a time: the state machine must find each, or it checks less than it seems to.

A mutant is a replacement in the source of one module. The engine is imported anew with it (and the machine with that
engine), and everything is put back afterwards; the files stay as they are.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import pathlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import CodeType, ModuleType
from typing import NamedTuple

import hypothesis
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

_MACHINE = "tests.property.engine_machine"
_WITH_ENGINE = ("tests.unit.engine.world", "tests.unit.engine.ledger", "tests.property.engine_checks", _MACHINE)


class Mutant(NamedTuple):
    """What is wrong, in which module of the engine, and how."""

    what: str
    module: str
    old: str
    new: str


def with_fault(mutant: Mutant, source: str) -> str:
    """A module's source with the fault. Raises AssertionError where its place is not there once."""
    assert source.count(mutant.old) == 1, f"{mutant.what}: its place is there {source.count(mutant.old)} times"
    return source.replace(mutant.old, mutant.new)


class _Planted(importlib.machinery.SourceFileLoader):
    """Finds one module, with another source."""

    def __init__(self, mutant: Mutant) -> None:
        self._name = f"tradewind.engine.{mutant.module}"
        found = importlib.util.find_spec(self._name)
        assert found is not None
        assert found.origin is not None
        super().__init__(self._name, found.origin)
        self._source = with_fault(mutant, pathlib.Path(found.origin).read_text())

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self) if fullname == self._name else None

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.path, "exec")


def _of_engine(name: str) -> bool:
    return name == "tradewind.engine" or name.startswith("tradewind.engine.") or name in _WITH_ENGINE


@contextmanager
def planted(mutant: Mutant) -> Iterator[type[RuleBasedStateMachine]]:
    """The machine over an engine with this fault."""
    importlib.import_module(_MACHINE)
    kept = {name: module for name, module in sys.modules.items() if _of_engine(name)}
    finder = _Planted(mutant)
    for name in kept:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    try:
        yield importlib.import_module(_MACHINE).EngineMachine
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if _of_engine(name)]:
            del sys.modules[name]
        sys.modules.update(kept)
        for name, module in kept.items():
            parent, _, leaf = name.rpartition(".")
            setattr(sys.modules[parent], leaf, module)


def is_killed(mutant: Mutant, examples: int) -> bool:
    """Whether the machine fails within this number of examples. The same examples every time."""
    settings = hypothesis.settings(
        max_examples=examples,
        stateful_step_count=40,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    with planted(mutant) as machine:
        try:
            run_state_machine_as_test(machine, settings=settings)
        except Exception:  # noqa: BLE001 whatever it raises: the fault was noticed
            return True
    return False


QUICK = (
    Mutant(
        "one attempt too many in the whole installation",
        "admission",
        "core.usage.alive < core.limits.parallelism:",
        "core.usage.alive <= core.limits.parallelism:",
    ),
    Mutant(
        "every task takes one slot of its pool",
        "usage",
        "self._running[task.pool] += sign * task.pool_slots",
        "self._running[task.pool] += sign",
    ),
    Mutant(
        "an end told again is taken for a new one",
        "attempts",
        "if attempt is None or attempt.phase is AttemptPhase.ENDED:\n        return\n    live",
        "if attempt is None:\n        return\n    live",
    ),
    Mutant(
        "a freed limit wakes nobody", "core", "                self.queues.release(limit)\n", "                pass\n"
    ),
    Mutant(
        "an expansion leaves one element out",
        "mapping",
        "for index in range(total):\n            core",
        "for index in range(total - 1):\n            core",
    ),
    Mutant(
        "a batch that is taken back keeps its attempts",
        "tables",
        "rows = tables[kind]\n",
        "rows = dict(tables[kind])\n",
    ),
    Mutant(
        "a deadline is not looked at",
        "admission",
        "            deadlines.look(core, core.runs[key])\n",
        "            pass\n",
    ),
    Mutant("what is due now is not due", "timers", "self._heap[0][0] <= now", "self._heap[0][0] < now"),
    Mutant(
        "none_failed_min_one_success is not skipped with all its upstreams",
        "trigger_rules",
        "    if c.skipped >= c.total:\n        return _SKIPPED\n    return True if c.success",
        "    return True if c.success",
    ),
    Mutant(
        "all_done takes a skipped upstream for unfinished",
        "counts",
        "return self.success + self.skipped + self.failed",
        "return self.success + self.failed",
    ),
    Mutant(
        "elements are thought to wait together",
        "readiness",
        "not in live.graph.seen_groups and _all_wait(live, node)",
        "not in live.graph.seen_groups",
    ),
)

THOROUGH = (
    Mutant(
        "a teardown does not wait for its scope",
        "readiness",
        "(scope := node.scope.seen(parts)).done < scope.total",
        "(scope := node.scope.seen(parts)).done < 0",
    ),
    Mutant(
        "a branch skips what runs already",
        "skipping",
        "if other.state in _NOT_BEGUN and",
        "if not other.state.is_finished and",
    ),
    Mutant(
        "an upstream that is upstream_failed does not count as bad",
        "counts",
        "return self.failed + self.upstream_failed",
        "return self.failed",
    ),
    Mutant(
        "one_done is content with successes only",
        "trigger_rules",
        "if c.success or c.failed:\n        return True",
        "if c.success:\n        return True",
    ),
    Mutant(
        "elements of a mapped group see each other",
        "live",
        "if group_id is None or map_index < 0:\n            return None",
        "return None",
    ),
    Mutant(
        "a setup further above does not matter",
        "readiness",
        "    if seen.bad:\n        return TaskState.UPSTREAM_FAILED\n",
        "    if seen.bad:\n        return True\n",
    ),
    Mutant(
        "a branch's decision is forgotten by who is looked at later",
        "readiness",
        "if above.skips and task.task_id in above.skips and above.map_index in (-1, index):",
        "if False:",
    ),
    Mutant(
        "the past is taken for met",
        "past",
        "if any(ti.state not in SUCCESSFUL for ti in node.rows.values()):\n        return False",
        "",
    ),
    Mutant("what is below in the past does not matter", "past", "if not task.wait_for_downstream:", "if True:"),
    Mutant("the first run is taken for the one before", "past", "found = max(earlier,", "found = min(earlier,"),
    Mutant(
        "a run made in between does not become the one before",
        "past",
        "if earlier is None or earlier < at:",
        "if False:",
    ),
    Mutant(
        "who waits for the past is not looked at again",
        "watches",
        "self._told.update(self._watchers.get(name, {}))",
        "pass",
    ),
    Mutant(
        "a task's limit over all runs allows one more",
        "usage",
        "found = task.max_active_tis_per_dag if",
        "found = 1 + (task.max_active_tis_per_dag or 0) if",
    ),
    Mutant(
        "max_active_tasks allows one more",
        "usage",
        "return live.graph.spec.max_active_tasks",
        "return live.graph.spec.max_active_tasks + 1",
    ),
    Mutant(
        "max_active_tasks of Airflow 2 counts each run alone",
        "usage",
        'if live.run.meaning == "3" else',
        "if True else",
    ),
    Mutant(
        "max_active_runs allows one more",
        "runs",
        "core.runqueue.running[line] >= _limit",
        "core.runqueue.running[line] > _limit",
    ),
    Mutant(
        "a paused DAG's tasks are launched",
        "admission",
        "if dag is not None and dag.paused:\n        return (",
        "if False:\n        return (",
    ),
    Mutant(
        "who came back from a limit for nothing does not let the next try",
        "admission",
        "if origin is not None and origin != limit:",
        "if False:",
    ),
    Mutant(
        "a full pool is not looked at again when it has room",
        "core",
        "            self.queues.open_pool(node.task.pool)\n        waited",
        "            pass\n        waited",
    ),
    Mutant("a larger pool does not wake who waited for it", "core", "        self.queues.open_pool(pool.name)\n", ""),
    Mutant("an unpaused DAG's tasks stay behind", "core", 'self.queues.release_all(("paused", dag.dag_id))', "pass"),
    Mutant(
        "the infrastructure pays once more than its budget",
        "attempts",
        "return ti.infrastructure_failures < budget",
        "return ti.infrastructure_failures <= budget",
    ),
    Mutant("one retry less", "retries", "or ti.try_number > ti.max_tries", "or ti.try_number >= ti.max_tries"),
    Mutant("one retry more", "retries", "or ti.try_number > ti.max_tries", "or ti.try_number > ti.max_tries + 1"),
    Mutant(
        "a clear does not wait for the old attempt",
        "runs",
        "if stop_attempt(core, ti, why):\n        core.put_task(live, replace(ti, state=TaskState.RESTARTING",
        "if stop_attempt(core, ti, why) and False:\n        core.put_task(live, replace(ti, state=TaskState.RESTARTING",
    ),
    Mutant(
        "what is upstream_failed does not fail the run",
        "runs",
        "_BAD = (TaskState.FAILED, TaskState.UPSTREAM_FAILED)",
        "_BAD = (TaskState.FAILED,)",
    ),
    Mutant(
        "teardowns decide the state of the run",
        "graph",
        "return not task.is_teardown or task.on_failure_fail_dagrun",
        "return True",
    ),
    Mutant("a run with work left is over", "runs", "if live.unfinished == 0:", "if live.active == 0:"),
    Mutant(
        "a restart forgets what is ready",
        "core",
        "if ti.state is TaskState.SCHEDULED:\n                    self.push_ready",
        "if False:\n                    self.push_ready",
    ),
    Mutant(
        "a restart forgets retries",
        "core",
        "                if ti.due_at is not None:\n                    self.timers",
        "                if False:\n                    self.timers",
    ),
    Mutant(
        "a batch that is taken back keeps its runs",
        "tables",
        "            self.runs[key].run = before\n",
        "            pass\n",
    ),
    Mutant(
        "people's counters miss what was before",
        "tables",
        "self.deltas[row.run_key, group_id, before.state.value] -= 1",
        "pass",
    ),
    Mutant(
        "a stop is not asked for", "core", "            self.stop[attempt.attempt_id] = None\n", "            pass\n"
    ),
    Mutant("a length of nothing is expanded", "mapping", "elif total == 0:", "elif total == -2:"),
    Mutant(
        "elements that failed count as values",
        "mapping",
        "sum(row.has_value for row in rows.values() if row.state is TaskState.SUCCESS)",
        "len(rows)",
    ),
)
