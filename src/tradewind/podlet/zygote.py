"""The tree of forks: a root that has the SDK loaded, below it a process for each DAG file, below that one per attempt.

Invariant: a process that is forked from has one thread and no loop, so its forks are whole. When the podlet dies, a
zygote stays only until its last attempt ended, and writes down how: the successor finds it beside the attempt's files.
"""

from __future__ import annotations

import array
import gc
import importlib
import os
import resource
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress
from typing import Any

import msgspec

from tradewind.podlet import child, processes
from tradewind.podlet.messages import Do, Done, Exited, Forked, Loaded, Spawn, Spawned
from tradewind.protocol import frames
from tradewind.protocol.work import LoadWork

EXIT_FILE = "exit"
_MESSAGE_BYTES = 1 << 18


class _Children:
    """Forks of this process: each with what it is for, reaped as soon as it ends."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._folders: dict[int, tuple[str, str]] = {}
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def fileno(self) -> int:
        return self._read

    def add(self, pid: int, name: str, folder: str = "") -> None:
        self._folders[pid] = (name, folder)

    def take(self) -> list[tuple[str, int, int]]:
        """Name, pid and status of each that ended. What is left of its process group is ended before it is reaped.

        The status of an attempt without a result is written down first: the podlet may die before it is told.
        """
        with suppress(BlockingIOError):
            os.read(self._read, 4096)
        found: list[tuple[str, int, int]] = []
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return found
            if ended is None:
                return found
            pid = ended.si_pid
            name, folder = self._folders.pop(pid, ("", ""))
            if name:
                processes.send_group(pid, signal.SIGKILL)
            if folder and not os.path.exists(f"{folder}/result"):
                status = ended.si_status << 8 if ended.si_code == os.CLD_EXITED else ended.si_status
                with suppress(OSError):
                    child.write(f"{folder}/{EXIT_FILE}", f"{status}".encode())
            found.append((name, pid, os.waitpid(pid, 0)[1]))

    def outlive(self, *, ephemeral: bool) -> None:
        """The podlet is gone: stay until the attempts have ended (or end everything), then exit."""
        if ephemeral:
            processes.end_tree_below(os.getpid())
            os._exit(0)
        while any(folder for _, folder in self._folders.values()):
            select.select([self._read], [], [])
            self.take()
        os._exit(0)

    def leave(self) -> None:
        """In a fork: signals as a program finds them when it starts, and none of our descriptors."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.close(self._read)
        os.close(self._write)


class RootZygote:
    """The root's whole life."""

    def __init__(self, control: socket.socket, told: int, worker: str, *, ephemeral: bool) -> None:
        self._control = control
        self._told = told
        self._worker = worker
        self._ephemeral = ephemeral
        self._spawns = msgspec.msgpack.Decoder(Spawn)

    def run(self) -> None:
        """Fork what is asked for until the podlet is gone."""
        gc.disable()
        importlib.import_module(self._worker).preload()
        for name in ("attempt", "callback", "loading", "render"):
            importlib.import_module(f"{self._worker}.{name}")
        processes.boot_id()  # read once, for all forks
        gc.collect()
        gc.freeze()
        gc.enable()
        self._children = _Children()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        while True:
            select.select([self._control.fileno(), self._children.fileno()], [], [])
            for name, pid, status in self._children.take():
                self._say(Exited(number=int(name), pid=pid, status=status))
            self._hear()

    def _hear(self) -> None:
        flags = socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
        while True:
            body, descriptors = b"", list[int]()
            try:
                body, descriptors = _receive(self._control, flags)
            except BlockingIOError:
                return
            except ConnectionResetError:
                pass
            if not body:
                self._children.outlive(ephemeral=self._ephemeral)
            self._spawn(self._spawns.decode(body), *descriptors)

    def _spawn(self, spawn: Spawn, control: int, output: int) -> None:
        pid = os.fork()
        if pid == 0:
            try:
                self._children.leave()
                self._control.close()
                os.dup2(output, 1)
                os.dup2(output, 2)
                os.close(output)
                _FileZygote(socket.socket(fileno=control), self._told, self._worker, ephemeral=self._ephemeral).run(
                    spawn
                )
            except BaseException:  # noqa: BLE001 - the trace goes to the podlet, with the exit code
                traceback.print_exc()
            finally:
                with suppress(BaseException):
                    sys.stdout.flush()
                    sys.stderr.flush()
                os._exit(child.BROKEN)
        os.close(control)
        os.close(output)
        self._children.add(pid, str(spawn.number), spawn.folder)
        self._say(Spawned(number=spawn.number, pid=pid))

    def _say(self, message: Spawned | Exited) -> None:
        with suppress(OSError):  # the podlet is gone; reading says so next
            self._control.send(msgspec.msgpack.encode(message))


