"""What a file leaves behind after loading that a fork must not inherit: threads and sockets.

A process that is forked while a thread holds a lock, or that shares a connection, fails in ways nobody finds; such a
file is loaded anew for every attempt. Locks that no thread holds are harmless.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading


@dataclasses.dataclass(frozen=True)
class Inventory:
    """Threads and sockets of this process at a moment."""

    threads: int
    sockets: frozenset[str]

    @classmethod
    def take(cls) -> Inventory:
        """Count now."""
        return cls(threads=threading.active_count(), sockets=_sockets())

    def has_grown(self) -> bool:
        """Whether there are more now."""
        now = Inventory.take()
        return now.threads > self.threads or not now.sockets <= self.sockets


def _sockets() -> frozenset[str]:
    found: set[str] = set()
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                target = os.readlink(f"/proc/self/fd/{name}")
                if target.startswith("socket:"):
                    found.add(target)
    return frozenset(found)
