"""A real `tradewind standalone` for tests: started, asked over its command line and health address, killed by pid."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import urllib.request
from typing import Any

COMMAND = [sys.executable, "-m", "tradewind.cli"]
_START_SECONDS = 40.0


def environment() -> dict[str, str]:
    """Ours, without what is said to the tests only: an unknown TRADEWIND_ variable is an error of the settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TRADEWIND_TEST_")}


def tradewind(*arguments: str, check: bool = True, seconds: float = 90) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    done = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=seconds, check=False, env=environment()
    )
    if check and done.returncode != 0:
        raise AssertionError(
            f"tradewind {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        )
    return done


class Server:
    """One home, and the server that leads it while there is one."""

    def __init__(
        self, home: pathlib.Path, dags: pathlib.Path, *options: str, start_seconds: float = _START_SECONDS
    ) -> None:
        self.home = home
        self.dags = dags
        self.options = options
        self.start_seconds = start_seconds
        self.log = home.with_name(home.name + ".server.log")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        """Start and wait until it is healthy."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "standalone", "--home", str(self.home), "--dags", str(self.dags), *self.options],
                stdout=log,
                stderr=log,
                env=environment(),
            )
        self.wait_healthy()
        return self

    def wait_healthy(self) -> None:
        """Until the health address says so. Fails with the server's log."""
        deadline = time.monotonic() + self.start_seconds
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                break
            if self.health().get("status") == "healthy":
                return
            time.sleep(0.02)
        raise AssertionError(f"the server is not healthy:\n{self.log.read_text()[-4000:]}")

    def health(self) -> dict[str, Any]:
        """What the health address says; empty while there is none."""
        try:
            told = json.loads((self.home / "standalone.json").read_text())
            if self.process is not None and told["pid"] != self.process.pid:
                return {}
            with urllib.request.urlopen(told["health"], timeout=2) as answer:
                return dict(json.load(answer))
        except (OSError, ValueError):
            return {}

    def trigger(self, dag_id: str, run_id: str) -> None:
        """Ask for a run by the command line."""
        tradewind("dags", "trigger", dag_id, "--run-id", run_id, "--home", str(self.home))

    def run(self, dag_id: str, run_id: str, *options: str) -> dict[str, Any]:
        """A run as JSON."""
        done = tradewind("runs", "show", dag_id, run_id, "--home", str(self.home), "--output", "json", *options)
        return dict(json.loads(done.stdout))

    def wait_run(self, dag_id: str, run_id: str, seconds: float = 60) -> dict[str, Any]:
        """Until the run is finished."""
        deadline = time.monotonic() + seconds
        while True:
            run = self.run(dag_id, run_id)
            if run["state"] in ("success", "failed"):
                return run
            if time.monotonic() > deadline:
                raise AssertionError(f"the run is not finished: {run}\n{self.log.read_text()[-4000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """Kill -9 of the control plane only."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @property
    def podlet_pid(self) -> int | None:
        """The podlet's pid, while it lives."""
        try:
            pid = int((self.home / "podlet.pid").read_text().split()[0])
            os.kill(pid, 0)
        except (OSError, ValueError, IndexError):
            return None
        return pid

    def stop(self) -> None:
        """End everything: the server orderly, then the podlet and what it runs."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGTERM)
                self.process.wait(10)
            self.process = None
        end_podlet(self.home)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def end_podlet(home: pathlib.Path, patience: float = 15.0) -> None:
    """Ask the podlet of a home to end with everything it runs, and wait until nothing of it is there.

    One that was just started has no socket yet, so a refusal is no answer while its process is there.
    """
    deadline = time.monotonic() + patience
    while _podlets(home):
        _ask_to_end(home)
        if time.monotonic() > deadline:
            for pid in _podlets(home):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _podlets(home: pathlib.Path) -> list[int]:
    """The podlet of a home and its forks."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"tradewind.podlet" in words and os.fsencode(home) in words:
                found.append(int(folder.name))
    return found


def _ask_to_end(home: pathlib.Path) -> None:
    import socket

    from tradewind.protocol import VERSION, frames, podlet, sockets

    with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
        client.settimeout(10)
        client.connect(sockets.path_in(str(home), "podlet.sock"))
        client.sendall(frames.pack(podlet.Hello(version=VERSION, epoch=1 << 30, supervisor_socket="")))
        client.sendall(frames.pack(podlet.Shutdown(kill=True)))
        while client.recv(1 << 16):
            continue
