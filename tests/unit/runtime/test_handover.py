"""A worker and the pod that it handed over: what the scheduler sees of the two, and of one without the other."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.support import rows
from tradewind.model import ids
from tradewind.model.dagspec import ClusterBody, PodBody
from tradewind.model.events import AttemptEnded, AttemptProgress
from tradewind.model.ids import AttemptId
from tradewind.model.outcome import Failed, Outcome, Result, Success, XComPush
from tradewind.model.states import AttemptPhase, EndReason
from tradewind.ports import errors
from tradewind.ports import runtime as port
from tradewind.runtime.handover import companion, pod_log, request
from tradewind.runtime.handover.runtime import HandoverRuntime
from tradewind.testing import clock as clocks

Event = AttemptProgress | AttemptEnded
A = AttemptId("a" * 20)
POD = ids.pod_of(A)
MANIFEST = {"metadata": {"name": "t-abc"}, "spec": {"containers": [{"name": "side"}, {"name": "base", "image": "i"}]}}


class Inner:
    """A runtime that keeps what it was asked, and tells what the test says."""

    def __init__(self) -> None:
        self.launched: list[port.Launch] = []
        self.stopped: list[tuple[str, str]] = []
        self.released: list[str] = []
        self.there: list[port.Observed] = [port.Observed(attempt_id=A)]
        self.queue: asyncio.Queue[Event] = asyncio.Queue()
        self.away = 0

    def lead(self, epoch: int) -> None:
        """Nothing to do."""

    async def launch(self, launches: Sequence[port.Launch]) -> None:
        if self.away:
            self.away -= 1
            raise errors.Transient("away", hint="wait")
        self.launched += launches

    async def stop(self, attempt_id: AttemptId, *, grace_seconds: float | None, reason: str) -> None:
        self.stopped.append((attempt_id, reason))

    async def release(self, attempt_ids: Sequence[AttemptId]) -> None:
        self.released += attempt_ids

    async def observe(self) -> Sequence[port.Observed]:
        return self.there

    async def events(self) -> AsyncIterator[Sequence[Event]]:
        while True:
            yield [await self.queue.get()]


class Scene:
    """The runtime under test around an inner one, its events taken as they come."""

    def __init__(self, home: pathlib.Path) -> None:
        self.inner = Inner()
        self.clock = clocks.ManualClock()
        self.home = home
        self.runtime = HandoverRuntime(inner=self.inner, home=home, clock=self.clock)
        self.told: list[Event] = []

    async def take(self) -> None:
        async for batch in self.runtime.events():
            self.told += batch

    def hand_over(self, **options: Any) -> Coroutine[Any, Any, port.PodNews]:
        asked = port.PodRequest(
            attempt=rows.attempt(A, 1),
            run=rows.run(1),
            manifest=MANIFEST,
            options={"base_container_name": "base"} | options,
        )
        return self.runtime.hand_over(asked)

    async def tell(self, *events: Event) -> None:
        for event in events:
            self.inner.queue.put_nowait(event)
        await self.clock.advance(timedelta(0))

    def ends(self) -> list[AttemptEnded]:
        return [one for one in self.told if isinstance(one, AttemptEnded)]


def created(phase: AttemptPhase = AttemptPhase.SUBMITTED, **names: Any) -> AttemptProgress:
    return AttemptProgress(attempt_id=POD, phase=phase, at=clocks.START, pod_name="t-abc", namespace="jobs", **names)


def ended(attempt_id: AttemptId, outcome: Outcome, *xcoms: XComPush, **more: Any) -> AttemptEnded:
    result = Result(outcome=outcome, xcoms=xcoms)
    return AttemptEnded(attempt_id=attempt_id, at=clocks.START, result=result, **more)


KILLED = Failed(message="Its process was killed by SIGKILL.", reason=EndReason.KILLED, signal=9)
RAISED = Failed(message="ValueError: no", error="builtins.ValueError")


def play(home: pathlib.Path, acts: Callable[[Scene], Coroutine[Any, Any, None]]) -> Scene:
    """Let a scene be played; everything is ended afterwards."""

    async def main() -> Scene:
        scene = Scene(home)
        taking = asyncio.ensure_future(scene.take())
        async with scene.runtime:
            await acts(scene)
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        return scene

    return asyncio.run(main())


def test_a_job_is_begun_as_a_pod_is_and_its_end_is_told_to_its_worker(tmp_path: pathlib.Path) -> None:
    given = {"image": "i", "wait_until_job_complete": True}

    async def acts(scene: Scene) -> None:
        await scene.runtime.observe()
        request = port.PodRequest(
            attempt=rows.attempt(A, 1), run=rows.run(1), manifest={}, options=given, act="start_job"
        )
        asked = asyncio.ensure_future(scene.runtime.hand_over(request))
        await scene.tell(AttemptProgress(attempt_id=POD, phase=AttemptPhase.STARTED, at=clocks.START))
        assert (await asked).end is None
        (launch,) = scene.inner.launched
        assert (launch.attempt.attempt_id, launch.body) == (POD, ClusterBody(act="start_job", arguments=given))
        waiting = asyncio.ensure_future(scene.runtime.await_pod(A, started=False))
        await scene.tell(ended(POD, Success(), XComPush(key="job_name", value=b'"job-t"')))
        news = await waiting
        assert news.end is not None
        assert news.end.result.xcoms == (XComPush(key="job_name", value=b'"job-t"'),)
        await scene.tell(ended(A, Success()))

    assert [end.attempt_id for end in play(tmp_path, acts).ends()] == [A]


def test_a_pod_is_launched_under_a_name_of_its_own_and_told_as_the_attempts(tmp_path: pathlib.Path) -> None:
    async def acts(scene: Scene) -> None:
        await scene.runtime.observe()
        asked = asyncio.ensure_future(scene.hand_over(do_xcom_push=True, startup_timeout_seconds=5))
        await scene.tell(created(pod_uid="u"))
        news = await asked
        assert (news.name, news.namespace, news.uid, news.started) == ("t-abc", "jobs", "u", False)

    scene = play(tmp_path, acts)
    (launch,) = scene.inner.launched
    assert launch.attempt.attempt_id == POD
    assert isinstance(launch.body, PodBody)
    assert (launch.body.do_xcom_push, launch.body.startup_timeout_seconds) == (True, 5)
    assert [one["name"] for one in launch.body.arguments["pod_template_dict"]["spec"]["containers"]] == ["base", "side"]
    assert [(one.attempt_id, getattr(one, "pod_name", "")) for one in scene.told] == [(A, "t-abc")]


def test_the_same_handover_asked_twice_is_the_same_pod(tmp_path: pathlib.Path) -> None:
    async def acts(scene: Scene) -> None:
        await scene.runtime.observe()
        both = [asyncio.ensure_future(scene.hand_over()) for _ in range(2)]
        await scene.tell(created())
        assert [(await one).name for one in both] == ["t-abc", "t-abc"]

    assert len(play(tmp_path, acts).inner.launched) == 1


def test_a_launch_is_asked_again_while_the_inner_runtime_is_away(tmp_path: pathlib.Path) -> None:
    async def acts(scene: Scene) -> None:
        await scene.runtime.observe()
        scene.inner.away = 3
        asked = asyncio.ensure_future(scene.hand_over())
        await scene.clock.advance(timedelta(seconds=2))
        await scene.tell(created())
        await asked

    assert len(play(tmp_path, acts).inner.launched) == 1


def test_nothing_is_launched_before_it_is_known_what_exists(tmp_path: pathlib.Path) -> None:
    async def acts(scene: Scene) -> None:
        asked = asyncio.ensure_future(scene.hand_over())
        await scene.clock.advance(timedelta(seconds=1))
        assert not scene.inner.launched
        scene.inner.there = [port.Observed(attempt_id=A), port.Observed(attempt_id=POD, ended=True)]
        assert await scene.runtime.observe() == [port.Observed(attempt_id=A)]
        await scene.tell(ended(POD, Success()))
        assert (await asked).end is not None

    play(tmp_path, acts)


@pytest.mark.parametrize(
    ("outcome", "stops"), [(KILLED, False), (RAISED, True), (Success(), True)], ids=["died", "raised", "returned"]
)
def test_the_attempt_ends_when_both_have_ended_and_only_a_worker_that_died_leaves_its_pod_running(
    tmp_path: pathlib.Path, outcome: Outcome, stops: bool
) -> None:
    async def acts(scene: Scene) -> None:
        await scene.runtime.observe()
        asked = asyncio.ensure_future(scene.hand_over())
        await scene.tell(created())
        await asked
        await scene.tell(ended(A, outcome))
        assert not scene.ends()
        assert bool(scene.inner.stopped) is stops
        value = XComPush(key="return_value", value=b"1")
        await scene.tell(
            ended(POD, Success(), value, verdict="Container 'base' completed.", detail={"phase": "Succeeded"})
        )

    (end,) = play(tmp_path, acts).ends()
    assert (end.attempt_id, end.detail) == (A, {"phase": "Succeeded"})
    if outcome is KILLED:
        assert isinstance(end.result.outcome, Failed)
        assert "Its pod t-abc was followed to its end: Container 'base' completed." in end.result.outcome.message
        assert [push.key for push in end.result.xcoms] == ["return_value"]
    else:
        assert end.result.outcome == outcome


def test_a_stop_goes_to_the_worker_first_and_with_its_end_to_the_pod(tmp_path: pathlib.Path) -> None:
    async def acts(scene: Scene) -> None:
        await scene.runtime.observe()
        asked = asyncio.ensure_future(scene.hand_over())
        await scene.tell(created())
        await asked
        await scene.runtime.stop(A, grace_seconds=5, reason="by hand")
        assert scene.inner.stopped == [(A, "by hand")]
        await scene.tell(ended(A, KILLED))
        assert scene.inner.stopped == [(A, "by hand"), (POD, "by hand")]
        with pytest.raises(errors.Rejected, match="being stopped"):
            await scene.hand_over()
        await scene.tell(ended(POD, Failed(message="stopped", reason=EndReason.STOPPED)))
        await scene.runtime.release([A])

    scene = play(tmp_path, acts)
    assert [end.result.outcome for end in scene.ends()] == [KILLED]
    assert scene.inner.released == [POD, A]


def test_a_pod_that_does_not_start_in_time_is_ended_and_its_end_says_so(tmp_path: pathlib.Path) -> None:
    async def acts(scene: Scene) -> None:
        await scene.runtime.observe()
        asked = asyncio.ensure_future(scene.hand_over(startup_timeout_seconds=30))
        await scene.tell(created())
        await asked
        await scene.clock.advance(timedelta(seconds=29))
        assert not scene.inner.stopped
        await scene.clock.advance(timedelta(seconds=2))
        assert scene.inner.stopped == [(POD, companion.LATE)]
        never = Failed(message="It was stopped.", reason=EndReason.STOPPED, entered=False)
        await scene.tell(ended(POD, never, verdict="Container 'base' waited: ErrImagePull."))
        end = (await scene.runtime.await_pod(A, started=True)).end
        assert end is not None
        assert isinstance(end.result.outcome, Failed)
        assert end.result.outcome.message == "It did not start in time. Container 'base' waited: ErrImagePull."
        assert end.result.outcome.reason is EndReason.START_TIMEOUT

    play(tmp_path, acts)


def test_a_pod_whose_attempt_nobody_knows_is_ended_and_released(tmp_path: pathlib.Path) -> None:
    async def acts(scene: Scene) -> None:
        scene.inner.there = [port.Observed(attempt_id=POD)]
        assert await scene.runtime.observe() == []
        await scene.tell(ended(POD, KILLED))

    scene = play(tmp_path, acts)
    assert scene.inner.stopped == [(POD, "its attempt is gone")]
    assert (scene.inner.released, scene.ends()) == ([POD], [])


def test_a_worker_without_a_pod_is_as_any_other(tmp_path: pathlib.Path) -> None:
    async def acts(scene: Scene) -> None:
        await scene.runtime.observe()
        with pytest.raises(errors.NotFound, match="it was not handed over"):
            await scene.runtime.await_pod(A, started=False)
        await scene.tell(ended(A, RAISED))
        await scene.runtime.release([A])

    scene = play(tmp_path, acts)
    assert [end.result.outcome for end in scene.ends()] == [RAISED]
    assert scene.inner.released == [A]


def test_what_is_no_pod_or_has_no_main_container_is_refused() -> None:
    for manifest, said in (({}, "has no spec.containers"), (MANIFEST, "has no container 'main'")):
        asked = port.PodRequest(
            attempt=rows.attempt(A, 1), run=rows.run(1), manifest=manifest, options={"base_container_name": "main"}
        )
        with pytest.raises(errors.Rejected, match=said):
            request.launch_of(asked)


def test_lines_of_a_pod_are_told_with_their_containers_parts_joined(tmp_path: pathlib.Path) -> None:
    at = "2026-01-01T00:00:00.000000Z"
    (tmp_path / "log").write_text(f"{at} stdout P long \n{at} stdout F line\n{at} stdout F [side] x\n{at} stdout F ha")
    found = pod_log.read(tmp_path, 0, main="base", ended=True)
    assert found.lines == (("base", at, "long line"), ("side", at, "x"))
    assert not found.ended
    assert pod_log.read(tmp_path, found.position, main="base", ended=True).ended
    assert not pod_log.read(tmp_path, found.position, main="base", ended=False).ended
