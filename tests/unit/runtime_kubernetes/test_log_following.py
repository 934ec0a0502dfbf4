"""A container's log, read from an API server that plays a node: in how many requests, by whose stream, how whole."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.runtime_kubernetes import api_server as api
from tests.unit.runtime_kubernetes.test_runtime import QuickClock
from tradewind.runtime.kubernetes import log_need, log_streams
from tradewind.runtime.kubernetes.access import Access, Fixed
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.limiter import Limits
from tradewind.runtime.kubernetes.log_file import LogFile
from tradewind.runtime.kubernetes.log_following import ContainerLog
from tradewind.testing.clock import SeededRandom


def line(number: int, text: str = "") -> bytes:
    """The number-th millisecond of a minute."""
    return f"2026-01-01T00:00:{number // 1000:02d}.{number % 1000:03d}000000Z {text or number}\n".encode()


class Node:
    """One container's newest log file, and what an API server makes of it."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.runs = True
        self.cuts = 0
        """So many streams break off after each of their lines."""
        self.answers: list[api.Answer] = []
        """Before anything else."""
        self.open = 0
        self._files = 1
        self._changed = asyncio.Condition()

    async def write(self, *lines: bytes) -> None:
        async with self._changed:
            self.lines += lines
            self._changed.notify_all()

    async def rotate(self) -> None:
        """Another file; streams go over to it when they have read the one before."""
        async with self._changed:
            self.lines = []
            self._files += 1

    async def end(self) -> None:
        async with self._changed:
            self.runs = False
            self._changed.notify_all()

    def script(self, request: api.Request) -> api.Answer:
        if self.answers:
            return self.answers.pop(0)
        since = request.query.get("sinceTime", "")[:19].encode()
        if request.query.get("follow") != "true":
            return api.Answer(chunks=[one for one in self.lines if one[:19] >= since])
        cut, self.cuts = self.cuts > 0, max(0, self.cuts - 1)
        return api.Answer(chunks=[], more=self._follow(since, cut), cut=cut)

    async def _follow(self, since: bytes, cut: bool) -> AsyncGenerator[bytes, None]:
        self.open += 1
        try:
            told, file = 0, self._files
            while True:
                told, file = (told if file == self._files else 0), self._files
                fresh, told = self.lines[told:], len(self.lines)
                for one in fresh:
                    if one[:19] >= since:
                        yield one
                        if cut:
                            return
                if not self.runs and told == len(self.lines):
                    return
                async with self._changed:
                    while self.runs and (told, file) == (len(self.lines), self._files):
                        await self._changed.wait()
        finally:
            self.open -= 1


