"""All active runs, and what happens next. No clock, no random, no I/O."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from tradewind.engine import trigger_rules
from tradewind.engine.graph import Graph
from tradewind.model import commands as cmd
from tradewind.model.dagspec import (
    ConcatLength,
    ConstLength,
    DagSpec,
    EmptyBody,
    LatestOnlyBody,
    Length,
    TaskSpec,
    TriggerRule,
    WaitTimeBody,
    XComLength,
    ZipLength,
)
from tradewind.model.events import (
    AttemptEnded,
    AttemptProgress,
    CommandReceived,
    DagGone,
    DagSeen,
    Event,
    TimePassed,
)
from tradewind.model.facts import (
    AttemptFact,
    Batch,
    CommandFact,
    CountDelta,
    DagFact,
    Fact,
    OutboxFact,
    PoolFact,
    RunFact,
    TaskDropped,
    TaskFact,
    XComsCleared,
)
from tradewind.model.ids import AttemptId, DagId, RunId, RunKey, TaskId, TaskKey, VersionHash
from tradewind.model.outcome import Deferred, Failed, Rescheduled, Skipped, Success
from tradewind.model.rows import Attempt, DagRow, DagRun, OutboxRow, Pool, TaskInstance, XComRow
from tradewind.model.snapshot import ActiveSnapshot, RunRef, RunSnapshot
from tradewind.model.states import AttemptPhase, EndReason, RunState, RunType, TaskState
from tradewind.model.timetable import RunSlot, manual_interval, next_slot

S = TaskState
_PHASES = list(AttemptPhase)


class Draws(Protocol):
    def attempt_id(self) -> AttemptId: ...
    def uniform(self) -> float: ...
    def run_key(self) -> RunKey: ...


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    parallelism: int = 64
    infrastructure_retries: int = 3
    max_map_length: int = 1024
    start_timeout_seconds: float = 120


class _Run:
    def __init__(self, run: DagRun, graph: Graph) -> None:
        self.run = run
        self.graph = graph
        self.tasks: dict[str, dict[int, TaskInstance]] = {task_id: {} for task_id in graph.tasks}
        self.unfinished = 0
        self.active = 0


class Engine:
    def __init__(self, *, specs: Callable[[VersionHash], DagSpec], limits: Limits) -> None:
        self._specs = specs
        self._limits = limits
        self._graphs: dict[VersionHash, Graph] = {}
        self._reset()

    def _reset(self) -> None:
        self._runs: dict[RunKey, _Run] = {}
        self._by_id: dict[tuple[str, str], RunKey] = {}
        self._dags: dict[str, DagRow] = {}
        self._pools: dict[str, Pool] = {}
        self._pool_used: dict[str, int] = defaultdict(int)
        self._attempts: dict[AttemptId, Attempt] = {}
        self._active_per_task: dict[tuple[str, str], int] = defaultdict(int)
        self._alive = 0
        self._ready: dict[tuple[str, RunKey], list[tuple[int, int, TaskKey]]] = {}
        self._seq = 0
        self._timers: list[tuple[datetime, int, TaskKey | None, RunKey | None]] = []
        self._facts: list[Fact] = []
        self._xcoms: list[XComRow] = []
        self._counts: dict[tuple[RunKey, str], int] = defaultdict(int)
        self._dirty: dict[RunKey, None] = {}
        self._launch: dict[AttemptId, None] = {}
        self._stop: dict[AttemptId, None] = {}
        self._wanted: list[RunRef] = []
        self._backup: ActiveSnapshot | None = None

    # -- rows ------------------------------------------------------------------------------------------------------

    def restore(self, snapshot: ActiveSnapshot) -> None:
        self._reset()
        self._dags = {dag.dag_id: dag for dag in snapshot.dags}
        self._pools = {pool.name: pool for pool in snapshot.pools}
        self._pools.setdefault("default_pool", Pool(name="default_pool", slots=128))
        for run in snapshot.runs:
            self.load(run)

    def load(self, snapshot: RunSnapshot) -> None:
        run = snapshot.run
        if run.run_key in self._runs:
            return
        state = _Run(run, self._graph(run.version))
        self._runs[run.run_key] = state
        self._by_id[run.dag_id, run.run_id] = run.run_key
        for attempt in snapshot.attempts:
            self._attempts[attempt.attempt_id] = attempt
            if attempt.phase is not AttemptPhase.ENDED:
                self._alive += 1
                (self._launch if attempt.wanted else self._stop)[attempt.attempt_id] = None
                if attempt.deadline_at:
                    self._timer(attempt.deadline_at, TaskKey(attempt.run_key, attempt.task_id, attempt.map_index))
        for ti in snapshot.tasks:
            state.tasks.setdefault(ti.task_id, {})[ti.map_index] = ti
            state.unfinished += not ti.state.is_finished
            self._hold(state, ti, 1)
            if ti.due_at is not None:
                self._timer(ti.due_at, ti.key)
            if ti.state is S.SCHEDULED:
                self._push_ready(ti)
        self._dirty[run.run_key] = None

    def _graph(self, version: VersionHash) -> Graph:
        if version not in self._graphs:
            self._graphs[version] = Graph(self._specs(version))
        return self._graphs[version]

    def needs(self, event: Event) -> tuple[RunRef, ...]:
        if isinstance(event, CommandReceived):
            c = event.command
            selection = getattr(c, "selection", None)
            dag_id = selection.dag_id if selection else getattr(c, "dag_id", None)
            run_id = selection.run_id if selection else getattr(c, "run_id", None)
            if dag_id and run_id and (dag_id, run_id) not in self._by_id:
                return (RunRef(dag_id=DagId(dag_id), run_id=run_id),)
        return ()

    def wanted_runs(self) -> tuple[RunRef, ...]:
        return ()

    def absent(self, ref: RunRef) -> None:
        return None

    def pending(self) -> Batch:
        return Batch(
            facts=tuple(self._facts),
            xcoms=tuple(self._xcoms),
            counts=tuple(
                CountDelta(run_key=key, state=state, change=change)
                for (key, state), change in self._counts.items()
                if change
            ),
        )

    def publish(self) -> None:
        self._facts, self._xcoms = [], []
        self._counts.clear()
        for key in [key for key, run in self._runs.items() if run.run.state.is_finished]:
            self.evict(key)

    def rollback(self) -> None:
        raise RuntimeError("no rollback in this engine")

    def to_launch(self) -> list[Attempt]:
        return [self._attempts[one] for one in self._launch]

    def to_stop(self) -> list[Attempt]:
        return [self._attempts[one] for one in self._stop]

    def task(self, key: TaskKey) -> TaskInstance | None:
        run = self._runs.get(key.run_key)
        return None if run is None else run.tasks.get(key.task_id, {}).get(key.map_index)

    def run(self, run_key: RunKey) -> DagRun | None:
        run = self._runs.get(run_key)
        return None if run is None else run.run

    def spec_of(self, run_key: RunKey) -> DagSpec:
        return self._runs[run_key].graph.spec

    def attempt(self, attempt_id: AttemptId) -> Attempt | None:
        return self._attempts.get(attempt_id)

    def evict(self, run_key: RunKey) -> None:
        run = self._runs[run_key]
        if run.active:
            return
        del self._runs[run_key]
        self._by_id.pop((run.run.dag_id, run.run.run_id), None)
        for one in [one for one, attempt in self._attempts.items() if attempt.run_key == run_key]:
            del self._attempts[one]
            self._launch.pop(one, None)
            self._stop.pop(one, None)

    # -- fold ------------------------------------------------------------------------------------------------------

    def _put(self, state: _Run, ti: TaskInstance, cause: str = "") -> None:
        rows = state.tasks[ti.task_id]
        before = rows.get(ti.map_index)
        if before is not None:
            self._hold(state, before, -1)
            state.unfinished -= not before.state.is_finished
            self._counts[ti.run_key, before.state.value] -= 1
        rows[ti.map_index] = ti
        state.unfinished += not ti.state.is_finished
        self._counts[ti.run_key, ti.state.value] += 1
        self._hold(state, ti, 1)
        self._facts.append(TaskFact(task=ti, cause=cause))
        if ti.due_at is not None and (before is None or before.due_at != ti.due_at):
            self._timer(ti.due_at, ti.key)
        self._dirty[ti.run_key] = None

    def _drop(self, state: _Run, ti: TaskInstance, cause: str) -> None:
        del state.tasks[ti.task_id][ti.map_index]
        state.unfinished -= not ti.state.is_finished
        self._counts[ti.run_key, ti.state.value] -= 1
        self._facts.append(TaskDropped(run_key=ti.run_key, task_id=ti.task_id, map_index=ti.map_index, cause=cause))

    def _hold(self, state: _Run, ti: TaskInstance, sign: int) -> None:
        if ti.state.holds_attempt:
            task = state.graph.tasks.get(ti.task_id)
            if task is not None:
                self._pool_used[task.pool] += sign * task.pool_slots
            state.active += sign
            self._active_per_task[state.run.dag_id, ti.task_id] += sign

    def _put_attempt(self, attempt: Attempt, cause: str = "") -> None:
        self._attempts[attempt.attempt_id] = attempt
        self._facts.append(AttemptFact(attempt=attempt, cause=cause))
        self._launch.pop(attempt.attempt_id, None)
        self._stop.pop(attempt.attempt_id, None)
        if attempt.phase is not AttemptPhase.ENDED:
            if not attempt.wanted:
                self._stop[attempt.attempt_id] = None
            elif attempt.phase is AttemptPhase.CREATED:
                self._launch[attempt.attempt_id] = None

    def _put_run(self, state: _Run, run: DagRun, cause: str = "") -> None:
        state.run = run
        self._facts.append(RunFact(run=run, cause=cause))

    def _timer(self, at: datetime, key: TaskKey | None, run_key: RunKey | None = None) -> None:
        self._seq += 1
        heapq.heappush(self._timers, (at, self._seq, key, run_key))

    def next_due(self) -> datetime | None:
        due = self._timers[0][0] if self._timers else None
        for dag in self._dags.values():
            if dag.next_slot is not None and not dag.paused and not dag.removed:
                due = dag.next_slot.run_after if due is None else min(due, dag.next_slot.run_after)
        return due

    # -- events ----------------------------------------------------------------------------------------------------

    def apply(self, event: Event, now: datetime, draws: Draws) -> None:
        match event:
            case AttemptProgress():
                self._progress(event)
            case AttemptEnded():
                self._ended(event, now, draws)
            case TimePassed():
                pass
            case CommandReceived():
                result = self._command(event.command, now, draws)
                self._facts.append(CommandFact(inbox_id=event.inbox_id, result=result))
            case DagSeen():
                self._dag_seen(event.dag, now)
            case DagGone():
                self._dags.pop(event.dag_id, None)
        self._settle(now, draws)

    def _dag_seen(self, dag: DagRow, now: datetime) -> None:
        known = self._dags.get(dag.dag_id)
        if known is not None:
            dag = replace(dag, paused=known.paused, last_slot=known.last_slot, next_slot=known.next_slot)
        fresh = replace(dag, next_slot=None if dag.removed else self._next_slot(dag, now))
        self._dags[dag.dag_id] = fresh
        if known is None or fresh.next_slot != known.next_slot:
            self._facts.append(DagFact(dag=fresh))

    def _next_slot(self, dag: DagRow, now: datetime) -> RunSlot | None:
        spec = self._graph(dag.version).spec
        return next_slot(
            spec.timetable,
            last=dag.last_slot,
            earliest=spec.start_date,
            latest=spec.end_date,
            catchup=spec.catchup,
            now=now,
        )

    def _progress(self, event: AttemptProgress) -> None:
        attempt = self._attempts.get(event.attempt_id)
        if attempt is None or _PHASES.index(event.phase) <= _PHASES.index(attempt.phase):
            return
        state = self._runs[attempt.run_key]
        ti = state.tasks[attempt.task_id].get(attempt.map_index)
        changes: dict[str, Any] = {"phase": event.phase, f"{event.phase.value}_at": event.at}
        for name in ("pod_name", "pod_uid", "namespace", "node"):
            if getattr(event, name):
                changes[name] = getattr(event, name)
        if event.phase is AttemptPhase.STARTED:
            seconds = state.graph.tasks[attempt.task_id].execution_timeout_seconds
            changes["deadline_at"] = None if seconds is None else event.at + timedelta(seconds=seconds)
            if changes["deadline_at"] and ti is not None:
                self._timer(changes["deadline_at"], ti.key)
        self._put_attempt(replace(attempt, **changes))
        if ti is not None and ti.attempt_id == attempt.attempt_id and event.phase is AttemptPhase.STARTED:
            if ti.state is S.QUEUED:
                started = ti.first_started_at or event.at
                self._put(state, replace(ti, state=S.RUNNING, started_at=started, first_started_at=started))

    def _ended(self, event: AttemptEnded, now: datetime, draws: Draws) -> None:
        attempt = self._attempts.get(event.attempt_id)
        if attempt is None or attempt.phase is AttemptPhase.ENDED:
            return
        outcome = event.result.outcome
        failed = outcome if isinstance(outcome, Failed) else None
        reason = failed.reason if failed else EndReason.COMPLETED
        verdict = event.verdict or (failed.message if failed else None)
        if attempt.stop_reason and failed:
            verdict = attempt.stop_reason
            reason = EndReason.TIMED_OUT if "timeout" in attempt.stop_reason else EndReason.STOPPED
        self._alive -= 1
        self._put_attempt(
            replace(
                attempt,
                phase=AttemptPhase.ENDED,
                ended_at=event.at,
                started_at=event.started_at or attempt.started_at,
                reason=reason,
                exit_code=failed.exit_code if failed else 0,
                signal=failed.signal if failed else None,
                verdict=verdict,
                detail=event.detail,
                deadline_at=None,
            )
        )
        state = self._runs[attempt.run_key]
        ti = state.tasks[attempt.task_id].get(attempt.map_index)
        if ti is None or ti.attempt_id != attempt.attempt_id or not ti.state.holds_attempt:
            return
        ti = replace(ti, started_at=ti.started_at or event.started_at or event.at, ended_at=event.at)
        returned = None
        for push in event.result.xcoms:
            if push.key == "return_value":
                returned = push
            self._xcoms.append(
                XComRow(
                    run_key=ti.run_key,
                    task_id=ti.task_id,
                    map_index=ti.map_index,
                    key=push.key,
                    value=push.value,
                    length=push.length,
                )
            )
        if ti.stop:
            self._finish(state, replace(ti, stop="", verdict=verdict), S(ti.stop), "stopped")
            return
        match outcome:
            case Success():
                if returned is not None:
                    ti = replace(ti, has_value=True, result_kind=returned.kind, result_length=returned.length)
                ti = replace(ti, skips=outcome.skips, rendered_map_index=outcome.rendered_map_index, verdict=None)
                self._finish(state, ti, S.SUCCESS, "completed")
                self._skip(state, ti, outcome)
            case Skipped():
                self._finish(state, replace(ti, verdict=outcome.message or None), S.SKIPPED, "skipped itself")
            case Failed():
                self._failed(state, ti, outcome, reason, verdict or outcome.message, now, draws)
            case Rescheduled():
                self._put(state, replace(ti, state=S.UP_FOR_RESCHEDULE, due_at=outcome.at), "rescheduled")
            case Deferred():
                self._finish(
                    state,
                    replace(ti, verdict="It deferred itself to a trigger, and triggers come with a later version."),
                    S.FAILED,
                    "deferred",
                )

    def _failed(
        self,
        state: _Run,
        ti: TaskInstance,
        outcome: Failed,
        reason: EndReason,
        verdict: str,
        now: datetime,
        draws: Draws,
    ) -> None:
        task = state.graph.tasks[ti.task_id]
        if reason.is_infrastructure:
            budget = task.infrastructure_retries
            budget = self._limits.infrastructure_retries if budget is None else budget
            rerun = task.rerun_after_infrastructure_loss
            rerun = task.retries > 0 if rerun is None else rerun
            if ti.infrastructure_failures < budget and (rerun or not outcome.entered):
                again = replace(
                    ti, state=S.SCHEDULED, infrastructure_failures=ti.infrastructure_failures + 1, verdict=verdict
                )
                self._put(state, again, "infrastructure")
                self._push_ready(again)
                return
        if outcome.retry and ti.try_number <= ti.max_tries:
            due = now + timedelta(seconds=_delay(task, ti, outcome, draws))
            self._put(state, replace(ti, state=S.UP_FOR_RETRY, due_at=due, verdict=verdict), "failed, will retry")
            if task.callbacks.on_retry and not outcome.callbacks_ran:
                self._callback(state, ti, "on_retry", verdict, now)
            return
        self._finish(state, replace(ti, verdict=verdict), S.FAILED, "failed")
        if task.callbacks.on_failure and not outcome.callbacks_ran:
            self._callback(state, ti, "on_failure", verdict, now)

    def _callback(self, state: _Run, ti: TaskInstance | None, which: str, reason: str, now: datetime) -> None:
        key = f"callback:{which}:{state.run.run_key}:{state.run.clear_number}"
        payload: dict[str, Any] = {
            "dag_id": state.run.dag_id, "run_id": state.run.run_id, "which": which, "reason": reason,
        }  # fmt: skip
        if ti is not None:
            key += f":{ti.attempt_id or ti.key}"
            payload |= {"task_id": ti.task_id, "map_index": ti.map_index}
        self._facts.append(OutboxFact(row=OutboxRow(key=key, kind="callback", payload=payload, due_at=now)))

    def _finish(self, state: _Run, ti: TaskInstance, to: TaskState, cause: str) -> None:
        self._put(state, replace(ti, state=to, due_at=None), cause)
        for below in state.graph.downstream[ti.task_id]:
            self._touch(state, below)

    def _touch(self, state: _Run, task_id: str) -> None:
        self._pending_checks.append((state, task_id))

    @property
    def _pending_checks(self) -> list[tuple[_Run, str]]:
        found: list[tuple[_Run, str]] = self.__dict__.setdefault("_checks", [])
        return found

    def _skip(self, state: _Run, ti: TaskInstance, outcome: Success) -> None:
        graph = state.graph
        ids = set(outcome.skips)
        if outcome.skip_all_downstream:
            ids |= {one for one in graph.relatives(ti.task_id, down=True) if not graph.tasks[one].is_teardown}
        for task_id in [task.task_id for task in graph.spec.tasks if task.task_id in ids]:
            same = graph.mapped_groups.get(task_id) == graph.mapped_groups.get(ti.task_id) and ti.map_index >= 0
            for other in list(state.tasks[task_id].values()):
                if same and other.map_index != ti.map_index and graph.tasks[task_id].mapping is None:
                    continue
                if other.state is S.NONE or other.state is S.SCHEDULED:
                    self._finish(state, other, S.SKIPPED, f"{ti.task_id} decided against it")

    # -- readiness -------------------------------------------------------------------------------------------------

    def _settle(self, now: datetime, draws: Draws) -> None:
        """Everything that follows within runs, until nothing changes."""
        checks = self._pending_checks
        while checks:
            batch = list(dict.fromkeys(checks))
            checks.clear()
            for state, task_id in batch:
                for ti in list(state.tasks[task_id].values()):
                    if ti.state is S.NONE:
                        self._check(state, ti, now)
        for key in list(self._dirty):
            del self._dirty[key]
            state = self._runs.get(key)
            if state is not None and state.run.state is RunState.RUNNING and state.unfinished == 0:
                self._finish_run(state, now)

    def _finish_run(self, state: _Run, now: datetime) -> None:
        leaves = [ti for leaf in state.graph.leaves for ti in state.tasks[leaf].values()]
        bad = [ti for ti in leaves if ti.state in (S.FAILED, S.UPSTREAM_FAILED)]
        to = RunState.FAILED if bad else RunState.SUCCESS
        verdict = None
        if bad:
            cause = next((ti for rows in state.tasks.values() for ti in rows.values() if ti.state is S.FAILED), bad[0])
            verdict = f"Task {cause.task_id} failed: {cause.verdict or cause.state.value}"
        self._put_run(state, replace(state.run, state=to, ended_at=now, verdict=verdict), "all tasks finished")
        callbacks = state.graph.spec.callbacks
        which = "on_failure" if bad else "on_success"
        if getattr(callbacks, which):
            self._callback(state, None, which, verdict or "", now)

    def _check(self, state: _Run, ti: TaskInstance, now: datetime) -> None:
        if state.run.state is not RunState.RUNNING:
            return
        task = state.graph.tasks[ti.task_id]
        verdict = trigger_rules.judge(task.trigger_rule, self._upstreams(state, task, ti.map_index))
        if isinstance(verdict, TaskState):
            self._finish(state, ti, verdict, "by its trigger rule")
            return
        if not verdict:
            return
        if ti.map_index < 0 and state.graph.mappings[ti.task_id]:
            self._expand(state, ti, now)
            return
        for upstream in task.upstream:
            for above in self._above(state, task, ti.map_index, upstream):
                if task.task_id in above.skips:
                    self._finish(state, ti, S.SKIPPED, f"{upstream} decided against it")
                    return
        self._make_ready(state, ti, task, now)

    def _make_ready(self, state: _Run, ti: TaskInstance, task: TaskSpec, now: datetime) -> None:
        body = task.body
        if isinstance(body, EmptyBody):
            self._finish(
                state,
                replace(ti, try_number=ti.try_number + 1, scheduled_at=now, started_at=now, ended_at=now),
                S.SUCCESS,
                "empty",
            )
            return
        ready = replace(ti, state=S.SCHEDULED, scheduled_at=now)
        self._put(state, ready, "ready")
        self._push_ready(ready)

    def _above(self, state: _Run, task: TaskSpec, map_index: int, upstream: str) -> list[TaskInstance]:
        rows = state.tasks[upstream]
        graph = state.graph
        mine = graph.mapped_groups[task.task_id]
        if mine and map_index >= 0 and graph.mapped_groups[upstream] == mine and graph.tasks[upstream].mapping is None:
            row = rows.get(map_index)
            return [row] if row is not None else list(rows.values())
        return list(rows.values())

    def _upstreams(self, state: _Run, task: TaskSpec, map_index: int) -> trigger_rules.Counts:
        counts = trigger_rules.Counts()
        for upstream in task.upstream:
            is_setup = state.graph.tasks[upstream].is_setup
            for row in self._above(state, task, map_index, upstream):
                counts.add(row.state, is_setup=is_setup)
        return counts

    def _expand(self, state: _Run, ti: TaskInstance, now: datetime) -> None:
        total = 1
        for mapping in state.graph.mappings[ti.task_id]:
            for _, length in mapping.arguments:
                n = self._length(state, length)
                if n is None:
                    if self._source_failed(state, mapping):
                        self._finish(state, ti, S.UPSTREAM_FAILED, "what it is mapped over is missing")
                    return
                if n < 0:
                    self._finish(
                        state,
                        replace(ti, verdict="What it is mapped over is neither a list nor a dict."),
                        S.FAILED,
                        "bad map",
                    )
                    return
                total *= n
        if total > self._limits.max_map_length:
            verdict = f"It would have {total} elements, over the limit of {self._limits.max_map_length}."
            self._finish(state, replace(ti, verdict=verdict), S.FAILED, "too long")
            return
        if total == 0:
            self._finish(state, ti, S.SKIPPED, "mapped over nothing")
            return
        self._drop(state, ti, f"expanded into {total}")
        for index in range(total):
            self._put(state, replace(ti, map_index=index), "expanded")
        for index in range(total):
            self._check(state, state.tasks[ti.task_id][index], now)
        for below in state.graph.downstream[ti.task_id]:
            self._touch(state, below)

    def _source_failed(self, state: _Run, mapping: Any) -> bool:
        return all(row.state.is_finished for one in mapping.upstream_task_ids() for row in state.tasks[one].values())

    def _length(self, state: _Run, length: Length) -> int | None:
        match length:
            case ConstLength():
                return length.n
            case XComLength():
                rows = list(state.tasks[length.task_id].values())
                if any(not row.state.is_finished for row in rows):
                    return None
                if len(rows) == 1 and rows[0].map_index < 0:
                    if rows[0].state is not S.SUCCESS:
                        return None
                    if rows[0].result_length is None:
                        return -1
                    return rows[0].result_length
                return sum(1 for row in rows if row.has_value)
            case ZipLength():
                parts = [self._length(state, part) for part in length.parts]
                known = [part for part in parts if part is not None]
                if len(known) < len(parts):
                    return None
                return max(known) if length.longest else min(known)
            case ConcatLength():
                parts = [self._length(state, part) for part in length.parts]
                known = [part for part in parts if part is not None]
                return sum(known) if len(known) == len(parts) else None

    # -- admission -------------------------------------------------------------------------------------------------

    def _push_ready(self, ti: TaskInstance) -> None:
        self._seq += 1
        state = self._runs[ti.run_key]
        pool = state.graph.tasks[ti.task_id].pool
        heap = self._ready.setdefault((pool, ti.run_key), [])
        heapq.heappush(heap, (-state.graph.weights[ti.task_id], self._seq, ti.key))

    def admit(self, now: datetime, draws: Draws) -> None:
        self._due(now, draws)
        self._scheduled_runs(now, draws)
        self._start_runs(now, draws)
        order = sorted((heap[0], key) for key, heap in self._ready.items() if heap)
        while order and self._alive < self._limits.parallelism:
            nxt = []
            for _, key in order:
                if self._alive >= self._limits.parallelism:
                    break
                if self._admit_one(key, now, draws) and self._ready[key]:
                    nxt.append((self._ready[key][0], key))
            order = sorted(nxt)
        for key in [key for key, heap in self._ready.items() if not heap]:
            del self._ready[key]
        self._settle(now, draws)

    def _admit_one(self, key: tuple[str, RunKey], now: datetime, draws: Draws) -> bool:
        pool_name, run_key = key
        state = self._runs.get(run_key)
        heap = self._ready[key]
        if state is None:
            heap.clear()
            return False
        pool = self._pools.get(pool_name)
        blocked: list[tuple[int, int, TaskKey]] = []
        admitted = False
        while heap and not admitted:
            ti = self.task(heap[0][2])
            if ti is None or ti.state is not S.SCHEDULED:
                heapq.heappop(heap)
                continue
            task = state.graph.tasks[ti.task_id]
            if state.active >= state.graph.spec.max_active_tasks or pool is None:
                break
            if pool.slots >= 0 and self._pool_used[pool_name] + task.pool_slots > pool.slots:
                break
            limit = task.max_active_tis_per_dag
            if limit is not None and self._active_per_task[state.run.dag_id, ti.task_id] >= limit:
                blocked.append(heapq.heappop(heap))
                continue
            heapq.heappop(heap)
            self._queue(state, ti, task, now, draws)
            admitted = True
        for one in blocked:
            heapq.heappush(heap, one)
        return admitted

    def _queue(self, state: _Run, ti: TaskInstance, task: TaskSpec, now: datetime, draws: Draws) -> None:
        same_try = (
            ti.due_at is None and ti.first_started_at is not None and ti.try_number > 0 and ti.attempts_in_try > 0
        )
        continues = ti.infrastructure_failures > 0 or same_try
        number = ti.attempts_in_try + 1 if continues else 1
        try_number = ti.try_number if continues and ti.try_number else ti.try_number + 1
        if not continues and ti.try_number > 0:
            self._facts.append(XComsCleared(run_key=ti.run_key, task_id=ti.task_id, map_index=ti.map_index))
        attempt = Attempt(
            attempt_id=draws.attempt_id(),
            run_key=ti.run_key,
            task_id=ti.task_id,
            map_index=ti.map_index,
            try_number=try_number,
            number=number,
            created_at=now,
        )
        self._alive += 1
        self._put_attempt(attempt, "created")
        self._put(
            state,
            replace(
                ti,
                state=S.QUEUED,
                try_number=try_number,
                attempts_in_try=number,
                attempt_id=attempt.attempt_id,
                queued_at=now,
                due_at=None,
                started_at=ti.started_at if continues else None,
                ended_at=None,
                first_started_at=ti.first_started_at if continues else None,
                verdict=None,
            ),
            "launched",
        )

    def _due(self, now: datetime, draws: Draws) -> None:
        while self._timers and self._timers[0][0] <= now:
            _, _, key, run_key = heapq.heappop(self._timers)
            if run_key is not None:
                self._run_timeout(run_key, now)
            if key is None:
                continue
            ti = self.task(key)
            if ti is None:
                continue
            state = self._runs[key.run_key]
            if ti.state is S.UP_FOR_RETRY and ti.due_at and ti.due_at <= now:
                ready = replace(
                    ti,
                    state=S.SCHEDULED,
                    due_at=None,
                    infrastructure_failures=0,
                    attempts_in_try=0,
                    first_started_at=None,
                )
                self._put(state, ready, "retry is due")
                self._push_ready(ready)
            elif ti.state is S.UP_FOR_RESCHEDULE and ti.due_at and ti.due_at <= now:
                ready = replace(ti, state=S.SCHEDULED, due_at=None)
                self._put(state, ready, "reschedule is due")
                self._push_ready(ready)
            elif ti.state.holds_attempt and ti.attempt_id:
                attempt = self._attempts.get(ti.attempt_id)
                if attempt and attempt.wanted and attempt.deadline_at and attempt.deadline_at <= now:
                    self._put_attempt(
                        replace(attempt, wanted=False, stop_reason="Its execution timeout passed."), "timed out"
                    )

    def _run_timeout(self, run_key: RunKey, now: datetime) -> None:
        state = self._runs.get(run_key)
        if state is None or state.run.state is not RunState.RUNNING:
            return
        self._end_run(state, now, RunState.FAILED, S.SKIPPED, "The run's timeout passed.")

    def _end_run(self, state: _Run, now: datetime, to: RunState, rest: TaskState, why: str) -> None:
        self._put_run(state, replace(state.run, state=to, ended_at=now, verdict=why), why)
        for rows in state.tasks.values():
            for ti in list(rows.values()):
                if ti.state.is_finished:
                    continue
                if ti.state.holds_attempt and ti.attempt_id:
                    attempt = self._attempts.get(ti.attempt_id)
                    if attempt is not None and attempt.phase is not AttemptPhase.ENDED:
                        self._put_attempt(replace(attempt, wanted=False, stop_reason=why), why)
                        self._put(state, replace(ti, stop=S.FAILED.value), why)
                        continue
                self._put(state, replace(ti, state=rest, due_at=None, verdict=why), why)

    # -- runs ------------------------------------------------------------------------------------------------------

    def _create_run(
        self,
        dag: DagRow,
        run_id: str,
        run_type: RunType,
        slot: RunSlot,
        conf: dict[str, Any],
        now: datetime,
        draws: Draws,
        by: str = "",
    ) -> _Run:
        interval = slot.data_interval
        graph = self._graph(dag.version)
        run = DagRun(
            run_key=draws.run_key(),
            dag_id=dag.dag_id,
            run_id=RunId(run_id),
            version=dag.version,
            run_type=run_type,
            state=RunState.QUEUED,
            logical_date=slot.logical_date,
            interval_start=interval.start if interval else None,
            interval_end=interval.end if interval else None,
            run_after=slot.run_after,
            conf=conf,
            queued_at=now,
            meaning=graph.spec.meaning,
            triggered_by=by,
        )
        state = _Run(run, graph)
        self._runs[run.run_key] = state
        self._by_id[dag.dag_id, run_id] = run.run_key
        self._put_run(state, run, "created")
        for task in graph.spec.tasks:
            self._put(
                state,
                TaskInstance(run_key=run.run_key, task_id=TaskId(task.task_id), max_tries=task.retries),
                "created",
            )
        return state

    def _scheduled_runs(self, now: datetime, draws: Draws) -> None:
        for dag_id, dag in list(self._dags.items()):
            while dag.next_slot is not None and dag.next_slot.run_after <= now and not dag.paused and not dag.removed:
                slot = dag.next_slot
                active = sum(1 for run in self._runs.values() if run.run.dag_id == dag_id)
                if active >= self._graph(dag.version).spec.max_active_runs:
                    break
                moment = slot.logical_date or slot.run_after
                run_id = f"scheduled__{moment.isoformat()}"
                if (dag_id, run_id) not in self._by_id:
                    self._create_run(dag, run_id, RunType.SCHEDULED, slot, {}, now, draws)
                dag = replace(dag, last_slot=slot)
                dag = replace(dag, next_slot=self._next_slot(dag, now))
                self._dags[dag_id] = dag
                self._facts.append(DagFact(dag=dag))

    def _start_runs(self, now: datetime, draws: Draws) -> None:
        active: dict[str, int] = defaultdict(int)
        queued: list[_Run] = []
        for state in self._runs.values():
            if state.run.state is RunState.RUNNING:
                active[state.run.dag_id] += 1
            elif state.run.state is RunState.QUEUED:
                queued.append(state)
        for state in sorted(queued, key=lambda one: one.run.run_key):
            dag = self._dags.get(state.run.dag_id)
            if dag is not None and dag.paused:
                continue
            if active[state.run.dag_id] >= state.graph.spec.max_active_runs:
                continue
            active[state.run.dag_id] += 1
            self._put_run(state, replace(state.run, state=RunState.RUNNING, started_at=now), "started")
            if state.graph.spec.dagrun_timeout_seconds is not None:
                self._timer(now + timedelta(seconds=state.graph.spec.dagrun_timeout_seconds), None, state.run.run_key)
            for task in state.graph.spec.tasks:
                self._touch(state, task.task_id)
            self._dirty[state.run.run_key] = None
        self._settle(now, draws)

    # -- commands --------------------------------------------------------------------------------------------------

    def _command(self, command: cmd.Command, now: datetime, draws: Draws) -> cmd.CommandResult:
        match command:
            case cmd.TriggerRun():
                return self._trigger(command, now, draws)
            case cmd.SetPaused():
                dag = self._dags.get(command.dag_id)
                if dag is None:
                    return _no_dag(command.dag_id)
                if dag.paused != command.paused:
                    self._dags[command.dag_id] = replace(dag, paused=command.paused)
                    self._facts.append(DagFact(dag=self._dags[command.dag_id]))
                return cmd.CommandResult(ok=True)
            case cmd.SetPool():
                pool = Pool(
                    name=command.name,
                    slots=command.slots,
                    description=command.description,
                    include_deferred=command.include_deferred,
                )
                self._pools[pool.name] = pool
                self._facts.append(PoolFact(pool=pool))
                return cmd.CommandResult(ok=True)
            case cmd.CancelRun():
                key = self._by_id.get((command.dag_id, command.run_id))
                if key is None:
                    return cmd.CommandResult(ok=False, code="not-found", message="there is no such run")
                state = self._runs[key]
                if not state.run.state.is_finished:
                    self._end_run(state, now, RunState.FAILED, S.SKIPPED, "The run was cancelled.")
                return cmd.CommandResult(ok=True)
            case _:
                return cmd.CommandResult(
                    ok=False, code="not-yet", message=f"{type(command).__name__} comes with a later version"
                )

    def _trigger(self, command: cmd.TriggerRun, now: datetime, draws: Draws) -> cmd.CommandResult:
        dag = self._dags.get(command.dag_id)
        if dag is None or dag.removed:
            return _no_dag(command.dag_id)
        moment = command.logical_date or now
        run_id = command.run_id or f"manual__{moment.isoformat()}"
        if (command.dag_id, run_id) in self._by_id:
            return cmd.CommandResult(
                ok=False, code="run-exists", message=f"DAG {command.dag_id!r} already has a run {run_id!r}",
                hint="choose another --run-id",
            )  # fmt: skip
        spec = self._graph(dag.version).spec
        interval = manual_interval(spec.timetable, moment)
        slot = RunSlot(logical_date=moment, data_interval=interval, run_after=command.run_after or moment)
        self._create_run(dag, run_id, RunType.MANUAL, slot, command.conf, now, draws)
        return cmd.CommandResult(ok=True, run_id=run_id)


def _no_dag(dag_id: str) -> cmd.CommandResult:
    return cmd.CommandResult(
        ok=False, code="not-found", message=f"there is no DAG {dag_id!r}", hint="`tradewind dags list` shows them"
    )


def _delay(task: TaskSpec, ti: TaskInstance, outcome: Failed, draws: Draws) -> float:
    if outcome.delay_seconds is not None:
        return outcome.delay_seconds
    seconds = task.retry_delay_seconds
    if task.retry_backoff:
        factor = task.retry_backoff if task.retry_backoff > 1 else 2
        seconds = seconds * factor ** (ti.try_number - 1)
        if task.retry_jitter:
            seconds *= 1 + draws.uniform()
    if task.max_retry_delay_seconds is not None:
        seconds = min(seconds, task.max_retry_delay_seconds)
    return seconds
