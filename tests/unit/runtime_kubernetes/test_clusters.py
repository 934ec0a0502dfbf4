"""Attempts on two clusters that play: each goes where its task says, once, and what cannot be said is an end."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from tests.unit.runtime import launches
from tests.unit.runtime_kubernetes import api_server as api
from tests.unit.runtime_kubernetes.small_cluster import SmallCluster
from tests.unit.runtime_kubernetes.test_runtime import QuickClock
from tradewind.model.events import AttemptEnded
from tradewind.model.ids import AttemptId
from tradewind.model.outcome import Failed
from tradewind.model.states import EndReason
from tradewind.ports import runtime as port
from tradewind.ports import vault as vault_port
from tradewind.runtime.kubernetes import record as records
from tradewind.runtime.kubernetes.access import Access, Fixed
from tradewind.runtime.kubernetes.acting import ActRuntime
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.cluster_choice import HOME, Choice, Chooser
from tradewind.runtime.kubernetes.clusters import Clusters, Member
from tradewind.runtime.kubernetes.limiter import Limits
from tradewind.runtime.kubernetes.options import Options
from tradewind.runtime.kubernetes.runtime import KubernetesRuntime
from tradewind.testing.clock import SeededRandom

ONE, TWO = AttemptId("a" * 20), AttemptId("b" * 20)
FAR = Choice(config_file="/far")


class Scene:
    """One control plane over two clusters; a file `/far` names the second."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.near, self.far = SmallCluster(), SmallCluster()
        self.extras: dict[str, dict[str, Any]] = {}
        """Of connections."""
        self.rendered: list[str | None] = []
        self.opened: list[Choice] = []
        self.events: list[Any] = []

    async def find_connection(self, conn_id: str) -> vault_port.Connection | None:
        extra = self.extras.get(conn_id)
        return None if extra is None else vault_port.Connection(conn_id=conn_id, extra=json.dumps(extra))

    async def render(self, request: port.RenderRequest) -> port.Rendered:
        self.rendered.append(request.attempt_id)
        return port.Rendered(fields={"image": "a:1", "namespace": "a", "config_file": "/far"})

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Clusters]:
        clock = QuickClock()
        (self.home / "attempts").mkdir(exist_ok=True)

        @contextlib.asynccontextmanager
        async def open_member(choice: Choice) -> AsyncIterator[Member]:
            self.opened.append(choice)
            script = self.near.script if choice.is_home else self.far.script
            options = Options(cluster=choice)
            common: dict[str, Any] = {"home": self.home, "options": options, "clock": clock, "random": SeededRandom(1)}
            async with contextlib.AsyncExitStack() as stack:
                server = await stack.enter_async_context(api.ApiServer(script).serving())
                client = await stack.enter_async_context(
                    ClusterClient(
                        Fixed(access=Access(server=server.access.server)),
                        clock=clock,
                        limits=Limits(rate=1e6, burst=99),
                    )
                )
                common |= {"client": client, "render": router.render}
                pods = await stack.enter_async_context(
                    KubernetesRuntime(find_connection=self.find_connection, **common)
                )
                acts = await stack.enter_async_context(
                    ActRuntime(place=pods.site.place, handover=pods.site.handover, streams=pods.streams, **common)
                )
                yield Member(pods=pods, acts=acts)

        router = Clusters(
            open_member=open_member,
            choose=Chooser(HOME, self.find_connection, is_pod=False).choose,
            recorded=list(dict.fromkeys(one.cluster for one in records.Records(self.home).list())),
            render=self.render,
            clock=clock,
        )
        async with router:
            pumping = asyncio.create_task(self._pump(router))
            try:
                yield router
            finally:
                pumping.cancel()
                await asyncio.gather(pumping, return_exceptions=True)

    async def _pump(self, router: Clusters) -> None:
        async for batch in router.events():
            self.events += batch

    async def until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not enough():
                await asyncio.sleep(0.002)

    def ends(self) -> dict[str, Failed]:
        return {
            one.attempt_id: one.result.outcome
            for one in self.events
            if isinstance(one, AttemptEnded) and isinstance(one.result.outcome, Failed)
        }


def test_each_pod_goes_to_the_cluster_that_its_task_names_and_a_next_control_plane_finds_it_there(
    tmp_path: Path,
) -> None:
    async def play() -> None:
        here = Scene(tmp_path)
        async with here.running() as router:
            await router.launch([launches.launch(launches.body(namespace="a"), ONE)])
            await router.launch([launches.launch(launches.body(namespace="a", config_file="/far"), TWO)])
            await here.until(lambda: bool(here.near.created and here.far.created))
            assert [(one.name, one.attempts) for one in router.clusters()] == [("", 1), ("of /far", 1)]
        assert (len(here.near.created), len(here.far.created)) == (1, 1)
        here.opened.clear()
        async with here.running() as router:
            assert here.opened == [HOME, FAR]
            assert {one.attempt_id for one in await router.observe()} == {ONE, TWO}
            await router.launch([launches.launch(launches.body(namespace="a", config_file="/far"), TWO)])
        assert (len(here.near.created), len(here.far.created)) == (1, 1)

    asyncio.run(play())


def test_a_template_that_names_a_cluster_is_rendered_once(tmp_path: Path) -> None:
    async def play() -> None:
        here = Scene(tmp_path)
        async with here.running() as router:
            body = launches.body(namespace="a", config_file="{{ var.value.where }}")
            await router.launch([launches.launch(body, ONE, templated=True)])
            await here.until(lambda: bool(here.far.created))
        assert here.rendered == [ONE]

    asyncio.run(play())


def test_a_cluster_that_nobody_can_name_ends_the_try_until_its_release(tmp_path: Path) -> None:
    async def play() -> None:
        here = Scene(tmp_path)
        async with here.running() as router:
            await router.launch([launches.launch(launches.body(namespace="a", kubernetes_conn_id="nobody"), ONE)])
            await here.until(lambda: ONE in here.ends())
            assert here.ends()[ONE].reason is EndReason.REJECTED
            assert "'nobody'" in here.ends()[ONE].message
            assert router.has(ONE)
            assert [(one.attempt_id, one.ended) for one in await router.observe()] == [(ONE, True)]
            await router.release([ONE])
            assert not router.has(ONE)

    asyncio.run(play())


def test_the_default_connection_is_asked_once_for_many_tasks_that_name_none(tmp_path: Path) -> None:
    async def play() -> None:
        here = Scene(tmp_path)
        here.extras["kubernetes_default"] = {"kube_config_path": "/far"}
        async with here.running() as router:
            await router.launch([launches.launch(launches.body(namespace="a"), ONE)])
            await router.launch([launches.launch(launches.body(namespace="a"), TWO)])
            await here.until(lambda: len(here.far.created) == 2)
            assert not here.near.created

    asyncio.run(play())
