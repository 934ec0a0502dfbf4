"""Who holds the lease, as text: a process that another one on the same machine can look for.

`HOST:PID:MACHINE:START`. Invariant: `is_gone` is true only where it is certain: MACHINE is of this boot and this
namespace of pids, so PID means the same to both; START tells a later process of that number apart. A leader that was
killed is then followed at once; any other holder has until the end of its lease.
"""

from __future__ import annotations

import hashlib
import os
import socket
from contextlib import suppress
from pathlib import Path

_START_TIME = 19  # field 22 of /proc/PID/stat, counted after the command's name


def own() -> str:
    """The process that asks."""
    return f"{socket.gethostname()}:{os.getpid()}:{_machine()}:{_start_time(os.getpid())}"


def is_gone(holder: str) -> bool:
    """Whether that process has certainly ended."""
    parts = holder.rsplit(":", 3)
    if len(parts) != 4 or not parts[1].isdigit() or not parts[2] or parts[2] != _machine():
        return False
    return _start_time(int(parts[1])) != parts[3]


def is_here(holder: str) -> bool:
    """Whether that process certainly runs, on this machine, now."""
    parts = holder.rsplit(":", 3)
    if len(parts) != 4 or not parts[1].isdigit() or not parts[2] or parts[2] != _machine():
        return False
    return bool(parts[3]) and _start_time(int(parts[1])) == parts[3]


def describe(holder: str) -> str:
    """For people."""
    parts = holder.rsplit(":", 3)
    return f"process {parts[1]} on {parts[0]}" if len(parts) == 4 else holder


def _machine() -> str:
    """Empty where the system does not tell."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        return hashlib.sha256(f"{boot}{os.readlink('/proc/self/ns/pid')}".encode()).hexdigest()[:8]
    return ""


def _start_time(pid: int) -> str:
    """Empty where there is no such process, or only what is left of one that ended."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return "" if fields[0] in (b"Z", b"X") else fields[_START_TIME].decode()
    return ""
