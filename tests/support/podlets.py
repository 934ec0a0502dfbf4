"""A real podlet for tests, asked over its socket as the control plane does; its worker is a small one."""

from __future__ import annotations

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TypeVar

import msgspec

from tradewind.model import ids
from tradewind.model.outcome import Failed
from tradewind.model.rows import DagRun, TaskInstance
from tradewind.model.states import RunState, RunType, TaskState
from tradewind.protocol import VERSION, frames
from tradewind.protocol import podlet as protocol
from tradewind.protocol.work import CallbackWork, FileRef, LoadWork, PythonWork, RenderWork

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = 20.0
SMALL_WORKER = "tests.support.small_worker"
_Message = TypeVar("_Message")
_replies: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(protocol.Reply)


def wait_until(condition: Callable[[], object], what: str = "", seconds: float = SECONDS) -> None:
    """Until it is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never came: {what or condition}"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


class Client:
    """One connection to a podlet."""

    def __init__(self, path: pathlib.Path, *, epoch: int = 0, version: int = VERSION) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                self._socket.connect(str(path))
                break
            except OSError:
                if time.monotonic() > deadline:
                    self._socket.close()
                    raise
                time.sleep(0.005)
        self._splitter = frames.Splitter()
        self.messages: list[Any] = []
        """All that came and was not yet taken."""
        self.send(protocol.Hello(version=version, epoch=epoch, supervisor_socket=""))
        self.welcome = self.take(protocol.Welcome)

    def send(self, *messages: Any) -> None:
        """Send."""
        self._socket.sendall(b"".join(map(frames.pack, messages)))

    def take(self, kind: type[_Message], when: Callable[[_Message], bool] = lambda _: True) -> _Message:
        """The next message of a kind; others stay for later."""
        deadline = time.monotonic() + SECONDS
        while True:
            for message in self.messages:
                if isinstance(message, kind) and when(message):
                    self.messages.remove(message)
                    return message
            assert self.receive(deadline - time.monotonic()), f"no {kind.__name__} came, but {self.messages}"

    def receive(self, seconds: float) -> bool:
        """Read what is there; False when nothing came in time. Raises EOFError at the end."""
        self._socket.settimeout(max(0.001, seconds))
        try:
            data = self._socket.recv(1 << 20)
        except TimeoutError:
            return False
        if not data:
            raise EOFError
        self.messages += [_replies.decode(body) for body in self._splitter.feed(data)]
        return True

    def end_of(self, attempt_id: str) -> protocol.Ended:
        """How an attempt ended."""
        return self.take(protocol.Ended, lambda ended: ended.attempt_id == attempt_id)

    def failure_of(self, attempt_id: str) -> Failed:
        """How an attempt failed."""
        outcome = self.end_of(attempt_id).result.outcome
        assert isinstance(outcome, Failed), outcome
        return outcome

    def close(self) -> None:
        """Go away without a word, as a control plane that is killed."""
        self._socket.close()


class Podlet:
    """One home with a podlet, a folder of files and a client."""

    def __init__(self, folder: pathlib.Path, *options: str, worker: str = SMALL_WORKER) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.files = folder / "files"
        self.files.mkdir()
        self.log = folder / "podlet.log"
        self._options = ("--worker", worker, *options)
        self.process: subprocess.Popen[bytes] | None = None
        self._numbers = 0
        self._clients: list[Client] = []
        self.client: Client

    def __enter__(self) -> Podlet:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if kind is not None:
            sys.stderr.write(self.log.read_text())

    def start(self) -> None:
        """Start it and connect."""
        self.start_only()
        self.client = self.connect()

    def start_only(self) -> None:
        """Start the process."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tradewind.podlet", "--home", str(self.home), *self._options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    def connect(self, **options: Any) -> Client:
        """Another connection."""
        client = Client(self.home / "podlet.sock", **options)
        self._clients.append(client)
        return client

    @property
    def pid(self) -> int:
        """Of the podlet."""
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        """Kill -9 of the podlet alone."""
        assert self.process is not None
        self.client.close()
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it and all that it started."""
        assert self.process is not None
        if self.process.poll() is None:
            self.client.close()
            client = self.connect(epoch=1 << 30)
            client.send(protocol.Shutdown(kill=True))
            try:
                while client.receive(SECONDS):
                    pass
            except (EOFError, ConnectionError):
                pass
            self.process.wait(SECONDS)
        for client in self._clients:
            client.close()

    # -- work ------------------------------------------------------------------------------------------------------

    def write(self, text: str, name: str = "file.py") -> FileRef:
        """A file to load."""
        (self.files / name).write_text(text)
        return FileRef(root=str(self.files), file=name)

    def begin(self, file: FileRef, task: str, **options: Any) -> str:
        """Start an attempt of a function; its id."""
        self._numbers += 1
        attempt_id = f"attempt{self._numbers:04d}"
        self.client.send(protocol.StartPython(work=self.work(file, task, attempt_id, **options)))
        return attempt_id

    def work(self, file: FileRef, task: str, attempt_id: str, **options: Any) -> PythonWork:
        """What is asked for an attempt."""
        return PythonWork(attempt_id=attempt_id, file=file, run=make_run(), task=make_task(task), **options)

    def parse(self, file: FileRef, request_id: int = 1, seconds: float = 30) -> protocol.Parsed:
        """Load a file."""
        self.client.send(protocol.Parse(request_id=request_id, work=LoadWork(file=file, timeout_seconds=seconds)))
        return self.client.take(protocol.Parsed, lambda parsed: parsed.request_id == request_id)

    def render(self, file: FileRef, task: str, request_id: int = 1, seconds: float = 30) -> protocol.RenderedReply:
        """Render."""
        work = RenderWork(file=file, run=make_run(), task=make_task(task), timeout_seconds=seconds)
        self.client.send(protocol.Render(request_id=request_id, work=work))
        return self.client.take(protocol.RenderedReply, lambda reply: reply.request_id == request_id)

    def callback(self, file: FileRef, which: str, request_id: int = 1) -> protocol.CallbackDone:
        """Call back."""
        work = CallbackWork(file=file, run=make_run(), which=which)
        self.client.send(protocol.RunCallback(request_id=request_id, work=work))
        return self.client.take(protocol.CallbackDone, lambda reply: reply.request_id == request_id)

    def folder(self, attempt_id: str) -> pathlib.Path:
        """The attempt's directory."""
        return self.home / "attempts" / attempt_id

    def lines(self, attempt_id: str) -> list[str]:
        """Texts in its log."""
        path = self.folder(attempt_id) / "log"
        return [line.split(" ", 3)[3] for line in path.read_bytes().decode().split("\n")[:-1]] if path.exists() else []

    def root_pid(self) -> int:
        """Of the root zygote: the podlet's first child."""
        return int(pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()[0])

    def zygote_pids(self) -> list[int]:
        """Of the file zygotes below a root that lives."""
        root = self.root_pid()
        return [int(pid) for pid in pathlib.Path(f"/proc/{root}/task/{root}/children").read_text().split()]


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """A signal to a process."""
    os.kill(pid, number)


def list_below(pid: int) -> list[int]:
    """All processes below one."""
    try:
        direct = [int(one) for one in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [*direct, *(one for child in direct for one in list_below(child))]


def make_run() -> DagRun:
    """A run."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return DagRun(
        run_key=ids.RunKey(1),
        dag_id=ids.DagId("dag"),
        run_id=ids.RunId("run"),
        run_type=RunType.MANUAL,
        state=RunState.RUNNING,
        version=ids.VersionHash("0" * 64),
        run_after=now,
        queued_at=now,
    )


def make_task(name: str) -> TaskInstance:
    """A task of it."""
    return TaskInstance(run_key=ids.RunKey(1), task_id=ids.TaskId(name), state=TaskState.QUEUED)
