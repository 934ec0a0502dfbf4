"""A small parent for one system under measurement: nothing that the system starts gets out of its sight.

It is a child subreaper: daemons and orphans come back to it, so the system's processes are exactly its descendants,
and the CPU time of those that ended is counted when it reaps them. It speaks JSON lines: one request on stdin, one
answer on stdout.

usage: python -m bench.keeper LOG_FILE COMMAND…
requests: usage → {"cpu_seconds", "pids"}; freeze; thaw; stop → {"killed": […]}; alive → {"exit_code"}
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from typing import Any

from bench import processes

PR_SET_CHILD_SUBREAPER = 36
STOP_SECONDS = 5.0


class Keeper:
    """Holds one system's first process and reaps what is left to us."""

    def __init__(self, log_path: str, command: list[str]) -> None:
        self.exit_code: int | None = None
        with open(log_path, "ab") as log:
            self.main = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def usage(self) -> dict[str, Any]:
        """CPU time since the start of everything below us, living and dead."""
        self.reap()
        dead = resource.getrusage(resource.RUSAGE_CHILDREN)
        pids = processes.descendants(os.getpid())
        living = sum(processes.cpu_seconds(pid) for pid in pids)
        return {"cpu_seconds": dead.ru_utime + dead.ru_stime + living, "pids": pids}

    def freeze(self) -> dict[str, Any]:
        """Stop every process (SIGSTOP), so that the system costs nothing while the other one is measured."""
        return self.signal_all(signal.SIGSTOP)

    def thaw(self) -> dict[str, Any]:
        """Undo `freeze`."""
        return self.signal_all(signal.SIGCONT)

    def alive(self) -> dict[str, Any]:
        """The exit code of the first process, None while it lives."""
        self.reap()
        return {"exit_code": self.exit_code}

    def stop(self) -> dict[str, Any]:
        """End the system: SIGINT as Ctrl-C would, then SIGTERM, then SIGKILL for what is still there, by pid."""
        self.thaw()
        for ask, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGTERM, STOP_SECONDS / 2)):
            if self.exit_code is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.main.pid, ask)
            if self.wait_until_gone(seconds):
                return {"killed": []}
        left = processes.descendants(os.getpid())
        while processes.descendants(os.getpid()):
            self.signal_all(signal.SIGKILL)
            self.wait_until_gone(0.2)
        return {"killed": [str(pid) for pid in left]}

    def wait_until_gone(self, seconds: float) -> bool:
        """Whether all below us ended within the time; what outlives the first process by 3 s won't by itself."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.reap()
            if not processes.descendants(os.getpid()):
                return True
            if self.exit_code is not None:
                deadline = min(deadline, time.monotonic() + 3.0)
                for pid in processes.descendants(os.getpid()):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGTERM)
            time.sleep(0.1)
        return False

    def signal_all(self, number: signal.Signals) -> dict[str, Any]:
        """Send a signal to each process below us."""
        pids = processes.descendants(os.getpid())
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return {"pids": pids}

    def reap(self) -> None:
        """Wait for whoever ended, so that its CPU time is counted and no zombie stays."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.main.pid:
                self.exit_code = os.waitstatus_to_exitcode(status)


def main(argv: list[str]) -> int:
    """Start the command and answer requests until told to stop, or until stdin closes."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keeper = Keeper(argv[1], argv[2:])
    while True:
        readable, _, _ = select.select([sys.stdin.fileno()], [], [], 0.5)
        keeper.reap()
        if not readable:
            continue
        # One line at a time straight from the descriptor: a buffered reader would hide lines from select.
        line = _read_line(sys.stdin.fileno())
        request = line.strip() or "stop"
        print(json.dumps(getattr(keeper, request)()), flush=True)
        if request == "stop":
            return 0


def _read_line(descriptor: int) -> str:
    data = b""
    while not data.endswith(b"\n"):
        byte = os.read(descriptor, 1)
        if not byte:
            break
        data += byte
    return data.decode()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
