"""The control plane's side of the podlet, with a real podlet that is killed, taken over and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support import podlets
from tradewind.clock import SystemClock, SystemRandom
from tradewind.model import ids, rows
from tradewind.model.dagspec import PythonBody
from tradewind.model.events import AttemptEnded, AttemptProgress
from tradewind.model.outcome import Success
from tradewind.model.states import EndReason
from tradewind.ports import errors
from tradewind.ports import runtime as port
from tradewind.protocol import VERSION
from tradewind.protocol import podlet as podlet_protocol
from tradewind.runtime.local.options import Options
from tradewind.runtime.local.runtime import LocalRuntime

SECONDS = 20.0
UNTIL = """
import pathlib, time
HERE = pathlib.Path(__file__).parent

def until():
    with open(HERE / "ledger", "a") as file:
        file.write("entered\\n")
    while not (HERE / "go").exists():
        time.sleep(0.01)
    return "done"

def quick():
    return 1
"""


class World:
    """A home, a folder of files, and the runtime's events as they come."""

    def __init__(self, folder: pathlib.Path, **options: Any) -> None:
        self.home = folder / "home"
        self.files = folder / "files"
        for one in (self.home, self.files):
            one.mkdir(exist_ok=True)
        self.options = Options(worker=podlets.SMALL_WORKER, **options)
        self.events: list[AttemptEnded | AttemptProgress] = []
        self.runtime = self.make()

    def make(self) -> LocalRuntime:
        """Another runtime of this home."""
        return LocalRuntime(
            home=self.home,
            supervisor_socket=self.home / "supervisor.sock",
            options=self.options,
            clock=SystemClock(),
            random=SystemRandom(),
        )

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[LocalRuntime]:
        """The runtime, with its events collected."""
        self.runtime = self.make()
        async with self.runtime as runtime:
            pump = asyncio.create_task(self._pump(runtime))
            try:
                yield runtime
            finally:
                pump.cancel()
                await asyncio.gather(pump, return_exceptions=True)

    async def _pump(self, runtime: LocalRuntime) -> None:
        async for events in runtime.events():
            self.events += events

    @property
    def podlet(self) -> int:
        """Its pid."""
        return int((self.home / "podlet.pid").read_text())

    def write(self, text: str, name: str = "file.py") -> port.Source:
        """A file to load."""
        (self.files / name).write_text(text)
        return port.Source(bundle="dags", tree="t", root=str(self.files), file=name)

    def launch(self, source: port.Source, task: str, attempt_id: str) -> port.Launch:
        """An attempt of a function."""
        work = podlets.make_run(), podlets.make_task(task)
        return port.Launch(
            attempt=rows.Attempt(
                attempt_id=ids.AttemptId(attempt_id),
                run_key=work[0].run_key,
                task_id=work[1].task_id,
                try_number=1,
                created_at=datetime.now(UTC),
            ),
            task=work[1],
            run=work[0],
            body=PythonBody(),
            source=source,
        )

    async def end_of(self, attempt_id: str) -> AttemptEnded:
        """Wait for an end."""
        await until(lambda: self.find_end(attempt_id))
        found = self.find_end(attempt_id)
        assert found is not None
        return found

    def find_end(self, attempt_id: str) -> AttemptEnded | None:
        """An end that came."""
        return next((e for e in self.events if isinstance(e, AttemptEnded) and e.attempt_id == attempt_id), None)

    def end_podlet(self) -> None:
        """With everything that runs, where there is one."""
        try:
            if not podlets.is_running(self.podlet):
                return
        except OSError:
            return
        with contextlib.suppress(OSError):
            client = podlets.Client(self.home / "podlet.sock", epoch=1 << 40)
            client.send(podlet_protocol.Shutdown(kill=True))
            with contextlib.suppress(EOFError):
                while client.receive(5):
                    pass
            client.close()


async def until(condition: Callable[[], object]) -> None:
    """Poll until it is true."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
def run(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a coroutine with a world; afterwards nothing of it is left."""
    monkeypatch.setenv("PYTHONPATH", str(podlets.ROOT))
    worlds: list[World] = []

    def running(body: Callable[[World], Awaitable[None]], **options: Any) -> World:
        world = World(tmp_path, **options)
        worlds.append(world)
        asyncio.run(asyncio.wait_for(_as_coroutine(body, world), 60))
        return world

    yield running
    for world in worlds:
        if not world.options.ephemeral:
            world.end_podlet()


async def _as_coroutine(body: Callable[[World], Awaitable[None]], world: World) -> None:
    await body(world)


def test_an_attempt_goes_there_and_its_end_comes_back(run: Any) -> None:
    async def body(world: World) -> None:
        async with world.open() as runtime:
            source = world.write(UNTIL)
            assert (await runtime.parse(port.ParseRequest(source=source))).problems == ()
            await runtime.launch([world.launch(source, "quick", "a1")])
            assert isinstance((await world.end_of("a1")).result.outcome, Success)
            assert await runtime.observe() == [port.Observed(attempt_id=ids.AttemptId("a1"), ended=True)]
            await runtime.release([ids.AttemptId("a1")])
            await until(lambda: not (world.home / "attempts" / "a1").exists())

    run(body)


def test_what_was_asked_of_a_podlet_that_died_is_asked_of_its_successor(run: Any) -> None:
    async def body(world: World) -> None:
        async with world.open() as runtime:
            source = world.write("import time\ntime.sleep(0.5)\n")
            asked = asyncio.create_task(runtime.parse(port.ParseRequest(source=source)))
            await asyncio.sleep(0.1)
            os.kill(world.podlet, signal.SIGKILL)
            assert (await asked).problems == ()

    run(body)


