"""The podlet's loop: one control plane at a time, zygotes below, attempts at the leaves."""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import os
import select
import shutil
import signal
import socket
import sys
import time
from collections import OrderedDict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec

from tradewind.model.outcome import Failed, Result
from tradewind.model.problem import Problem
from tradewind.model.states import EndReason
from tradewind.podlet import zygote
from tradewind.protocol import VERSION, frames
from tradewind.protocol import podlet as protocol
from tradewind.protocol.work import FileRef, LoadReport, LoadWork, RenderReport

_requests = msgspec.msgpack.Decoder(protocol.Request)
_results = msgspec.msgpack.Decoder(Result)
_root_messages = msgspec.msgpack.Decoder(zygote.Exited)
_file_messages = msgspec.msgpack.Decoder(zygote.Loaded | zygote.Done | zygote.Forked)


def _now() -> datetime:
    return datetime.now(timezone.utc)


class FileZygote:
    def __init__(self, key: FileRef, sock: socket.socket) -> None:
        self.key = key
        self.socket = sock
        self.splitter = frames.Splitter()
        self.report: LoadReport | None = None
        self.waiting: list[tuple[str, Any]] = []
        self.queue: list[zygote.Do] = []
        self.running: dict[str, int] = {}
        self.deadline: float | None = None
        self.used = time.monotonic()


class Attempt:
    def __init__(self, attempt_id: str, folder: Path) -> None:
        self.id = attempt_id
        self.folder = folder
        self.pid = 0
        self.offset = 0
        self.tail = b""
        self.log: Any = None
        self.stop_at: float | None = None
        self.stop_reason = ""
        self.started: datetime | None = None
        self.ended: protocol.Ended | None = None


