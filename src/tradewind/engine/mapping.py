"""Mapped tasks: how long they are, their expansion, and what becomes of elements when the length changes.

Invariant: a mapped task has either its placeholder (map index -1) or its elements. Elements that are too many after a
clear are REMOVED, never forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from tradewind.engine.core import Check, Core
from tradewind.engine.finish import fail, finish, stop_attempt
from tradewind.engine.live import LiveRun, Node
from tradewind.model.dagspec import ConcatLength, ConstLength, Length, Mapping, TaskSpec, XComLength, ZipLength
from tradewind.model.ids import TaskId
from tradewind.model.rows import TaskInstance
from tradewind.model.states import TaskState

UNMAPPABLE = -1
"""Length of a value that is neither a list nor a dict."""


def source_verdict(live: LiveRun, node: Node) -> TaskState | None:
    """What the tasks that it is mapped over decide by themselves: one that failed or was skipped gives no length.

    One that is expanded did not fail outright: its elements that have a value count.
    """
    mappings = live.graph.mappings[node.task_id]
    states = {
        row.state
        for mapping in mappings
        for one in mapping.upstream_task_ids()
        if (row := live.nodes[one].rows.get(-1)) is not None
    }
    if TaskState.FAILED in states or TaskState.UPSTREAM_FAILED in states:
        return TaskState.UPSTREAM_FAILED
    return TaskState.SKIPPED if TaskState.SKIPPED in states else None


def expand(core: Core, live: LiveRun, node: Node, ti: TaskInstance) -> None:
    """Put its elements in the place of its placeholder, if the length is known."""
    total = product(live, live.graph.mappings[node.task_id])
    if total is None:
        return
    if total == UNMAPPABLE:
        fail(core, live, ti, "What it is mapped over is neither a list nor a dict.", "not mappable")
    elif total > core.limits.max_elements:
        verdict = f"It would have {total} elements, more than the limit of {core.limits.max_elements}."
        fail(core, live, ti, verdict, "too many elements")
    elif total == 0:
        finish(core, live, replace(ti, verdict="It is mapped over nothing."), TaskState.SKIPPED, "mapped over nothing")
    else:
        core.drop_task(live, ti, f"expanded into {total}")
        widen(live, node, total)
        for index in range(total):
            core.put_task(live, replace(ti, map_index=index), "expanded")
        core.checks[Check(live.run.run_key, node.task_id)] = None


def widen(live: LiveRun, node: Node, total: int) -> None:
    """It has this many elements from now on; to be said before the first of them is there."""
    node.width = total
    live.forget_widths()


def literal_length(live: LiveRun, node: Node) -> int:
    """Its length where literal lists and dicts alone decide it (it has its elements from the start), else 0."""
    total = 0
    for number, (_, length) in enumerate(one for found in live.graph.mappings[node.task_id] for one in found.arguments):
        if not isinstance(length, ConstLength):
            return 0
        total = length.n if number == 0 else total * length.n
    return total


def revise(core: Core, live: LiveRun, node: Node) -> bool:
    """After a clear the length may be another one: elements are added, restored or removed. True where some were.

    One too many that runs is stopped first.
    """
    total = product(live, live.graph.mappings[node.task_id])
    if total is None or total < 0 or total > core.limits.max_elements or total == node.fitted:
        return False
    node.fitted = total
    changed = [_fit(core, live, ti, total) for ti in list(node.rows.values())]
    missing = [index for index in range(total) if index not in node.rows]
    if missing:
        widen(live, node, max(node.width, total))
        assert node.task is not None
        for index in missing:
            core.put_task(live, new_instance(live, node.task, index), "added")
    if not missing and not any(changed):
        return False
    live.recount()
    live.nodes[node.task_id].fitted = total
    core.checks[Check(live.run.run_key, node.task_id)] = None
    return True


def _fit(core: Core, live: LiveRun, ti: TaskInstance, total: int) -> bool:
    """Remove one element that is too many, or restore one that is not any more; whether it was so."""
    if ti.map_index < total:
        if ti.state is not TaskState.REMOVED:
            return False
        core.put_task(live, replace(ti, state=TaskState.NONE, verdict=None), "there are enough elements again")
        return True
    if ti.state is TaskState.REMOVED or ti.stop == TaskState.REMOVED.value:
        return False
    why = f"Only {total} elements are left."
    if stop_attempt(core, ti, why):
        core.put_task(live, replace(ti, stop=TaskState.REMOVED.value), why)
    else:
        finish(core, live, ti, TaskState.REMOVED, why)
    return True


def new_instance(live: LiveRun, task: TaskSpec, map_index: int = -1) -> TaskInstance:
    """An instance about which nothing is decided."""
    return TaskInstance(
        run_key=live.run.run_key, task_id=TaskId(task.task_id), map_index=map_index, max_tries=task.retries
    )


def product(live: LiveRun, mappings: Iterable[Mapping]) -> int | None:
    """Elements altogether; None while some length is not known."""
    total = 1
    for mapping in mappings:
        for _, length in mapping.arguments:
            n = length_of(live, length)
            if n is None or n == UNMAPPABLE:
                return n
            total *= n
    return total


def length_of(live: LiveRun, length: Length) -> int | None:
    """One length; None while it is not known, UNMAPPABLE for a value without one."""
    match length:
        case ConstLength():
            return length.n
        case XComLength():
            return _value_length(live, length.task_id)
        case ZipLength():
            parts = _parts(live, length.parts)
            if parts is None or UNMAPPABLE in parts:
                return None if parts is None else UNMAPPABLE
            return max(parts) if length.longest else min(parts)
        case ConcatLength():
            parts = _parts(live, length.parts)
            if parts is None or UNMAPPABLE in parts:
                return None if parts is None else UNMAPPABLE
            return sum(parts)


def _parts(live: LiveRun, lengths: tuple[Length, ...]) -> list[int] | None:
    found = [length_of(live, length) for length in lengths]
    known = [n for n in found if n is not None]
    return known if len(known) == len(found) else None


def _value_length(live: LiveRun, task_id: str) -> int | None:
    rows = live.nodes[task_id].rows
    single = rows.get(-1)
    if single is not None:
        if single.state is not TaskState.SUCCESS:
            return None
        return UNMAPPABLE if single.result_length is None else single.result_length
    if not rows or any(not row.state.is_finished for row in rows.values()):
        return None
    return sum(row.has_value for row in rows.values() if row.state is TaskState.SUCCESS)
