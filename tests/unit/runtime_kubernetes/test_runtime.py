"""Attempts as pods, against an API that keeps them: launched, followed, stopped, adopted, released."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.runtime import launches
from tests.unit.runtime_kubernetes import api_server as api
from tests.unit.runtime_kubernetes.small_cluster import SmallCluster
from tradewind.clock import SystemClock
from tradewind.model.dagspec import PodBody
from tradewind.model.events import AttemptEnded, AttemptProgress
from tradewind.model.ids import AttemptId
from tradewind.model.outcome import Failed, Skipped, Success
from tradewind.model.states import AttemptPhase, EndReason
from tradewind.ports import runtime as port
from tradewind.ports import vault as vault_port
from tradewind.runtime.kubernetes.access import Access, Fixed
from tradewind.runtime.kubernetes.client import ClientOptions, ClusterClient
from tradewind.runtime.kubernetes.limiter import Limits
from tradewind.runtime.kubernetes.options import Options
from tradewind.runtime.kubernetes.runtime import KubernetesRuntime
from tradewind.testing.clock import SeededRandom

ONE = AttemptId("a" * 20)


class QuickClock(SystemClock):
    """A second of sleep takes a millisecond, and is a second."""

    def __init__(self) -> None:
        self._slept = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self._slept

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 1000)
        self._slept += seconds


class Scene:
    """One control plane's runtime, and what it told."""

    def __init__(self, runtime: KubernetesRuntime, cluster: SmallCluster, home: Path) -> None:
        self.runtime = runtime
        self.cluster = cluster
        self.home = home
        self.events: list[AttemptProgress | AttemptEnded] = []
        self.requests: list[api.Request] = []

    async def pump(self) -> None:
        async for batch in self.runtime.events():
            self.events.extend(batch)

    async def launch(self, body: PodBody | None = None, attempt_id: AttemptId = ONE, **arguments: Any) -> str:
        """The name of its pod, whose every change is seen from now on."""
        wanted = body or launches.body(namespace="a", **arguments)
        before = len(self.cluster.created)
        await self.runtime.launch([launches.launch(wanted, attempt_id)])
        await self.until(lambda: len(self.cluster.created) > before)
        await self.until(lambda: self.cluster.is_watched(self.cluster.sent[-1]["metadata"]["namespace"]))
        return self.cluster.created[-1]

    async def until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not enough():
                await asyncio.sleep(0.002)

    def find_end(self, attempt_id: AttemptId = ONE) -> AttemptEnded | None:
        ends = [one for one in self.events if isinstance(one, AttemptEnded) and one.attempt_id == attempt_id]
        assert len(ends) <= 1
        return ends[0] if ends else None

    async def end(self, attempt_id: AttemptId = ONE) -> AttemptEnded:
        await self.until(lambda: self.find_end(attempt_id) is not None)
        found = self.find_end(attempt_id)
        assert found is not None
        return found

    def log(self, attempt_id: AttemptId = ONE) -> list[str]:
        path = self.home / "attempts" / attempt_id / "log"
        return [line.split(" ", 1)[1] for line in path.read_text().splitlines()] if path.exists() else []

    def progress(self) -> list[AttemptProgress]:
        return [one for one in self.events if isinstance(one, AttemptProgress)]

    def phases(self) -> list[AttemptPhase]:
        return [one.phase for one in self.progress()]


@contextlib.asynccontextmanager
async def scene(cluster: SmallCluster, home: Path, extra: str = "{}", **options: Any) -> AsyncIterator[Scene]:
    hook = options.pop("hook", None)

    async def render(request: port.RenderRequest) -> port.Rendered:
        if request.pod is not None:
            changed = json.loads(json.dumps(request.pod))
            hook(changed)
            return port.Rendered(fields=changed)
        return port.Rendered(fields={"image": "rendered:1", "cmds": ["true"], "namespace": "a"}, masked=("hunter22",))

    async def find_connection(conn_id: str) -> vault_port.Connection | None:
        return vault_port.Connection(conn_id=conn_id, extra=extra)

    (home / "attempts").mkdir(exist_ok=True)
    clock = QuickClock()
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(api.ApiServer(cluster.script).serving())
        source = Fixed(access=Access(server=server.access.server))
        limits = Limits(rate=1e6, burst=1000)
        client = await stack.enter_async_context(
            ClusterClient(source, clock=clock, options=ClientOptions(), limits=limits)
        )
        runtime = await stack.enter_async_context(
            KubernetesRuntime(
                home=home,
                client=client,
                render=render,
                find_connection=find_connection,
                options=Options(**options),
                clock=clock,
                random=SeededRandom(1),
            )
        )
        here = Scene(runtime, cluster, home)
        here.requests = server.requests
        pumping = asyncio.create_task(here.pump())
        try:
            yield here
        finally:
            pumping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pumping


