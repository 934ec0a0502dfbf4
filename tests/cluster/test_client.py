"""Client, reflector, creating and deleting against a real API server and kubelet."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import pathlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.support import cluster as clusters
from tests.support import cluster_api, cluster_images
from tests.support.cluster_api import Json, Namespace
from tradewind.clock import SystemClock, SystemRandom
from tradewind.model.outcome import Failed, Success
from tradewind.model.states import AttemptPhase, EndReason
from tradewind.pods import view as views
from tradewind.pods.identity import Identity
from tradewind.pods.view import PodView
from tradewind.ports import errors
from tradewind.runtime.kubernetes import decode, listing, phases
from tradewind.runtime.kubernetes.access import Access, Fixed, Kubeconfig
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.creating import Creator
from tradewind.runtime.kubernetes.deleting import Deleter, Deletion
from tradewind.runtime.kubernetes.patience import Patience
from tradewind.runtime.kubernetes.reflector import Blind, Change, PodGone, PodSeen, Reflector, Synced
from tradewind.runtime.kubernetes.reflectors import reflect
from tradewind.runtime.kubernetes.scope import Scope

pytestmark = pytest.mark.cluster

A = "a" * 20
PATIENCE = Patience(clock=SystemClock(), random=SystemRandom())


@contextlib.asynccontextmanager
async def opened(kubeconfig: pathlib.Path) -> AsyncIterator[ClusterClient]:
    source = Kubeconfig(paths=str(kubeconfig), environ={})
    async with ClusterClient(source, clock=SystemClock()) as client:
        yield client


def ours(namespace: Namespace, name: str, image: str, *command: str, attempt_id: str = A, **spec: Any) -> Json:
    """A pod with an identity."""
    pod = cluster_api.pod(name, image, *command, **spec)
    identity = Identity(attempt_id=attempt_id, dag_id="d", task_id="t", run_id="r")
    pod["metadata"] |= {"namespace": namespace.name, "labels": identity.labels(), "annotations": identity.annotations()}
    return pod


class Watcher:
    """What a reflector of a namespace tells."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self._told = asyncio.Event()

    async def take(self, change: Change) -> None:
        self.changes.append(change)
        self._told.set()

    def last(self, name: str) -> PodView | None:
        views = [one.view for one in self.changes if isinstance(one, (PodSeen, PodGone)) and one.view.name == name]
        return views[-1] if views else None

    def is_gone(self, name: str) -> bool:
        return any(isinstance(one, PodGone) and one.view.name == name for one in self.changes)

    async def wait(self, suits: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not suits():
                self._told.clear()
                await self._told.wait()

    def is_running(self, name: str) -> bool:
        view = self.last(name)
        return view is not None and view.main is not None and view.main.state == "running"

    def is_over(self, name: str) -> bool:
        view = self.last(name)
        return view is not None and phases.is_over(view)


@contextlib.asynccontextmanager
async def watching_pods(client: ClusterClient, namespace: Namespace) -> AsyncIterator[Watcher]:
    watcher = Watcher()
    reflector = Reflector(client, Scope(namespace=namespace.name), clock=SystemClock(), random=SystemRandom())
    running = asyncio.create_task(reflect([reflector], watcher.take))
    try:
        yield watcher
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def test_the_whole_life_of_a_pod_is_seen(kubeconfig: pathlib.Path, namespace: Namespace, busybox: str) -> None:
    async def scene() -> None:
        async with opened(kubeconfig) as client, watching_pods(client, namespace) as watcher:
            await watcher.wait(lambda: bool(watcher.changes))
            assert watcher.changes == [Synced(scope=Scope(namespace=namespace.name))]
            made = await Creator(client, PATIENCE).create(ours(namespace, "one", busybox, "true"))
            await watcher.wait(lambda: watcher.is_over("one"))
            ended = watcher.last("one")
            assert ended is not None
            assert ended.uid == made.uid
            assert [one.phase for one in phases.progress(ended)] == [
                AttemptPhase.SUBMITTED,
                AttemptPhase.SCHEDULED,
                AttemptPhase.PULLED,
                AttemptPhase.STARTED,
            ]
            assert phases.outcome(ended) == (Success(), "Container 'main' completed.")
            assert await Deleter(client, PATIENCE).delete(namespace.name, "one", made.uid) is Deletion.ASKED
            await watcher.wait(lambda: watcher.is_gone("one"))

    asyncio.run(scene())


def test_ends_have_their_reasons(kubeconfig: pathlib.Path, namespace: Namespace, busybox: str) -> None:
    limits = {"resources": {"limits": {"memory": "32Mi"}}}
    pods = {
        "fails": ours(namespace, "fails", busybox, "sh", "-c", "exit 3"),
        "greedy": ours(namespace, "greedy", busybox, "sh", "-c", "tail /dev/zero", container=limits),
        "nothing": ours(namespace, "nothing", busybox, "no-such-program"),
    }
    expected = {
        "fails": (EndReason.ERROR, True, "Container 'main' failed with exit code 3."),
        "greedy": (EndReason.OOM_KILLED, True, "Container 'main' was OOMKilled at its limit of 32Mi."),
        "nothing": (EndReason.ERROR, False, "Container 'main' could not be started: "),
    }

    async def scene() -> None:
        async with opened(kubeconfig) as client, watching_pods(client, namespace) as watcher:
            creator = Creator(client, PATIENCE)
            await asyncio.gather(*(creator.create(pod) for pod in pods.values()))
            for name, (reason, entered, sentence) in expected.items():
                await watcher.wait(lambda name=name: watcher.is_over(name))  # type: ignore[misc]
                seen = watcher.last(name)
                assert seen is not None
                outcome, said = phases.outcome(seen)
                assert isinstance(outcome, Failed)
                assert (outcome.reason, outcome.entered) == (reason, entered)
                assert said.startswith(sentence)

    asyncio.run(scene())


def test_an_evicted_pod_is_the_clusters_doing(kubeconfig: pathlib.Path, namespace: Namespace, busybox: str) -> None:
    async def scene() -> None:
        async with opened(kubeconfig) as client, watching_pods(client, namespace) as watcher:
            await Creator(client, PATIENCE).create(ours(namespace, "one", busybox, "sleep", "600"))
            await watcher.wait(lambda: watcher.is_running("one"))
            eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "one"}}
            await asyncio.to_thread(namespace.api.post, namespace.path("pods", "one") + "/eviction", eviction)
            await watcher.wait(lambda: watcher.is_gone("one"))
            seen = watcher.last("one")
            assert seen is not None
            outcome, said = phases.outcome(seen)
            assert isinstance(outcome, Failed)
            assert outcome.reason is EndReason.EVICTED
            assert said.startswith(f"The pod was evicted on node {seen.node}")

    asyncio.run(scene())