class Scene:
    """One log being followed."""

    def __init__(self, node: Node, server: api.ApiServer, client: ClusterClient, folder: Path) -> None:
        self.node = node
        self.server = server
        self.clock = QuickClock()
        self.streams = log_streams.Streams(1)
        self._client = client
        self._folder = folder
        self._running: list[asyncio.Task[None]] = []

    def follow(self, name: str = "base", file_bytes: int = 10 << 20) -> ContainerLog:
        file = LogFile(self._folder / name, now=lambda: datetime(2026, 1, 1, tzinfo=UTC), unnamed=name)
        file.resume()
        followed = ContainerLog(
            self._client,
            self.streams,
            file,
            namespace="a",
            pod="p",
            container=name,
            node="n",
            file_bytes=file_bytes,
            clock=self.clock,
            random=SeededRandom(1),
            is_ours=lambda: True,
        )
        self._running.append(asyncio.create_task(followed.run()))
        return followed

    async def complete(self) -> None:
        async with asyncio.timeout(10):
            await asyncio.gather(*self._running)

    async def until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not enough():
                await asyncio.sleep(0.002)

    def log(self, name: str = "base") -> list[str]:
        path = self._folder / name
        return [one.split(" ", 3)[3] for one in path.read_text().splitlines()] if path.exists() else []

    @property
    def asked(self) -> list[str]:
        """Of each request whether it follows."""
        return ["follow" if one.query.get("follow") else "read" for one in self.server.requests]

    @property
    def streamed(self) -> list[tuple[str, str | None]]:
        """Of each request its container, and whether it follows."""
        return [(one.query["container"], one.query.get("follow")) for one in self.server.requests]

    async def aclose(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


@contextlib.asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    node = Node()
    async with api.ApiServer(node.script).serving() as server:
        source = Fixed(access=Access(server=server.access.server))
        async with ClusterClient(source, clock=QuickClock(), limits=Limits(rate=1e6, burst=1000)) as client:
            here = Scene(node, server, client, folder)
            try:
                yield here
            finally:
                await here.aclose()


def test_a_short_quiet_container_takes_one_request(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as here:
            followed = here.follow()
            await here.node.write(line(1, "hello"))
            followed.end()
            await here.complete()
            assert (here.asked, here.log()) == (["read"], ["hello"])

    asyncio.run(play())


def test_a_longer_one_takes_a_stream_and_a_last_read(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as here:
            followed = here.follow()
            await here.until(lambda: here.asked == ["follow"])
            for number in range(20):
                await here.node.write(line(number * 500))
            await here.until(lambda: len(here.log()) == 20)
            await here.node.end()
            followed.end()
            await here.complete()
            assert here.asked == ["follow", "read"]
            assert here.log() == [str(number * 500) for number in range(20)]

    asyncio.run(play())


def test_logs_are_not_duplicated_when_streams_break_off_again_and_again(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as here:
            here.node.cuts = 8
            followed = here.follow()
            await here.node.write(*(line(number, "the same") for number in (1, 1, 1, 2, 2, 900, 900, 1000, 1000, 1001)))
            await here.until(lambda: len(here.log()) == 10)
            await here.node.end()
            followed.end()
            await here.complete()
            assert here.log() == ["the same"] * 10

    asyncio.run(play())


def test_a_token_that_was_revoked_in_the_middle_loses_no_line(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as here:
            here.node.cuts = 1
            here.node.answers = []
            followed = here.follow()
            await here.until(lambda: here.asked == ["follow"])
            here.node.answers = [api.refused(401) for _ in range(5)]
            await here.node.write(line(1, "a"), line(2, "b"))
            await here.until(lambda: here.log() == ["a", "b"])
            await here.node.write(line(3, "c"))
            here.node.answers = [api.refused(401) for _ in range(5)]
            followed.end()
            await here.complete()
            assert here.log() == ["a", "b", "c"]

    asyncio.run(play())


def test_a_log_that_nobody_may_read_is_told_as_a_gap_with_the_right_that_is_missing(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as here:
            said = 'pods "p" is forbidden: User "u" cannot get resource "pods/log" in API group "" in the namespace "a"'
            here.node.answers = [api.refused(403, said) for _ in range(1000)]
            here.follow().end()
            await here.complete()
            assert here.log()[0].startswith("[base] gap: ")
            assert "u may not get pods/log in namespace a" in here.log()[0]

    asyncio.run(play())


def test_no_more_streams_are_open_than_are_allowed_and_a_followed_log_comes_before_a_quiet_one(
    tmp_path: Path,
) -> None:
    async def play() -> None:
        async with scene(tmp_path) as here:
            here.follow("first")
            await here.until(lambda: here.asked == ["follow"])
            second = here.follow("second")
            await here.until(lambda: here.asked[:2] == ["follow", "read"])

            def is_streamed() -> bool:
                second.want()
                last = here.server.requests[-1].query
                return (last["container"], last.get("follow")) == ("second", "true") and here.node.open == 1

            await here.until(is_streamed)
            assert here.streams.open == 1

    asyncio.run(play())


def test_a_container_that_writes_much_gets_the_stream_of_a_quiet_one(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as here:
            here.follow("quiet")
            await here.until(lambda: here.asked == ["follow"])
            here.follow("busy", file_bytes=1000)
            await here.node.write(*(line(number, "x" * 100) for number in range(20)))
            await here.until(lambda: ("busy", "true") in here.streamed)
            await here.until(lambda: here.node.open == 1)
            assert here.streams.open == 1

    asyncio.run(play())


def test_a_stream_that_fell_silent_after_much_is_opened_anew(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as here:
            followed = here.follow(file_bytes=1000)
            await here.until(lambda: here.asked == ["follow"])
            await here.node.write(*(line(number, "x" * 100) for number in range(20)))
            await here.until(lambda: here.asked[:2] == ["follow", "follow"])
            await here.node.end()
            followed.end()
            await here.complete()
            assert len(here.log()) == 20

    asyncio.run(play())


def test_lines_stay_whole_when_the_file_is_put_aside_under_a_stream(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as here:
            followed = here.follow()
            await here.until(lambda: here.asked == ["follow"])
            await here.node.write(line(1), line(2))
            await here.until(lambda: len(here.log()) == 2)
            await here.node.rotate()
            await here.node.write(line(3), line(4))
            await here.until(lambda: len(here.log()) == 4)
            followed.end()
            await here.complete()
            assert here.log() == ["1", "2", "3", "4"]

    asyncio.run(play())


def test_a_file_that_is_still_empty_at_a_look_leaves_the_gap_to_the_next_which_knows_both_its_bounds(
    tmp_path: Path,
) -> None:
    async def play() -> None:
        async with scene(tmp_path) as here:
            here.streams = log_streams.Streams(0)
            followed = here.follow()
            await here.node.write(line(1), line(2))
            await here.until(lambda: len(here.log()) == 2)
            await here.node.rotate()
            looked = len(here.asked)
            await here.until(lambda: len(here.asked) > looked + 2)
            await here.node.write(line(3000))
            await here.until(lambda: "3000" in here.log())
            followed.end()
            await here.complete()
            assert [one for one in here.log() if "gap: " not in one] == ["1", "2", "3000"]
            (gap,) = [one for one in here.log() if "gap: " in one]
            assert "after 2026-01-01T00:00:00.002000Z and before 2026-01-01T00:00:03.000000Z may be missing" in gap

    asyncio.run(play())


def test_a_log_of_a_pod_that_is_gone_is_no_gap_where_its_stream_had_ended_by_itself(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as here:
            followed = here.follow()
            await here.until(lambda: here.asked == ["follow"])
            await here.node.write(line(1))
            await here.until(lambda: here.log() == ["1"])
            here.node.answers = [api.refused(404, 'pods "p" not found') for _ in range(10)]
            await here.node.end()
            followed.end(is_gone=True)
            await here.complete()
            assert here.log() == ["1"]

    asyncio.run(play())


def test_a_kubelet_that_does_not_know_the_pod_yet_after_its_restart_is_asked_again(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as here:
            followed = here.follow()
            await here.until(lambda: here.asked == ["follow"])
            await here.node.write(line(1))
            await here.until(lambda: here.log() == ["1"])
            words = "the server could not find the requested resource ( pods/log p)"
            here.node.answers = [api.refused(404, words) for _ in range(3)]
            await here.node.write(line(2))
            await here.node.end()
            followed.end(finished_at=datetime(2026, 1, 1, tzinfo=UTC))
            await here.complete()
            assert here.log() == ["1", "2"]

    asyncio.run(play())


def test_a_stream_that_ended_with_its_kubelet_before_the_container_did_is_a_gap_if_the_pod_is_gone(
    tmp_path: Path,
) -> None:
    async def play() -> None:
        async with scene(tmp_path) as here:
            followed = here.follow()
            await here.until(lambda: here.asked == ["follow"])
            await here.node.write(line(1))
            await here.until(lambda: here.log() == ["1"])
            here.node.answers = [api.refused(404, 'pods "p" not found') for _ in range(10)]
            await here.node.end()
            await here.until(lambda: here.node.open == 0)
            followed.end(finished_at=here.clock.now() + timedelta(hours=1))
            await here.complete()
            assert here.log()[0] == "1"
            assert "may be missing; the pod is gone" in here.log()[1]

    asyncio.run(play())


def test_a_log_whose_nodes_runtime_was_away_when_its_container_ended_says_that_lines_may_be_missing(
    tmp_path: Path,
) -> None:
    async def play() -> None:
        async with scene(tmp_path) as here:
            words = b"rpc error: code = Unknown desc = server is not initialized yet"
            here.node.answers = [api.Answer(chunks=[line(1), words])]
            followed = here.follow()
            await here.until(lambda: here.asked[:2] == ["follow", "follow"])
            await here.node.write(line(1))
            await here.node.end()
            followed.end(finished_at=datetime(2026, 1, 1, 0, 0, 0, tzinfo=UTC))
            await here.complete()
            assert here.log()[0] == "1"
            assert here.log()[1].endswith("may be missing; the container runtime of its node was away when it ended")

    asyncio.run(play())


@pytest.mark.parametrize(
    ("seconds", "lines", "size", "rank"),
    [
        (100, 100, 10_000, log_need.QUIET),
        (3, 10_000, 2_000_000, log_need.BUSY),
        (10_000, 100_000, 8_000_000, log_need.BUSY),
    ],
)
def test_the_rate_and_what_was_read_say_who_needs_a_stream(seconds: float, lines: int, size: int, rank: int) -> None:
    need = log_need.Need(10 << 20, 0.0)
    for part in range(1, 101):
        need.saw(lines // 100, size // 100, seconds * part / 100)
    assert need.rank(seconds) == rank


def test_looks_grow_apart_and_come_sooner_before_a_file_is_full() -> None:
    quiet = log_need.Need(10 << 20, 0.0)
    assert [quiet.next_look(0.0) for _ in range(4)] == [30, 60, 120, 120]
    talking = log_need.Need(10 << 20, 0.0)
    talking.saw(1000, 1 << 20, 3.0)
    assert talking.next_look(3.0) < 15
