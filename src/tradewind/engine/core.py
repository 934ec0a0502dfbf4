"""Everything the engine knows: rows and the indexes over them.

Rows change only by the `put_*` methods, which write the journal, the facts and the indexes together.

Invariant: `rebuild` makes every index from the rows alone. So taking back a batch, going on after an event that raised,
and starting from a database are the same thing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tradewind.engine.limits import Draws, Limits
from tradewind.engine.live import LiveRun, Node
from tradewind.engine.past import Past
from tradewind.engine.queues import Queues
from tradewind.engine.runqueue import RunQueue
from tradewind.engine.tables import Tables
from tradewind.engine.timers import Entry, Kind, Timers
from tradewind.engine.usage import Usage, limits_of
from tradewind.engine.watches import Watches
from tradewind.model import timetable_jitter
from tradewind.model.dagspec import DagSpec, TriggerRunBody, WaitTaskBody
from tradewind.model.facts import (
    AttemptFact,
    BackfillFact,
    DagFact,
    PoolFact,
    RunFact,
    TaskDropped,
    TaskFact,
)
from tradewind.model.ids import AttemptId, RunKey, TaskKey, VersionHash
from tradewind.model.problem import Problem
from tradewind.model.rows import Attempt, Backfill, DagRow, DagRun, Pool, TaskInstance
from tradewind.model.states import AttemptPhase, BackfillState, RunState, TaskState

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_DELAY = timedelta(0)


class Check(NamedTuple):
    """Look whether instances of a task can go on: all that are idle, or those in one part of a mapped group."""

    run_key: RunKey
    task_id: str
    part: tuple[str, int] | None = None


class Core(Tables):
    """Rows and the indexes over them."""

    def __init__(self, specs: Callable[[VersionHash], DagSpec], limits: Limits) -> None:
        super().__init__(specs, limits)
        self.now: datetime = _EPOCH
        self.draws: Draws = None  # type: ignore[assignment]  # set before every decision
        self.reset()

    def reset(self) -> None:
        """Know nothing."""
        self._empty()
        self.problems: dict[str, Problem] = {}
        """DAGs whose timetable cannot be kept."""
        self.versions_moved = False
        """Some DAG got another version since unused ones were forgotten."""
        self._clear_indexes()

    def _clear_indexes(self) -> None:
        self.by_id: dict[tuple[str, str], RunKey] = {}
        self.of_dag: defaultdict[str, dict[RunKey, LiveRun]] = defaultdict(dict)
        self.usage = Usage()
        self.queues = Queues()
        self.timers = Timers(self._is_current)
        self.runqueue = RunQueue()
        self.watches = Watches()
        self.past = Past()
        self.checks: dict[Check, None] = {}
        self.dirty: dict[RunKey, None] = {}
        self.launch: dict[AttemptId, None] = {}
        self.stop: dict[AttemptId, None] = {}
        self.natives: dict[TaskKey, None] = {}
        """Ready tasks that the engine does itself and that look at other runs."""
        self.slots: dict[str, None] = {}
        """DAGs whose next scheduled run is to be looked at."""
        self.slots_unknown: dict[str, None] = {}
        """Those which are looked at again when it is known whether the run exists."""
        self.backfill_looks: dict[int, None] = {}
        """Backfills that may have room for a run."""
        self.backfills_unknown: dict[int, None] = {}
        """Those which are looked at again when it is known which of their runs exist."""
        self.sliced: dict[int, int] = {}
        """How many dates each backfill looked at in this batch: a long one must not hold it up."""
        self.past_unknown: dict[Check, None] = {}
        """What is looked at again when the runs before are loaded."""
        self.streaks: dict[RunKey, None] = {}
        """Failed runs after which it is counted how many failed in a row."""
        self.over: dict[RunKey, None] = {}
        """Runs that ended and are to be forgotten."""
        self.kept: dict[RunKey, None] = {}
        """Those among them at which others look."""

    def delay(self, dag: DagRow) -> timedelta:
        """How much later than its moment a scheduled run of the DAG is made."""
        window = self.limits.schedule_jitter_seconds
        if not window:
            return _NO_DELAY
        graph = self.graph(dag.version)
        if graph.delay is None:
            graph.delay = timetable_jitter.delay(graph.spec.timetable, dag.dag_id, window)
        return graph.delay

    def has_room(self, dag: DagRow) -> bool:
        """Whether a scheduled run may be made beside those that are active."""
        limit = self.graph(dag.version).spec.max_active_runs
        return not limit or self.runqueue.active[dag.dag_id] < limit

    def find_run(self, dag_id: str, run_id: str) -> LiveRun | None:
        """A run that is here, by its id."""
        key = self.by_id.get((dag_id, run_id))
        return None if key is None else self.runs[key]

    # -- changing rows ---------------------------------------------------------------------------------------------

    def put_task(self, live: LiveRun, ti: TaskInstance, cause: str = "") -> None:
        """A task instance is now so."""
        node = live.node(ti.task_id)
        before = node.rows.get(ti.map_index)
        self._journal.append(("task", ti.key, before, ti))
        node.rows[ti.map_index] = ti
        self.facts.append(TaskFact(task=ti, cause=cause))
        if before is None:
            live.count(node, ti, 1)
            self._tell(live, None, ti)
            self._look_below(live, node, ti)
        elif before.state is not ti.state:
            live.change(node, before, ti)
            self._tell(live, before, ti)
            if ti.state.is_finished or before.state.is_finished:
                self._look_below(live, node, ti)
        self._hold(live, node, before, ti)
        if ti.due_at is not None and (before is None or before.due_at != ti.due_at):
            self.timers.add(ti.due_at, Kind.TASK, ti.key)
        self.dirty[ti.run_key] = None

    def drop_task(self, live: LiveRun, ti: TaskInstance, cause: str) -> None:
        """A task instance no longer exists."""
        node = live.node(ti.task_id)
        self._journal.append(("task", ti.key, ti, None))
        del node.rows[ti.map_index]
        live.count(node, ti, -1)
        self._tell(live, ti, None)
        self._hold(live, node, ti, None)
        self.facts.append(TaskDropped(run_key=ti.run_key, task_id=ti.task_id, map_index=ti.map_index, cause=cause))
        self.dirty[ti.run_key] = None

    def _hold(self, live: LiveRun, node: Node, before: TaskInstance | None, after: TaskInstance | None) -> None:
        if node.task is None:
            return
        held = before is not None and before.state.holds_attempt
        holds = after is not None and after.state.holds_attempt
        if holds and not held:
            self.usage.hold(live, node.task, 1)
        elif held and not holds:
            self.usage.hold(live, node.task, -1)
            for limit in limits_of(live, node.task):
                self.queues.release(limit)
            self.queues.open_pool(node.task.pool)
        waited = before is not None and before.state is TaskState.DEFERRED
        waits = after is not None and after.state is TaskState.DEFERRED
        if waits is not waited:
            self.usage.defer(node.task, 1 if waits else -1)
            if waited:
                self.queues.open_pool(node.task.pool)

    def _look_below(self, live: LiveRun, node: Node, ti: TaskInstance) -> None:
        if node.task is None:
            return
        run_key = live.run.run_key
        for edge in live.graph.edges[node.task_id]:
            part = live.part(node.task_id, ti.map_index, edge.group)
            self.checks[Check(run_key, edge.target, part)] = None
        if ti.state.is_finished:
            self.watches.task_ended(live.run)

    def put_attempt(self, attempt: Attempt, cause: str = "") -> None:
        """An attempt is now so."""
        before = self.attempts.get(attempt.attempt_id)
        self._journal.append(("attempt", attempt.attempt_id, before, attempt))
        self.attempts[attempt.attempt_id] = attempt
        self.runs[attempt.run_key].attempts[attempt.attempt_id] = None
        self.facts.append(AttemptFact(attempt=attempt, cause=cause))
        alive = attempt.phase is not AttemptPhase.ENDED
        self.usage.alive += alive - (before is not None and before.phase is not AttemptPhase.ENDED)
        self._effects(attempt)
        if attempt.deadline_at is not None and (before is None or before.deadline_at != attempt.deadline_at):
            self.timers.add(attempt.deadline_at, Kind.ATTEMPT, attempt.attempt_id)

    def _effects(self, attempt: Attempt) -> None:
        self.launch.pop(attempt.attempt_id, None)
        if attempt.phase is AttemptPhase.ENDED or attempt.wanted:
            self.stop.pop(attempt.attempt_id, None)
            if attempt.phase is AttemptPhase.CREATED:
                self.launch[attempt.attempt_id] = None
        else:
            self.stop[attempt.attempt_id] = None

    def put_run(self, live: LiveRun, run: DagRun, cause: str = "") -> None:
        """A run is now so."""
        before = live.run
        self._journal.append(("run", run.run_key, before, run))
        live.run = run
        self.facts.append(RunFact(run=run, cause=cause))
        self.runqueue.changed(before, run)
        if run.state is not before.state:
            self.watches.run_changed(run)
            self.slots[run.dag_id] = None
            if run.backfill_id is not None:
                self.backfill_looks[run.backfill_id] = None
            if run.state.is_finished:
                self.over[run.run_key] = None
                self.past.forget(run.run_key)
        self._run_timers(live)
        self.dirty[run.run_key] = None

    def add_run(self, run: DagRun, cause: str) -> LiveRun:
        """A new run, without tasks yet."""
        self._journal.append(("created", run.run_key, None, run))
        live = LiveRun(run, self.graph(run.version))
        self.runs[run.run_key] = live
        self.facts.append(RunFact(run=run, cause=cause))
        self._index_run(live)
        self.past.run_added(live, self.runs)
        self.watches.run_changed(run)
        return live

    def put_version(self, live: LiveRun, run: DagRun) -> None:
        """A run moves to another version of its DAG: rows stay, all that is counted over them is made again."""
        self._journal.append(("version", run.run_key, live.graph, None))
        self.put_run(live, run, "moved to another version")
        self._unhold(live)
        live.graph = self.graph(run.version)
        live.recount()
        self._index_tasks(live)

    def _unhold(self, live: LiveRun) -> None:
        for node in live.nodes.values():
            for ti in node.rows.values():
                self._hold(live, node, ti, None)

    def put_dag(self, dag: DagRow, cause: str = "") -> None:
        """A DAG's row is now so."""
        self.set_dag(dag)
        self.facts.append(DagFact(dag=dag, cause=cause))

    def set_dag(self, dag: DagRow) -> None:
        """The same for a row that the database has already."""
        before = self.dags.get(dag.dag_id)
        self._journal.append(("dag", dag.dag_id, before, dag))
        self.dags[dag.dag_id] = dag
        self._index_dag(dag)
        self.versions_moved |= before is not None and before.version != dag.version
        if before is not None and before.paused and not dag.paused:
            self.queues.release_all(("paused", dag.dag_id))

    def drop_dag(self, dag_id: str) -> None:
        """A DAG was deleted with its history."""
        self.problems.pop(dag_id, None)
        for backfill_id in [one for one, backfill in self.backfills.items() if backfill.dag_id == dag_id]:
            del self.backfills[backfill_id]
        before = self.dags.pop(dag_id, None)
        if before is not None:
            self._journal.append(("dag", dag_id, before, None))

    def put_backfill(self, backfill: Backfill, cause: str) -> None:
        """A backfill is now so."""
        self._journal.append(("backfill", backfill.backfill_id, self.backfills.get(backfill.backfill_id), backfill))
        self.backfills[backfill.backfill_id] = backfill
        self.last_backfill_id = max(self.last_backfill_id, backfill.backfill_id)
        self.facts.append(BackfillFact(backfill=backfill, cause=cause))
        self.backfill_looks[backfill.backfill_id] = None

    def is_paused(self, backfill_id: int | None) -> bool:
        """Whether it is a backfill whose runs are not to start."""
        backfill = None if backfill_id is None else self.backfills.get(backfill_id)
        return backfill is not None and backfill.state is BackfillState.PAUSED

    def backfill_room(self, backfill: Backfill) -> int:
        """How many runs of it may be made beside those that are active."""
        if backfill.state is not BackfillState.RUNNING or backfill.exhausted:
            return 0
        dag = self.dags.get(backfill.dag_id)
        if dag is None or dag.paused or dag.removed:
            return 0
        return backfill.max_active_runs - self.runqueue.of_backfill[backfill.backfill_id]

    def put_pool(self, pool: Pool, *, deleted: bool = False) -> None:
        """A pool is now so, or gone."""
        before = self.pools.get(pool.name)
        self._journal.append(("pool", pool.name, before, pool))
        self.pools[pool.name] = pool
        if deleted:
            del self.pools[pool.name]
        self.facts.append(PoolFact(pool=pool, deleted=deleted))
        self.queues.open_pool(pool.name)

    # -- indexes ---------------------------------------------------------------------------------------------------

    def rebuild(self) -> None:
        """Make all indexes again from the rows."""
        self._clear_indexes()
        gone = [one for one, attempt in self.attempts.items() if attempt.run_key not in self.runs]
        for one in gone:
            del self.attempts[one]
        for live in self.runs.values():
            live.attempts.clear()
        for attempt in self.attempts.values():
            self.runs[attempt.run_key].attempts[attempt.attempt_id] = None
        for dag in self.dags.values():
            self._index_dag(dag)
        for live in self.runs.values():
            live.recount()
            self._index_run(live)
        for backfill_id in self.backfills:
            self.backfill_looks[backfill_id] = None

    def add_rows(self, live: LiveRun, tasks: tuple[TaskInstance, ...], attempts: tuple[Attempt, ...]) -> None:
        """A run as the database has it."""
        self.runs[live.run.run_key] = live
        for attempt in attempts:
            self.attempts[attempt.attempt_id] = attempt
            live.attempts[attempt.attempt_id] = None
        for ti in tasks:
            live.node(ti.task_id).rows[ti.map_index] = ti
        live.recount()
        self._index_run(live)

    def _index_dag(self, dag: DagRow) -> None:
        self.slots[dag.dag_id] = None
        self.runqueue.look(dag.dag_id)
        for backfill in self.backfills.values():
            if backfill.dag_id == dag.dag_id:
                self.backfill_looks[backfill.backfill_id] = None
        if dag.next_slot is not None:
            self.timers.add(dag.next_slot.run_after + self.delay(dag), Kind.SLOT, dag.dag_id)

    def _index_run(self, live: LiveRun) -> None:
        run = live.run
        self.by_id[run.dag_id, run.run_id] = run.run_key
        self.of_dag[run.dag_id][run.run_key] = live
        self.runqueue.changed(None, run)
        self._run_timers(live)
        for attempt_id in live.attempts:
            attempt = self.attempts[attempt_id]
            if attempt.phase is not AttemptPhase.ENDED:
                self.usage.alive += 1
                self._effects(attempt)
                if attempt.deadline_at is not None:
                    self.timers.add(attempt.deadline_at, Kind.ATTEMPT, attempt_id)
        self._index_tasks(live)
        if run.state.is_finished:
            self.over[run.run_key] = None

    def _index_tasks(self, live: LiveRun) -> None:
        run_key = live.run.run_key
        for node in live.nodes.values():
            if node.idle and live.run.state is RunState.RUNNING:
                self.checks[Check(run_key, node.task_id)] = None
            for ti in node.rows.values():
                self._hold(live, node, None, ti)
                if ti.due_at is not None:
                    self.timers.add(ti.due_at, Kind.TASK, ti.key)
                if ti.state is TaskState.SCHEDULED:
                    self.push_ready(live, node, ti)
                elif ti.state is TaskState.DEFERRED and ti.waits_for:
                    self.watches.watch(ti.waits_for, ti.key)
                elif ti.state is TaskState.DEFERRED and is_native(ti.native):
                    self.natives[ti.key] = None
        self.dirty[run_key] = None

    def push_ready(self, live: LiveRun, node: Node, ti: TaskInstance) -> None:
        """A task instance is scheduled: it waits for room, or for the engine to do it."""
        task = node.task
        if task is None:
            return
        if is_native(task.body):
            self.natives[ti.key] = None
            return
        run = live.run
        graph, date = live.graph, run.logical_date or run.run_after
        rank = (-graph.weights[ti.task_id], date, run.run_key, graph.order[ti.task_id])
        self.queues.push(run.run_key, ti.task_id, ti.map_index, (task.pool, task.pool_slots), rank)

    def _run_timers(self, live: LiveRun) -> None:
        run = live.run
        if run.state is RunState.QUEUED and run.run_after > self.now:
            self.timers.add(run.run_after, Kind.RUN_START, run.run_key)
        if (at := live.timeout_at()) is not None:
            self.timers.add(at, Kind.RUN_TIMEOUT, run.run_key)
        if ahead := live.deadlines_ahead():
            self.timers.add(min(at for _, at in ahead), Kind.DEADLINE, run.run_key)

    def _is_current(self, entry: Entry) -> bool:
        at, kind, key = entry
        if kind is Kind.TASK:
            ti = self.task(key)
            return ti is not None and ti.due_at == at
        if kind is Kind.ATTEMPT:
            attempt = self.attempts.get(key)
            return (
                attempt is not None
                and attempt.deadline_at == at
                and attempt.wanted
                and attempt.phase is not AttemptPhase.ENDED
            )
        if kind is Kind.SLOT:
            dag = self.dags.get(key)
            if dag is None or dag.next_slot is None or dag.paused or dag.removed:
                return False
            if dag.next_slot.run_after + self.delay(dag) != at:
                return False
            # One that is due and has no room is looked at again when a run of the DAG ends.
            return at > self.now or self.has_room(dag)
        if kind is Kind.BACKFILL:
            backfill = self.backfills.get(key)
            return backfill is not None and self.backfill_room(backfill) > 0
        live = self.runs.get(key)
        if live is None:
            return False
        if kind is Kind.RUN_START:
            return live.run.state is RunState.QUEUED and live.run.run_after == at
        if kind is Kind.DEADLINE:
            return any(one == at for _, one in live.deadlines_ahead())
        return live.timeout_at() == at

    def forget(self, run_key: RunKey) -> None:
        """A run that ended leaves memory."""
        live = self.runs.pop(run_key)
        self.by_id.pop((live.run.dag_id, live.run.run_id), None)
        self.of_dag[live.run.dag_id].pop(run_key, None)
        self.queues.forget(run_key, live.nodes)
        for attempt_id in live.attempts:
            self.attempts.pop(attempt_id, None)
        self.dirty.pop(run_key, None)
        self.past.forget(run_key)
        self.usage.of.pop(("run", run_key), None)


def is_native(body: object) -> bool:
    """Bodies that the engine does in `admit`, since they look at other runs."""
    return isinstance(body, (TriggerRunBody, WaitTaskBody))