def test_a_preempted_pod_is_the_clusters_doing(kubeconfig: pathlib.Path, namespace: Namespace, busybox: str) -> None:
    room = max(int(node["status"]["allocatable"]["cpu"]) for node in namespace.api.get("/api/v1/nodes")["items"])
    most = {"resources": {"requests": {"cpu": f"{room * 600}m"}}}
    high = namespace.name + "-high"
    classes = "/apis/scheduling.k8s.io/v1/priorityclasses"
    namespace.api.post(classes, {"metadata": {"name": high}, "value": 1000})

    async def scene() -> None:
        async with opened(kubeconfig) as client, watching_pods(client, namespace) as watcher:
            creator = Creator(client, PATIENCE)
            await creator.create(ours(namespace, "low", busybox, "sleep", "600", container=most))
            await watcher.wait(lambda: watcher.is_running("low"))
            urgent = ours(
                namespace, "high", busybox, "true", container=most, priorityClassName=high, attempt_id="b" * 20
            )
            await creator.create(urgent)
            await watcher.wait(lambda: watcher.is_gone("low") and watcher.is_over("high"))
            seen = watcher.last("low")
            assert seen is not None
            outcome, said = phases.outcome(seen)
            assert isinstance(outcome, Failed)
            assert (outcome.reason, outcome.entered) == (EndReason.PREEMPTED, True)
            assert said.startswith(f"The pod was preempted on node {seen.node} by one of higher priority")

    try:
        asyncio.run(scene())
    finally:
        namespace.api.delete(f"{classes}/{high}")


def test_a_create_asked_twice_makes_one_pod_and_anothers_name_is_an_error(
    kubeconfig: pathlib.Path, namespace: Namespace, busybox: str
) -> None:
    async def scene() -> None:
        async with opened(kubeconfig) as client:
            creator, pod = Creator(client, PATIENCE), ours(namespace, "one", busybox, "sleep", "60")
            first, second = await creator.create(pod), await creator.create(pod)
            assert first.uid == second.uid
            with pytest.raises(errors.Conflict, match=f"attempt {A} of task d.t"):
                await creator.create(ours(namespace, "one", busybox, "true", attempt_id="b" * 20))
        assert [pod["metadata"]["uid"] for pod in namespace.pods()] == [first.uid]

    asyncio.run(scene())


def test_a_delete_with_another_uid_deletes_nothing(
    kubeconfig: pathlib.Path, namespace: Namespace, busybox: str
) -> None:
    async def scene() -> None:
        async with opened(kubeconfig) as client:
            made = await Creator(client, PATIENCE).create(ours(namespace, "one", busybox, "sleep", "60"))
            deleter = Deleter(client, PATIENCE)
            other = "00000000-0000-4000-8000-000000000000"
            assert await deleter.delete(namespace.name, "one", other) is Deletion.GONE
            assert "deletionTimestamp" not in namespace.pod("one")["metadata"]
            assert await deleter.delete(namespace.name, "none", other) is Deletion.GONE
            assert await deleter.delete(namespace.name, "one", made.uid, grace_seconds=0) is Deletion.ASKED

    asyncio.run(scene())


