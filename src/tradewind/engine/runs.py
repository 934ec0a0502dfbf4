"""Runs: how they are made, start, end, and are run again."""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from tradewind.engine import deadlines, mapping
from tradewind.engine.attempts import restart
from tradewind.engine.core import Check, Core
from tradewind.engine.finish import call_back, end_rest, stop_attempt
from tradewind.engine.live import LiveRun
from tradewind.model.ids import RunId
from tradewind.model.rows import DagRow, DagRun, TaskInstance
from tradewind.model.snapshot import RunRef
from tradewind.model.states import RunState, RunType, TaskState
from tradewind.model.timetable import BadTimetable, RunSlot, manual_interval

_BAD = (TaskState.FAILED, TaskState.UPSTREAM_FAILED)


def create(
    core: Core,
    dag: DagRow,
    run_id: str,
    run_type: RunType,
    slot: RunSlot,
    *,
    conf: dict[str, Any],
    by: str = "",
    **more: Any,
) -> LiveRun:
    """A queued run with a task instance for every task."""
    graph = core.graph(dag.version)
    interval = slot.data_interval
    run = DagRun(
        run_key=core.draws.run_key(),
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
        queued_at=core.now,
        meaning=graph.spec.meaning,
        triggered_by=by,
        **more,
    )
    live = core.add_run(deadlines.settle(core, run, graph.spec), "created")
    add_missing_tasks(core, live)
    return live


def add_missing_tasks(core: Core, live: LiveRun) -> None:
    """An instance for every task that has none; for mapped ones the elements, or the placeholder of those to come."""
    for task in live.graph.spec.tasks:
        node = live.nodes[task.task_id]
        if node.rows:
            continue
        elements = mapping.literal_length(live, node)
        if not 0 < elements <= core.limits.max_elements:
            core.put_task(live, mapping.new_instance(live, task), "created")
            continue
        mapping.widen(live, node, elements)
        for index in range(elements):
            core.put_task(live, mapping.new_instance(live, task, index), "created")


def free_moment(core: Core, dag_id: str) -> datetime:
    """Now, or as soon after it as no run by hand has its id from: several may be asked for at one moment."""
    at = core.now
    while core.find_run(dag_id, f"manual__{at.isoformat()}") is not None:
        at += timedelta(microseconds=1)
    return at


def create_manual(
    core: Core,
    dag: DagRow,
    run_id: str,
    at: datetime,
    *,
    conf: dict[str, Any],
    by: str = "",
    run_after: datetime | None = None,
    note: str = "",
) -> BadTimetable | None:
    """A run by hand at a logical date; or what is wrong with the DAG's timetable."""
    try:
        interval = manual_interval(core.graph(dag.version).spec.timetable, at)
    except BadTimetable as error:
        return error
    slot = RunSlot(logical_date=at, data_interval=interval, run_after=run_after or core.now)
    create(core, dag, run_id, RunType.MANUAL, slot, conf=conf, by=by, note=note)
    return None


def start_waiting(core: Core) -> None:
    """Start queued runs, in order, as far as limits and pauses allow."""
    for dag_id in core.runqueue.take_looks():
        dag = core.dags.get(dag_id)
        if dag is not None and dag.paused:
            continue
        for line, heap in core.runqueue.lines(dag_id):
            if core.is_paused(line[1]):
                continue
            while heap:
                live = core.runs.get(heap[0][1])
                if live is None or live.run.state is not RunState.QUEUED:
                    heapq.heappop(heap)
                    continue
                if core.runqueue.running[line] >= _limit(core, dag, live) or live.run.run_after > core.now:
                    break
                heapq.heappop(heap)
                _start(core, live)


def _limit(core: Core, dag: DagRow | None, live: LiveRun) -> float:
    """The newest version decides, as in Airflow; a backfill has its own limit."""
    if live.run.backfill_id is not None:
        return live.run.backfill_limit or float("inf")
    spec = live.graph.spec if dag is None else core.graph(dag.version).spec
    return spec.max_active_runs or float("inf")


def _start(core: Core, live: LiveRun) -> None:
    core.put_run(live, replace(live.run, state=RunState.RUNNING, started_at=core.now), "started")
    look_at_all(core, live)


def look_at_all(core: Core, live: LiveRun) -> None:
    """Look at every task about which nothing is decided."""
    for node in live.nodes.values():
        if node.idle:
            core.checks[Check(live.run.run_key, node.task_id)] = None


# -- the end -------------------------------------------------------------------------------------------------------


def finish_dirty(core: Core) -> None:
    """End the runs in which nothing is left to do."""
    dirty = list(core.dirty)
    core.dirty.clear()
    for run_key in dirty:
        live = core.runs.get(run_key)
        if live is None or live.run.state is not RunState.RUNNING or live.moving:
            continue
        if live.unfinished == 0:
            _finish(core, live)
        elif not core.watches.run_waits(run_key) and not any(one.run_key == run_key for one in core.past_unknown):
            _close(core, live, RunState.FAILED, "No task can run any more: what is left waits for what will not come.")


def _finish(core: Core, live: LiveRun) -> None:
    bad = [ti for leaf in live.graph.leaves for ti in live.nodes[leaf].rows.values() if ti.state in _BAD]
    verdict = _verdict(live, bad[0]) if bad else None
    if live.run.ending:
        to = RunState(live.run.ending)
        _close(core, live, to, live.run.verdict if to is RunState.FAILED else None)
    else:
        _close(core, live, RunState.FAILED if bad else RunState.SUCCESS, verdict)


