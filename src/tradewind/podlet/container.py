"""One container: a keeper process in namespaces of its own, and the container's main process below it.

Invariants: whatever the main process started dies with it (the keeper is the first process of a process namespace);
the keeper dies with its supervisor; the main process's exit status arrives unchanged.

Kept in the order of Kubernetes: SIGTERM goes to the main process alone, SIGKILL to all.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tradewind.podlet import limits, mounts, processes, system

NOT_STARTED = 128
"""Exit code of containerd for a container whose command could not be executed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What to start: everything is resolved, nothing is looked up later."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(repr=False)
    folder: str = "/"
    root: str = "/"
    mounts: tuple[mounts.Mount, ...] = ()
    user: int | None = None
    group: int | None = None
    groups: tuple[int, ...] = ()
    no_new_privileges: bool = False
    memory_limit: int | None = None


@dataclass(slots=True, kw_only=True)
class Running:
    """A container that was started. `events` is a descriptor that tells of its start and its end."""

    container: Container
    keeper: int
    events: int
    gate: int
    memory: limits.MemoryGroup | None = None
    buffer: bytes = b""

    def read(self) -> list[tuple[str, str]]:
        """What happened: ("started", ""), ("refused", reason), ("ended", wait status), ("gone", "") at the very end."""
        data = os.read(self.events, 1 << 16)
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        found = [line.decode("utf-8", "replace").partition(" ")[::2] for line in lines]
        return [*found, ("gone", "")] if not data else list(found)

    def signal(self, number: int) -> None:
        """SIGTERM reaches the main process, SIGKILL everything."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.keeper, number)

    def close(self) -> None:
        """Give back its descriptors, its group and its entry in the process table."""
        os.close(self.events)
        os.close(self.gate)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.keeper, 0)
        if self.memory is not None:
            self.memory.remove()


def start(
    container: Container, *, stage: Path, output: int, memory: limits.MemoryGroup | None, namespaces: bool
) -> Running:
    """Start it. `stage` is an empty folder for its mounts; `output` gets stdout and stderr.

    The caller adopts orphans: between it and the keeper is a process that makes the namespaces and ends.
    """
    events, tell = os.pipe()
    gate, open_gate = os.pipe()
    launcher = os.fork()
    if launcher == 0:
        _exit_after(lambda: _launch(container, stage, output, memory, namespaces, (events, tell, gate, open_gate)))
    os.close(tell)
    os.close(gate)
    os.waitpid(launcher, 0)
    told = os.read(events, 64)
    keeper, _, rest = told.partition(b"\n")
    # Nothing was told where even the namespaces could not be made; then there is no keeper, and the events end at once.
    running = Running(
        container=container,
        keeper=int(keeper) if keeper.isdigit() else launcher,
        events=events,
        gate=open_gate,
        memory=memory,
        buffer=rest if keeper.isdigit() else told,
    )
    with contextlib.suppress(BrokenPipeError):
        os.write(open_gate, b"\n")
    return running


def _launch(
    container: Container,
    stage: Path,
    output: int,
    memory: limits.MemoryGroup | None,
    namespaces: bool,
    pipes: tuple[int, int, int, int],
) -> None:
    events, tell, gate, open_gate = pipes
    os.close(events)
    os.close(open_gate)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    try:
        if namespaces:
            system.unshare(system.NEW_MOUNTS | system.NEW_PIDS)
    except OSError as error:
        os.write(tell, f"refused its namespaces cannot be made: {error.strerror}\n".encode())
        return
    keeper = os.fork()
    if keeper:
        os.write(tell, b"%d\n" % keeper)
        return
    if not os.read(gate, 1):
        return
    system.die_with_parent()
    if _is_closed(gate):
        return
    _Keeper(container, tell, memory, namespaces=namespaces).run(str(stage), output)


class _Keeper:
    """The first process of the container's namespaces."""

    def __init__(self, container: Container, tell: int, memory: limits.MemoryGroup | None, *, namespaces: bool) -> None:
        self._container = container
        self._tell = tell
        self._memory = memory
        self._namespaces = namespaces
        self._main = 0

    def run(self, stage: str, output: int) -> None:
        os.setsid()
        signal.signal(signal.SIGTERM, self._pass_on)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        joined = self._memory.open() if self._memory is not None else None
        if self._namespaces:
            try:
                mounts.change_root(stage, self._container.root, self._container.mounts)
            except OSError as error:
                self._say(f"refused {error.filename or stage}: {error.strerror}")
                return
        else:
            processes.become_subreaper()
        error_end, child_end = os.pipe()
        self._main = os.fork()
        if self._main == 0:
            os.close(error_end)
            _exit_after(lambda: _become(self._container, output, joined, child_end, namespaces=self._namespaces))
        os.close(child_end)
        os.close(output)
        refused = os.read(error_end, 4096).decode("utf-8", "replace")
        self._say(f"refused {refused}" if refused else "started ")
        status = self._reap()
        if not self._namespaces:
            # Orphans come to us, so that nothing it left can hide.
            processes.end_tree_below(os.getpid())
        if not refused:
            self._say(f"ended {status}")

    def _reap(self) -> int:
        while True:
            pid, status = os.waitpid(-1, 0)
            if pid == self._main:
                return status

    def _pass_on(self, number: int, frame: object) -> None:
        if self._main:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._main, number)

    def _say(self, line: str) -> None:
        os.write(self._tell, line.replace("\n", " ").encode() + b"\n")


def _become(container: Container, output: int, joined: int | None, tell: int, *, namespaces: bool) -> None:
    """The main process, up to its command. What goes wrong is told on `tell`, which the command does not inherit."""
    try:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.umask(0o022)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        if not namespaces:
            system.die_with_parent()
        if joined is not None:
            os.write(joined, limits.JOIN)
        elif container.memory_limit is not None:
            limits.limit_address_space(container.memory_limit)
        os.chdir(container.folder)
        _take_user(container)
        _keep_open(tell)
        os.execvpe(container.command[0], container.command, container.environment)
    except OSError as error:
        os.write(tell, _why(container, error).encode()[:4000])
    os._exit(NOT_STARTED)


def _take_user(container: Container) -> None:
    if container.user is not None or container.group is not None or container.groups:
        os.setgroups(container.groups)
        if container.group is not None:
            os.setgid(container.group)
        if container.user is not None:
            os.setuid(container.user)
    if container.no_new_privileges:
        system.gain_no_privileges()


def _why(container: Container, error: OSError) -> str:
    program = container.command[0]
    if error.filename == container.folder and error.filename is not None:
        return f"working directory {container.folder}: {error.strerror}"
    if isinstance(error, FileNotFoundError) and "/" not in program:
        return f"{program!r} is not found in PATH {container.environment.get('PATH', '')}"
    return f"{program!r}: {error.strerror}"


def _keep_open(*numbers: int) -> None:
    """Close everything but the standard streams and these, which close at exec."""
    at = 3
    for number in sorted(numbers):
        os.closerange(at, number)
        at = number + 1
    os.closerange(at, os.sysconf("SC_OPEN_MAX"))


def _is_closed(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, 0)
    return bool(poll.poll(0))


def _exit_after(work: Callable[[], None]) -> None:
    """Leave a forked process for good, whatever its work does."""
    try:
        work()
    except BaseException:  # noqa: BLE001 - a forked process must never go on as its parent
        traceback.print_exc()
    finally:
        os._exit(0)
