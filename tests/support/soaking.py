"""A steady load on a real server for a long time, and what its processes hold meanwhile."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import pathlib
import textwrap
from datetime import UTC, datetime

import psutil

from tests.support import server
from tradewind import settings
from tradewind.model.commands import TriggerRun
from tradewind.model.ids import DagId
from tradewind.model.states import RunState
from tradewind.ports import store as store_port
from tradewind.wiring import homes, storage

_DAG = """
from airflow.sdk import DAG, task

with DAG("wide", max_active_runs=100, max_active_tasks=100):
    @task
    def nothing(n):
        return None

    nothing.expand(n=list(range({width})))
"""


@dataclasses.dataclass(frozen=True)
class Look:
    """What the processes that stay hold together at one moment."""

    minute: float
    resident_mb: float
    """Memory of their own of the control plane, the podlet and its zygotes (`Pss_Anon`): what they share with each
    other is counted once, and what other programs share with them (the interpreter's files) not at all."""
    each_mb: tuple[float, ...]
    open_files: int
    succeeded: int
    """Runs."""


@dataclasses.dataclass(frozen=True)
class Soak:
    """What was seen over the whole time."""

    looks: tuple[Look, ...]
    runs: int
    succeeded: int
    rate: float
    """Task instances per second."""

    def at(self, minute: float) -> Look:
        """The look nearest to that minute."""
        return min(self.looks, key=lambda look: abs(look.minute - minute))

    def text(self) -> str:
        """A table."""
        lines = ["| minute | resident | each | open files | runs done |", "|---:|---:|---:|---:|---:|"]
        lines += [
            f"| {look.minute:.0f} | {look.resident_mb:.2f} MB | {' + '.join(f'{one:.2f}' for one in look.each_mb)} "
            f"| {look.open_files} | {look.succeeded} |"
            for look in self.looks
        ]
        return "\n".join([*lines, "", f"{self.runs} runs, {self.rate:.1f} task instances/s"])


def soak(folder: pathlib.Path, *, minutes: float, tasks_per_second: int) -> Soak:
    """Trigger a run of so many tasks each second, and look every minute, at a moment when no attempt runs."""
    (folder / "dags").mkdir()
    (folder / "dags" / "wide.py").write_text(textwrap.dedent(_DAG).format(width=tasks_per_second))
    with server.Server(folder / "home", folder / "dags") as running:
        return asyncio.run(_drive(running, minutes, tasks_per_second))


async def _drive(running: server.Server, minutes: float, width: int) -> Soak:
    home = homes.Home(running.home)
    looks: list[Look] = []
    runs = 0
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with storage.open_store(home, settings.Settings()) as store:
        while (passed := loop.time() - began) < 60 * minutes:
            if passed >= 60 * len(looks):
                # Before the next run, so that what is seen is what stays.
                done = await _all_ended(store, runs)
                looks.append(_look(running, (loop.time() - began) / 60, done))
            await store.inbox.put(TriggerRun(dag_id="wide", run_id=f"run-{runs}"), "soak", datetime.now(UTC))
            homes.wake_server(home)
            runs += 1
            await asyncio.sleep(max(0.0, began + runs - loop.time()))
        done = await _all_ended(store, runs)
        looks.append(_look(running, (loop.time() - began) / 60, done))
    seconds = loop.time() - began
    return Soak(looks=tuple(looks), runs=runs, succeeded=done, rate=runs * width / seconds)


async def _all_ended(store: store_port.Store, runs: int) -> int:
    """Wait until every run asked for has ended; how many succeeded."""
    for number in range(max(0, runs - 30), runs):
        async with asyncio.timeout(120):
            while True:
                found = await store.views.list_runs(store_port.Page(limit=100), DagId("wide"))
                mine = [run for run in found if run.run_id == f"run-{number}"]
                if mine and mine[0].state.is_finished:
                    break
                await asyncio.sleep(0.05)
    done = 0
    after: str | None = None
    while True:
        page = await store.views.list_runs(store_port.Page(limit=1000, after=after), DagId("wide"), [RunState.SUCCESS])
        done += len(page)
        if len(page) < 1000:
            return done
        after = str(page[-1].run_key)


def _look(running: server.Server, minute: float, succeeded: int) -> Look:
    assert running.process is not None
    staying = [psutil.Process(running.process.pid)]
    if running.podlet_pid is not None:
        podlet = psutil.Process(running.podlet_pid)
        staying += [podlet, *podlet.children(recursive=True)]
    each: list[float] = []
    files = 0
    for pid in {process.pid for process in staying}:
        try:
            files += len(os.listdir(f"/proc/{pid}/fd"))
            each.append(_own_mb(pid))
        except FileNotFoundError:
            continue  # it ended between the listing and the look
    return Look(minute=minute, resident_mb=sum(each), each_mb=tuple(each), open_files=files, succeeded=succeeded)


def _own_mb(pid: int) -> float:
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in rollup if line.startswith("Pss_Anon:")).split()[1]) * 1024 / 1e6