def _receive(sock: socket.socket, flags: int) -> tuple[bytes, list[int]]:
    """A datagram and its descriptors (`socket.recv_fds` leaves the flags out)."""
    descriptors = array.array("i")
    body, ancillary, _, _ = sock.recvmsg(_MESSAGE_BYTES, socket.CMSG_SPACE(2 * descriptors.itemsize), flags)
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    return body, list(descriptors)


class _FileZygote:
    """Loads one file, then forks whatever is asked."""

    def __init__(self, control: socket.socket, told: int, worker: str, *, ephemeral: bool) -> None:
        self._control = control
        self._told = told
        self._worker = worker
        self._ephemeral = ephemeral
        self._splitter = frames.Splitter()
        self._dos = msgspec.msgpack.Decoder(Do)

    def run(self, spawn: Spawn) -> None:
        """Until the podlet closes the socket."""
        if spawn.once:
            os.setsid()  # what the file starts while loading belongs to the attempt
        loaded, isolated = self._load(spawn.load)
        report = msgspec.structs.replace(loaded.report, isolated=True) if isolated else loaded.report
        self._control.sendall(frames.pack(Loaded(report=report)))
        if spawn.once:
            self._do_once(loaded)
        if isolated:
            os._exit(0)
        loaded.report = msgspec.structs.replace(report, specs=(), output="")  # told: no fork needs to copy it
        del report
        gc.collect()
        gc.freeze()
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        children = _Children()
        while True:
            select.select([self._control.fileno(), children.fileno()], [], [])
            said = [frames.pack(Done(id=name, pid=pid, status=status)) for name, pid, status in children.take() if name]
            dos = self._hear()
            if dos is None:
                children.outlive(ephemeral=self._ephemeral)
            said += [self._fork(do, loaded, children) for do in dos or ()]
            if said:
                with suppress(OSError):  # the podlet is gone; reading says so next
                    self._control.sendall(b"".join(said))

    def _load(self, work: LoadWork) -> tuple[Any, bool]:
        threads = len(os.listdir("/proc/self/task"))
        loading = importlib.import_module(f"{self._worker}.loading")
        processes.die_with_parent(True)  # while it loads it hears nothing, not even that everyone else is gone
        before = resource.getrlimit(resource.RLIMIT_AS)
        if work.memory_bytes:
            resource.setrlimit(resource.RLIMIT_AS, (work.memory_bytes, before[1]))
        loaded = loading.load(work)
        resource.setrlimit(resource.RLIMIT_AS, before)
        processes.die_with_parent(False)
        grown = len(os.listdir("/proc/self/task")) > threads
        return loaded, loaded.report.isolated or grown

    def _hear(self) -> list[Do] | None:
        """What is asked; None when the podlet is gone."""
        try:
            data = self._control.recv(1 << 20, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            return None
        return [self._dos.decode(body) for body in self._splitter.feed(data)]

    def _do_once(self, loaded: Any) -> None:
        dos: list[Do] | None = []
        while dos == []:
            select.select([self._control], [], [])
            dos = self._hear()
        self._control.close()
        if dos:
            child.run(dos[0], loaded, self._worker, self._told)
        os._exit(0)

    def _fork(self, do: Do, loaded: Any, children: _Children) -> bytes:
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                children.leave()
                self._control.close()
            finally:
                child.run(do, loaded, self._worker, self._told)
        children.add(pid, do.id, do.folder if do.python is not None else "")
        return frames.pack(Forked(id=do.id, pid=pid))
