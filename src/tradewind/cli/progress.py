"""What a person sees of a run while it goes on (on stderr), and its final table.

On a terminal: one live block with a line per state and the tasks that run. Elsewhere: one line per change.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from types import TracebackType

from rich import box
from rich.console import Console, JustifyMethod
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tradewind.cli import document, pod_phases, terminal
from tradewind.model.dagspec import DagSpec
from tradewind.model.facts import AttemptFact, Batch, RunFact, TaskDropped, TaskFact
from tradewind.model.rows import DagRun, TaskInstance, XComRow
from tradewind.model.states import TaskState

COLOURS = {
    "success": "green",
    "running": "bright_green",
    "failed": "red",
    "upstream_failed": "dark_orange",
    "skipped": "magenta",
    "up_for_retry": "yellow",
    "up_for_reschedule": "turquoise2",
    "queued": "grey62",
    "scheduled": "tan",
    "deferred": "medium_purple1",
    "removed": "grey37",
    "restarting": "violet",
    "none": "grey50",
}
_SHOWN = (
    TaskState.RUNNING,
    TaskState.SUCCESS,
    TaskState.FAILED,
    TaskState.UP_FOR_RETRY,
    TaskState.UPSTREAM_FAILED,
    TaskState.SKIPPED,
    TaskState.REMOVED,
)


def label(task: TaskInstance) -> str:
    """`task` or `task[3]`."""
    return name_of(task.task_id, task.map_index)


def name_of(task_id: str, map_index: int) -> str:
    """The same of a task that is only named."""
    return task_id if map_index < 0 else f"{task_id}[{map_index}]"


class View:
    """Base: hears of batches, may be opened as a context."""

    def __enter__(self) -> View:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def batch(self, batch: Batch) -> None:
        """A committed batch."""

    def note(self, text: str) -> None:
        """A line of our own."""
        print(text, file=sys.stderr)


class LineView(View):
    """One line per change of state: for pipes and files."""

    def __init__(self, spec: DagSpec) -> None:
        self._spec = spec
        self._states: dict[tuple[str, int], TaskState] = {}
        self._pods: dict[tuple[str, int], str] = {}

    def batch(self, batch: Batch) -> None:
        """Print what changed."""
        for fact in batch.facts:
            if isinstance(fact, RunFact) and fact.run.state.is_finished:
                print(f"run {fact.run.run_id} {fact.run.state.value}", file=sys.stderr)
            if isinstance(fact, TaskFact) and fact.task.state in _SHOWN:
                key = (fact.task.task_id, fact.task.map_index)
                if self._states.get(key) is not fact.task.state:
                    self._states[key] = fact.task.state
                    print(f"  {describe(fact.task)}", file=sys.stderr)
            if isinstance(fact, AttemptFact):
                self._tell_pod((fact.attempt.task_id, fact.attempt.map_index), pod_phases.told(fact.attempt))

    def _tell_pod(self, key: tuple[str, int], told: str) -> None:
        """Only what keeps it from beginning: that it begins is told by its state."""
        if told != self._pods.get(key, "") and ":" in told:
            print(f"  {name_of(*key)} {told}", file=sys.stderr)
        self._pods[key] = told


class LiveView(View):
    """A block that is redrawn in place."""

    def __init__(self, spec: DagSpec, console: Console) -> None:
        self._spec = spec
        self._console = console
        self._tasks: dict[tuple[str, int], TaskInstance] = {}
        self._pods: dict[tuple[str, int], str] = {}
        self._live = Live(self._draw(), console=console, refresh_per_second=8, transient=True)

    def __enter__(self) -> View:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.update(self._draw())
        self._live.stop()

    def batch(self, batch: Batch) -> None:
        """Take it in; lines of ended tasks scroll above the block."""
        for fact in batch.facts:
            if isinstance(fact, TaskDropped):
                self._tasks.pop((fact.task_id, fact.map_index), None)
            if isinstance(fact, TaskFact):
                key = (fact.task.task_id, fact.task.map_index)
                before = self._tasks.get(key)
                self._tasks[key] = fact.task
                ended = fact.task.state.is_finished or fact.task.state is TaskState.UP_FOR_RETRY
                if ended and (before is None or before.state is not fact.task.state):
                    self._console.print(_coloured(fact.task))
            if isinstance(fact, AttemptFact):
                self._pods[fact.attempt.task_id, fact.attempt.map_index] = pod_phases.told(fact.attempt)
        self._live.update(self._draw())

    def note(self, text: str) -> None:
        """Above the block."""
        self._console.print(text)

    def _draw(self) -> Table:
        counts = Counter(task.state.value for task in self._tasks.values())
        done = sum(1 for task in self._tasks.values() if task.state.is_finished)
        table = Table.grid(padding=(0, 1))
        summary = Text(f"{self._spec.dag_id}  {done}/{len(self._tasks) or len(self._spec.tasks)}  ", style="bold")
        for state, count in counts.items():
            summary.append(f" {state} {count}", style=COLOURS.get(state, ""))
        table.add_row(summary)
        running = [task for task in self._tasks.values() if task.state.holds_attempt]
        for task in running[:10]:
            line = Text(f"  {label(task)}  {task.state.value}", style=COLOURS[task.state.value])
            if pod := self._pods.get((task.task_id, task.map_index)):
                line.append(f"  {pod}", style="dim")
            table.add_row(line)
        if len(running) > 10:
            table.add_row(f"  … and {len(running) - 10} more")
        return table


def describe(task: TaskInstance) -> str:
    """One line about a task."""
    seconds = ""
    if task.started_at is not None and task.ended_at is not None:
        seconds = f" in {(task.ended_at - task.started_at).total_seconds():.2f} s"
    attempt = f" (try {task.try_number})" if task.try_number > 1 else ""
    verdict = f": {task.verdict}" if task.verdict else ""
    return f"{label(task)} {task.state.value}{attempt}{seconds if task.state.is_finished else ''}{verdict}"


def _coloured(task: TaskInstance) -> Text:
    return Text(describe(task), style=COLOURS.get(task.state.value, ""))


def open_view(spec: DagSpec, *, quiet: bool) -> View:
    """The view which suits stderr."""
    if quiet:
        return View()
    console = terminal.console(stderr=True)
    return LiveView(spec, console) if console.is_terminal else LineView(spec)


def show_final(run: DagRun, tasks: Sequence[TaskInstance], xcoms: Sequence[XComRow] | None) -> None:
    """The final table on stdout."""
    console = terminal.console()
    table = Table(title=f"{run.dag_id}  {run.run_id}", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for name in ("task", "state", "try", "seconds", "verdict"):
        justify: JustifyMethod = "right" if name in ("try", "seconds") else "left"
        table.add_column(name, justify=justify, overflow="fold", no_wrap=name != "verdict")
    for task in sorted(
        tasks, key=lambda one: (one.started_at is None, one.started_at or run.run_after, one.task_id, one.map_index)
    ):
        seconds = ""
        if task.started_at is not None and task.ended_at is not None:
            seconds = f"{(task.ended_at - task.started_at).total_seconds():.2f}"
        state = Text(task.state.value, style=COLOURS.get(task.state.value, ""))
        # As texts: brackets in a verdict ("[[runtime.local.images]]") are no markup.
        table.add_row(Text(label(task)), state, str(task.try_number or ""), seconds, Text(task.verdict or ""))
    console.print(table)
    took = ""
    if run.started_at is not None and run.ended_at is not None:
        took = f" in {(run.ended_at - run.started_at).total_seconds():.2f} s"
    console.print(Text(f"{run.state.value}{took}", style=f"bold {COLOURS.get(run.state.value, '')}"))
    if run.verdict:
        console.print(Text(run.verdict))
    if xcoms is not None:
        console.print_json(json.dumps(document.xcom_document(xcoms)))