def _verdict(live: LiveRun, bad: TaskInstance) -> str:
    """The first task that failed says why."""
    rows = (ti for node in live.nodes.values() for ti in node.rows.values() if ti.state is TaskState.FAILED)
    order = live.graph.order
    cause = min(rows, key=lambda ti: (ti.ended_at is None, ti.ended_at or 0, order.get(ti.task_id, 0)), default=bad)
    name = cause.task_id if cause.map_index < 0 else f"{cause.task_id}[{cause.map_index}]"
    return f"Task {name} failed: {cause.verdict or cause.state.value}"


def _close(core: Core, live: LiveRun, to: RunState, verdict: str | None) -> None:
    deadlines.look(core, live)
    run = replace(live.run, state=to, ended_at=core.now, verdict=verdict, ending="")
    core.put_run(live, run, verdict or "all tasks ended")
    if to is RunState.SUCCESS:
        deadlines.remember(core, run)
    which = "on_success" if to is RunState.SUCCESS else "on_failure"
    if getattr(live.graph.spec.callbacks, which):
        call_back(core, live, None, which, verdict or "")
    if to is RunState.FAILED and _streak_limit(core, live):
        core.streaks[run.run_key] = None


def _streak_limit(core: Core, live: LiveRun) -> int:
    dag = core.dags.get(live.run.dag_id)
    return 0 if dag is None else core.graph(dag.version).spec.max_consecutive_failed_dag_runs


def pause_after_failures(core: Core) -> None:
    """Pause the DAGs whose last runs, as many as `max_consecutive_failed_dag_runs` says, all failed.

    Earlier runs are asked for by logical date; runs without one count while they are in memory.
    """
    for run_key in list(core.streaks):
        live = core.runs.get(run_key)
        dag = None if live is None else core.dags.get(live.run.dag_id)
        if live is None or dag is None or dag.paused:
            del core.streaks[run_key]
            continue
        failed = _failed_in_a_row(core, live, _streak_limit(core, live))
        if failed is None:
            continue
        del core.streaks[run_key]
        if failed:
            core.put_dag(replace(dag, paused=True), f"its last {_streak_limit(core, live)} runs failed")


def _failed_in_a_row(core: Core, live: LiveRun, wanted: int) -> bool | None:
    runs = [one.run for one in core.of_dag[live.run.dag_id].values()]
    for _ in range(wanted):
        last = sorted(runs, key=lambda run: (run.run_after, run.run_key), reverse=True)[:wanted]
        if any(run.state is not RunState.FAILED for run in last):
            return False
        if len(last) >= wanted:
            return True
        dates = [run.logical_date for run in last if run.logical_date is not None]
        if not dates or core.past.ask(RunRef(dag_id=live.run.dag_id, before=min(dates))):
            return False
        return None
    return False


def end(core: Core, live: LiveRun, to: RunState, running_to: TaskState, why: str, *, at_once: bool = False) -> None:
    """End a run before its time: now where nothing runs, else when what runs has been stopped.

    Teardowns still run, unless `at_once`.
    """
    core.put_run(live, replace(live.run, ending=to.value, verdict=why), why)
    end_rest(core, live, why, running_to, teardowns_too=at_once)
    if live.run.state is RunState.QUEUED:
        end_rest(core, live, why, running_to, teardowns_too=True)
        _close(core, live, to, why if to is RunState.FAILED else None)


# -- again ---------------------------------------------------------------------------------------------------------


def clear_task(core: Core, live: LiveRun, ti: TaskInstance, why: str) -> None:
    """Run it again: at once, or when its attempt has been stopped."""
    if stop_attempt(core, ti, why):
        core.put_task(live, replace(ti, state=TaskState.RESTARTING, stop=""), why)
    elif ti.state is not TaskState.RESTARTING:
        restart(core, live, ti)


def reopen(core: Core, live: LiveRun, why: str) -> None:
    """A run of which tasks were cleared goes on, or waits to start again."""
    run = replace(live.run, clear_number=live.run.clear_number + 1, queued_at=core.now, verdict=None, ending="")
    if run.state.is_finished:
        run = replace(run, state=RunState.QUEUED, started_at=None, ended_at=None)
    run = deadlines.queue_again(core, run, live.graph.spec)
    core.put_run(live, run, why)
    if run.state is RunState.RUNNING:
        look_at_all(core, live)


def clear_all(core: Core, live: LiveRun, why: str) -> None:
    """All tasks of a run again."""
    for node in list(live.nodes.values()):
        for ti in list(node.rows.values()):
            clear_task(core, live, ti, why)
    reopen(core, live, why)


def leave(core: Core) -> None:
    """Forget runs that ended, but those which another run looks back at or waits for."""
    if core.past.take_freed() | core.watches.take_freed():
        core.over.update(core.kept)
        core.kept.clear()
    for run_key in core.over:
        live = core.runs.get(run_key)
        if live is None or not live.run.state.is_finished:
            continue
        if live.active or core.past.is_pinned(run_key) or core.watches.is_watched(live.run):
            core.kept[run_key] = None
        else:
            core.forget(run_key)
    core.over.clear()
