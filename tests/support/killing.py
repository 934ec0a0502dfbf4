"""The kill loop: a server under load whose parts are killed at random moments, and a ledger to judge the end.

Each task's body appends one line when it enters and one when it leaves, with its attempt's id, to one file opened for
appending; single writes below the size of a page are whole on Linux. Afterwards: lost 0, an attempt's code entered
twice 0, logs whole up to each process's death.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import random
import signal
import sqlite3
import textwrap
import time
from typing import Any

from tests.support import server
from tradewind import settings
from tradewind.model import commands
from tradewind.wiring import homes, storage

DAGS = 4
TASKS = 12
RUNS_AT_ONCE = 3
_STANDSTILL_SECONDS = 60


def write_dags(folder: pathlib.Path, ledger: pathlib.Path, *, retries: int) -> None:
    """Small DAGs of chains and a fan-out, whose bodies write to the ledger."""
    folder.mkdir()
    for number in range(DAGS):
        (folder / f"load_{number}.py").write_text(
            textwrap.dedent(
                f"""
                import os, time
                from airflow.sdk import DAG, task

                def note(what):
                    line = f"{{what}} {{os.environ['TRADEWIND_ATTEMPT_ID']}}\\n"
                    fd = os.open({str(ledger)!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
                    os.write(fd, line.encode())
                    os.close(fd)

                with DAG("load_{number}", schedule=None, default_args={{"retries": {retries}, "retry_delay": 0}}):
                    @task
                    def work(n, before=None):
                        note("enter")
                        print("begin", os.environ["TRADEWIND_ATTEMPT_ID"], flush=True)
                        time.sleep(0.02 * (n % 4))
                        print("end", os.environ["TRADEWIND_ATTEMPT_ID"], flush=True)
                        note("leave")
                        return n

                    first = work.override(task_id="first")(0)
                    wide = [work.override(task_id=f"wide_{{n}}")(n, first) for n in range({TASKS - 2})]
                    last = work.override(task_id="last")(1, wide)
                """
            )
        )


@dataclasses.dataclass(slots=True)
class Report:
    """What the loop found."""

    kills: int = 0
    runs: int = 0
    attempts: int = 0
    lost: list[str] = dataclasses.field(default_factory=list)
    entered_twice: list[str] = dataclasses.field(default_factory=list)
    not_whole: list[str] = dataclasses.field(default_factory=list)
    unexplained: list[str] = dataclasses.field(default_factory=list)
    infrastructure: int = 0

    def text(self) -> str:
        """One line for people."""
        return (
            f"kills {self.kills}, runs {self.runs}, attempts {self.attempts}: lost {len(self.lost)}, entered twice "
            f"{len(self.entered_twice)}, logs not whole {len(self.not_whole)}, infrastructure losses made good "
            f"{self.infrastructure}, unexplained {len(self.unexplained)}"
        )


class KillLoop:
    """One loop over one home."""

    def __init__(self, folder: pathlib.Path, *, seed: int, retries: int) -> None:
        self._random = random.Random(seed)
        self._ledger = folder / "ledger"
        self._ledger.touch()
        write_dags(folder / "dags", self._ledger, retries=retries)
        self.server = server.Server(folder / "home", folder / "dags")
        self._runs: list[tuple[str, str]] = []

    def kill_control_plane(self, times: int) -> Report:
        """Kill the control plane that many times under load, then let everything end and judge."""
        report = Report()
        self.server.start()
        for _ in range(times):
            self._load()
            time.sleep(self._random.uniform(0.0, 0.5))
            self.server.kill()
            report.kills += 1
            self.server.start()
        return self._judge(report)

    def kill_podlet(self, times: int) -> Report:
        """Kill the podlet or one of its zygotes that many times under load, then judge."""
        report = Report()
        self.server.start()
        for _ in range(3 * times):  # one that finds its process gone already is none
            self._load()
            time.sleep(self._random.uniform(0.05, 0.6))
            report.kills += self._kill_one()
            if report.kills == times:
                break
        return self._judge(report)

    def _load(self) -> None:
        """More runs of random DAGs at once, put straight into the inbox as the command line does."""
        begun = [(f"load_{self._random.randrange(DAGS)}", f"r{len(self._runs) + n}") for n in range(RUNS_AT_ONCE)]
        asyncio.run(self._ask_for(begun))
        self._runs += begun

    async def _ask_for(self, runs: list[tuple[str, str]]) -> None:
        home = homes.Home(self.server.home)
        async with storage.open_store(home, settings.Settings()) as store:
            for dag_id, run_id in runs:
                await store.inbox.put(commands.TriggerRun(dag_id=dag_id, run_id=run_id), "kill loop", homes.now())
        homes.wake_server(home)

    def _kill_one(self) -> bool:
        podlet = self.server.podlet_pid
        if podlet is None:
            return False
        victims = [podlet, *_children(podlet)]
        victim = self._random.choice(victims)
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def _judge(self, report: Report) -> Report:
        report.runs = len(self._runs)
        states = self._wait_runs()
        for dag_id, run_id in self._runs:
            state = states.get((dag_id, run_id), "not there")
            if state == "failed":
                report.lost.append(f"{dag_id} {run_id}: failed: {_failures(self.server.run(dag_id, run_id))}")
            elif state != "success":
                report.lost.append(f"{dag_id} {run_id}: {state}")
        entered = collections.Counter(
            line.split()[1] for line in self._ledger.read_text().splitlines() if line.startswith("enter ")
        )
        left = {line.split()[1] for line in self._ledger.read_text().splitlines() if line.startswith("leave ")}
        report.entered_twice = [attempt for attempt, times in entered.items() if times > 1]
        attempts = self._attempts()
        report.attempts = len(attempts)
        for attempt_id, reason in attempts.items():
            if reason == "Completed" and attempt_id not in left:
                report.lost.append(f"{attempt_id}: Completed, and its body never left")
            if reason in ("Lost", "NeverStarted"):
                report.infrastructure += 1
            if attempt_id in left and reason not in ("Completed", "Lost", "Killed"):
                report.unexplained.append(f"{attempt_id}: its body left, and it is {reason}")
        logs = self._find_logs()
        report.not_whole = [
            one for one in left if attempts.get(one) == "Completed" and not _is_whole(logs.get(one), one)
        ]
        return report

    def _wait_runs(self) -> dict[tuple[str, str], str]:
        """States of all runs, when all have ended (or nothing has moved for a long time)."""
        states: dict[tuple[str, str], str] = {}
        moved = time.monotonic()
        while time.monotonic() < moved + _STANDSTILL_SECONDS:
            rows = self._read("select dag_id, run_id, state from dag_run")
            found = {(dag_id, run_id): state for dag_id, run_id, state in rows}
            moved, states = (moved, states) if found == states else (time.monotonic(), found)
            if all(states.get(run) in ("success", "failed") for run in self._runs):
                break
            time.sleep(0.1)
        return states

    def _read(self, query: str) -> list[Any]:
        with contextlib.closing(
            sqlite3.connect(f"file:{self.server.home / 'tradewind.db'}?mode=ro", uri=True)
        ) as database:
            return database.execute(query).fetchall()

    def _attempts(self) -> dict[str, str]:
        return dict(self._read("select attempt_id, reason from attempt"))

    def _find_logs(self) -> dict[str, pathlib.Path]:
        """The log of each attempt: at rest, or where its end was not taken yet."""
        found = {path.parent.name: path for path in (self.server.home / "attempts").glob("*/log")}
        return {**found, **{path.name.split(".")[-2]: path for path in (self.server.home / "logs").rglob("*.log")}}


def _is_whole(log: pathlib.Path | None, attempt_id: str) -> bool:
    if log is None:
        return False
    lines = [line for line in log.read_text().splitlines() if attempt_id in line]
    return [line.split()[3] for line in lines] == ["begin", "end"]


def _children(pid: int) -> list[int]:
    try:
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    direct = [int(one) for one in text.split()]
    return direct + [below for one in direct for below in _children(one)]


def _failures(run: dict[str, Any]) -> str:
    return json.dumps([task for task in run["tasks"] if task["state"] != "success"][:3])
