"""Acts of a cluster against an API that keeps Jobs: begun once, stopped, taken up again, told until released."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec

from tests.unit.runtime import launches
from tests.unit.runtime_kubernetes import api_server as api
from tests.unit.runtime_kubernetes.test_runtime import QuickClock
from tradewind.model.dagspec import ClusterBody, PodBody
from tradewind.model.events import AttemptEnded
from tradewind.model.ids import AttemptId
from tradewind.model.outcome import Failed, Success
from tradewind.model.problem import Problem
from tradewind.model.states import EndReason
from tradewind.pods import result_helper
from tradewind.ports import runtime as port
from tradewind.runtime.kubernetes import act, log_streams, requesting
from tradewind.runtime.kubernetes.access import Access, Fixed
from tradewind.runtime.kubernetes.acting import ActRuntime
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.limiter import Limits
from tradewind.runtime.kubernetes.options import Options
from tradewind.testing.clock import SeededRandom

Json = dict[str, Any]
ONE = AttemptId("a" * 20)
JOB = ClusterBody(act="start_job", arguments={"image": "i:1", "namespace": "a", "name": "load"})
WAITED = msgspec.structs.replace(JOB, arguments={**JOB.arguments, "wait_until_job_complete": True})


class Jobs:
    """`script` answers as an API server that has only Jobs."""

    def __init__(self) -> None:
        self.jobs: dict[str, Json] = {}
        self.created = 0
        self.deletes: list[Json] = []
        self.cuts = 0
        """So many creates are done and not answered."""

    def script(self, request: api.Request) -> api.Answer:
        parts = request.path.strip("/").split("/")
        if "jobs" not in parts:
            return api.Answer(body=json.dumps({"metadata": {"resourceVersion": "1"}, "items": []}).encode())
        name = parts[-1] if parts[-1] != "jobs" else ""
        if request.method == "POST":
            return self._create(json.loads(request.body))
        if request.is_watch:
            return api.Answer(chunks=[], hold=True)
        if not name:
            listed = {"metadata": {"resourceVersion": "1"}, "items": list(self.jobs.values())}
            return api.Answer(body=json.dumps(listed).encode())
        if name not in self.jobs:
            return api.refused(404, f'jobs "{name}" not found')
        if request.method == "DELETE":
            self.deletes.append(json.loads(request.body))
            del self.jobs[name]
            return api.Answer(body=b"{}")
        return api.Answer(body=json.dumps(self.jobs[name]).encode())

    def _create(self, job: Json) -> api.Answer:
        name = job["metadata"]["name"]
        if name in self.jobs:
            return api.refused(409, f'jobs "{name}" already exists', reason="AlreadyExists")
        self.created += 1
        job["metadata"]["uid"] = f"uid-{self.created}"
        job["spec"]["selector"] = {"matchLabels": {"controller-uid": f"uid-{self.created}"}}
        self.jobs[name] = job
        if self.cuts:
            self.cuts -= 1
            return api.Answer(chunks=[b"{"], cut=True)
        return api.Answer(status=201, body=json.dumps(job).encode())


class Scene:
    def __init__(self, runtime: ActRuntime, jobs: Jobs) -> None:
        self.runtime = runtime
        self.jobs = jobs
        self.ends: list[AttemptEnded] = []

    async def pump(self) -> None:
        async for batch in self.runtime.events():
            self.ends += [one for one in batch if isinstance(one, AttemptEnded)]

    async def launch(self, body: ClusterBody) -> None:
        launch = launches.launch(PodBody(arguments={}), ONE)
        await self.runtime.launch([msgspec.structs.replace(launch, body=body)])

    async def until(self, enough: Callable[[], Any]) -> None:
        async with asyncio.timeout(10):
            while not enough():
                await asyncio.sleep(0.002)

    async def end(self) -> AttemptEnded:
        await self.until(lambda: self.ends)
        return self.ends[0]


@contextlib.asynccontextmanager
async def scene(jobs: Jobs, home: Path, *, hook: Callable[[Json], port.Rendered] | None = None) -> AsyncIterator[Scene]:
    async def render(request: port.RenderRequest) -> port.Rendered:
        assert hook is not None
        assert request.pod is not None, f"nothing else is rendered here: {request}"
        return hook(json.loads(json.dumps(request.pod)))

    async def place() -> requesting.Place:
        return requesting.Place(home_id="h", namespace="a")

    async def handover() -> requesting.Handover:
        return requesting.Handover(helper=result_helper.Helper())

    (home / "attempts").mkdir(exist_ok=True)
    clock, random = QuickClock(), SeededRandom(1)
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(api.ApiServer(jobs.script).serving())
        source = Fixed(access=Access(server=server.access.server))
        limits = Limits(rate=1e6, burst=1000)
        client = await stack.enter_async_context(ClusterClient(source, clock=clock, limits=limits))
        runtime = await stack.enter_async_context(
            ActRuntime(
                home=home, client=client, render=render, place=place, handover=handover,
                streams=log_streams.Streams(4), options=Options(local_settings="/site/local.py" if hook else ""),
                clock=clock, random=random,
            )
        )  # fmt: skip
        here = Scene(runtime, jobs)
        pumping = asyncio.create_task(here.pump())
        try:
            yield here
        finally:
            pumping.cancel()
            await asyncio.gather(pumping, return_exceptions=True)


def test_a_create_whose_answer_is_lost_makes_one_job(tmp_path: Path) -> None:
    async def work() -> None:
        jobs = Jobs()
        jobs.cuts = 1
        async with scene(jobs, tmp_path) as here:
            await here.launch(JOB)
            end = await here.end()
        assert isinstance(end.result.outcome, Success)
        assert (jobs.created, list(jobs.jobs)) == (1, [json.loads(end.result.xcoms[0].value)])

    asyncio.run(work())


def test_a_stop_deletes_the_job_that_was_made_and_no_namesake(tmp_path: Path) -> None:
    async def work() -> None:
        jobs = Jobs()
        async with scene(jobs, tmp_path) as here:
            await here.launch(WAITED)
            await here.until(lambda: jobs.jobs)
            await here.runtime.stop(ONE, grace_seconds=None, reason="cancelled")
            end = await here.end()
        assert isinstance(end.result.outcome, Failed)
        assert end.result.outcome.reason is EndReason.STOPPED
        assert jobs.deletes == [{"preconditions": {"uid": "uid-1"}, "propagationPolicy": "Foreground"}]

    asyncio.run(work())


def test_an_end_is_told_again_after_a_restart_until_it_is_released(tmp_path: Path) -> None:
    async def work() -> None:
        jobs = Jobs()
        async with scene(jobs, tmp_path) as here:
            await here.launch(JOB)
            first = await here.end()
        async with scene(jobs, tmp_path) as here:
            again = await here.end()
            assert again.result == first.result
            await here.runtime.release([ONE])
            await here.until(lambda: not here.runtime.has(ONE))
        assert not (tmp_path / "attempts" / ONE).exists()
        assert jobs.created == 1

    asyncio.run(work())


def test_a_job_that_is_gone_when_its_control_plane_comes_back_is_lost(tmp_path: Path) -> None:
    async def work() -> None:
        jobs = Jobs()
        async with scene(jobs, tmp_path) as here:
            await here.launch(WAITED)
            await here.until(lambda: any(one.uid for one in act.ActRecords(tmp_path).list()))
        jobs.jobs.clear()
        async with scene(jobs, tmp_path) as here:
            end = await here.end()
        assert isinstance(end.result.outcome, Failed)
        assert end.result.outcome.reason is EndReason.LOST
        assert jobs.created == 1

    asyncio.run(work())


def test_a_command_that_may_have_begun_is_never_begun_again(tmp_path: Path) -> None:
    async def work() -> None:
        jobs = Jobs()
        (tmp_path / "attempts").mkdir()
        identity = requesting.identity(launches.launch(PodBody(arguments={}), ONE))
        act.ActRecords(tmp_path).put(
            act.ActRecord(
                attempt_id=ONE, act="exec", identity=identity, namespace="a", done=("begun",),
                arguments={"pod_name": "p", "command": ["true"]},
            )
        )  # fmt: skip
        async with scene(jobs, tmp_path) as here:
            end = await here.end()
        assert isinstance(end.result.outcome, Failed)
        assert end.result.outcome.reason is EndReason.LOST
        assert "it may still run in its pod" in str(end.verdict)

    asyncio.run(work())


def test_the_sites_hook_has_its_say_over_the_pods_of_a_job(tmp_path: Path) -> None:
    seen: list[Json] = []

    def hook(pod: Json) -> port.Rendered:
        seen.append(json.loads(json.dumps(pod)))
        pod["metadata"] = {"labels": {"team": "data", "tradewind/attempt-id": "b" * 20}, "name": "other"}
        pod["spec"]["containers"].insert(0, {"name": "first", "image": "f:1"})
        pod["spec"]["containers"][1]["image"] = "mirror/i:1"
        pod["spec"]["restartPolicy"] = "Always"
        return port.Rendered(fields=pod)

    async def work() -> None:
        jobs = Jobs()
        async with scene(jobs, tmp_path, hook=hook) as here:
            await here.launch(JOB)
            end = await here.end()
        assert isinstance(end.result.outcome, Success)
        (name,) = jobs.jobs
        template = jobs.jobs[name]["spec"]["template"]
        assert [one["image"] for one in template["spec"]["containers"]] == ["mirror/i:1", "f:1"]
        assert template["metadata"] == {"labels": {"team": "data"}}
        assert template["spec"]["restartPolicy"] == "Never"
        (pod,) = seen
        assert (pod["kind"], pod["metadata"]["name"], pod["metadata"]["namespace"]) == ("Pod", name, "a")
        assert pod["metadata"]["labels"]["dag_id"] == "etl"

    asyncio.run(work())


def test_a_hook_that_fails_ends_the_attempt_without_a_job(tmp_path: Path) -> None:
    problem = Problem(code="pod-hook-failed", object="pod_mutation_hook", message="KeyError: 'x'")

    async def work() -> None:
        jobs = Jobs()
        async with scene(jobs, tmp_path, hook=lambda _: port.Rendered(problem=problem)) as here:
            await here.launch(JOB)
            end = await here.end()
        assert isinstance(end.result.outcome, Failed)
        assert "KeyError: 'x'" in end.result.outcome.message
        assert jobs.jobs == {}

    asyncio.run(work())