def test_attempts_that_were_handed_over_to_a_podlet_that_is_killed_run_exactly_once(run: Any) -> None:
    async def body(world: World) -> None:
        async with world.open() as runtime:
            source = world.write(UNTIL)
            (world.files / "go").touch()
            await runtime.parse(port.ParseRequest(source=source))
            names = [f"a{n}" for n in range(40)]
            await runtime.launch([world.launch(source, "until", name) for name in names])
            await asyncio.sleep(0.03)
            os.kill(world.podlet, signal.SIGKILL)
            ends = [(await world.end_of(name)).result.outcome for name in names]
            assert all(isinstance(end, Success) for end in ends)
            assert (world.files / "ledger").read_text().count("entered") == len(names)

    run(body)


def test_a_stop_that_went_to_a_dying_podlet_reaches_its_successor(run: Any) -> None:
    async def body(world: World) -> None:
        async with world.open() as runtime:
            source = world.write(UNTIL)
            await runtime.launch([world.launch(source, "until", "a1")])
            await until(lambda: any(isinstance(event, AttemptProgress) for event in world.events))
            os.kill(world.podlet, signal.SIGSTOP)
            await runtime.stop(ids.AttemptId("a1"), grace_seconds=5, reason="cancelled")
            await asyncio.sleep(0.05)
            os.kill(world.podlet, signal.SIGKILL)
            outcome = (await world.end_of("a1")).result.outcome
            assert outcome.reason is EndReason.STOPPED  # type: ignore[union-attr]

    run(body)


def test_a_control_plane_that_comes_back_finds_what_runs(run: Any) -> None:
    async def body(world: World) -> None:
        source = world.write(UNTIL)
        async with world.open() as runtime:
            await runtime.launch([world.launch(source, "until", "a1")])
            await until(lambda: any(isinstance(event, AttemptProgress) for event in world.events))
        async with world.open() as runtime:
            assert await runtime.observe() == [port.Observed(attempt_id=ids.AttemptId("a1"))]
            (world.files / "go").touch()
            assert isinstance((await world.end_of("a1")).result.outcome, Success)

    run(body)


def test_a_control_plane_that_leaves_when_nothing_runs_takes_its_podlet_along(run: Any) -> None:
    async def body(world: World) -> None:
        async with world.open() as runtime:
            await runtime.launch([world.launch(world.write(UNTIL), "quick", "a1")])
            await world.end_of("a1")
            await runtime.release([ids.AttemptId("a1")])
            pid = world.podlet
        assert not podlets.is_running(pid)

    run(body)


def test_a_second_control_plane_is_refused_with_a_hint(run: Any) -> None:
    async def body(world: World) -> None:
        async with world.open():
            with pytest.raises(errors.Conflict) as raised:
                async with world.make():
                    pass
            assert raised.value.code == "podlet-busy"
            assert raised.value.hint

    run(body)


def test_one_that_lost_the_lease_is_told_when_a_newer_one_takes_over(run: Any) -> None:
    async def body(world: World) -> None:
        async with world.make() as runtime:
            runtime.lead(1)
            other = await asyncio.to_thread(podlets.Client, world.home / "podlet.sock", epoch=2)
            with pytest.raises(errors.Conflict) as raised:
                await anext(runtime.events())
            other.close()
            assert raised.value.code == "podlet-taken"

    run(body)


def test_a_podlet_of_another_version_is_named_with_what_to_do(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(world: World) -> None:
        async with world.open():
            pass
        monkeypatch.setattr("tradewind.runtime.local.link.VERSION", VERSION + 1)
        with pytest.raises(errors.Rejected) as raised:
            async with world.make():
                pass
        assert raised.value.code == "podlet-version"
        assert f"version {VERSION} of the protocol" in raised.value.message
        assert "replaces it" in raised.value.hint

    run(body)


def test_a_podlet_that_cannot_start_is_an_error_with_what_it_wrote(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(world: World) -> None:
        monkeypatch.setenv("PYTHONPATH", str(world.files))
        (world.files / "tradewind.py").write_text("raise SystemExit('no podlet today')")
        with pytest.raises(errors.Fatal, match="no podlet today"):
            async with world.make():
                pass

    run(body, ephemeral=True)


def test_an_ephemeral_runtime_leaves_nothing_behind(run: Any) -> None:
    async def body(world: World) -> None:
        async with world.open() as runtime:
            source = world.write(UNTIL)
            await runtime.launch([world.launch(source, "until", "a1")])
            await until(lambda: any(isinstance(event, AttemptProgress) for event in world.events))
            pid = world.podlet
        assert not podlets.is_running(pid)

    run(body, ephemeral=True)


def test_an_ephemeral_runtime_whose_process_is_killed_leaves_nothing_behind(tmp_path: pathlib.Path) -> None:
    """The whole process dies, without a word to the podlet."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "file.py").write_text(UNTIL)
    script = f"""
import asyncio, pathlib, sys
from tests.integration.runtime.test_local_runtime import *
async def main():
    world = World(pathlib.Path({str(tmp_path)!r}), ephemeral=True)
    async with world.open() as runtime:
        await runtime.launch([world.launch(world.write(UNTIL), "until", "a1")])
        await until(lambda: any(isinstance(event, AttemptProgress) for event in world.events))
        print(world.podlet, flush=True)
        await asyncio.sleep(1000)
asyncio.run(main())
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(podlets.ROOT)}
    )
    assert process.stdout is not None
    podlet = int(process.stdout.readline())
    below = podlets.list_below(podlet)
    assert len(below) == 3
    process.kill()
    process.wait()
    process.stdout.close()
    podlets.wait_until(lambda: not any(map(podlets.is_running, [podlet, *below])))
