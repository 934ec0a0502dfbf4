"""Starts the podlet of a home, in a session of its own, so that it outlives us and hears no Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from pathlib import Path

from tradewind.ports import errors
from tradewind.runtime.local.options import Options

_LOG_BYTES = 8 << 20
_TAIL_BYTES = 2000
_TRIES = 5


class PodletProcess:
    """The podlet that we started, if we did."""

    def __init__(self, home: Path, options: Options) -> None:
        self._home = home
        self._options = options
        self._pid = 0
        self._starts = 0

    @property
    def log(self) -> Path:
        """What it writes."""
        return self._home / "podlet.log"

    def ensure(self) -> None:
        """Start one, unless ours still runs. Raises `errors.Fatal` when it ends again and again before it is up."""
        if self.is_running():
            return
        if self._starts >= _TRIES:
            raise errors.Fatal(
                f"it ended {self._starts} times before it was up; the last it wrote:\n{self._tail()}",
                object="the podlet",
                code="podlet-broken",
                hint=f"{self.log} has all of it",
            )
        self._starts += 1
        self._start()

    @property
    def is_ours(self) -> bool:
        """Whether the podlet that runs was started here."""
        return self._pid != 0

    def is_up(self) -> None:
        """It answered: what happened before does not count any more."""
        self._starts = 0

    def is_running(self) -> bool:
        """Whether the one that we started runs; one that ended is reaped."""
        if not self._pid:
            return False
        try:
            ended, _ = os.waitpid(self._pid, os.WNOHANG)
        except ChildProcessError:
            ended = self._pid
        if ended:
            self._pid = 0
        return not ended

    def await_end(self, seconds: float) -> None:
        """Block until it has ended; one that does not is killed (its zygotes see that, and end what runs)."""
        deadline = time.monotonic() + seconds
        while self.is_running():
            if time.monotonic() > deadline:
                os.kill(self._pid, 9)
                deadline += seconds
            time.sleep(0.002)  # it is in its own session, and may not be our child

    async def see_end(self, seconds: float) -> None:
        """Wait for the end of ours, which was told to; one that does not end has its reasons."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.is_running():
                    await asyncio.sleep(0.005)

    def _start(self) -> None:
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.rename(self.log.with_suffix(".log.1"))
        options = self._options
        command = [sys.executable, "-m", "tradewind.podlet", "--home", str(self._home), "--worker", options.worker]
        command += ["--zygotes", str(options.zygote_count), "--zygote-bytes", str(options.zygote_memory_bytes)]
        command += ["--ephemeral"] if options.ephemeral else []
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._pid = os.posix_spawn(
            sys.executable,
            command,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self.log), flags, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )

    def _tail(self) -> str:
        try:
            return self.log.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "backslashreplace").strip()
        except OSError as error:
            return str(error)
