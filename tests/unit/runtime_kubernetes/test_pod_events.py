"""What the cluster says of a pod, in its log: each kind once and counted, as the task's arguments want it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.runtime_kubernetes import api_server as api
from tests.unit.runtime_kubernetes.small_cluster import SmallCluster, T
from tests.unit.runtime_kubernetes.test_runtime import ONE, scene
from tradewind.clock import SystemClock
from tradewind.runtime.kubernetes.access import Access, Fixed
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.event_watch import EventWatch
from tradewind.runtime.kubernetes.pod_events import EventSeen, PodEvents
from tradewind.testing.clock import SeededRandom

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def seen(
    reason: str, message: str = "", *, uid: str = "1", count: int = 1, kind: str = "Normal", at: int = 0
) -> EventSeen:
    return EventSeen(
        uid=uid, pod_uid="p", kind=kind, reason=reason, message=message, count=count,
        first_at=NOON, last_at=NOON + timedelta(seconds=at),
    )  # fmt: skip


def test_what_is_said_again_is_counted_whether_as_a_new_event_or_as_a_higher_count() -> None:
    events = PodEvents()
    first = events.add(seen("BackOff", "Back-off pulling image"))
    assert first is not None
    assert first.text == "BackOff: Back-off pulling image"
    first.shown = 1
    assert events.add(seen("BackOff", "Back-off pulling image", count=4, at=60)) is None
    assert events.add(seen("BackOff", "Back-off pulling image", count=4, at=60)) is None
    assert events.add(seen("BackOff", "Back-off pulling image", uid="2", at=200)) is None
    assert [one.text for one in events.unshown()] == ["BackOff: Back-off pulling image (5 times in 3 min)"]


def test_the_last_warning_is_the_newest_of_the_warnings() -> None:
    events = PodEvents()
    assert events.last_warning() == ""
    events.add(seen("FailedMount", 'secret "x"\n  not found', kind="Warning", at=5))
    events.add(seen("FailedScheduling", "no nodes", kind="Warning", at=2))
    events.add(seen("Pulled", at=9))
    assert events.last_warning() == 'FailedMount: secret "x" not found'
    assert [one["reason"] for one in events.plain()] == ["FailedScheduling", "FailedMount", "Pulled"]


def test_a_pod_that_says_something_new_all_the_time_is_cut_short() -> None:
    events = PodEvents()
    told = [events.add(seen("Odd", str(number))) for number in range(1000)]
    assert sum(1 for one in told if one is not None) == 100
    assert len(events.plain()) == 20


def events_of(log: list[str]) -> list[str]:
    return [line.removeprefix("event F [] ") for line in log if line.startswith("event F [] ")]


def test_a_start_is_told_in_the_log_with_its_warnings_and_what_comes_later_is_not(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            name = await here.launch()
            here.cluster.report(name, "Scheduled", "assigned to n")
            here.cluster.report(name, "FailedMount", "no such volume", type="Warning")
            await here.until(lambda: len(here.log()) == 2)
            here.cluster.run(name)
            await here.until(lambda: len(here.phases()) == 3)
            late = {"firstTimestamp": T.format(30), "lastTimestamp": T.format(30)}
            here.cluster.report(name, "Unhealthy", "probe failed", type="Warning", **late)
            here.cluster.report(name, "Started", "Started container base")
            await here.until(lambda: len(here.log()) == 3)
            here.cluster.end(name)
            ended = await here.end()
            assert events_of(here.log()) == [
                "Scheduled: assigned to n",
                "Warning FailedMount: no such volume",
                "Started: Started container base",
            ]
            assert ended.detail["events"][-1]["reason"] == "Unhealthy"

    asyncio.run(play())


@pytest.mark.parametrize("asked", [True, False])
def test_events_after_the_start_are_told_when_the_task_failed_and_asked_for_them(tmp_path: Path, asked: bool) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            name = await here.launch(
                log_events_on_startup=False, log_events_on_failure=asked, log_pod_spec_on_failure=False
            )
            here.cluster.report(name, "Scheduled", "assigned to n")
            here.cluster.run(name)
            here.cluster.report(name, "Unhealthy", "probe failed", type="Warning", lastTimestamp=T.format(30))
            await here.until(lambda: len(here.runtime._followed[ONE].events.plain()) == 2)
            here.cluster.end(name, 1)
            await here.end()
            told = ["Scheduled: assigned to n", "Warning Unhealthy: probe failed (1 times in 29 s)"]
            assert [line.split(" (")[0] for line in events_of(here.log())] == (
                [line.split(" (")[0] for line in told] if asked else []
            )

    asyncio.run(play())


def test_events_are_not_told_again_by_a_next_control_plane(tmp_path: Path) -> None:
    async def play() -> None:
        cluster = SmallCluster()
        async with scene(cluster, tmp_path) as here:
            name = await here.launch()
            cluster.report(name, "Scheduled", "assigned to n")
            await here.until(lambda: len(here.log()) == 1)
        cluster.report(name, "Pulling", "pulling")
        async with scene(cluster, tmp_path) as here:
            await here.until(lambda: len(here.log()) == 2)
            cluster.report(name, "Pulled", "pulled")
            await here.until(lambda: len(here.log()) == 3)
            assert events_of(here.log()) == ["Scheduled: assigned to n", "Pulling: pulling", "Pulled: pulled"]

    asyncio.run(play())


@pytest.mark.parametrize("asked", [None, False])
def test_a_failed_pods_specification_is_in_the_log_without_its_secrets(tmp_path: Path, asked: bool | None) -> None:
    async def play() -> None:
        async with scene(SmallCluster(), tmp_path) as here:
            name = await here.launch(
                env_vars={"DB_PASSWORD": "hunter22", "PLAIN": "seen"}, log_pod_spec_on_failure=asked
            )
            here.cluster.run(name)
            here.cluster.end(name, 3)
            await here.end()
            told = "\n".join(here.log())
            assert "hunter22" not in told
            assert ("kind: Pod" in told, "value: seen" in told) == (asked is None, asked is None)

    asyncio.run(play())


def test_events_that_may_not_be_listed_are_said_once_and_nothing_else_suffers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def play() -> None:
        cluster = SmallCluster()
        cluster.refuses_events = True
        with caplog.at_level(logging.WARNING):
            async with scene(cluster, tmp_path) as here:
                name = await here.launch()
                cluster.run(name)
                await cluster.say(name, ("2026-01-01T00:00:01.5Z", "hello"))
                await here.until(lambda: here.runtime.clock.monotonic() > 0 and here.log() == ["stdout F hello"])
                await asyncio.sleep(1.0)  # a thousand seconds of the quick clock
                cluster.end(name)
                await here.end()
        said = [one.getMessage() for one in caplog.records if "events" in one.getMessage()]
        assert len(said) == 1
        assert "may not list events in namespace a" in said[0]

    asyncio.run(play())


async def watched(script: Callable[[api.Request], api.Answer], enough: Callable[[], bool], events: list[str]) -> None:
    """A watch that hands over the events of pod p until it is enough."""
    async with api.ApiServer(script).serving() as server:
        source = Fixed(access=Access(server=server.access.server))
        async with ClusterClient(source, clock=SystemClock()) as client:
            watch = EventWatch(client, "a", clock=SystemClock(), random=SeededRandom(1))
            watch.follow("p", lambda event: events.append(event.reason))
            running = asyncio.create_task(watch.run())
            try:
                async with asyncio.timeout(10):
                    while not enough():
                        await asyncio.sleep(0.005)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)


def test_a_watch_of_events_that_expired_reads_the_list_again() -> None:
    asked: list[str] = []
    events: list[str] = []
    told = {"metadata": {"uid": "e", "resourceVersion": "7"}, "involvedObject": {"uid": "p"}, "reason": "Pulling"}

    def script(request: api.Request) -> api.Answer:
        asked.append("watch" if request.is_watch else "list")
        if not request.is_watch:
            return api.listed(told, version=len(asked))
        if asked.count("watch") == 1:
            return api.watched(api.event("ERROR", api.status(410)), hold=False)
        return api.watched(api.event("ADDED", {**told, "reason": "Pulled"}))

    asyncio.run(watched(script, lambda: "Pulled" in events, events))
    assert asked == ["list", "watch", "list", "watch"]
    assert events == ["Pulling", "Pulling", "Pulled"]