def test_a_pod_is_created_followed_to_its_end_and_deleted_at_the_release(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            name = await here.launch()
            here.cluster.run(name)
            await here.cluster.say(name, ("2026-01-01T00:00:01.000000001Z", "hello"))
            await here.until(lambda: here.log() == ["stdout F hello"])
            await here.cluster.say(name, ("2026-01-01T00:00:01.000000001Z", "last"))
            here.cluster.end(name)
            ended = await here.end()
            assert isinstance(ended.result.outcome, Success)
            assert here.log() == ["stdout F hello", "stdout F last"]
            assert here.phases() == [AttemptPhase.SUBMITTED, AttemptPhase.PULLED, AttemptPhase.STARTED]
            assert not here.cluster.deleted
            await here.runtime.release([ONE])
            await here.until(lambda: here.cluster.deleted == [name])
            await here.until(lambda: not (tmp_path / "attempts" / ONE).exists())
            assert await here.runtime.observe() == []

    asyncio.run(play())


@pytest.mark.parametrize("code", [0, 3])
@pytest.mark.parametrize(("is_long", "expected"), [(False, 3), (True, 4)])
def test_a_pod_of_one_container_takes_as_many_requests_as_the_docs_say(
    tmp_path: Path, code: int, is_long: bool, expected: int
) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            name = await here.launch()
            await here.cluster.say(name, ("2026-01-01T00:00:01Z", "hello"))
            if is_long:
                here.cluster.run(name)
                await here.until(lambda: "stdout F hello" in here.log())
            here.cluster.end(name, code)
            await here.end()
            await here.runtime.release([ONE])
            await here.until(lambda: here.cluster.deleted == [name])
            about_pods = [
                one for one in here.requests if not one.is_watch and (one.method != "GET" or one.path.endswith("/log"))
            ]
            looks = [one for one in here.requests if one.method == "GET" and one.path.endswith(f"/pods/{name}")]
            assert (len(about_pods), looks) == (expected, [])

    asyncio.run(play())


def test_an_exit_code_and_a_skip_code_are_told(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            here.cluster.end(await here.launch(), 3)
            failed = (await here.end()).result.outcome
            assert isinstance(failed, Failed)
            assert (failed.exit_code, failed.reason, failed.entered) == (3, EndReason.ERROR, True)
            two = AttemptId("b" * 20)
            body = PodBody(arguments={"image": "i", "namespace": "a"}, skip_on_exit_code=(99,))
            here.cluster.end(await here.launch(body, two), 99)
            assert isinstance((await here.end(two)).result.outcome, Skipped)

    asyncio.run(play())


def test_templates_are_rendered_first_and_their_secrets_are_not_in_the_log(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            body = PodBody(arguments={"image": "{{ x }}", "namespace": "a"}, templated=True)
            name = await here.launch(body)
            assert here.cluster.pods["a", name]["spec"]["containers"][0]["image"] == "rendered:1"
            here.cluster.end(name)
            await here.cluster.say(name, ("2026-01-01T00:00:02.5Z", "password hunter22!"))
            await here.end()
            assert "hunter22" not in " ".join(here.log())

    asyncio.run(play())


def test_an_argument_that_says_how_to_reach_the_cluster_is_told_to_be_a_setting(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            name = await here.launch(in_cluster=True)
            here.cluster.run(name)
            here.cluster.end(name)
            await here.end()
            assert any("runtime.kubernetes.in_cluster" in line for line in here.log())

    asyncio.run(play())


def test_a_next_control_plane_adopts_a_pod_and_goes_on_with_its_log(tmp_path: Path) -> None:
    async def play() -> None:
        cluster = SmallCluster()
        async with scene(cluster, tmp_path) as here:
            name = await here.launch()
            cluster.run(name)
            await cluster.say(name, *((f"2026-01-01T00:00:02.{n:09d}Z", f"line {n}") for n in range(50)))
            await here.until(lambda: len(here.log()) == 50)
        with (tmp_path / "attempts" / ONE / "log").open("ab") as file:
            file.write(b"2026-01-01T00:00:02.0000")  # it was killed as it wrote
        async with scene(cluster, tmp_path) as here:
            assert await here.runtime.observe() == [port.Observed(attempt_id=ONE)]
            await here.runtime.launch([launches.launch(launches.body(namespace="a"), ONE)])
            await cluster.say(name, *((f"2026-01-01T00:00:02.{n:09d}Z", f"line {n}") for n in range(50, 60)))
            cluster.end(name)
            await here.end()
            assert here.log() == [f"stdout F line {n}" for n in range(60)]
            assert cluster.created == [name]

    asyncio.run(play())


def test_a_pod_that_ended_while_nobody_looked_is_told_with_its_result_and_its_log(tmp_path: Path) -> None:
    async def play() -> None:
        cluster = SmallCluster()
        async with scene(cluster, tmp_path) as here:
            name = await here.launch(log_pod_spec_on_failure=False)
            await here.until(lambda: bool(here.phases()))
        await cluster.say(name, ("2026-01-01T00:00:02Z", "alone"))
        cluster.end(name, 4)
        async with scene(cluster, tmp_path) as here:
            failed = (await here.end()).result.outcome
            assert isinstance(failed, Failed)
            assert failed.exit_code == 4
            assert here.log() == ["stdout F alone"]
            here.events.clear()
            assert await here.runtime.observe() == [port.Observed(attempt_id=ONE, ended=True)]
            await here.end()  # told again, since it is not released

    asyncio.run(play())


def test_a_pod_that_went_while_nobody_looked_is_lost(tmp_path: Path) -> None:
    async def play() -> None:
        cluster = SmallCluster()
        async with scene(cluster, tmp_path) as here:
            name = await here.launch()
            await here.until(lambda: bool(here.phases()))
        cluster.vanish(name)
        async with scene(cluster, tmp_path) as here:
            failed = (await here.end()).result.outcome
            assert isinstance(failed, Failed)
            assert failed.reason is EndReason.LOST

    asyncio.run(play())


def test_a_launch_whose_create_was_never_answered_is_made_again_under_the_same_name(tmp_path: Path) -> None:
    async def play() -> None:
        cluster = SmallCluster()
        async with scene(cluster, tmp_path) as here:
            cluster.refusals = [api.refused(503, "away")] * 1000
            await here.runtime.launch([launches.launch(launches.body(namespace="a"), ONE)])
            await here.until((tmp_path / "attempts" / ONE / "cluster-pod.json").exists)
        cluster.refusals = []
        async with scene(cluster, tmp_path) as here:
            assert await here.runtime.observe() == []
            name = await here.launch()
            cluster.end(name)
            assert isinstance((await here.end()).result.outcome, Success)

    asyncio.run(play())


def test_a_stop_deletes_the_pod_and_what_it_waited_for_is_in_the_verdict(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            name = await here.launch()
            here.cluster.wait(name, "ErrImagePull", "manifest unknown")
            here.cluster.wait(name, "ImagePullBackOff", "Back-off pulling image")
            await here.until(lambda: "ImagePullBackOff" in str(here.runtime._followed[ONE].view))
            await here.runtime.stop(ONE, grace_seconds=5, reason="It did not start in time.")
            ended = await here.end()
            assert isinstance(ended.result.outcome, Failed)
            assert (ended.result.outcome.reason, ended.result.outcome.entered) == (EndReason.STOPPED, False)
            assert ended.verdict == (
                "Container 'base' waited: ImagePullBackOff (Back-off pulling image: manifest unknown)."
            )
            assert here.cluster.deleted == [name]

    asyncio.run(play())


def test_what_a_pod_waits_for_is_told_while_it_waits_and_no_longer(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            name = await here.launch()
            here.cluster.wait(name, "ContainerCreating")
            told = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1: no memory"}
            here.cluster.change(name, containerStatuses=[], conditions=[told])
            here.cluster.change(name, conditions=[{"type": "PodScheduled", "status": "True"}])
            here.cluster.wait(name, "ErrImagePull", "manifest unknown")
            here.cluster.wait(name, "ErrImagePull", "manifest unknown")
            here.cluster.run(name)
            await here.until(lambda: AttemptPhase.STARTED in here.phases())
            waits = [one.detail.get("waiting") for one in here.events if isinstance(one, AttemptProgress)]
            assert [one for one in waits if one] == [
                "The pod waits for a node: Unschedulable: 0/1: no memory",
                "Container 'base' waits: ErrImagePull (manifest unknown).",
            ]
            assert waits[-1] is None
            here.cluster.end(name)
            await here.end()

    asyncio.run(play())


def test_a_node_that_nobody_gives_is_told_with_the_schedulers_words(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            name = await here.launch()
            told = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1: no memory"}
            here.cluster.change(name, conditions=[told])
            await here.until(lambda: "0/1: no memory" in str(here.runtime._followed[ONE].view))
            await here.runtime.stop(ONE, grace_seconds=5, reason="It did not start in time.")
            assert "Unschedulable: 0/1: no memory" in str((await here.end()).verdict)

    asyncio.run(play())


def test_a_stop_before_the_create_makes_no_pod(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            quota = api.refused(403, 'pods "p" is forbidden: exceeded quota: q')
            here.cluster.refusals = [quota] * 1000
            await here.runtime.launch([launches.launch(launches.body(namespace="a"), ONE)])
            await here.until(lambda: any("exceeded quota" in line for line in here.log()) and bool(here.progress()))
            assert [(one.phase, "exceeded quota" in str(one.detail)) for one in here.progress()] == [
                (AttemptPhase.CREATED, True)
            ]
            await here.until(lambda: not here.runtime._launching[ONE][0].is_asking)
            await here.runtime.stop(ONE, grace_seconds=5, reason="cancelled")
            failed = (await here.end()).result.outcome
            assert isinstance(failed, Failed)
            assert (failed.reason, failed.entered) == (EndReason.STOPPED, False)
            assert here.cluster.created == []

    asyncio.run(play())


@pytest.mark.parametrize("arrived", [True, False])
def test_a_stop_of_a_launch_that_nobody_answered_ends_it_with_its_pod_if_there_is_one(
    tmp_path: Path, arrived: bool
) -> None:
    async def play() -> None:
        cluster = SmallCluster()
        async with scene(cluster, tmp_path) as here:
            name = await here.launch()
            await here.until(lambda: bool(here.phases()))
        record = tmp_path / "attempts" / ONE / "cluster-pod.json"
        record.write_text(record.read_text().replace('"uid":"uid-1",', ""))
        if not arrived:
            del cluster.pods["a", name]
        async with scene(cluster, tmp_path) as here:
            await here.runtime.stop(ONE, grace_seconds=1, reason="cancelled")
            failed = (await here.end()).result.outcome
            assert isinstance(failed, Failed)
            assert (failed.reason, failed.entered) == (EndReason.STOPPED, False)
            assert cluster.deleted == ([name] if arrived else [])

    asyncio.run(play())


def test_a_full_quota_is_waited_for(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            here.cluster.refusals = [api.refused(403, 'pods "p" is forbidden: exceeded quota: q')] * 3
            here.cluster.end(await here.launch())
            assert isinstance((await here.end()).result.outcome, Success)

    asyncio.run(play())


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (api.refused(422, "spec.containers[0].image: Required value"), "Required value"),
        (api.refused(404, 'namespaces "a" not found'), "not found"),
        (api.refused(403, "admission webhook denied the request: no"), "denied the request"),
    ],
)
def test_what_the_api_refuses_ends_the_try_with_its_words(tmp_path: Path, answer: api.Answer, said: str) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            here.cluster.refusals = [answer]
            await here.runtime.launch([launches.launch(launches.body(namespace="a"), ONE)])
            failed = (await here.end()).result.outcome
            assert isinstance(failed, Failed)
            assert (failed.reason, failed.retry, failed.entered) == (EndReason.REJECTED, False, False)
            assert said in failed.message

    asyncio.run(play())


def test_a_pod_that_somebody_deletes_as_it_runs_is_lost_and_one_of_ours_is_not(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            name = await here.launch()
            here.cluster.run(name)
            await here.until(lambda: AttemptPhase.STARTED in here.phases())
            here.cluster.vanish(name)
            failed = (await here.end()).result.outcome
            assert isinstance(failed, Failed)
            assert (failed.reason, failed.entered) == (EndReason.LOST, True)
            two = AttemptId("b" * 20)
            name = await here.launch(attempt_id=two)
            here.cluster.run(name)
            await here.runtime.stop(two, grace_seconds=1, reason="cancelled")
            stopped = (await here.end(two)).result.outcome
            assert isinstance(stopped, Failed)
            assert stopped.reason is EndReason.STOPPED

    asyncio.run(play())


@pytest.mark.parametrize(
    ("action", "code", "goes"),
    [
        ("delete_pod", 1, True),
        ("keep_pod", 0, False),
        ("delete_succeeded_pod", 0, True),
        ("delete_succeeded_pod", 1, False),
        ("delete_active_pod", 0, False),
    ],
)
def test_on_finish_action_decides_what_becomes_of_the_pod(tmp_path: Path, action: str, code: int, goes: bool) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            here.runtime.lead(1)
            body = PodBody(arguments={"image": "i", "namespace": "a"}, on_finish_action=action)
            name = await here.launch(body)
            here.cluster.end(name, code)
            await here.end()
            await here.runtime.release([ONE])
            await here.until(lambda: not (tmp_path / "attempts" / ONE).exists())
            await asyncio.sleep(0.3)  # several rounds of the sweeper, by the quick clock
            assert here.cluster.deleted == ([name] if goes else [])

    asyncio.run(play())


def test_pods_of_ours_that_no_attempt_wants_are_swept_and_those_of_another_home_are_not(tmp_path: Path) -> None:
    async def play() -> None:
        cluster = SmallCluster()
        other = tmp_path / "other"
        ours = tmp_path / "ours"
        for home in (ours, other):
            home.mkdir()
        async with scene(cluster, other) as here:
            theirs = await here.launch(attempt_id=AttemptId("b" * 20))
        async with scene(cluster, ours) as here:
            stray = await here.launch()
            cluster.run(stray)
            await here.until(lambda: bool(here.phases()))
        (ours / "attempts" / ONE / "cluster-pod.json").unlink()
        async with scene(cluster, ours) as here:
            here.runtime.lead(1)
            name = await here.launch(attempt_id=AttemptId("c" * 20))
            await here.until(lambda: cluster.deleted == [stray])
            await asyncio.sleep(0.2)
            assert {one for _, one in cluster.pods} == {theirs, name}

    asyncio.run(play())


def test_an_ephemeral_control_plane_takes_its_pods_down(tmp_path: Path) -> None:
    async def play() -> None:
        cluster = SmallCluster()
        async with scene(cluster, tmp_path, ephemeral=True) as here:
            name = await here.launch()
            cluster.run(name)
            await here.until(lambda: AttemptPhase.STARTED in here.phases())
        assert cluster.deleted == [name]

    asyncio.run(play())


def test_logs_are_whole_where_fewer_streams_are_open_than_pods_run(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path, log_streams=1) as here:
            ids = [AttemptId(letter * 20) for letter in "abcd"]
            names = [await here.launch(attempt_id=one) for one in ids]
            for name in names:
                here.cluster.run(name)
                await here.cluster.say(name, *((f"2026-01-01T00:00:02.{n:09d}Z", f"{n}") for n in range(100)))
            await here.until(lambda: len(here.log(ids[3])) == 100)
            for name in names:
                await here.cluster.say(name, ("2026-01-01T00:00:03Z", "end"))
                here.cluster.end(name)
            for one in ids:
                await here.end(one)
                assert here.log(one) == [*(f"stdout F {n}" for n in range(100)), "stdout F end"]

    asyncio.run(play())


def test_lines_that_the_node_no_longer_has_are_told_as_a_gap(tmp_path: Path) -> None:
    async def play() -> None:
        cluster = SmallCluster()
        async with scene(cluster, tmp_path) as here:
            name = await here.launch()
            cluster.run(name)
            await cluster.say(name, ("2026-01-01T00:00:02Z", "first"))
            await here.until(lambda: len(here.log()) == 1)
        cluster.logs["a", name] = [("2026-01-01T00:00:07Z", "much later")]
        cluster.end(name)
        async with scene(cluster, tmp_path) as here:
            await here.end()
            bounds = "after 2026-01-01T00:00:02.000000Z and before 2026-01-01T00:00:07.000000Z"
            gap = f"event F [base] gap: lines {bounds} may be missing; the node no longer has them"
            assert here.log() == ["stdout F first", gap, "stdout F much later"]

    asyncio.run(play())


def test_an_image_name_that_cannot_exist_fails_now(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            here.cluster.wait(await here.launch(), "InvalidImageName", "invalid reference format")
            failed = (await here.end()).result.outcome
            assert isinstance(failed, Failed)
            assert "invalid reference format" in failed.message

    asyncio.run(play())
