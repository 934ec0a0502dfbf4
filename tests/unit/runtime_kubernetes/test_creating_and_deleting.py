"""Creating and deleting pods while answers are lost and others act too."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.unit.runtime_kubernetes import api_server as api
from tradewind.pods.identity import Identity
from tradewind.ports import errors
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.creating import Creator
from tradewind.runtime.kubernetes.deleting import Deleter, Deletion
from tradewind.runtime.kubernetes.limiter import Limits
from tradewind.runtime.kubernetes.patience import Patience
from tradewind.testing.clock import SeededRandom

Trouble = Callable[[api.Request], api.Answer | None]


def manifest(attempt_id: str = "a" * 20, name: str = "p") -> dict[str, Any]:
    identity = Identity(attempt_id=attempt_id, dag_id="d", task_id="t", run_id="r")
    metadata = {"name": name, "namespace": "a", "labels": identity.labels(), "annotations": identity.annotations()}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [{"name": "base"}]}}


class Cluster:
    """Keeps pods as an API server does. `before` answers instead of it, `after` once it has acted."""

    def __init__(self) -> None:
        self.pods: dict[str, dict[str, Any]] = {}
        self.created: list[str] = []
        self.under_way = self.most_under_way = 0
        self.before: list[Trouble] = []
        self.after: list[Trouble] = []

    async def __call__(self, request: api.Request) -> api.Answer:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(0)
            if self.before and (trouble := self.before.pop(0)(request)) is not None:
                return trouble
            answer = self._act(request)
            if self.after and (trouble := self.after.pop(0)(request)) is not None:
                return trouble
            return answer
        finally:
            self.under_way -= 1

    def add(self, pod: dict[str, Any]) -> dict[str, Any]:
        name = pod["metadata"]["name"]
        self.created.append(name)
        made = {"uid": f"uid-{len(self.created)}", "resourceVersion": str(len(self.created))}
        self.pods[name] = {**pod, "metadata": {**pod["metadata"], **made}}
        return self.pods[name]

    def _act(self, request: api.Request) -> api.Answer:
        if request.method == "POST":
            pod = json.loads(request.body)
            if pod["metadata"]["name"] in self.pods:
                return api.refused(409, "exists", reason="AlreadyExists")
            if request.query.get("dryRun") == "All":
                return api.Answer(status=201, body=request.body)
            return api.Answer(status=201, body=json.dumps(self.add(pod)).encode())
        name = request.path.rpartition("/")[2]
        if name not in self.pods:
            return api.refused(404)
        if request.method == "DELETE":
            if json.loads(request.body)["preconditions"]["uid"] != self.pods[name]["metadata"]["uid"]:
                return api.refused(409, "Precondition failed: UID in precondition")
            return api.Answer(body=json.dumps(self.pods.pop(name)).encode())
        return api.Answer(body=json.dumps(self.pods[name]).encode())


@contextlib.asynccontextmanager
async def open_client(cluster: Cluster) -> AsyncIterator[tuple[api.ApiServer, Creator, Deleter]]:
    clock = api.LeapingClock()
    patience = Patience(clock=clock, random=SeededRandom(1))
    server = api.ApiServer(cluster)

    class Source:
        async def read(self) -> Any:
            return server.access

    async with server.serving(), ClusterClient(Source(), clock=clock, limits=Limits(rate=1e6)) as client:
        yield server, Creator(client, patience, at_once=4), Deleter(client, patience)


def lost(request: api.Request) -> api.Answer:
    return api.Answer(chunks=[], cut=True)


def fails(status: int) -> Trouble:
    return lambda request: api.refused(status)


def test_a_pod_is_created_with_one_request() -> None:
    async def scene() -> None:
        cluster = Cluster()
        async with open_client(cluster) as (server, creator, _):
            view = await creator.create(manifest())
            assert (view.uid, len(server.requests)) == ("uid-1", 1)
            assert view.identity is not None
            assert view.identity.attempt_id == "a" * 20

    asyncio.run(scene())


def test_a_create_whose_answer_was_lost_made_one_pod() -> None:
    async def scene() -> None:
        cluster = Cluster()
        cluster.after = [lost]
        async with open_client(cluster) as (_, creator, _):
            assert (await creator.create(manifest())).uid == "uid-1"
        assert cluster.created == ["p"]

    asyncio.run(scene())


def test_a_create_asked_twice_makes_one_pod() -> None:
    async def scene() -> None:
        cluster = Cluster()
        async with open_client(cluster) as (_, creator, _):
            both = await asyncio.gather(creator.create(manifest()), creator.create(manifest()))
            assert {view.uid for view in both} == {"uid-1"}

    asyncio.run(scene())


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_create_that_met_passing_trouble_is_made_again(status: int) -> None:
    async def scene() -> None:
        cluster = Cluster()
        cluster.before = [fails(status), fails(status)]
        async with open_client(cluster) as (_, creator, _):
            assert (await creator.create(manifest())).uid == "uid-1"

    asyncio.run(scene())


def test_a_name_of_another_attempt_is_an_error_that_names_it() -> None:
    async def scene() -> None:
        cluster = Cluster()
        cluster.add(manifest("b" * 20))
        async with open_client(cluster) as (_, creator, _):
            with pytest.raises(errors.Conflict, match=f"attempt {'b' * 20} of task d.t") as caught:
                await creator.create(manifest())
        assert caught.value.code == "pod-name-taken"
        assert list(cluster.pods) == ["p"]

    asyncio.run(scene())


def test_a_name_of_somebody_elses_pod_is_an_error() -> None:
    async def scene() -> None:
        cluster = Cluster()
        cluster.add({"metadata": {"name": "p", "namespace": "a"}})
        async with open_client(cluster) as (_, creator, _):
            with pytest.raises(errors.Conflict, match="somebody else"):
                await creator.create(manifest())

    asyncio.run(scene())


def test_a_name_whose_last_pod_still_ends_is_waited_for() -> None:
    async def scene() -> None:
        cluster = Cluster()
        old = cluster.add(manifest("b" * 20))
        old["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

        def ended(request: api.Request) -> None:
            cluster.pods.clear()

        nothing: list[Trouble] = [lambda request: None] * 4
        cluster.before = [*nothing, ended]
        async with open_client(cluster) as (_, creator, _):
            assert (await creator.create(manifest())).uid == "uid-2"

    asyncio.run(scene())


def test_a_pod_that_was_created_and_deleted_by_others_is_not_created_twice() -> None:
    async def scene() -> None:
        cluster = Cluster()

        def deleted(request: api.Request) -> None:
            cluster.pods.clear()

        # The answer is lost; the next create meets the pod; then somebody deletes it before it is looked at.
        cluster.after = [lost, deleted]
        async with open_client(cluster) as (_, creator, _):
            with pytest.raises(errors.NotFound) as caught:
                await creator.create(manifest())
        assert caught.value.code == "created-and-gone"
        assert cluster.created == ["p"]

    asyncio.run(scene())


def test_trouble_that_lasts_is_given_back_to_the_caller() -> None:
    async def scene() -> None:
        cluster = Cluster()
        cluster.before = [fails(500)] * 100
        async with open_client(cluster) as (server, creator, _):
            with pytest.raises(errors.Transient):
                await creator.create(manifest())
            assert len(server.requests) == 5

    asyncio.run(scene())


def test_a_full_quota_is_told_at_once_and_by_its_code() -> None:
    async def scene() -> None:
        cluster = Cluster()
        cluster.before = [lambda request: api.refused(403, 'pods "p" is forbidden: exceeded quota: q')]
        async with open_client(cluster) as (server, creator, _):
            with pytest.raises(errors.Rejected) as caught:
                await creator.create(manifest())
            assert (caught.value.code, len(server.requests)) == ("quota-exceeded", 1)

    asyncio.run(scene())


def test_creates_are_bounded() -> None:
    async def scene() -> None:
        cluster = Cluster()
        async with open_client(cluster) as (_, creator, _):
            await asyncio.gather(*(creator.create(manifest(name=f"p{number}")) for number in range(40)))
        assert len(cluster.pods) == 40
        assert cluster.most_under_way <= 4

    asyncio.run(scene())


def test_of_many_that_wait_few_have_a_manifest_in_hand() -> None:
    async def scene() -> None:
        cluster, held = Cluster(), set[str]()
        most = 0

        async def launch(creator: Creator, name: str) -> None:
            nonlocal most
            async with creator.drafting(0):
                held.add(name)
                most = max(most, len(held))
                await asyncio.sleep(0)
            await creator.create(manifest(name=name))
            held.remove(name)

        async with open_client(cluster) as (_, creator, _):
            await asyncio.gather(*(launch(creator, f"p{number}") for number in range(100)))
        assert len(cluster.pods) == 100
        assert most <= 2 * 4

    asyncio.run(scene())


def test_a_pod_without_identity_is_never_sent() -> None:
    async def scene() -> None:
        async with open_client(Cluster()) as (server, creator, _):
            with pytest.raises(errors.Fatal):
                await creator.create({"metadata": {"name": "p", "namespace": "a"}})
            assert server.requests == []

    asyncio.run(scene())


def test_trying_out_creates_nothing() -> None:
    async def scene() -> None:
        cluster = Cluster()
        async with open_client(cluster) as (_, creator, _):
            assert json.loads(await creator.try_out(manifest()))["kind"] == "Pod"
        assert cluster.pods == {}

    asyncio.run(scene())


def test_a_delete_carries_the_uid_and_a_grace_of_at_least_a_second() -> None:
    async def scene() -> None:
        cluster = Cluster()
        cluster.add(manifest())
        async with open_client(cluster) as (server, _, deleter):
            assert await deleter.delete("a", "p", "uid-1", grace_seconds=0) is Deletion.ASKED
            sent = json.loads(server.requests[0].body)
            assert (sent["preconditions"], sent["gracePeriodSeconds"]) == ({"uid": "uid-1"}, 1)
        assert cluster.pods == {}

    asyncio.run(scene())


def test_a_namesake_is_not_deleted() -> None:
    async def scene() -> None:
        cluster = Cluster()
        cluster.add(manifest())
        async with open_client(cluster) as (_, _, deleter):
            assert await deleter.delete("a", "p", "uid-0") is Deletion.GONE
        assert list(cluster.pods) == ["p"]

    asyncio.run(scene())


def test_a_pod_that_is_gone_already_is_gone() -> None:
    async def scene() -> None:
        async with open_client(Cluster()) as (_, _, deleter):
            assert await deleter.delete("a", "p", "uid-1") is Deletion.GONE

    asyncio.run(scene())


def test_a_delete_whose_answer_was_lost_is_made_again() -> None:
    async def scene() -> None:
        cluster = Cluster()
        cluster.add(manifest())
        cluster.after = [lost]
        async with open_client(cluster) as (_, _, deleter):
            assert await deleter.delete("a", "p", "uid-1") is Deletion.GONE

    asyncio.run(scene())


def test_a_delete_that_conflicts_for_another_reason_is_made_again() -> None:
    async def scene() -> None:
        cluster = Cluster()
        cluster.add(manifest())
        cluster.before = [fails(409)]
        async with open_client(cluster) as (_, _, deleter):
            assert await deleter.delete("a", "p", "uid-1") is Deletion.ASKED
        assert cluster.pods == {}

    asyncio.run(scene())