class Podlet:
    def __init__(self, home: Path, *, ephemeral: bool, worker: str, max_zygotes: int) -> None:
        self.home = home
        self.ephemeral = ephemeral
        self.worker = worker
        self.max_zygotes = max_zygotes
        self.attempts: dict[str, Attempt] = {}
        self.replies: dict[str, tuple[str, int]] = {}
        self.zygotes: OrderedDict[FileRef, FileZygote] = OrderedDict()
        self.by_fd: dict[int, Any] = {}
        self.client: socket.socket | None = None
        self.client_splitter = frames.Splitter()
        self.out = bytearray()
        self.poll = select.epoll()
        (home / "attempts").mkdir(exist_ok=True)
        (home / "replies").mkdir(exist_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        path = home / "podlet.sock"
        path.unlink(missing_ok=True)
        self.listener.bind(str(path))
        os.chmod(path, 0o600)
        self.listener.listen(8)
        self.poll.register(self.listener, select.EPOLLIN)
        self.start_root()

    def start_root(self) -> None:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            ours.close()
            self.listener.close()
            self.poll.close()
            try:
                zygote.root(theirs, self.worker)
            finally:
                os._exit(70)
        theirs.close()
        self.root = ours
        self.root_pid = pid
        self.root_splitter = frames.Splitter()
        self.poll.register(ours, select.EPOLLIN)

    def run(self) -> None:
        while True:
            busy = any(a.ended is None for a in self.attempts.values())
            waiting = any(z.deadline for z in self.zygotes.values())
            for fd, event in self.poll.poll(0.1 if busy or waiting else None):
                self.handle(fd, event)
            if busy or waiting:
                self.tick()
            self.flush()

    def handle(self, fd: int, event: int) -> None:
        if fd == self.listener.fileno():
            client, _ = self.listener.accept()
            if self.client is not None:
                self.drop_client()
            client.setblocking(False)
            self.client = client
            self.client_splitter = frames.Splitter()
            self.poll.register(client, select.EPOLLIN)
        elif self.client is not None and fd == self.client.fileno():
            if event & select.EPOLLIN or event & select.EPOLLHUP:
                self.read_client()
        elif fd == self.root.fileno():
            data = self.root.recv(1 << 16)
            if not data:
                self.poll.unregister(self.root)
                self.root.close()
                os.waitpid(self.root_pid, 0)
                self.start_root()
        else:
            z = self.by_fd.get(fd)
            if z is not None:
                self.read_zygote(z)

    def drop_client(self) -> None:
        assert self.client is not None
        self.poll.unregister(self.client)
        self.client.close()
        self.client = None
        self.out.clear()
        if self.ephemeral:
            self.shutdown()

    def send(self, message: Any) -> None:
        if self.client is not None:
            self.out += frames.pack(message)

    def flush(self) -> None:
        if self.client is not None and self.out:
            self.client.setblocking(True)
            try:
                self.client.sendall(self.out)
            except OSError:
                pass
            self.out.clear()
            if self.client is not None:
                self.client.setblocking(False)

    def read_client(self) -> None:
        assert self.client is not None
        try:
            data = self.client.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.drop_client()
            return
        for body in self.client_splitter.feed(data):
            self.request(_requests.decode(body))

    def request(self, message: Any) -> None:
        match message:
            case protocol.Hello():
                alive = [a.id for a in self.attempts.values() if a.ended is None]
                ended = [a.id for a in self.attempts.values() if a.ended is not None]
                self.send(protocol.Welcome(version=VERSION, pid=os.getpid(), alive=tuple(alive), ended=tuple(ended)))
                for a in self.attempts.values():
                    if a.ended is not None:
                        self.send(a.ended)
            case protocol.Parse():
                self.drop_zygote(message.work.file)
                z = self.file_zygote(message.work)
                z.waiting.append(("parse", message.request_id))
            case protocol.StartPython():
                self.start_python(message.work)
            case protocol.Render():
                self.side(message.work.file, message.request_id, "render", message.work)
            case protocol.RunCallback():
                self.side(message.work.file, message.request_id, "callback", message.work)
            case protocol.Stop():
                self.stop(message)
            case protocol.Release():
                for one in message.attempt_ids:
                    a = self.attempts.get(one)
                    if a is not None and a.ended is not None:
                        del self.attempts[one]
                        shutil.rmtree(a.folder, ignore_errors=True)
            case protocol.Shutdown():
                self.shutdown()
            case protocol.StartPod():
                self.end(
                    self.new_attempt(message.attempt_id),
                    Failed(message="pods are not here yet", retry=False, reason=EndReason.REJECTED, entered=False),
                )

    def file_zygote(self, work: LoadWork) -> FileZygote:
        z = self.zygotes.get(work.file)
        if z is not None:
            z.used = time.monotonic()
            self.zygotes.move_to_end(work.file)
            return z
        while len(self.zygotes) >= self.max_zygotes:
            idle = next(
                (k for k, one in self.zygotes.items() if not one.running and one.report and not one.queue), None
            )
            if idle is None:
                break
            self.drop_zygote(idle)
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        socket.send_fds(self.root, [frames.pack(zygote.Spawn(work=work))], [theirs.fileno()])
        theirs.close()
        z = FileZygote(work.file, ours)
        z.deadline = time.monotonic() + work.timeout_seconds
        z.timeout = work.timeout_seconds  # type: ignore[attr-defined]
        self.zygotes[work.file] = z
        self.by_fd[ours.fileno()] = z
        self.poll.register(ours, select.EPOLLIN)
        return z

    def drop_zygote(self, key: FileRef) -> None:
        z = self.zygotes.get(key)
        if z is None or z.running or z.queue:
            if z is not None:
                self.zygotes.pop(key)
            return
        del self.zygotes[key]
        self.close_zygote(z)

    def close_zygote(self, z: FileZygote) -> None:
        self.by_fd.pop(z.socket.fileno(), None)
        self.poll.unregister(z.socket)
        z.socket.close()

    def do(self, ref: FileRef, do: zygote.Do) -> None:
        z = self.file_zygote(LoadWork(file=ref))
        if z.report is None:
            z.queue.append(do)
        else:
            z.running[do.id] = 0
            z.socket.setblocking(True)
            z.socket.sendall(frames.pack(do))
            z.socket.setblocking(False)

    def new_attempt(self, attempt_id: str) -> Attempt:
        folder = self.home / "attempts" / attempt_id
        folder.mkdir(exist_ok=True)
        a = Attempt(attempt_id, folder)
        self.attempts[attempt_id] = a
        return a

    def start_python(self, work: Any) -> None:
        if work.attempt_id in self.attempts:
            return
        a = self.new_attempt(work.attempt_id)
        self.do(work.file, zygote.Do(id=work.attempt_id, folder=str(a.folder), python=work))

    def side(self, ref: FileRef, request_id: int, kind: str, work: Any) -> None:
        one = f"{kind}-{request_id}"
        self.replies[one] = (kind, request_id)
        self.do(ref, zygote.Do(id=one, folder=str(self.home / "replies"), **{kind: work}))

    def read_zygote(self, z: FileZygote) -> None:
        try:
            data = z.socket.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.zygote_died(z)
            return
        for body in z.splitter.feed(data):
            message = _file_messages.decode(body)
            match message:
                case zygote.Loaded():
                    z.report = message.report
                    z.deadline = None
                    for _, request_id in z.waiting:
                        self.send(protocol.Parsed(request_id=request_id, report=message.report))
                    z.waiting.clear()
                    queue, z.queue = z.queue, []
                    for do in queue:
                        self.do(z.key, do)
                case zygote.Forked():
                    z.running[message.id] = message.pid
                    a = self.attempts.get(message.id)
                    if a is not None:
                        a.pid = message.pid
                        if a.stop_at is not None:
                            self.signal(a, signal.SIGTERM)
                case zygote.Done():
                    z.running.pop(message.id, None)
                    self.exited(message.id, message.status)

    def zygote_died(self, z: FileZygote) -> None:
        self.close_zygote(z)
        if self.zygotes.get(z.key) is z:
            del self.zygotes[z.key]
        if z.report is None:
            report = LoadReport(
                problems=(
                    Problem(
                        code="parse-died",
                        object=z.key.file,
                        message="its process ended while the file was loaded",
                        hint="does it call os._exit or crash?",
                    ),
                )
            )
            for _, request_id in z.waiting:
                self.send(protocol.Parsed(request_id=request_id, report=report))
        for one in [*z.running, *(do.id for do in z.queue)]:
            self.exited(one, 9)

    def exited(self, one: str, status: int) -> None:
        reply = self.replies.pop(one, None)
        if reply is not None:
            self.side_done(one, reply, status)
            return
        a = self.attempts.get(one)
        if a is None or a.ended is not None:
            return
        try:
            result = _results.decode((a.folder / "result").read_bytes())
        except OSError:
            entered = (a.folder / "fence").exists()
            sig = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
            code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
            name = signal.Signals(sig).name if sig else ""
            message = f"Its process was ended by {name}." if sig else f"Its process ended with exit code {code}."
            reason = EndReason.KILLED if sig else EndReason.ERROR
            if not entered:
                reason = EndReason.NEVER_STARTED
            result = Result(outcome=Failed(message=message, reason=reason, exit_code=code, signal=sig, entered=entered))
        self.finish(a, result)

    def end(self, a: Attempt, failed: Failed) -> None:
        self.finish(a, Result(outcome=failed))

    def finish(self, a: Attempt, result: Result) -> None:
        self.stamp(a, final=True)
        started = None
        try:
            started = datetime.fromtimestamp((a.folder / "fence").stat().st_mtime, timezone.utc)
        except OSError:
            pass
        a.ended = protocol.Ended(attempt_id=a.id, at=_now(), result=result, started_at=started, log_bytes=a.offset)
        self.send(a.ended)

    def side_done(self, one: str, reply: tuple[str, int], status: int) -> None:
        kind, request_id = reply
        path = self.home / "replies" / f"{one}.reply"
        lost = Problem(code="child-died", message=f"its process ended with status {status}", hint="see HOME/podlet.log")
        try:
            content: bytes | None = path.read_bytes()
            path.unlink()
        except OSError:
            content = None
        if kind == "render":
            report = RenderReport(problem=lost)
            if content is not None:
                report = msgspec.msgpack.decode(content, type=RenderReport)
            self.send(protocol.RenderedReply(request_id=request_id, report=report))
        else:
            problem = lost if content is None else msgspec.msgpack.decode(content, type=Problem | None)
            self.send(protocol.CallbackDone(request_id=request_id, problem=problem))

    def stop(self, message: protocol.Stop) -> None:
        a = self.attempts.get(message.attempt_id)
        if a is None:
            self.send(
                protocol.Ended(
                    attempt_id=message.attempt_id,
                    at=_now(),
                    result=Result(
                        outcome=Failed(message="The runtime does not know it.", reason=EndReason.LOST, entered=False)
                    ),
                )
            )
            return
        if a.ended is None and a.stop_at is None:
            a.stop_at = time.monotonic() + message.grace_seconds
            a.stop_reason = message.reason
            self.signal(a, signal.SIGTERM)

    def signal(self, a: Attempt, number: int) -> None:
        if a.pid:
            try:
                os.killpg(a.pid, number)
            except OSError:
                pass

    def tick(self) -> None:
        now = time.monotonic()
        for a in list(self.attempts.values()):
            if a.ended is None:
                self.stamp(a)
                if a.started is None and (a.folder / "fence").exists():
                    a.started = _now()
                    self.send(protocol.Started(attempt_id=a.id, at=a.started, pid=a.pid))
                if a.stop_at is not None and now > a.stop_at:
                    self.signal(a, signal.SIGKILL)
        for z in list(self.zygotes.values()):
            if z.deadline is not None and now > z.deadline:
                report = LoadReport(
                    problems=(
                        Problem(
                            code="parse-timeout",
                            object=z.key.file,
                            message=f"loading it took longer than {z.timeout:g} s",  # type: ignore[attr-defined]
                            hint="move slow work out of the top of the file, or raise dags.parse_timeout_seconds",
                        ),
                    )
                )
                for _, request_id in z.waiting:
                    self.send(protocol.Parsed(request_id=request_id, report=report))
                self.zygotes.pop(z.key, None)
                self.close_zygote(z)

    def stamp(self, a: Attempt, *, final: bool = False) -> None:
        try:
            with open(a.folder / "out", "rb") as file:
                file.seek(a.offset)
                data = file.read()
        except OSError:
            return
        if not data and not (final and a.tail):
            return
        a.offset += len(data)
        *lines, a.tail = (a.tail + data).split(b"\n")
        if final and a.tail:
            lines.append(a.tail)
            a.tail = b""
        if lines:
            at = _now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            with open(a.folder / "log", "ab") as log:
                log.write(
                    b"".join(f"{at} stdout F {line.decode('utf-8', 'backslashreplace')}\n".encode() for line in lines)
                )

    def shutdown(self) -> None:
        for a in self.attempts.values():
            if a.ended is None:
                self.signal(a, signal.SIGKILL)
        try:
            for pid in [int(p) for p in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()]:
                os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
        os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--ephemeral", action="store_true")
    parser.add_argument("--worker", default="tradewind.worker")
    parser.add_argument("--zygotes", type=int, default=64)
    arguments = parser.parse_args()
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    lock = os.open(arguments.home / "podlet.pid", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(0)
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    Podlet(arguments.home, ephemeral=arguments.ephemeral, worker=arguments.worker, max_zygotes=arguments.zygotes).run()
