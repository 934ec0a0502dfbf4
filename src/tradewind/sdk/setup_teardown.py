"""`with setup():` blocks: tasks made inside run after the setup and before the teardown.

A block opens a frame that holds its setups and teardowns and gathers the tasks made inside. When it closes, edges are
drawn: setups before the first tasks, the last tasks before teardowns, and the frame around it around all of that.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from tradewind.sdk import errors


class Frame:
    """One open block."""

    def __init__(self, setups: list[Any], teardowns: list[Any]) -> None:
        self.setups = setups
        self.teardowns = teardowns
        self.work: list[Any] = []


_frames: ContextVar[tuple[Frame, ...]] = ContextVar("tradewind_setup_frames", default=())


def enter(operators: list[Any]) -> None:
    """Open a block with a setup, a teardown, or several of one kind; its counterparts are found along the edges."""
    kinds = {(task.is_setup, task.is_teardown) for task in operators}
    if len(kinds) != 1 or kinds == {(False, False)}:
        names = ", ".join(repr(task.task_id) for task in operators)
        said = "only setups, or only teardowns, can open a `with` block"
        hint = "mark the task with @setup or @teardown, or call .as_setup() or .as_teardown()"
        raise errors.DagProblem.of("not-a-setup", f"task {names}", said, hint)
    if operators[0].is_setup:
        frame = Frame(operators, _nearest(operators[0], "is_teardown", upstream=False))
    else:
        frame = Frame(_nearest(operators[0], "is_setup", upstream=True), operators)
    _frames.set((*_frames.get(), frame))


def leave() -> None:
    """Close the innermost block and draw its edges."""
    frames = _frames.get()
    if not frames:
        return
    frame = frames[-1]
    _frames.set(frames[:-1])
    work = [task for task in frame.work if not task.is_setup and not task.is_teardown]  # marked since they were made
    if work:
        first = [task for task in work if not task.upstream_task_ids] or work[:1]
        last = [task for task in work if not task.downstream_task_ids] or work[-1:]
        _draw(frame.setups, first)
        _draw(last, frame.teardowns)
    if len(frames) > 1:
        around = frames[-2]
        _draw(around.setups, frame.setups)
        _draw(frame.teardowns, around.teardowns)


def gather(task: Any) -> None:
    """Note a task that was made inside a block."""
    if (frames := _frames.get()) and not task.is_setup and not task.is_teardown:
        frames[-1].work.append(task)


def _draw(before: list[Any], after: list[Any]) -> None:
    for first in before:
        for second in after:
            if first is not second:
                first.set_downstream(second)


def _nearest(task: Any, mark: str, *, upstream: bool) -> list[Any]:
    """Direct relatives with this mark, else those of the next ring of tasks, and so on outward."""
    ring = list(task.upstream_list if upstream else task.downstream_list)
    seen = {task.task_id}
    while ring:
        if found := [near for near in ring if getattr(near, mark)]:
            return found
        seen |= {near.task_id for near in ring}
        wider = {far.task_id: far for near in ring for far in near.downstream_list + near.upstream_list}
        ring = [far for name, far in wider.items() if name not in seen]
    return []


class SetupTeardownContext:
    """Airflow's name for what `with setup() as scope:` gives: `scope.add_task(task)` takes an earlier task in."""

    @staticmethod
    def add_task(task: Any) -> None:
        """Take a task that was made outside into the innermost block."""
        if not _frames.get():
            said = "tasks are added to a setup's block only while it is open"
            raise errors.DagProblem.of("no-block", "add_task()", said, "call it inside the `with` block")
        gather(getattr(task, "operator", task))