def test_what_the_server_refuses_says_why(kubeconfig: pathlib.Path, namespace: Namespace, busybox: str) -> None:
    token = namespace.account("reader", [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}])

    async def scene() -> None:
        pod = ours(namespace, "one", busybox, "true")
        admin = await Kubeconfig(paths=str(kubeconfig), environ={}).read()
        tls = admin.tls
        assert tls is not None
        reader = Access(server=admin.server, authorization=f"Bearer {token}", tls=namespace.api.as_user(token).tls)
        async with ClusterClient(Fixed(access=reader), clock=SystemClock()) as client:
            with pytest.raises(errors.Rejected, match=f"may not create pods in namespace {namespace.name}") as caught:
                await Creator(client, PATIENCE).create(pod)
            assert caught.value.code == "missing-right"
        nobody = Access(server=admin.server, authorization="Bearer nonsense", tls=reader.tls)
        async with ClusterClient(Fixed(access=nobody), clock=SystemClock()) as client:
            with pytest.raises(errors.Unauthorized):
                await client.request("GET", f"/api/v1/namespaces/{namespace.name}/pods")
        async with opened(kubeconfig) as client:
            creator = Creator(client, PATIENCE)
            bad = {**pod, "spec": {**pod["spec"], "containers": []}}
            with pytest.raises(errors.Rejected, match=r"spec\.containers") as caught:
                await creator.create(bad)
            assert caught.value.code == "invalid"
            assert json.loads(await creator.try_out(pod))["spec"]["dnsPolicy"] == "ClusterFirst"

    asyncio.run(scene())


def test_a_full_quota_is_told_by_its_code(kubeconfig: pathlib.Path, namespace: Namespace, busybox: str) -> None:
    namespace.create("resourcequotas", {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})

    async def scene() -> str:
        async with opened(kubeconfig) as client, asyncio.timeout(30):
            # The API server hears of a new quota a moment later than we do.
            for number in itertools.count():
                try:
                    await Creator(client, PATIENCE).try_out(ours(namespace, f"one-{number}", busybox, "true"))
                except errors.Rejected as error:
                    return error.code
                await asyncio.sleep(0.1)
        raise AssertionError

    assert asyncio.run(scene()) == "quota-exceeded"


def test_pages_of_a_list_are_put_together(kubeconfig: pathlib.Path, namespace: Namespace, busybox: str) -> None:
    async def scene() -> None:
        async with opened(kubeconfig) as client:
            creator = Creator(client, PATIENCE)
            # No node has this label: nothing runs.
            nowhere: dict[str, Any] = {"nodeSelector": {"nowhere": "yes"}}
            names = [f"pod-{number}" for number in range(7)]
            await asyncio.gather(*(creator.create(ours(namespace, name, busybox, "true", **nowhere)) for name in names))
            listed = await listing.pods(client, Scope(namespace=namespace.name), page_size=2)
            assert sorted(view.name for view in listed.pods) == names

    asyncio.run(scene())


def test_a_real_pod_is_decoded_as_its_json_says(kubeconfig: pathlib.Path, namespace: Namespace, busybox: str) -> None:
    side = {"name": "side", "image": busybox, "command": ["sleep", "600"], "restartPolicy": "Always"}
    first = {"name": "first", "image": busybox, "command": ["true"]}
    pod = ours(namespace, "one", busybox, "sh", "-c", "echo why >/dev/termination-log; exit 3")
    pod["spec"]["initContainers"] = [side, first]
    namespace.create("pods", pod)
    namespace.wait_phase("one", "Failed")
    raw = namespace.api.raw("GET", namespace.path("pods", "one"))
    seen = decode.pod(raw)
    assert seen == views.from_api(json.loads(raw))
    assert {one.name: one.role for one in seen.containers} == {"side": "sidecar", "first": "init", "main": "main"}
    assert seen.main is not None
    assert (seen.main.exit_code, seen.main.message) == (3, "why\n")
    assert seen.identity is not None


@pytest.mark.own_cluster
def test_what_ended_and_went_while_the_api_server_was_away_is_told() -> None:
    async def scene(cluster: clusters.Cluster, namespace: Namespace) -> None:
        image = cluster_images.reference("busybox")
        async with opened(cluster.kubeconfig) as client, watching_pods(client, namespace) as watcher:
            creator = Creator(client, PATIENCE)
            made = await creator.create(ours(namespace, "ends", image, "sleep", "3"))
            await creator.create(ours(namespace, "stays", image, "sleep", "600", attempt_id="b" * 20))
            await watcher.wait(lambda: watcher.is_running("ends") and watcher.is_running("stays"))
            await asyncio.to_thread(cluster.kill, "apiserver")
            await watcher.wait(lambda: any(isinstance(one, Blind) for one in watcher.changes))
            await asyncio.sleep(4)  # real time of a real container, which ends meanwhile
            await asyncio.to_thread(cluster.start, "apiserver")
            await watcher.wait(lambda: watcher.is_over("ends"))
            seen = watcher.last("ends")
            assert seen is not None
            assert seen.uid == made.uid
            assert isinstance(phases.outcome(seen)[0], Success)
            assert watcher.is_running("stays")
            assert not [one for one in watcher.changes if isinstance(one, PodGone)]

    with clusters.started() as cluster, cluster_api.Api.read(cluster.kubeconfig).namespace() as namespace:
        asyncio.run(scene(cluster, namespace))
