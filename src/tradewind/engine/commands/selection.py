"""Which task instances a selection means, over one run or several.

Relatives follow Airflow: a cleared task takes the setups in whose scope it is, and their teardowns, with it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from tradewind.engine.core import Core
from tradewind.engine.graph import Graph
from tradewind.engine.live import LiveRun
from tradewind.model.commands import TaskSelection
from tradewind.model.ids import DagId
from tradewind.model.rows import TaskInstance
from tradewind.model.snapshot import RunRef
from tradewind.model.states import TaskState

_FAR = datetime(9999, 1, 1, tzinfo=UTC)


def missing(core: Core, dag_id: str, run_id: str) -> tuple[RunRef, ...]:
    """The run, where it is not in memory and was not asked for yet."""
    ref = RunRef(dag_id=DagId(dag_id), run_id=run_id)
    return () if core.find_run(dag_id, run_id) is not None or core.past.ask(ref) else (ref,)


def needs(core: Core, chosen: TaskSelection) -> tuple[RunRef, ...]:
    """The run, and with `past` or `future` those before and after it, one by one backwards in time."""
    refs = missing(core, chosen.dag_id, chosen.run_id)
    live = core.find_run(chosen.dag_id, chosen.run_id)
    if refs or live is None or live.run.logical_date is None:
        return refs
    if chosen.future:
        refs = walk_back(core, chosen.dag_id, _FAR, live.run.logical_date)
    if chosen.past and not refs:
        refs = walk_back(core, chosen.dag_id, live.run.logical_date, None)
    return refs


def walk_back(core: Core, dag_id: str, start: datetime, stop: datetime | None) -> tuple[RunRef, ...]:
    """The next run to ask for on the way from `start` back to `stop`."""
    cursor = start
    while True:
        ref = RunRef(dag_id=DagId(dag_id), before=cursor)
        if not core.past.ask(ref):
            return (ref,)
        dates = [one.run.logical_date for one in core.of_dag.get(dag_id, {}).values()]
        earlier = [date for date in dates if date is not None and date < cursor]
        if not earlier or (stop is not None and max(earlier) <= stop):
            return ()
        cursor = max(earlier)


def runs(core: Core, chosen: TaskSelection) -> list[LiveRun]:
    """The run and, where asked for, those before and after it, in order of time."""
    live = core.find_run(chosen.dag_id, chosen.run_id)
    if live is None:
        return []
    date = live.run.logical_date
    found = [live]
    if date is not None:
        for other in core.of_dag[chosen.dag_id].values():
            when = other.run.logical_date
            if when is not None and ((chosen.past and when < date) or (chosen.future and when > date)):
                found.append(other)
    return sorted(found, key=lambda one: (one.run.logical_date or one.run.run_after, one.run.run_key))


def unknown_task(graph: Graph, chosen: TaskSelection) -> str:
    """The first task id that the version does not have."""
    return next((one for one in chosen.task_ids if one not in graph.tasks), "")


def to_clear(live: LiveRun, chosen: TaskSelection) -> list[TaskInstance]:
    """Instances of one run."""
    graph = live.graph
    direct = [one for one in chosen.task_ids or graph.tasks if one in graph.tasks]
    related: set[str] = set()
    for task_id in direct:
        related |= _related(graph, task_id, upstream=chosen.upstream, downstream=chosen.downstream)
    return _rows(live, chosen, direct, related - set(direct))


def to_mark(live: LiveRun, chosen: TaskSelection) -> list[TaskInstance]:
    """The same for marks, which take no setups with them and spare the teardowns below."""
    graph = live.graph
    direct = [one for one in chosen.task_ids or graph.tasks if one in graph.tasks]
    related: set[str] = set()
    for task_id in direct:
        if chosen.upstream:
            related |= graph.relatives(task_id, down=False)
        if chosen.downstream:
            related |= {one for one in graph.relatives(task_id, down=True) if not graph.tasks[one].is_teardown}
    return _rows(live, chosen, direct, related - set(direct))


def _related(graph: Graph, task_id: str, *, upstream: bool, downstream: bool) -> set[str]:
    found: set[str] = set()
    if downstream:
        found |= graph.relatives(task_id, down=True)
        if not upstream:
            for below in list(found):
                found |= _with_teardowns(graph, graph.relevant_setups(below))
    if upstream:
        above = graph.relatives(task_id, down=False)
        found |= above | _with_teardowns(graph, [one for one in above if graph.tasks[one].is_setup])
    else:
        found |= _with_teardowns(graph, graph.relevant_setups(task_id))
    if graph.tasks[task_id].is_setup and not downstream:
        found |= _with_teardowns(graph, [task_id])
    return found


def _with_teardowns(graph: Graph, setups: list[str]) -> set[str]:
    found = set(setups)
    for setup in setups:
        found |= {one for one in graph.downstream[setup] if graph.tasks[one].is_teardown}
    return found


def _rows(live: LiveRun, chosen: TaskSelection, direct: list[str], related: set[str]) -> list[TaskInstance]:
    graph = live.graph
    found = [
        ti
        for task_id in direct
        for ti in live.nodes[task_id].rows.values()
        if chosen.map_indexes is None or ti.map_index in chosen.map_indexes
    ]
    for task_id in sorted(related, key=graph.order.__getitem__):
        found.extend(_related_rows(live, chosen, direct, task_id))
    if chosen.only_failed:
        found = [ti for ti in found if ti.state in (TaskState.FAILED, TaskState.UPSTREAM_FAILED)]
    return sorted(found, key=lambda ti: (graph.order[ti.task_id], ti.map_index))


def _related_rows(live: LiveRun, chosen: TaskSelection, direct: list[str], task_id: str) -> list[TaskInstance]:
    """Of a relative in the same mapped group only the elements that belong to the chosen ones."""
    rows = list(live.nodes[task_id].rows.values())
    if chosen.map_indexes is None:
        return rows
    parts = set()
    for one in direct:
        group_id = live.graph.common_group(one, task_id)
        if group_id is None:
            return rows
        parts |= {(group_id, live.part(one, index, group_id)) for index in chosen.map_indexes}
    return [
        ti for ti in rows if ti.map_index < 0 or any(live.part(task_id, ti.map_index, g) == part for g, part in parts)
    ]
