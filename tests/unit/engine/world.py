"""A small world around the engine: a manual clock, recorded attempts, and rows kept as a store would keep them.

`World` drives decide, commit and fold as the scheduler does. Everything that a test asserts is read from the committed
rows, so that a fact the engine forgot to write shows at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.unit.engine.ledger import Ledger
from tradewind.engine import engine as engines
from tradewind.model import commands as cmd
from tradewind.model.dagspec import DagSpec
from tradewind.model.events import (
    AttemptEnded,
    AttemptProgress,
    CommandReceived,
    DagGone,
    DagSeen,
    Event,
    TimePassed,
)
from tradewind.model.facts import Batch
from tradewind.model.ids import AttemptId, DagId, RunKey, VersionHash
from tradewind.model.outcome import Deferred, Failed, Outcome, Rescheduled, Result, Skipped, Success, XComPush
from tradewind.model.rows import Attempt, DagRow, DagRun, TaskInstance
from tradewind.model.states import AttemptPhase, EndReason, RunState, TaskState

START = datetime(2026, 1, 5, tzinfo=UTC)


class CountedDraws:
    """Ids in order and a fixed middle for every random number."""

    def __init__(self) -> None:
        self.attempts = 0
        self.runs = 0
        self.value = 0.5

    def attempt_id(self) -> AttemptId:
        self.attempts += 1
        return AttemptId(f"a{self.attempts:019d}")

    def uniform(self) -> float:
        return self.value

    def run_key(self) -> RunKey:
        self.runs += 1
        return RunKey(self.runs)


class World:
    """An engine, its committed rows and its time."""

    def __init__(self, *specs: DagSpec, **limits: Any) -> None:
        self.now = START
        self.versions: dict[VersionHash, DagSpec] = {}
        self.draws = CountedDraws()
        self.limits = engines.Limits(**limits)
        self.engine = engines.Engine(specs=self.versions.__getitem__, limits=self.limits)
        self.ledger = Ledger()
        self.engine.restore(self.ledger.active())
        self.commands = 0
        for spec in specs:
            self.see(spec)

    # -- driving ---------------------------------------------------------------------------------------------------

    def step(self, *events: Event) -> Batch:
        """Decide these events as one batch, commit and publish it."""
        self.decide(*events)
        batch = self.engine.pending()
        self.ledger.commit(batch)
        self.engine.publish()
        return batch

    def decide(self, *events: Event) -> None:
        """Decide without a commit: what rollback takes back."""
        for event in events:
            while refs := self.engine.needs(event):
                for ref in refs:
                    self._fetch(ref)
            self.engine.apply(event, self.now, self.draws)
        self.engine.admit(self.now, self.draws)
        wanted = self.engine.wanted_runs()
        for _ in range(100):
            if not wanted:
                return
            for ref in wanted:
                self._fetch(ref)
            self.engine.admit(self.now, self.draws)
            wanted = self.engine.wanted_runs()
        raise AssertionError(f"the engine asks for ever: {wanted}")

    def _fetch(self, ref: Any) -> None:
        found = self.ledger.find_run(ref)
        if found is None:
            self.engine.absent(ref)
        else:
            self.engine.load(found)

    def pass_time(self, seconds: float = 0) -> None:
        """Move the clock and tell the engine."""
        self.now += timedelta(seconds=seconds)
        self.step(TimePassed())

    def restart(self) -> None:
        """A new engine from the committed rows, as after a crash."""
        self.engine = engines.Engine(specs=self.versions.__getitem__, limits=self.limits)
        self.engine.restore(self.ledger.active())
        self.step()

    # -- DAGs and commands -----------------------------------------------------------------------------------------

    def see(self, spec: DagSpec, *, version: str = "v1", paused: bool = False, removed: bool = False) -> DagRow:
        """A DAG file was parsed: its newest version is this."""
        key = VersionHash(f"{spec.dag_id}@{version}")
        self.versions[key] = spec
        dag_id = DagId(spec.dag_id)
        known = self.ledger.dags.get(dag_id)
        row = DagRow(dag_id=dag_id, version=key, file=spec.file, paused=paused, removed=removed)
        if known is not None:
            row = DagRow(
                dag_id=row.dag_id, version=key, file=spec.file, removed=removed,
                paused=known.paused, next_slot=known.next_slot, last_slot=known.last_slot,
                recent_seconds=known.recent_seconds,
            )  # fmt: skip
        self.ledger.dags[dag_id] = row
        self.step(DagSeen(dag=row))
        return row

    def forget(self, dag_id: str) -> None:
        self.step(DagGone(dag_id=DagId(dag_id)))

    def command(self, command: cmd.Command) -> cmd.CommandResult:
        """Give a command and return its committed result."""
        self.commands += 1
        self.step(CommandReceived(inbox_id=self.commands, command=command, by="test"))
        return self.ledger.results[self.commands]

    def trigger(self, dag_id: str = "d", run_id: str | None = None, **more: Any) -> DagRun:
        """Trigger a run; it must be accepted."""
        result = self.command(cmd.TriggerRun(dag_id=dag_id, run_id=run_id, **more))
        assert result.ok, result
        assert result.run_id is not None
        return self.run(result.run_id, dag_id)

    # -- attempts --------------------------------------------------------------------------------------------------

    def start(self, task_id: str, map_index: int = -1, run_id: str | None = None) -> None:
        """Its attempt's code begins."""
        attempt = self.live_attempt(task_id, map_index, run_id)
        self.step(AttemptProgress(attempt_id=attempt.attempt_id, phase=AttemptPhase.STARTED, at=self.now))

    def end(self, task_id: str, outcome: Outcome, map_index: int = -1, run_id: str | None = None, **more: Any) -> None:
        """Its attempt ends so."""
        attempt = self.live_attempt(task_id, map_index, run_id)
        self.step(self.ended(attempt, outcome, **more))

    def ended(self, attempt: Attempt, outcome: Outcome, returns: Any = None) -> AttemptEnded:
        """The event of an end."""
        return AttemptEnded(
            attempt_id=attempt.attempt_id, at=self.now, started_at=attempt.started_at or self.now,
            result=Result(outcome=outcome, xcoms=_returned(returns)),
        )  # fmt: skip

    def succeed(self, task_id: str, map_index: int = -1, *, returns: Any = None, run_id: str | None = None) -> None:
        self.end(task_id, Success(), map_index, run_id, returns=returns)

    def branch(self, task_id: str, *skips: str, map_index: int = -1, all_below: bool = False) -> None:
        """It succeeds and decides against these."""
        self.end(task_id, Success(skips=skips, skip_all_downstream=all_below), map_index)

    def fail(self, task_id: str, map_index: int = -1, run_id: str | None = None, **more: Any) -> None:
        more.setdefault("message", "boom")
        self.end(task_id, Failed(**more), map_index, run_id)

    def lose(self, task_id: str, map_index: int = -1, *, entered: bool = True) -> None:
        """The infrastructure loses it."""
        self.end(task_id, Failed(message="lost", reason=EndReason.LOST, entered=entered), map_index)

    def skip(self, task_id: str, map_index: int = -1, run_id: str | None = None) -> None:
        self.end(task_id, Skipped(message="not today"), map_index, run_id)

    def reschedule(self, task_id: str, seconds: float) -> None:
        self.end(task_id, Rescheduled(at=self.now + timedelta(seconds=seconds)))

    def defer(self, task_id: str) -> None:
        self.end(task_id, Deferred(classpath="x.T", next_method="go"))

    def succeed_all(self, rounds: int = 1000) -> None:
        """Let everything that runs succeed, until nothing runs."""
        for _ in range(rounds):
            alive = self.alive()
            if not alive:
                return
            for attempt in alive:
                self.step(self.ended(attempt, Success()))
        raise AssertionError("it never ends")

    # -- what the rows say -----------------------------------------------------------------------------------------

    def run(self, run_id: str | None = None, dag_id: str = "d") -> DagRun:
        """A run by id, else the newest of the DAG."""
        runs = [run for run in self.ledger.runs.values() if run.dag_id == dag_id]
        if run_id is None:
            return max(runs, key=lambda run: run.run_key)
        return next(run for run in runs if run.run_id == run_id)

    def runs(self, dag_id: str = "d") -> list[DagRun]:
        return sorted((run for run in self.ledger.runs.values() if run.dag_id == dag_id), key=lambda run: run.run_key)

    def task(self, task_id: str, map_index: int = -1, run_id: str | None = None) -> TaskInstance:
        """A task instance of a run by id, else of the newest run that has the task."""
        found = [
            ti
            for (key, name, index), ti in self.ledger.tasks.items()
            if name == task_id
            and index == map_index
            and (run_id is None or self.ledger.runs[RunKey(key)].run_id == run_id)
        ]
        assert found, f"no task instance {task_id}[{map_index}] in {sorted(self.ledger.tasks)}"
        return max(found, key=lambda ti: ti.run_key)

    def state(self, task_id: str, map_index: int = -1, run_id: str | None = None) -> str:
        return self.task(task_id, map_index, run_id).state.value

    def states(self, run_id: str | None = None, dag_id: str = "d") -> dict[str, str]:
        """States by name; elements as `name[3]`."""
        key = self.run(run_id, dag_id).run_key
        return {
            ti.task_id if ti.map_index < 0 else f"{ti.task_id}[{ti.map_index}]": ti.state.value
            for ti in sorted(self.ledger.tasks.values(), key=lambda ti: (ti.task_id, ti.map_index))
            if ti.run_key == key
        }

    def run_state(self, run_id: str | None = None, dag_id: str = "d") -> str:
        return self.run(run_id, dag_id).state.value

    def alive(self) -> list[Attempt]:
        """Attempts that have not ended, in order of creation."""
        return [one for one in self.ledger.attempts.values() if one.phase is not AttemptPhase.ENDED]

    def running(self) -> list[str]:
        """What has a live attempt, in order of launch."""
        return [one.task_id if one.map_index < 0 else f"{one.task_id}[{one.map_index}]" for one in self.alive()]

    def live_attempt(self, task_id: str, map_index: int = -1, run_id: str | None = None) -> Attempt:
        for one in self.alive():
            here = run_id is None or self.ledger.runs[one.run_key].run_id == run_id
            if here and one.task_id == task_id and one.map_index == map_index:
                return one
        raise AssertionError(f"{task_id}[{map_index}] has no live attempt; alive: {self.running()}")

    def callbacks(self) -> list[tuple[str, str | None]]:
        """Callbacks in the outbox: which, and of which task."""
        return [
            (row.payload["which"], row.payload.get("task_id"))
            for row in self.ledger.outbox.values()
            if row.kind == "callback"
        ]


def _returned(value: Any) -> tuple[XComPush, ...]:
    if value is None:
        return ()
    kind = "list" if isinstance(value, list) else "dict" if isinstance(value, dict) else "other"
    length = len(value) if kind != "other" else None
    return (XComPush(key="return_value", value=repr(value).encode(), kind=kind, length=length),)


def is_over(states: Iterable[str]) -> bool:
    return all(TaskState(state).is_finished for state in states)


__all__ = ["START", "CountedDraws", "RunState", "World", "is_over"]
