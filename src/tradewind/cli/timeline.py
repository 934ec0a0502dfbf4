"""A run's timeline: a bar for each task, light while it waited, full while it ran.

Mapped tasks with many elements share one bar, which then tells when some of them ran.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.table import Table
from rich.text import Text

from tradewind.cli import progress, tables, terminal
from tradewind.model.rows import DagRun, TaskInstance

_WAITED, _RAN = "░", "█"
_MOST_ELEMENTS = 8
"""Elements of one mapped task that get lines of their own."""
_NARROWEST, _WIDEST = 20, 100


def show(run: DagRun, tasks: Sequence[TaskInstance]) -> None:
    """Print it on stdout. What ran before the run was last started (it was cleared since) is only counted."""
    console = terminal.console()
    begin = run.started_at or run.queued_at or run.run_after
    kept = [task for task in tasks if task.started_at is not None and task.started_at < begin]
    tasks = [task for task in tasks if task not in kept]
    ends = [task.ended_at for task in tasks if task.ended_at is not None]
    end = max([run.ended_at or begin, *ends, begin + timedelta(milliseconds=1)])
    lines = _lines(tasks)
    if not lines:
        return
    names = max(len(name) for name, _ in lines)
    width = max(_NARROWEST, min(_WIDEST, console.width - names - 14))
    table = Table(box=None, pad_edge=False, show_header=True, header_style="dim")
    table.add_column(f"{tables.duration(end - begin)}", no_wrap=True, overflow="ellipsis")
    table.add_column(_scale(end - begin, width), no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    for name, group in lines:
        started = [task.started_at for task in group if task.started_at is not None]
        ended = [task.ended_at for task in group if task.ended_at is not None]
        took = max(ended) - min(started) if started and ended else None
        table.add_row(Text(name), _bar(group, begin, end, width), tables.duration(took))
    console.print(table)
    if kept:
        console.print(Text(f"{len(kept)} more ran before the run was cleared", style="dim"))


def _lines(tasks: Sequence[TaskInstance]) -> list[tuple[str, list[TaskInstance]]]:
    """Names with the task instances of their bar, by the moment at which they began."""
    by_id: dict[str, list[TaskInstance]] = {}
    for task in tasks:
        if task.started_at is not None:
            by_id.setdefault(task.task_id, []).append(task)
    lines: list[tuple[str, list[TaskInstance]]] = []
    for task_id, group in by_id.items():
        if len(group) > _MOST_ELEMENTS:
            lines.append((f"{task_id}[{len(group)} elements]", group))
        else:
            lines += [(progress.label(task), [task]) for task in group]
    return sorted(lines, key=lambda line: (_first(line[1]), line[0]))


def _first(group: Sequence[TaskInstance]) -> datetime:
    return min(task.started_at for task in group if task.started_at is not None)


def _bar(group: Sequence[TaskInstance], begin: datetime, end: datetime, width: int) -> Text:
    cells = [(" ", "")] * width
    for task in group:
        waited = task.queued_at or task.scheduled_at
        if waited is not None and task.started_at is not None:
            for cell in _span(waited, task.started_at, begin, end, width):
                if cells[cell][0] == " ":
                    cells[cell] = (_WAITED, "grey50")
    for task in group:
        if task.started_at is not None:
            colour = progress.COLOURS.get(task.state.value, "")
            for cell in _span(task.started_at, task.ended_at or end, begin, end, width):
                cells[cell] = (_RAN, colour)
    text = Text()
    for character, style in cells:
        text.append(character, style=style)
    text.rstrip()
    return text


def _span(start: datetime, stop: datetime, begin: datetime, end: datetime, width: int) -> range:
    """The cells that a stretch of time covers; at least one."""
    whole = (end - begin).total_seconds()
    low = int(max(0.0, (start - begin).total_seconds()) / whole * width)
    high = int(max(0.0, (stop - begin).total_seconds()) / whole * width)
    low = min(low, width - 1)
    return range(low, min(width, max(low + 1, high)))


def _scale(span: timedelta, width: int) -> str:
    """A ruler: marks at the quarters with their times."""
    marks = [" "] * width
    for quarter in range(4):
        label = "0" if quarter == 0 else tables.duration(span * quarter / 4)
        at = width * quarter // 4
        for offset, character in enumerate(f"╷{label}"):
            if at + offset < width:
                marks[at + offset] = character
    return "".join(marks)
