"""The way of a pod attempt to the podlet: what is told about it, whatever happens on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.runtime.launches import body, launch
from tradewind.model.events import AttemptEnded, AttemptProgress
from tradewind.model.ids import AttemptId
from tradewind.model.outcome import Failed, Skipped
from tradewind.model.problem import Problem
from tradewind.model.states import AttemptPhase, EndReason
from tradewind.ports import errors
from tradewind.ports import runtime as port
from tradewind.protocol.podlet import StartPod
from tradewind.runtime.local.options import Image, Options
from tradewind.runtime.local.pods import Pods
from tradewind.testing.clock import ManualClock

pytestmark = pytest.mark.anyio
ATTEMPT = AttemptId("attemptattemptattemp")


class World:
    """What the pods ask for, and what they tell."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.sent: list[StartPod] = []
        self.told: list[AttemptEnded | AttemptProgress] = []
        self.asked: list[port.RenderRequest] = []
        self.render: Callable[[], Awaitable[port.Rendered]] = self._plain
        self.is_away = 0
        self.pods = Pods(
            options=Options(images=(Image(pattern="*", path="/bin"),)),
            clock=self.clock,
            render=self._render,
            send=self._send,
            tell=self.told.append,
        )

    async def settle(self) -> None:
        """Let everything run that can."""
        for _ in range(20):
            await asyncio.sleep(0)

    @property
    def failed(self) -> Failed:
        """The one end that was told, a failure."""
        (end,) = self.told
        assert isinstance(end, AttemptEnded)
        assert isinstance(end.result.outcome, Failed)
        return end.result.outcome

    async def _plain(self) -> port.Rendered:
        return port.Rendered(fields={"image": "tools:1", "cmds": ["rendered"]})

    async def _render(self, request: port.RenderRequest) -> port.Rendered:
        self.asked.append(request)
        return await self.render()

    def _send(self, start: StartPod) -> None:
        if self.is_away:
            self.is_away -= 1
            raise errors.Transient("away")
        self.sent.append(start)


@pytest.fixture
def world() -> World:
    return World()


def command(start: StartPod) -> Any:
    """Of the main container."""
    return start.manifest["spec"]["containers"][0]["command"]


async def test_arguments_without_templates_are_handed_over_as_they_are(world: World) -> None:
    world.pods.begin(launch(body()), body())
    await world.settle()
    assert [command(start) for start in world.sent] == [["true"]]
    assert world.asked == []
    (progress,) = world.told
    assert isinstance(progress, AttemptProgress)
    assert (progress.phase, progress.pod_name) == (AttemptPhase.SUBMITTED, world.sent[0].manifest["metadata"]["name"])


async def test_rendered_arguments_replace_the_others(world: World) -> None:
    world.pods.begin(launch(body(), templated=True), body())
    await world.settle()
    assert [command(start) for start in world.sent] == [["rendered"]]
    assert world.asked[0].attempt_id == ATTEMPT


async def test_a_function_that_skips_its_task_before_there_is_a_pod_is_the_attempts_end(world: World) -> None:
    async def skipping() -> port.Rendered:
        problem = Problem(code="skipped-itself", message="AirflowSkipException: no rows")
        return port.Rendered(problem=problem, outcome=Skipped(message="no rows"))

    world.render = skipping
    world.pods.begin(launch(body(), templated=True), body())
    await world.settle()
    (end,) = world.told
    assert isinstance(end, AttemptEnded)
    assert (world.sent, end.result.outcome) == ([], Skipped(message="no rows"))


async def test_a_template_that_fails_is_the_attempts_end_and_may_be_tried_again(world: World) -> None:
    async def broken() -> port.Rendered:
        return port.Rendered(problem=Problem(code="render-error", message="no such key", hint="look"))

    world.render = broken
    world.pods.begin(launch(body(), templated=True), body())
    await world.settle()
    assert world.sent == []
    assert (world.failed.reason, world.failed.retry, world.failed.entered) == (EndReason.REJECTED, True, False)
    assert world.failed.message == "no such key\nhint: look"


async def test_a_pod_that_is_refused_is_not_tried_again(world: World) -> None:
    given = body(host_aliases=[{"ip": "1.2.3.4"}])
    world.pods.begin(launch(given), given)
    await world.settle()
    assert world.sent == []
    assert (world.failed.reason, world.failed.retry, world.failed.entered) == (EndReason.REJECTED, False, False)


async def test_arguments_that_make_our_code_raise_end_the_attempt(world: World) -> None:
    given = body(labels=7)
    world.pods.begin(launch(given), given)
    await world.settle()
    assert world.failed.reason is EndReason.REJECTED


async def test_while_the_podlet_is_away_the_pod_waits_for_it(world: World) -> None:
    world.is_away = 2
    world.pods.begin(launch(body()), body())
    await world.settle()
    assert world.pods.list_ids() == [ATTEMPT]
    for _ in range(2):
        await world.clock.advance(timedelta(seconds=1))
        await world.settle()
    assert len(world.sent) == 1
    assert world.pods.list_ids() == []


async def test_a_pod_that_is_stopped_while_it_is_rendered_is_never_handed_over(world: World) -> None:
    gate = asyncio.Event()

    async def slow() -> port.Rendered:
        await gate.wait()
        return port.Rendered(fields=body().arguments)

    world.render = slow
    world.pods.begin(launch(body(), templated=True), body())
    await world.settle()
    assert world.pods.stop(ATTEMPT, "cancelled")
    gate.set()
    await world.settle()
    assert world.sent == []
    assert (world.failed.reason, world.failed.entered) == (EndReason.STOPPED, False)
    assert "cancelled" in world.failed.message
    assert not world.pods.stop(ATTEMPT, "again")


async def test_the_same_launch_twice_is_handed_over_once(world: World) -> None:
    for _ in range(2):
        world.pods.begin(launch(body(), templated=True), body())
    await world.settle()
    assert len(world.sent) == 1


async def test_closing_leaves_those_on_their_way_without_an_end(world: World) -> None:
    world.is_away = 1000
    world.pods.begin(launch(body()), body())
    await world.settle()
    await world.pods.aclose()
    assert world.told == []
    assert world.pods.list_ids() == []
