"""Attempts that the caller's thread runs: each ends once, also one that was stopped before its turn."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import msgspec
import pytest

from tests.unit.runtime import launches
from tradewind.clock import SystemClock
from tradewind.model.dagspec import PodBody, PythonBody
from tradewind.model.events import AttemptEnded, AttemptProgress
from tradewind.model.ids import AttemptId
from tradewind.model.outcome import Failed, Result, Success
from tradewind.model.states import EndReason
from tradewind.ports import runtime as port
from tradewind.protocol.work import FileRef, LoadReport, PythonWork
from tradewind.runtime.calling import Bodies, CallingRuntime
from tradewind.worker.loading import LoadedFile

FILE = FileRef(root="/r", file="etl.py")
FIRST, SECOND = "firstfirstfirstfirst", "secondsecondsecondse"


@dataclass
class Elsewhere:
    """A runtime whose attempts succeed at once; without a podlet."""

    launched: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    ended: asyncio.Queue[AttemptEnded] = field(default_factory=asyncio.Queue)

    def lead(self, epoch: int) -> None: ...

    async def launch(self, all_of: Sequence[port.Launch]) -> None:
        for one in all_of:
            self.launched.append(one.attempt.attempt_id)
            result = Result(outcome=Success())
            end = AttemptEnded(attempt_id=one.attempt.attempt_id, at=launches.MOMENT, result=result)
            self.ended.put_nowait(end)

    async def stop(self, attempt_id: AttemptId, *, grace_seconds: float | None, reason: str) -> None:
        self.stopped.append(attempt_id)

    async def release(self, attempt_ids: Sequence[AttemptId]) -> None: ...

    async def observe(self) -> Sequence[port.Observed]:
        return []

    async def events(self) -> AsyncIterator[Sequence[AttemptEnded]]:
        while True:
            yield [await self.ended.get()]


def python(attempt_id: str) -> port.Launch:
    """A launch of a Python body."""
    return msgspec.structs.replace(launches.launch(launches.body(), attempt_id), body=PythonBody())


def work_of(launch: port.Launch) -> PythonWork:
    """Of a file that does not define the task: its body ends without having begun."""
    return PythonWork(attempt_id=launch.attempt.attempt_id, file=FILE, run=launch.run, task=launch.task)


class Caller:
    """The runtime under test, what is beside it, and the ends that it told."""

    def __init__(self) -> None:
        self.bodies = Bodies(LoadedFile(FILE, LoadReport(), {}))
        self.elsewhere = Elsewhere()
        self.runtime = CallingRuntime(inner=self.elsewhere, bodies=self.bodies, work_of=work_of, clock=SystemClock())
        self.told: list[AttemptProgress | AttemptEnded] = []

    async def hear(self, count: int) -> None:
        """Until so many events were told."""
        async with asyncio.timeout(5), contextlib.aclosing(self.runtime.events()) as events:
            async for batch in events:  # pragma: no branch
                self.told += batch
                if len(self.told) >= count:
                    return

    def ends(self) -> dict[str, Failed | None]:
        """How each attempt ended; None for success."""
        ends = [one for one in self.told if isinstance(one, AttemptEnded)]
        assert len({one.attempt_id for one in ends}) == len(ends)
        found = {str(one.attempt_id): one.result.outcome for one in ends}
        return {name: outcome if isinstance(outcome, Failed) else None for name, outcome in found.items()}


@pytest.mark.anyio
async def test_a_body_runs_when_the_caller_takes_it_and_a_pod_runs_elsewhere() -> None:
    caller = Caller()
    await caller.runtime.launch([python(FIRST), launches.launch(PodBody(arguments={}), SECOND)])
    assert caller.elsewhere.launched == [SECOND]
    assert [one.attempt_id for one in await caller.runtime.observe()] == [FIRST]
    caller.bodies.close()
    caller.bodies.run()
    await caller.hear(3)
    ends = caller.ends()
    assert ends[SECOND] is None
    first = ends[FIRST]
    assert first is not None
    assert "does not define it" in first.message
    assert [(one.attempt_id, one.ended) for one in await caller.runtime.observe()] == [(FIRST, True)]
    await caller.runtime.release([AttemptId(FIRST)])
    assert list(await caller.runtime.observe()) == []


@pytest.mark.anyio
async def test_one_that_is_stopped_before_its_turn_ends_once_and_never_runs() -> None:
    caller = Caller()
    await caller.runtime.launch([python(FIRST), python(SECOND)])
    await caller.runtime.stop(AttemptId(FIRST), grace_seconds=None, reason="cancelled")
    caller.bodies.close()
    caller.bodies.run()
    await caller.hear(3)
    first = caller.ends()[FIRST]
    assert first is not None
    assert (first.reason, first.entered, first.message) == (EndReason.STOPPED, False, "cancelled")
    begun = [one.attempt_id for one in caller.told if isinstance(one, AttemptProgress)]
    assert begun == [SECOND]
    assert caller.elsewhere.stopped == []


@pytest.mark.anyio
async def test_the_same_launch_again_runs_nothing_twice() -> None:
    caller = Caller()
    await caller.runtime.launch([python(FIRST)])
    await caller.runtime.launch([python(FIRST)])
    caller.bodies.close()
    caller.bodies.run()
    await caller.runtime.launch([python(FIRST)])
    caller.bodies.close()
    caller.bodies.run()
    await caller.hear(2)
    assert list(caller.ends()) == [FIRST]


@pytest.mark.anyio
async def test_an_attempt_of_the_other_runtime_is_stopped_there() -> None:
    caller = Caller()
    await caller.runtime.stop(AttemptId(SECOND), grace_seconds=None, reason="cancelled")
    assert caller.elsewhere.stopped == [SECOND]
