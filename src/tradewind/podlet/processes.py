"""What the kernel tells about processes: identity, children, memory; and ending whole trees of them.

A pid alone names nobody for long. `Identity` adds the start time and the boot id, so a pid that was given to another
process, or written down before a reboot, is never taken for ours.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_START_TIME = 19  # field 22 of /proc/PID/stat, counted after the command's name
_STATE = 0


@dataclass(frozen=True)
class Identity:
    """One process, for good."""

    pid: int
    start_time: int
    boot_id: str

    def is_alive(self) -> bool:
        """Whether exactly this process runs; one that has ended and waits to be reaped does not."""
        if self.boot_id != boot_id():
            return False
        try:
            fields = _stat(self.pid)
        except OSError:
            return False
        return int(fields[_START_TIME]) == self.start_time and fields[_STATE] not in (b"Z", b"X")

    def is_there(self) -> bool:
        """Whether it runs or waits to be reaped."""
        try:
            return self.boot_id == boot_id() and int(_stat(self.pid)[_START_TIME]) == self.start_time
        except OSError:
            return False


def own_name() -> str:
    """The caller's identity as text: pid, start time, boot id."""
    pid = os.getpid()
    return f"{pid} {_stat(pid)[_START_TIME].decode()} {boot_id()}"


_prctl = ctypes.CDLL(None).prctl
"""Looked up once: in a fork the look-up alone would copy a hundred pages."""


@cache
def boot_id() -> str:
    """Changes with every boot of the machine."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def become_subreaper() -> None:
    """Orphans below us become our children, not those of pid 1."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(wanted: bool) -> None:
    """Whether this process is killed when its parent ends (not inherited by forks)."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL if wanted else 0, 0, 0, 0)


def children(pid: int) -> list[int]:
    """Direct children, those of each of its threads."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    found: list[int] = []
    for thread in threads:
        # A thread that ended meanwhile has left its children to another one.
        with suppress(OSError):
            descriptor = os.open(f"/proc/{pid}/task/{thread}/children", os.O_RDONLY | os.O_CLOEXEC)
            try:
                data = b""
                while more := os.read(descriptor, 1 << 16):
                    data += more
                found += map(int, data.split())
            finally:
                os.close(descriptor)
    return found


def descendants(pid: int) -> list[int]:
    """All below it, parents first."""
    found = children(pid)
    for one in found:
        found += children(one)
    return found


def end_tree_below(pid: int, seconds: float = 2.0, spare: frozenset[int] = frozenset()) -> None:
    """SIGKILL everything below a process, until nothing is left (or only what the kernel does not let go).

    For the caller's own children the zombies are reaped here.
    """
    deadline = time.monotonic() + seconds
    while left := [one for one in descendants(pid) if one not in spare and _is_alive(one)]:
        for one in left:
            send(one, signal.SIGKILL)
        if pid == os.getpid():
            _reap(left)
        if time.monotonic() > deadline:
            return
        time.sleep(0.001)  # they are not our children: their end is told to nobody here


def send(pid: int, number: int) -> None:
    """A signal to one process; nothing where it is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def send_group(pid: int, number: int) -> None:
    """A signal to a process group; nothing where it is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def find_marked(name: str, value: str) -> list[int]:
    """Processes that were started with `name=value` in their environment: a walk over all processes."""
    mark = f"{name}={value}".encode()
    found: list[int] = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                with open(f"/proc/{entry}/environ", "rb") as file:
                    if mark in file.read().split(b"\0"):
                        found.append(int(entry))
            except OSError:
                continue
    return found


def find_session(session: int) -> list[int]:
    """Processes of a session, which may outlive its leader: a walk over all processes."""
    found: list[int] = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if os.getsid(int(entry)) == session:
                    found.append(int(entry))
            except OSError:
                continue
    return found


def private_bytes(pid: int) -> int:
    """Memory that would come back if the process ended: what it shares with no other. 0 where it is gone."""
    total = 0
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith((b"Private_Clean:", b"Private_Dirty:")):
                    total += int(line.split()[1])
    except (OSError, ValueError):
        return 0
    return total * 1024


def oom_kills() -> int:
    """How many processes the kernel has killed since boot because memory ran out."""
    with suppress(OSError), open("/proc/vmstat", "rb") as file:
        for line in file:
            if line.startswith(b"oom_kill "):
                return int(line.split()[1])
    return 0


def _stat(pid: int) -> list[bytes]:
    """Fields of /proc/PID/stat from the third on; the second, the name, may hold anything."""
    descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 4096).rpartition(b")")[2].split()
    finally:
        os.close(descriptor)


def _is_alive(pid: int) -> bool:
    try:
        return _stat(pid)[_STATE] not in (b"Z", b"X")
    except OSError:
        return False


def _reap(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
