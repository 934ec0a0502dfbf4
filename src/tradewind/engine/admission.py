"""What crosses runs: time, new runs, waits for other runs, and which ready tasks are launched under the limits."""

from __future__ import annotations

import heapq
from collections.abc import Hashable

from msgspec.structs import replace

from tradewind.engine import attempts, backfills, crossings, deadlines, native, readiness, runs, schedules
from tradewind.engine.core import Check, Core
from tradewind.engine.live import LiveRun
from tradewind.engine.queues import Group
from tradewind.engine.timers import Kind
from tradewind.engine.usage import capacity, limits_of
from tradewind.model.dagspec import TaskSpec, WaitTaskBody, WaitTimeBody
from tradewind.model.ids import TaskKey
from tradewind.model.rows import TaskInstance
from tradewind.model.states import RunState, TaskState


def admit(core: Core) -> None:
    """Everything that may happen now, until nothing more may."""
    core.watches.resume()
    core.slots.update(core.slots_unknown)
    core.slots_unknown.clear()
    core.backfill_looks.update(core.backfills_unknown)
    core.backfills_unknown.clear()
    core.checks.update(core.past_unknown)
    core.past_unknown.clear()
    due(core)
    while True:
        readiness.settle(core)
        runs.finish_dirty(core)
        _cross(core)
        runs.pause_after_failures(core)
        schedules.create_due(core)
        backfills.advance(core)
        runs.start_waiting(core)
        _launch(core)
        if not (core.checks or core.dirty or core.slots or core.backfill_looks or core.watches.has_told):
            return


def due(core: Core) -> None:
    """Timers that are due."""
    for _, kind, key in core.timers.take_due(core.now):
        if kind is Kind.TASK:
            _task_due(core, key)
        elif kind is Kind.ATTEMPT:
            attempts.deadline_passed(core, core.attempts[key])
        elif kind is Kind.SLOT:
            core.slots[key] = None
        elif kind is Kind.BACKFILL:
            core.backfill_looks[key] = None
        elif kind is Kind.RUN_START:
            core.runqueue.look(core.runs[key].run.dag_id)
        elif kind is Kind.DEADLINE:
            deadlines.look(core, core.runs[key])
        else:
            live = core.runs[key]
            runs.end(core, live, RunState.FAILED, TaskState.SKIPPED, "The run's timeout passed.", at_once=True)


def _task_due(core: Core, key: TaskKey) -> None:
    live, ti = core.runs[key.run_key], core.task(key)
    assert ti is not None
    if ti.state is TaskState.UP_FOR_RETRY:
        _again(core, live, replace(ti, attempts_in_try=0, infrastructure_failures=0), "its retry is due")
    elif ti.state is TaskState.UP_FOR_RESCHEDULE:
        _again(core, live, ti, "it asked to be run again now")
    elif ti.state is TaskState.DEFERRED:
        body = ti.native or live.graph.tasks[ti.task_id].body
        if isinstance(body, WaitTaskBody):
            crossings.timed_out(core, live, ti, body)
        elif isinstance(body, WaitTimeBody):
            native.time_came(core, live, ti, body)


def _again(core: Core, live: LiveRun, ti: TaskInstance, cause: str) -> None:
    ready = replace(ti, state=TaskState.SCHEDULED, due_at=None, scheduled_at=core.now)
    node = live.nodes[ti.task_id]
    core.put_task(live, ready, cause)
    core.push_ready(live, node, ready)


def _cross(core: Core) -> None:
    """Engine-native tasks that begin, and waits for other runs in which something happened."""
    for key in core.watches.take_told():
        ti = core.task(key)
        if ti is None:
            core.watches.unwatch(key)
        elif ti.state is TaskState.DEFERRED:
            crossings.look(core, key)
        elif ti.state is TaskState.NONE:
            core.checks[Check(key.run_key, key.task_id)] = None
        else:
            core.watches.unwatch(key)
    natives = list(core.natives)
    core.natives.clear()
    for key in natives:
        crossings.start(core, key)


# -- launching -----------------------------------------------------------------------------------------------------


def _launch(core: Core) -> None:
    """Launch ready tasks by rank while there is room; what is held back waits where its limit will find it."""
    while not core.holding and core.usage.alive < core.limits.parallelism:
        group = core.queues.best()
        if group is None:
            return
        _try(core, group)


def _try(core: Core, group: Group) -> None:
    live = core.runs.get(group.run_key)
    ti = None if live is None else _first_ready(live, group)
    if live is None or ti is None:
        _leave(core, group)
        return
    task = live.graph.tasks[group.task_id]
    pool = core.pools.get(task.pool)
    if pool is None or core.usage.room(pool) < task.pool_slots:
        core.queues.close(group.bucket)
        return
    held_by = _held_by(core, live, task)
    if held_by is not None:
        _park(core, group, held_by)
        return
    heapq.heappop(group.elements)
    group.origin = None
    attempts.queue(core, live, ti)


def _first_ready(live: LiveRun, group: Group) -> TaskInstance | None:
    while group.elements:
        ti = live.find(group.task_id, group.elements[0])
        if ti is not None and ti.state is TaskState.SCHEDULED and group.task_id in live.graph.tasks:
            return ti
        heapq.heappop(group.elements)
    return None


def _held_by(core: Core, live: LiveRun, task: TaskSpec) -> Hashable | None:
    dag = core.dags.get(live.run.dag_id)
    if dag is not None and dag.paused:
        return ("paused", live.run.dag_id)
    for limit in limits_of(live, task):
        if core.usage.of[limit] >= capacity(live, task, limit):
            return limit
    return None


def _leave(core: Core, group: Group) -> None:
    origin = group.origin
    core.queues.remove(group)
    if origin is not None:
        core.queues.offer(origin, group.bucket)


def _park(core: Core, group: Group, limit: Hashable) -> None:
    origin = group.origin
    group.origin = None
    core.queues.park(group, limit)
    if origin is not None and origin != limit:
        core.queues.offer(origin, group.bucket)
