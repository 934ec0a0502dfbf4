"""A Hypothesis state machine: random DAGs, runs, limits, ends, commands, restarts and batches that are taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.property.engine_checks import Watch, picture
from tests.property.engine_specs import POOLS, dags
from tests.unit.engine.world import START, World
from tradewind.model import commands as cmd
from tradewind.model.events import AttemptEnded, AttemptProgress, CommandReceived, Event, TimePassed
from tradewind.model.outcome import Failed, Outcome, Rescheduled, Skipped, Success
from tradewind.model.rows import Attempt, TaskInstance
from tradewind.model.states import AttemptPhase, EndReason

_NUMBERS = st.integers(0, 1_000)
_SLOTS = st.sampled_from([0, 1, 2, 3, -1])


class EngineMachine(RuleBasedStateMachine):
    """Drives a `World` and checks it after every batch."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(parallelism=64)
        self.watch = Watch(self.world)
        self.commands = 0
        self.dates = 0
        self.ended: list[Event] = []

    # -- driving ---------------------------------------------------------------------------------------------------

    def step(self, *events: Event) -> None:
        """One batch, checked."""
        batch = self.world.step(*events)
        self.watch.follow(batch)
        self.watch.check_counters()
        self.watch.check_rest()

    def order(self, command: cmd.Command) -> cmd.CommandResult:
        self.commands += 1
        self.step(CommandReceived(inbox_id=self.commands, command=command))
        return self.world.ledger.results[self.commands]

    @initialize(first=dags("d0"), second=dags("d1"), parallelism=st.sampled_from([1, 2, 3, 8, 64]))
    def begin(self, first: Any, second: Any, parallelism: int) -> None:
        self.world = World(first, second, parallelism=parallelism)
        self.watch = Watch(self.world)
        for name in POOLS[1:]:
            self.order(cmd.SetPool(name=name, slots=2))
        for dag in ("d0", "d1", "d0"):
            self.trigger(dag, back=False)

    # -- runs ------------------------------------------------------------------------------------------------------

    @rule(dag=st.sampled_from(["d0", "d1"]), back=st.booleans())
    @precondition(lambda self: len(self.watch.runs) < 6)
    def trigger(self, dag: str, back: bool) -> None:
        self.dates += 1
        days = self.dates if not back else -self.dates
        self.order(cmd.TriggerRun(dag_id=dag, run_id=f"r{self.dates}", logical_date=START + timedelta(days=days)))

    # -- attempts --------------------------------------------------------------------------------------------------

    def _pick(self, number: int) -> Attempt | None:
        alive = self.world.alive()
        return alive[number % len(alive)] if alive else None

    @rule(number=_NUMBERS)
    def start(self, number: int) -> None:
        if attempt := self._pick(number):
            phase = AttemptPhase.STARTED if number % 3 else AttemptPhase.SUBMITTED
            self.step(AttemptProgress(attempt_id=attempt.attempt_id, phase=phase, at=self.world.now))

    def _end(self, attempt: Attempt, outcome: Outcome, returns: Any = None) -> AttemptEnded:
        event = self.world.ended(attempt, outcome, returns)
        self.ended.append(event)
        return event

    def _success(self, attempt: Attempt, number: int, *, decide: int = 0) -> AttemptEnded:
        below = [
            one.task_id
            for one in self.watch.spec(self.watch.runs[attempt.run_key]).tasks
            if attempt.task_id in one.upstream and not one.is_teardown
        ]
        skips = tuple(one for place, one in enumerate(below) if decide >> place & 1)
        outcome = Success(skips=skips, skip_all_downstream=bool(skips) and decide % 5 == 0)
        return self._end(attempt, outcome, list(range(number % 4)))

    @rule(number=_NUMBERS, decide=st.sampled_from([0, 0, 1, 2, 3, 5]))
    def succeed(self, number: int, decide: int) -> None:
        if attempt := self._pick(number):
            self.step(self._success(attempt, number, decide=decide))

    @rule(number=_NUMBERS, kind=st.sampled_from(["skip", "fail", "fail", "final", "lost", "unentered", "later"]))
    def end_badly(self, number: int, kind: str) -> None:
        attempt = self._pick(number)
        if attempt is None:
            return
        outcomes: dict[str, Outcome] = {
            "skip": Skipped(),
            "fail": Failed(message="boom"),
            "final": Failed(message="boom", retry=False),
            "lost": Failed(message="lost", reason=EndReason.LOST),
            "unentered": Failed(message="lost", reason=EndReason.NEVER_STARTED, entered=False),
            "later": Rescheduled(at=self.world.now + timedelta(seconds=number % 20)),
        }
        ti = self.world.task(attempt.task_id, attempt.map_index, self.watch.runs[attempt.run_key].run_id)
        self.step(self._end(attempt, outcomes[kind]))
        if ti.stop or ti.state.value == "restarting" or not attempt.wanted:
            return
        self._check_budgets(ti, kind)

    def _check_budgets(self, ti: TaskInstance, kind: str) -> None:
        """What a failure leads to: by the user's budget, or by that of the infrastructure."""
        after = self.world.ledger.tasks.get((ti.run_key, ti.task_id, ti.map_index))
        assert after is not None
        task = next(one for one in self.watch.spec(self.watch.runs[ti.run_key]).tasks if one.task_id == ti.task_id)
        budget = 3 if task.infrastructure_retries is None else task.infrastructure_retries
        paid = ti.infrastructure_failures < budget and (
            kind == "unentered" or (kind == "lost" and task.retries > 0)
        )  # fmt: skip
        if kind == "fail" or (kind in ("lost", "unentered") and not paid):
            failed = after.state.value == "failed"
            assert failed is (ti.try_number > ti.max_tries), f"{ti.key} after {kind} is {after.state.value}"
        elif paid:
            same_try = after.try_number == ti.try_number and after.infrastructure_failures > ti.infrastructure_failures
            assert same_try, f"{ti.key} after {kind} is in try {after.try_number}"

    @rule(number=_NUMBERS)
    def end_several_in_one_batch(self, number: int) -> None:
        alive = self.world.alive()[: 1 + number % 4]
        self.step(*[self._success(one, number) for one in alive])

    @rule(number=_NUMBERS)
    @precondition(lambda self: self.ended)
    def tell_an_end_again(self, number: int) -> None:
        before = picture(self.world)
        batch = self.world.step(self.ended[number % len(self.ended)])
        assert not batch, f"told again, and it changed {batch}"
        assert picture(self.world) == before

    # -- time, limits, people --------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0, 5, 10, 200]))
    def pass_time(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)
        self.step(TimePassed())

    @rule(pool=st.sampled_from(POOLS), slots=_SLOTS)
    def set_pool(self, pool: str, slots: int) -> None:
        self.order(cmd.SetPool(name=pool, slots=slots))

    @rule(dag=st.sampled_from(["d0", "d1"]), paused=st.booleans())
    def pause(self, dag: str, paused: bool) -> None:
        self.order(cmd.SetPaused(dag_id=dag, paused=paused))

    def _selection(self, number: int, flags: int) -> cmd.TaskSelection | None:
        runs = list(self.watch.runs.values())
        if not runs:
            return None
        run = runs[number % len(runs)]
        names = [one.task_id for one in self.watch.spec(run).tasks]
        chosen = tuple(one for place, one in enumerate(names) if (number >> 3) >> place & 1)
        self.watch.acted_on.add(run.run_key)
        past, future = flags % 8 == 7, flags % 16 == 9
        if past or future:
            self.watch.acted_on.update(self.watch.runs)
        return cmd.TaskSelection(
            dag_id=run.dag_id, run_id=run.run_id, task_ids=chosen, past=past, future=future,
            upstream=bool(flags & 2), downstream=bool(flags & 1), only_failed=flags % 7 == 6,
        )  # fmt: skip

    @rule(number=_NUMBERS, flags=st.integers(0, 31))
    def clear(self, number: int, flags: int) -> None:
        if selection := self._selection(number, flags):
            assert self.order(cmd.ClearTasks(selection=selection)).ok

    @rule(number=_NUMBERS, flags=st.integers(0, 31), state=st.sampled_from(["success", "failed", "skipped"]))
    def mark(self, number: int, flags: int, state: Literal["success", "failed", "skipped"]) -> None:
        if selection := self._selection(number, flags):
            assert self.order(cmd.MarkTasks(selection=selection, state=state)).ok

    @rule(number=_NUMBERS, how=st.sampled_from(["cancel", "success", "failed"]))
    def end_run(self, number: int, how: Literal["cancel", "success", "failed"]) -> None:
        runs = list(self.watch.runs.values())
        if not runs or number % 3:
            return
        run = runs[number % len(runs)]
        self.watch.acted_on.add(run.run_key)
        if how == "cancel":
            self.order(cmd.CancelRun(dag_id=run.dag_id, run_id=run.run_id))
        else:
            self.order(cmd.MarkRun(dag_id=run.dag_id, run_id=run.run_id, state=how))

    # -- crashes ---------------------------------------------------------------------------------------------------

    @rule()
    def restart(self) -> None:
        before = picture(self.world)
        old = self.world.engine
        self.world.restart()
        assert picture(self.world) == before
        assert self.world.engine is not old
        self.step()

    @rule(number=_NUMBERS)
    def take_a_batch_back(self, number: int) -> None:
        before = picture(self.world)
        attempt = self._pick(number)
        events: list[Event] = [TimePassed()]
        if attempt is not None:
            events.append(self.world.ended(attempt, Success() if number % 2 else Failed(message="boom"), [1, 2]))
        selection = None if number % 5 else self._selection(number, number % 32)
        if selection is not None:
            events.append(CommandReceived(inbox_id=0, command=cmd.ClearTasks(selection=selection)))
        self.world.decide(*events)
        self.world.engine.rollback()
        assert picture(self.world) == before
        assert not self.world.engine.pending()

    # -- the end ---------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """With room and time everything ends, unless it waits for a past that failed."""
        for name in POOLS:
            self.order(cmd.SetPool(name=name, slots=-1))
        for dag in ("d0", "d1"):
            if dag in self.world.ledger.dags:
                self.order(cmd.SetPaused(dag_id=dag, paused=False))
        for _ in range(400):
            alive = self.world.alive()
            if alive:
                self.step(*[self._success(one, 2) for one in alive])
            elif (due := self.world.engine.next_due()) is not None:
                self.world.now = max(self.world.now, due)
                self.step(TimePassed())
            else:
                break
        else:
            raise AssertionError(f"it goes on for ever: {self.world.running()}")
        self._check_all_ended()

    def _check_all_ended(self) -> None:
        for run in self.watch.runs.values():
            if run.state.is_finished:
                continue
            rows = self.watch.rows[run.run_key].values()
            held = [ti for ti in rows if not ti.state.is_finished and not self.watch.past_allows(ti)]
            queued_behind = run.state.value == "queued" and any(
                other.state.value == "running" and other.dag_id == run.dag_id for other in self.watch.runs.values()
            )
            assert held or queued_behind, f"{run.run_id} is stuck: {[(ti.key, ti.state.value) for ti in rows]}"
