"""The tree of forks: a root that has the SDK loaded, below it a process per DAG file, below that one per attempt.

Invariant: zygotes are single-threaded and hold no loop, so a fork of one is whole.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import random
import select
import signal
import socket
import sys
import time
import traceback
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec

from tradewind.model.outcome import Failed, Result
from tradewind.protocol import frames
from tradewind.protocol.work import CallbackWork, LoadReport, LoadWork, PythonWork, RenderReport, RenderWork


class Spawn(msgspec.Struct, frozen=True, kw_only=True, tag="spawn"):
    work: LoadWork


class Exited(msgspec.Struct, frozen=True, kw_only=True, tag="exited"):
    pid: int
    status: int


class Loaded(msgspec.Struct, frozen=True, kw_only=True, tag="loaded"):
    report: LoadReport


class Do(msgspec.Struct, frozen=True, kw_only=True, tag="do"):
    id: str
    folder: str
    python: PythonWork | None = None
    render: RenderWork | None = None
    callback: CallbackWork | None = None


class Forked(msgspec.Struct, frozen=True, kw_only=True, tag="forked"):
    id: str
    pid: int


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    id: str
    pid: int
    status: int


_now = lambda: datetime.now(timezone.utc)  # noqa: E731


class _Children:
    """Reaps children as soon as they end, beside reading a socket."""

    def __init__(self) -> None:
        self.read, self.write = os.pipe()
        os.set_blocking(self.read, False)
        os.set_blocking(self.write, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.write, warn_on_full_buffer=False)

    def ended(self) -> list[tuple[int, int]]:
        with contextlib.suppress(BlockingIOError):
            os.read(self.read, 4096)
        found = []
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return found
            if pid == 0:
                return found
            found.append((pid, status))


def reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def root(control: socket.socket, worker: str) -> None:
    """The root zygote's whole life."""
    module = importlib.import_module(worker)
    module.preload()
    gc.collect()
    gc.freeze()
    children = _Children()
    splitter = frames.Splitter()
    decoder = msgspec.msgpack.Decoder(Spawn)
    while True:
        select.select([control, children.read], [], [])
        for pid, status in children.ended():
            control.sendall(frames.pack(Exited(pid=pid, status=status)))
        try:
            data, fds, _, _ = socket.recv_fds(control, 1 << 16, 4, socket.MSG_DONTWAIT)
        except BlockingIOError:
            continue
        if not data:
            os._exit(0)
        bodies = splitter.feed(data)
        for body, fd in zip(bodies, fds, strict=True):
            spawn = decoder.decode(body)
            pid = os.fork()
            if pid == 0:
                reset_signals()
                control.close()
                os.close(children.read)
                os.close(children.write)
                try:
                    file_zygote(socket.socket(fileno=fd), spawn.work, worker)
                except BaseException:  # noqa: BLE001
                    traceback.print_exc()
                os._exit(70)
            os.close(fd)


def file_zygote(control: socket.socket, work: LoadWork, worker: str) -> None:
    """Load the file, report, then fork whatever is asked until the socket closes."""
    loading = importlib.import_module(f"{worker}.loading")
    threads = len(os.listdir("/proc/self/task"))
    loaded = loading.load(work)
    report = loaded.report
    isolated = len(os.listdir("/proc/self/task")) > threads or _sockets() > 1
    if isolated:
        report = msgspec.structs.replace(report, isolated=True)
    control.sendall(frames.pack(Loaded(report=report)))
    if isolated and not work.file.isolated:
        os._exit(0)
    gc.collect()
    gc.freeze()
    children = _Children()
    ids: dict[int, str] = {}
    splitter = frames.Splitter()
    decoder = msgspec.msgpack.Decoder(Do)
    while True:
        select.select([control, children.read], [], [])
        out = b"".join(
            frames.pack(Done(id=ids.pop(pid), pid=pid, status=status)) for pid, status in children.ended() if pid in ids
        )
        if out:
            control.sendall(out)
        try:
            data = control.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            continue
        if not data:
            os._exit(0)
        for body in splitter.feed(data):
            do = decoder.decode(body)
            pid = os.fork()
            if pid == 0:
                reset_signals()
                _child(do, loaded, worker, control, children)
            ids[pid] = do.id
            control.sendall(frames.pack(Forked(id=do.id, pid=pid)))


def _sockets() -> int:
    count = 0
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            count += os.readlink(f"/proc/self/fd/{fd}").startswith("socket:")
    return count


def _child(do: Do, loaded: Any, worker: str, control: socket.socket, children: _Children) -> None:
    status = 70
    try:
        os.setsid()
        control.close()
        os.close(children.read)
        os.close(children.write)
        random.seed()
        folder = Path(do.folder)
        if do.python is not None:
            status = _attempt(do, loaded, worker, folder)
        elif do.render is not None:
            report: Any = importlib.import_module(f"{worker}.render").render(loaded, do.render)
            _write(folder / f"{do.id}.reply", msgspec.msgpack.encode(report))
            status = 0
        elif do.callback is not None:
            problem = importlib.import_module(f"{worker}.callback").run(loaded, do.callback)
            _write(folder / f"{do.id}.reply", msgspec.msgpack.encode(problem))
            status = 0
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _attempt(do: Do, loaded: Any, worker: str, folder: Path) -> int:
    assert do.python is not None
    out = os.open(folder / "out", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(out)
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.environ["TRADEWIND_ATTEMPT_ID"] = do.id
    os.environ["TRADEWIND_ATTEMPT_DIR"] = do.folder
    try:
        os.close(os.open(folder / "fence", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return 71
    result = importlib.import_module(f"{worker}.attempt").run(loaded, do.python)
    sys.stdout.flush()
    sys.stderr.flush()
    _write(folder / "result", msgspec.msgpack.encode(result))
    return 0


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_bytes(content)
    os.rename(temporary, path)


__all__ = ["Failed", "RenderReport", "Result", "time"]
