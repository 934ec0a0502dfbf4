"""What a test may not leave behind: processes, threads and asyncio tasks.

The test process makes itself a child subreaper, so a daemon that a test started (double fork, own session) comes back
to us as a child when its parent ends, and is found like any other. Processes of fixtures that outlive one test are
told with `own`.
"""

from __future__ import annotations

import asyncio
import asyncio.runners
import contextlib
import ctypes
import dataclasses
import os
import signal
import sys
import threading
import time

import psutil

GRACE_SECONDS = 3.0
_PR_SET_CHILD_SUBREAPER = 36

_owned: set[int] = set()
_cancelled: list[str] = []


def own(pid: int) -> None:
    """Tell that this process and its descendants belong to a fixture that lasts longer than one test."""
    _owned.add(pid)


def disown(pid: int) -> None:
    """Take back `own`, after the process has ended."""
    _owned.discard(pid)


def become_subreaper() -> None:
    """Have orphaned descendants re-parented to this process (Linux; elsewhere nothing happens)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def watch_loops() -> None:
    """Note the tasks that `asyncio.run` had to cancel at its end: the test left them running."""
    cancel_all = asyncio.runners._cancel_all_tasks  # type: ignore[attr-defined]

    def noting(loop: asyncio.AbstractEventLoop) -> None:
        # anyio's plugin for pytest runs tests in a task of its own, which it leaves to the loop's end.
        _cancelled.extend(
            f"asyncio task {task.get_name()}: {task.get_coro()}"
            for task in asyncio.all_tasks(loop)
            if "TestRunner._run_tests_and_fixtures" not in str(task.get_coro())
        )
        cancel_all(loop)

    asyncio.runners._cancel_all_tasks = noting  # type: ignore[attr-defined]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The processes and threads that were there before a test."""

    pids: frozenset[int]
    threads: frozenset[int]

    @classmethod
    def take(cls) -> Snapshot:
        """Look at this process as it is now."""
        _cancelled.clear()
        return cls(
            pids=frozenset(process.pid for process in _children()),
            threads=frozenset(id(thread) for thread in threading.enumerate()),
        )

    def find_leaks(self) -> list[str]:
        """Return a line for each thing that came since and stayed beyond the grace time; kill such processes."""
        deadline = time.monotonic() + GRACE_SECONDS
        while self._new_processes() or self._new_threads():
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
        left = [f"thread {thread.name}" for thread in self._new_threads()]
        for process in self._new_processes():
            with contextlib.suppress(psutil.Error):
                left.append(f"process {process.pid}: {' '.join(process.cmdline()) or process.name()}")
                process.send_signal(signal.SIGKILL)
        left.extend(_cancelled)
        _cancelled.clear()
        return left

    def _new_threads(self) -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if id(thread) not in self.threads and thread.is_alive()]

    def _new_processes(self) -> list[psutil.Process]:
        return [process for process in _children() if process.pid not in self.pids]


def _children() -> list[psutil.Process]:
    """Our living descendants without those of fixtures. Zombies that nobody waits for are reaped on the way."""
    us = psutil.Process()
    direct = [child for child in us.children() if child.pid not in _owned]
    living: list[psutil.Process] = []
    for child in direct:
        if _is_zombie(child):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child.pid, os.WNOHANG)
            continue
        living.append(child)
        with contextlib.suppress(psutil.Error):
            living.extend(grandchild for grandchild in child.children(recursive=True) if not _is_zombie(grandchild))
    return living


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
