"""Engine-native tasks that look at other runs: triggering one (and waiting for its end), waiting for another DAG.

A task is one by its body, or because its worker left the rest of the try to the engine (`native` in its row). They are
done in `admit`. What is waited for stands in the row, so a restart finds it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec.structs import replace

from tradewind.engine import runs
from tradewind.engine.core import Core
from tradewind.engine.live import LiveRun
from tradewind.engine.native import begin, done, limits, too_late
from tradewind.engine.retries import fail_try
from tradewind.engine.watches import dag_name, date_name, run_name
from tradewind.model.dagspec import Body, TriggerRunBody, WaitTaskBody
from tradewind.model.ids import DagId, TaskKey
from tradewind.model.outcome import Failed
from tradewind.model.param_schema import problem_of_conf
from tradewind.model.rows import DagRow, TaskInstance, XComRow
from tradewind.model.snapshot import RunRef
from tradewind.model.states import TaskState

_FAILED = Failed(message="")
_FAILED_FOR_GOOD = Failed(message="", retry=False)


def start(core: Core, key: TaskKey) -> None:
    """A ready one begins."""
    live, ti = core.runs.get(key.run_key), core.task(key)
    if live is None or ti is None:
        return
    if ti.state is TaskState.DEFERRED and ti.native is not None and ti.waits_for is None:
        _begin(core, live, ti, ti.native)
        return
    if ti.state is not TaskState.SCHEDULED:
        return
    dag = core.dags.get(live.run.dag_id)
    if dag is not None and dag.paused:
        core.natives[key] = None
        return
    _begin(core, live, begin(core, ti), live.graph.tasks[ti.task_id].body)


def _begin(core: Core, live: LiveRun, ti: TaskInstance, body: Body) -> None:
    """What a try that has begun does first."""
    if isinstance(body, TriggerRunBody):
        _trigger(core, live, ti, body)
    elif isinstance(body, WaitTaskBody):
        dates = _awaited_dates(live, body)
        name = date_name(body.dag_id, dates[0]) if len(dates) == 1 else dag_name(body.dag_id)
        due = min(limits(live, ti, body), default=None)
        waiting = replace(ti, state=TaskState.DEFERRED, waits_for=name, due_at=due)
        core.put_task(live, waiting, "waits for another DAG")
        core.watches.watch(name, ti.key)


def _body(live: LiveRun, ti: TaskInstance) -> Body:
    return ti.native or live.graph.tasks[ti.task_id].body


def _awaited_dates(live: LiveRun, body: WaitTaskBody) -> tuple[datetime, ...]:
    if body.dates:
        return body.dates
    return ((live.run.logical_date or live.run.run_after) - timedelta(seconds=body.delta_seconds),)


# -- triggering a run ----------------------------------------------------------------------------------------------


def _trigger(core: Core, live: LiveRun, ti: TaskInstance, body: TriggerRunBody) -> None:
    dag = core.dags.get(body.dag_id)
    if dag is None or dag.removed:
        fail_try(core, live, ti, _FAILED, f"There is no DAG {body.dag_id!r}.")
    elif dag.paused and body.fail_when_paused:
        fail_try(core, live, ti, _FAILED, f"DAG {body.dag_id!r} is paused.")
    else:
        try:
            at = _date(core, dag, body)
            run_after = None if body.run_after is None else _moment(body.run_after)
        except ValueError as error:
            fail_try(core, live, ti, _FAILED_FOR_GOOD, f"Bad date for the run of DAG {body.dag_id!r}: {error}.")
            return
        _trigger_at(core, live, ti, body, dag, at, run_after)


def _date(core: Core, dag: DagRow, body: TriggerRunBody) -> datetime:
    if body.logical_date is not None:
        return _moment(body.logical_date)
    return core.now if body.run_id is not None else runs.free_moment(core, dag.dag_id)


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return at.astimezone(UTC)


def _trigger_at(
    core: Core,
    live: LiveRun,
    begun: TaskInstance,
    body: TriggerRunBody,
    dag: DagRow,
    at: datetime,
    run_after: datetime | None,
) -> None:
    run_id = body.run_id or f"manual__{at.isoformat()}"
    other = core.find_run(dag.dag_id, run_id)
    if other is None and not core.past.ask(RunRef(dag_id=dag.dag_id, run_id=run_id)):
        core.natives[begun.key] = None
        return
    if other is not None and body.skip_if_exists:
        done(core, live, begun, TaskState.SKIPPED, f"run {run_id} exists")
        return
    if other is not None and not body.reset:
        fail_try(core, live, begun, _FAILED, f"DAG {body.dag_id!r} already has a run {run_id!r}.")
        return
    conf = body.conf or {}
    wrong = None if other is not None else problem_of_conf(core.graph(dag.version).spec.params, conf)
    if wrong is not None:
        verdict = f"Param {wrong[0]!r} of DAG {body.dag_id!r}: {wrong[1]}."
        fail_try(core, live, begun, _FAILED, verdict)
        return
    if other is not None:
        runs.clear_all(core, other, f"Reset by task {begun.task_id} of DAG {live.run.dag_id}.")
    else:
        by = f"{live.run.dag_id}.{begun.task_id}"
        # A run that a task made at this moment makes none that starts now: a DAG may trigger itself for ever.
        by_task = live.run.queued_at == core.now and "." in live.run.triggered_by
        later = run_after or (core.now + timedelta(microseconds=1) if by_task else None)
        problem = runs.create_manual(core, dag, run_id, at, conf=conf, by=by, run_after=later, note=body.note)
        if problem is not None:
            fail_try(core, live, begun, _FAILED_FOR_GOOD, str(problem))
            return
    core.xcoms.append(_run_id_value(begun, run_id))
    if not body.wait:
        done(core, live, begun, TaskState.SUCCESS, f"triggered run {run_id}")
        return
    name = run_name(body.dag_id, run_id)
    core.put_task(live, replace(begun, state=TaskState.DEFERRED, waits_for=name), f"waits for run {run_id}")
    core.watches.watch(name, begun.key)


def _run_id_value(ti: TaskInstance, run_id: str) -> XComRow:
    """The XCom by which other tasks find the run, as in Airflow."""
    value = msgspec.json.encode(run_id)
    return XComRow(run_key=ti.run_key, task_id=ti.task_id, map_index=ti.map_index, key="trigger_run_id", value=value)


# -- waiting -------------------------------------------------------------------------------------------------------


def look(core: Core, key: TaskKey) -> None:
    """Something happened where a waiting task looks."""
    live, ti = core.runs.get(key.run_key), core.task(key)
    if live is None or ti is None or ti.state is not TaskState.DEFERRED or ti.waits_for is None:
        return
    body = _body(live, ti)
    if isinstance(body, TriggerRunBody):
        _look_at_run(core, live, ti, body)
    elif isinstance(body, WaitTaskBody):
        _look_at_dates(core, live, ti, body)


def _look_at_run(core: Core, live: LiveRun, ti: TaskInstance, body: TriggerRunBody) -> None:
    assert ti.waits_for is not None
    run_id = ti.waits_for.removeprefix(run_name(body.dag_id, ""))
    other = core.find_run(body.dag_id, run_id)
    if other is None:
        _ask(core, ti, RunRef(dag_id=DagId(body.dag_id), run_id=run_id))
        return
    state = other.run.state.value
    if state in body.failed_states:
        fail_try(core, live, ti, _FAILED, f"Run {run_id!r} of DAG {body.dag_id!r} is {state}.")
    elif state in body.allowed_states:
        done(core, live, ti, TaskState.SUCCESS, f"run {run_id} is {state}")


def _ask(core: Core, ti: TaskInstance, ref: RunRef) -> None:
    if not core.past.ask(ref):
        core.watches.tell_later(ti.key)


def _look_at_dates(core: Core, live: LiveRun, ti: TaskInstance, body: WaitTaskBody) -> None:
    dag = core.dags.get(body.dag_id)
    if body.check_existence and (problem := _missing(core, dag, body)):
        fail_try(core, live, ti, _FAILED, problem)
        return
    there = 0
    dates = _awaited_dates(live, body)
    for date in dates:
        states = _states_at(core, ti, body, date)
        what = f"{_what(body)} at {date.isoformat()}"
        if any(state in body.failed_states for state in states):
            _refuse(core, live, ti, body, f"{what} failed.")
            return
        if any(state in body.skipped_states for state in states):
            done(core, live, ti, TaskState.SKIPPED, f"{what} was skipped")
            return
        there += bool(states) and all(state in body.allowed_states for state in states)
    if there == len(dates):
        done(core, live, ti, TaskState.SUCCESS, f"{_what(body)} is there")


def _states_at(core: Core, ti: TaskInstance, body: WaitTaskBody, date: datetime) -> list[str]:
    found = [one for one in core.of_dag.get(body.dag_id, {}).values() if one.run.logical_date == date]
    if not found:
        _ask(core, ti, RunRef(dag_id=DagId(body.dag_id), logical_date=date))
        return []
    return _states(max(found, key=lambda one: one.run.run_key), body)


def timed_out(core: Core, live: LiveRun, ti: TaskInstance, body: WaitTaskBody) -> None:
    """What it waited for did not come in time."""
    too_late(core, live, ti, body, f"{_what(body)} did not come")


def _refuse(core: Core, live: LiveRun, ti: TaskInstance, body: WaitTaskBody, verdict: str) -> None:
    if body.soft_fail:
        done(core, live, replace(ti, verdict=verdict), TaskState.SKIPPED, "soft fail")
    else:
        fail_try(core, live, ti, _FAILED, verdict)


def _missing(core: Core, dag: DagRow | None, body: WaitTaskBody) -> str:
    if dag is None or dag.removed:
        return f"There is no DAG {body.dag_id!r}."
    graph = core.graph(dag.version)
    for task_id in body.task_ids:
        if task_id not in graph.tasks:
            return f"DAG {body.dag_id!r} has no task {task_id!r}."
    if body.group_id is not None and body.group_id not in graph.groups:
        return f"DAG {body.dag_id!r} has no group {body.group_id!r}."
    return ""


def _states(other: LiveRun, body: WaitTaskBody) -> list[str]:
    """States of all that is waited for; empty where some of it does not exist yet."""
    if body.group_id is not None:
        wanted: Iterable[str] = [one for one, groups in other.graph.groups_of.items() if body.group_id in groups]
    elif body.task_ids:
        wanted = body.task_ids
    else:
        return [other.run.state.value]
    found: list[str] = []
    for task_id in wanted:
        node = other.nodes.get(task_id)
        if node is None or not node.rows:
            return []
        found.extend(ti.state.value for ti in node.rows.values())
    return found


def _what(body: WaitTaskBody) -> str:
    if body.group_id is not None:
        return f"Group {body.group_id!r} of DAG {body.dag_id!r}"
    if body.task_ids:
        names = ", ".join(repr(one) for one in body.task_ids)
        return f"Task{'s' if len(body.task_ids) > 1 else ''} {names} of DAG {body.dag_id!r}"
    return f"The run of DAG {body.dag_id!r}"
