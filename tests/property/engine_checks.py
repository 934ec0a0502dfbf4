"""What must hold after every batch, told from committed rows and facts alone, and what only the engine's inside shows.

`Watch` follows the facts one by one: each decision about a task is asked of the oracle at the moment at which it fell.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from tests.property.engine_oracle import EXPAND, RUN, SKIP, UPSTREAM_FAILED, WAIT, Oracle
from tests.unit.engine.world import World
from tradewind.model.dagspec import DagSpec, EmptyBody, TaskSpec
from tradewind.model.facts import AttemptFact, Batch, Fact, RunFact, TaskDropped, TaskFact
from tradewind.model.rows import DagRun, TaskInstance
from tradewind.model.states import AttemptPhase, RunState, TaskState

_BY_RULE = "by what is above it"


class Watch:
    """Follows a world's facts."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rows: dict[int, dict[tuple[str, int], TaskInstance]] = defaultdict(dict)
        self.runs: dict[int, DagRun] = {}
        self.oracles: dict[str, Oracle] = {}
        self.acted_on: set[int] = set()
        """Runs that people acted on: their ends are not by the leaves alone."""

    def oracle(self, run: DagRun) -> Oracle:
        key = str(run.version)
        if key not in self.oracles:
            self.oracles[key] = Oracle(self.world.versions[run.version])
        return self.oracles[key]

    def spec(self, run: DagRun) -> DagSpec:
        return self.world.versions[run.version]

    # -- each fact at its moment -----------------------------------------------------------------------------------

    def follow(self, batch: Batch) -> None:
        launched = []
        for fact in batch.facts:
            self._fold(fact)
            if isinstance(fact, TaskDropped):
                self._check_expansion(fact, batch)
            if isinstance(fact, AttemptFact) and fact.attempt.phase is AttemptPhase.CREATED and fact.attempt.wanted:
                launched.append((fact.attempt.run_key, fact.attempt.task_id))
        for run_key, task_id in dict.fromkeys(launched):
            self._check_limits(self.runs[run_key], task_id)
        for run in self.runs.values():
            self._check_deadlines(run)

    def _check_deadlines(self, run: DagRun) -> None:
        """Each that has passed is decided about: missed, which was told, or met."""
        for number, at in enumerate(run.deadlines):
            is_missed, has_passed = number in run.missed_deadlines, at is not None and at <= self.world.now
            assert is_missed <= has_passed, f"deadline {number} of {run.run_id} is missed before its time"
            assert is_missed or not has_passed or run.state.is_finished, f"deadline {number} of {run.run_id} passed by"

    def _fold(self, fact: Fact) -> None:
        match fact:
            case RunFact(run=run):
                before = self.runs.get(run.run_key)
                self.runs[run.run_key] = run
                if before is not None and run.state.is_finished and not before.state.is_finished:
                    self._check_end(before, run)
            case TaskFact(task=ti, cause=cause):
                rows = self.rows[ti.run_key]
                before_ti = rows.get((ti.task_id, ti.map_index))
                if before_ti is not None and before_ti.state is TaskState.NONE and ti.state is not TaskState.NONE:
                    self._check_decision(ti, cause)
                rows[ti.task_id, ti.map_index] = ti
            case TaskDropped():
                said = self.oracle(self.runs[fact.run_key]).says(self.rows[fact.run_key], fact.task_id, fact.map_index)
                assert said == EXPAND, f"{fact} although the oracle says {said}"
                del self.rows[fact.run_key][fact.task_id, fact.map_index]
            case _:
                pass

    def _check_expansion(self, fact: TaskDropped, batch: Batch) -> None:
        expected = self.oracle(self.runs[fact.run_key]).length(self.rows[fact.run_key], fact.task_id)
        made = {
            one.task.map_index
            for one in batch.facts
            if isinstance(one, TaskFact) and (one.task.run_key, one.task.task_id) == (fact.run_key, fact.task_id)
        }
        assert len(made - {-1}) == expected, f"{fact.task_id} got the elements {made}, not {expected}"

    def _check_decision(self, ti: TaskInstance, cause: str) -> None:
        run = self.runs[ti.run_key]
        rows = self.rows[ti.run_key]
        assert run.state is not RunState.QUEUED or ti.state.is_finished, f"{ti.key} moves in a queued run"
        said = self.oracle(run).says(rows, ti.task_id, ti.map_index)
        if cause in ("ready", "empty", "launched"):
            assert said == RUN, f"{ti.key} is {cause} although the oracle says {said}"
            assert self.past_allows(ti), f"{ti.key} is {cause} although the past does not allow it"
            length = self.oracle(run).length(rows, ti.task_id) if ti.map_index >= 0 else None
            assert length is None or ti.map_index < length, f"{ti.key} is {cause}, of {length} elements"
        elif cause == _BY_RULE:
            assert said == ti.state.value, f"{ti.key} is {ti.state.value} although the oracle says {said}"
        elif cause == "mapped over nothing":
            assert said == EXPAND
            assert self.oracle(run).length(rows, ti.task_id) == 0
        elif cause.endswith("decided against it"):
            parents = [
                row for (name, _), row in rows.items() if ti.task_id in row.skips or name == cause.split(maxsplit=1)[0]
            ]
            assert parents, f"nobody decided against {ti.key}"

    def _check_end(self, before: DagRun, run: DagRun) -> None:
        rows = self.rows[run.run_key]
        if run.run_key in self.acted_on or "No task can run" in (run.verdict or ""):
            return
        left = [ti.key for ti in rows.values() if not ti.state.is_finished]
        assert not left, f"the run ended although {left} did not"
        assert run.state.value == self.oracle(before).run_should(rows)

    # -- limits ----------------------------------------------------------------------------------------------------

    def _holding(self) -> list[tuple[DagRun, TaskSpec]]:
        found = []
        for run_key, rows in self.rows.items():
            run = self.runs[run_key]
            tasks = self.oracle(run).tasks
            found += [(run, tasks[ti.task_id]) for ti in rows.values() if ti.state.holds_attempt]
        return found

    def usage(self) -> Counter[Any]:
        """Every limit's use, counted over all rows."""
        found: Counter[Any] = Counter()
        for run, task in self._holding():
            found["alive"] += 1
            found["pool", task.pool] += task.pool_slots
            found["run", run.run_key] += 1
            found["dag", run.dag_id] += 1
            found["task", run.dag_id, task.task_id] += 1
            found["task", run.run_key, task.task_id] += 1
        return found

    def full(self, run: DagRun, task: TaskSpec, used: Counter[Any], more: int) -> list[str]:
        """Limits that `more` further instances of the task would exceed."""
        spec, found = self.spec(run), []
        pool = self.world.ledger.pools.get(task.pool) or self.world.engine._core.pools.get(task.pool)
        slots = pool.slots if pool else 0
        if used["alive"] + more > self.world.limits.parallelism:
            found.append("parallelism")
        if slots >= 0 and used["pool", task.pool] + more * task.pool_slots > slots:
            found.append("pool")
        key = ("run", run.run_key) if run.meaning == "3" else ("dag", run.dag_id)
        if used[key] + more > spec.max_active_tasks:
            found.append("max_active_tasks")
        if task.max_active_tis_per_dag is not None and used["task", run.dag_id, task.task_id] + more > (
            task.max_active_tis_per_dag
        ):
            found.append("max_active_tis_per_dag")
        if task.max_active_tis_per_dagrun is not None and used["task", run.run_key, task.task_id] + more > (
            task.max_active_tis_per_dagrun
        ):
            found.append("max_active_tis_per_dagrun")
        return found

    def _check_limits(self, run: DagRun, task_id: str) -> None:
        task = self.oracle(run).tasks[task_id]
        over = self.full(run, task, self.usage(), 0)
        assert not over, f"{task_id} of {run.run_id} was launched over {over}"
        dag = self.world.ledger.dags[run.dag_id]
        assert not dag.paused, f"{task_id} of {run.run_id} was launched although its DAG is paused"

    # -- the past --------------------------------------------------------------------------------------------------

    def past_allows(self, ti: TaskInstance) -> bool:
        run = self.runs[ti.run_key]
        task = self.oracle(run).tasks[ti.task_id]
        if not (task.depends_on_past or task.wait_for_downstream) or run.logical_date is None:
            return True
        earlier = [
            one
            for one in self.runs.values()
            if one.dag_id == run.dag_id and one.logical_date is not None and one.logical_date < run.logical_date
        ]
        if not earlier:
            return True
        before = max(earlier, key=lambda one: (one.logical_date, one.run_key))
        names: list[str] = [ti.task_id]
        if task.wait_for_downstream:
            names += [one.task_id for one in self.spec(run).tasks if ti.task_id in one.upstream]
        seen = [row.state.value for (name, _), row in self.rows[before.run_key].items() if name in names]
        return all(state in ("success", "skipped") for state in seen)

    # -- after each batch ------------------------------------------------------------------------------------------

    def check_rest(self) -> None:
        """Nothing that could go on is left behind."""
        self._check_idle()
        self._check_scheduled()
        self._check_runs()
        self._check_attempts()

    def _check_idle(self) -> None:
        for run_key, rows in self.rows.items():
            run = self.runs[run_key]
            if run.state is not RunState.RUNNING:
                continue
            for (task_id, index), ti in rows.items():
                if ti.state is not TaskState.NONE:
                    continue
                said = self.oracle(run).says(rows, task_id, index)
                held = said == RUN and not self.past_allows(ti)
                assert said == WAIT or held, f"{ti.key} is left behind although the oracle says {said}"

    def _check_scheduled(self) -> None:
        used = self.usage()
        for run_key, rows in self.rows.items():
            run = self.runs[run_key]
            tasks = self.oracle(run).tasks
            for ti in rows.values():
                if ti.state is TaskState.SCHEDULED and not self.world.ledger.dags[run.dag_id].paused:
                    held_by = self.full(run, tasks[ti.task_id], used, 1)
                    assert held_by, f"{ti.key} is ready, nothing holds it back, and it is not launched"

    def _check_runs(self) -> None:
        running = Counter(run.dag_id for run in self.runs.values() if run.state is RunState.RUNNING)
        for run in self.runs.values():
            rows = self.rows[run.run_key]
            unfinished = [ti for ti in rows.values() if not ti.state.is_finished]
            if run.state is RunState.RUNNING:
                assert unfinished, f"{run.run_id} is over and still runs"
            dag = self.world.ledger.dags[run.dag_id]
            limit = self.world.versions[dag.version].max_active_runs
            assert running[run.dag_id] <= limit
            if run.state is RunState.QUEUED and not dag.paused:
                assert running[run.dag_id] >= limit, f"{run.run_id} could start"

    def _check_attempts(self) -> None:
        alive = {(one.run_key, one.task_id, one.map_index): one.attempt_id for one in self.world.alive()}
        assert len(alive) == len(self.world.alive()), "two attempts of one instance are alive"
        holding = {
            (ti.run_key, ti.task_id, ti.map_index): ti.attempt_id
            for rows in self.rows.values()
            for ti in rows.values()
            if ti.state.holds_attempt
        }
        assert alive == holding
        for rows in self.rows.values():
            for ti in rows.values():
                assert ti.try_number <= ti.max_tries + 1
                empty = isinstance(self.oracle(self.runs[ti.run_key]).tasks[ti.task_id].body, EmptyBody)
                assert not (empty and ti.attempt_id), "an empty task has an attempt"
        created = [one for one in self.world.alive() if one.wanted and one.phase is AttemptPhase.CREATED]
        assert {one.attempt_id for one in created} == {one.attempt_id for one in self.world.engine.to_launch()}
        unwanted = [one for one in self.world.alive() if not one.wanted]
        assert {one.attempt_id for one in unwanted} == {one.attempt_id for one in self.world.engine.to_stop()}

    def check_counters(self) -> None:
        """Counters are those of a recount, and replayed facts are the engine's rows."""
        assert self.world.ledger.counted() == self.world.ledger.recount()
        for key, live in self.world.engine._core.runs.items():
            kept = {(ti.task_id, ti.map_index): ti for node in live.nodes.values() for ti in node.rows.values()}
            assert kept == self.rows[key]
            assert live.run == self.runs[key]


def picture(world: World) -> dict[str, Any]:
    """The engine's state in memory, for comparison."""
    core = world.engine._core
    active = {key: live for key, live in core.runs.items() if not live.run.state.is_finished}
    return {
        "runs": {key: live.run for key, live in active.items()},
        "tasks": {ti.key: ti for live in active.values() for node in live.nodes.values() for ti in node.rows.values()},
        "sums": {key: live.sums() for key, live in active.items()},
        "usage": core.usage.as_dict(),
        "launch": {one.attempt_id for one in world.engine.to_launch()},
        "stop": {one.attempt_id for one in world.engine.to_stop()},
        "due": world.engine.next_due(),
        "dags": dict(core.dags),
        "pools": dict(core.pools),
    }


__all__ = ["SKIP", "UPSTREAM_FAILED", "Watch", "picture"]
