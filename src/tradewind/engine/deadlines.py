"""Deadlines: when those of a run are, and what is asked for when one passes before the run, or a task of it, has ended.

Nothing is stopped by them. Settled when the run is made, so that they hold for as long as it lives.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from tradewind.engine.core import Core
from tradewind.engine.finish import call_back, send_mail
from tradewind.engine.live import LiveRun
from tradewind.model.dagspec import DagSpec, Deadline
from tradewind.model.rows import DagRun, TaskInstance
from tradewind.model.states import RunType, TaskState

_IN_TIME = (TaskState.SUCCESS, TaskState.SKIPPED)


def settle(core: Core, run: DagRun, spec: DagSpec) -> DagRun:
    """A run with the times of all its deadlines; None where there is none, and none is missed yet."""
    if not spec.deadlines and not run.deadlines:
        return run
    dag = core.dags.get(run.dag_id)
    recent = () if dag is None else dag.recent_seconds
    times = tuple(_time(one, run, recent, core.now) for one in spec.deadlines)
    return replace(run, deadlines=times, missed_deadlines=())


def queue_again(core: Core, run: DagRun, spec: DagSpec) -> DagRun:
    """A run that waits to start again: deadlines that count from there are later now, unless they were missed."""
    if not run.deadlines or not any(one.reference == "queued_at" for one in spec.deadlines):
        return run
    times = tuple(
        _time(one, run, (), core.now) if one.reference == "queued_at" and number not in run.missed_deadlines else known
        for number, (one, known) in enumerate(zip(spec.deadlines, run.deadlines, strict=True))
    )
    return replace(run, deadlines=times)


def look(core: Core, live: LiveRun) -> None:
    """Those that have passed leave the clock; for those that were missed, what the DAG file says is asked for."""
    run, spec = live.run, live.graph.spec
    passed = {number: at for number, at in live.deadlines_ahead() if at <= core.now}
    if not passed:
        return
    late = {number: _late(live, spec.deadlines[number].task_id, at) for number, at in passed.items()}
    missed = [number for number in passed if late[number] or spec.deadlines[number].task_id is None]
    kept = tuple(at if number not in passed or number in missed else None for number, at in enumerate(run.deadlines))
    said = {number: _sentence(spec.deadlines[number], number, passed[number]) for number in missed}
    run = replace(run, deadlines=kept, missed_deadlines=(*run.missed_deadlines, *missed))
    core.put_run(live, run, " ".join(said.values()) or "its deadlines were met")
    for number in missed:
        if spec.deadlines[number].task_id is None:
            call_back(core, live, None, "deadline", said[number], deadlines=(number,))
        else:
            send_mail(core, live, late[number][0], said[number], is_late=True)
    of_tasks = tuple(number for number in missed if spec.deadlines[number].task_id is not None)
    if of_tasks and spec.calls_on_sla_miss:
        call_back(core, live, None, "sla_miss", " ".join(said[number] for number in of_tasks), deadlines=of_tasks)


def remember(core: Core, run: DagRun) -> None:
    """Keep how long a successful run took, where a deadline of the DAG asks for what is usual."""
    dag = core.dags.get(run.dag_id)
    if dag is None or run.started_at is None or run.ended_at is None:
        return
    wanted = [one.max_runs for one in core.graph(dag.version).spec.deadlines if one.reference == "average_runtime"]
    if wanted:
        seconds = (*dag.recent_seconds, (run.ended_at - run.started_at).total_seconds())
        core.put_dag(replace(dag, recent_seconds=seconds[-max(wanted) :]), "a run took so long")


def _time(deadline: Deadline, run: DagRun, recent: Sequence[float], now: datetime) -> datetime | None:
    seconds = deadline.interval_seconds
    if deadline.reference == "logical_date":
        base = run.logical_date
    elif deadline.reference == "queued_at":
        base = run.queued_at
    elif deadline.reference == "fixed_datetime":
        base = deadline.fixed
    elif deadline.reference == "run_after":
        base = run.run_after if run.run_type is RunType.SCHEDULED else None
    else:
        usual = recent[-deadline.max_runs :]
        if not usual or len(usual) < deadline.min_runs:
            return None
        base, seconds = now, seconds + sum(usual) / len(usual)
    return None if base is None else base + timedelta(seconds=seconds)


def _late(live: LiveRun, task_id: str | None, at: datetime) -> list[TaskInstance]:
    """Instances of the task that had not succeeded, or been skipped, by then."""
    if task_id is None:
        return []
    rows = live.node(task_id).rows.values()
    return [ti for ti in rows if ti.state not in _IN_TIME or (ti.ended_at is not None and ti.ended_at > at)]


def _sentence(deadline: Deadline, number: int, at: datetime) -> str:
    moment = at.isoformat(sep=" ", timespec="seconds")
    if deadline.task_id is not None:
        return f"Task {deadline.task_id} had not succeeded by {moment}, as its sla asks."
    return f"The run had not ended by {moment}, its deadline {deadline.name or number + 1}."
