"""A container's memory limit: a cgroup where one can be made, else a limit on its address space.

Only a cgroup tells that it was memory which ended a process. Groups are made below our own, so that whatever limits
us goes on to count what we start; version 2 allows that only where the controller is handed down.
"""

from __future__ import annotations

import contextlib
import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

JOIN = b"0"
_REMOVAL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class MemoryGroup:
    """One cgroup with a memory limit."""

    path: Path
    version: int

    def open(self) -> int:
        """A descriptor; a process that writes `JOIN` to it joins. It works where the path is hidden later."""
        return os.open(self.path / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)

    def oom_kills(self) -> int:
        """How many processes its limit has ended."""
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        with contextlib.suppress(OSError):
            for line in (self.path / name).read_text().splitlines():
                key, _, value = line.partition(" ")
                if key == "oom_kill":
                    return int(value)
        return 0

    def remove(self) -> None:
        """Its processes are gone or about to go; the kernel may need a moment to see that."""
        until = time.monotonic() + _REMOVAL_SECONDS
        while self.path.exists() and time.monotonic() < until:
            with contextlib.suppress(OSError):
                self.path.rmdir()
                return
            time.sleep(0.005)  # the kernel tells nobody when a cgroup is empty


def find_group(name: str, limit: int) -> MemoryGroup | None:
    """A new group with this limit; None where this machine lets us make none."""
    return _version_2(name, limit) or _version_1(name, limit)


def remove_left(prefix: str) -> None:
    """Groups with such a name that nobody removed."""
    for above in (_version_1_folder(), _version_2_folder()):
        if above is not None:
            for left in above.glob(f"{prefix}*"):
                MemoryGroup(left, 0).remove()


def limit_address_space(limit: int) -> None:
    """Let allocations beyond the limit fail in this process and its children."""
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _version_2(name: str, limit: int) -> MemoryGroup | None:
    above = _version_2_folder()
    if above is None:
        return None
    return _made(above / name, 2, {"memory.max": limit, "memory.swap.max": 0, "memory.oom.group": 1})


def _version_2_folder() -> Path | None:
    root, own = _mounted("cgroup2", ""), _own("")
    if root is None or own is None:
        return None
    here = root / own.lstrip("/")
    for above in (here, *here.parents):
        if above != root and root not in above.parents:
            return None
        with contextlib.suppress(OSError):
            if "memory" in (above / "cgroup.subtree_control").read_text().split():
                return above
    return None


def _version_1(name: str, limit: int) -> MemoryGroup | None:
    above = _version_1_folder()
    return None if above is None else _made(above / name, 1, {"memory.limit_in_bytes": limit})


def _version_1_folder() -> Path | None:
    root, own = _mounted("cgroup", "memory"), _own("memory")
    if root is None or own is None:
        return None
    above = root / own.lstrip("/")
    return above if above.is_dir() else root


def _made(path: Path, version: int, settings: dict[str, int]) -> MemoryGroup | None:
    try:
        path.mkdir()
    except OSError:
        return None
    group = MemoryGroup(path, version)
    try:
        for file, value in settings.items():
            if (path / file).exists():
                (path / file).write_text(str(value))
    except OSError:
        group.remove()
        return None
    return group if os.access(path / "cgroup.procs", os.W_OK) else None


def _mounted(kind: str, controller: str) -> Path | None:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/mounts").read_text().splitlines():
            _, place, found, options, *_ = line.split(" ")
            if found == kind and (not controller or controller in options.split(",")):
                return Path(place)
    return None


def _own(controller: str) -> str | None:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == controller or controller in controllers.split(","):
                return path
    return None
