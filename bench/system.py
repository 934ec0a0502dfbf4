"""A system under measurement: started under a keeper, asked for its state, frozen, stopped."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from bench import processes

ROOT = Path(__file__).resolve().parent.parent


class NotHealthyError(Exception):
    """A system did not come up, or ended by itself; the message holds the end of its log."""


class System:
    """What both systems have in common; each subclass says how it is started and asked.

    `variant` names the configuration. `database` is an SQLAlchemy address, or None for SQLite in the home.
    """

    name = ""
    variants: tuple[str, ...] = ()

    def __init__(self, variant: str, folder: Path, database: str | None = None) -> None:
        self.variant = variant
        self.folder = folder
        self.home = folder / "home"
        self.dags = folder / "dags"
        self.log = folder / "system.log"
        self.database = database
        self.more: dict[str, str] = {}
        """Variables of one measure, added to `environment`."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.dags.mkdir(exist_ok=True)
        self._keeper: subprocess.Popen[str] | None = None

    @property
    def label(self) -> str:
        """Name and variant, as in the results."""
        return f"{self.name}-{self.variant}"

    def command(self) -> list[str]:
        """The program that runs everything."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """The variables that the program gets."""
        raise NotImplementedError

    def is_healthy(self) -> bool:
        """Whether it would accept a trigger and start its task."""
        raise NotImplementedError

    def hold_hand(self) -> None:
        """Start the process that triggers and reads for us: it must not start inside of a measure."""
        raise NotImplementedError

    def trigger_all(self, runs: list[tuple[str, str]]) -> None:
        """Ask for these runs, each (DAG id, run id), now."""
        raise NotImplementedError

    def run_state(self, dag_id: str, run_id: str) -> dict[str, int | str]:
        """{"state": …, and how many tasks are in each state}."""
        raise NotImplementedError

    def listed(self) -> set[str]:
        """The ids of the DAGs that it knows."""
        raise NotImplementedError

    def wait_listed(self, dag_ids: set[str], seconds: float) -> bool:
        """Whether all of them were listed within the time."""
        deadline = time.monotonic() + seconds
        while not dag_ids <= self.listed():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def start(self, *, wait_seconds: float = 180.0) -> float:
        """Start it and wait until it is healthy; return how long that took, in seconds."""
        began = time.monotonic()
        command = [sys.executable, "-m", "bench.keeper", str(self.log), *self.command()]
        self._keeper = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**self.environment(), **self.more},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        while not self.is_healthy():
            if time.monotonic() - began > wait_seconds:
                raise NotHealthyError(f"{self.label} was not healthy after {wait_seconds:.0f} s:\n{self.tail()}")
            if (code := self.ask("alive")["exit_code"]) is not None:
                raise NotHealthyError(f"{self.label} ended with {code} while starting:\n{self.tail()}")
            time.sleep(0.02)
        return time.monotonic() - began

    def stop(self) -> None:
        """End everything that it started."""
        if self._keeper is None:
            return
        self.ask("stop")
        self._keeper.wait(timeout=60)
        self._keeper = None

    def __enter__(self) -> System:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ask(self, request: str) -> dict[str, Any]:
        """Ask the keeper; see `bench/keeper.py`."""
        if self._keeper is None or self._keeper.stdin is None or self._keeper.stdout is None:
            raise NotHealthyError(f"{self.label} is not started")
        self._keeper.stdin.write(request + "\n")
        self._keeper.stdin.flush()
        answer: dict[str, Any] = json.loads(self._keeper.stdout.readline())
        return answer

    def cpu_seconds(self) -> float:
        """CPU time of all its processes since its start, those that ended included."""
        return float(self.ask("usage")["cpu_seconds"])

    def memory(self) -> dict[str, Any]:
        """PSS in bytes: the total, and each process with its command."""
        pids = self.ask("usage")["pids"]
        each = [{"command": processes.command(pid)[:120], "pss": processes.pss_bytes(pid)} for pid in pids]
        return {"total": sum(row["pss"] for row in each), "processes": each}

    def freeze(self) -> None:
        """Keep it from costing anything."""
        self.ask("freeze")

    def thaw(self) -> None:
        """Let it go on."""
        self.ask("thaw")

    def tail(self, lines: int = 40) -> str:
        """The end of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else "(no log)"
        return "\n".join(text.splitlines()[-lines:])

    def put(self, name: str, text: str) -> None:
        """Put a DAG file in place at once, as an editor or a git pull does."""
        draft = self.folder / f"{name}.draft"
        draft.write_text(text)
        draft.replace(self.dags / f"{name}.py")


def clean_environment() -> dict[str, str]:
    """Our environment without what would make a system other than a user's: byte code is written, nothing is set."""
    prefixes = ("AIRFLOW", "TRADEWIND", "PYTHON", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get_json(url: str) -> dict[str, Any] | None:
    """The JSON at a loopback address, None while nobody answers well."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except (urllib.error.URLError, OSError, ValueError):
        return None
