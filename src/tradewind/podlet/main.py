"""The podlet: one control plane at a time above it, zygotes below, attempts at the leaves.

Invariant: what runs does not depend on who is connected, and one podlet has the home: the lock on `podlet.pid` is held
as long as it lives. With `--ephemeral` it is the other way round: when the control plane is gone, everything ends.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tradewind import __version__
from tradewind.model.problem import Problem
from tradewind.podlet import control, endings, processes, recovery
from tradewind.podlet import loop as loops
from tradewind.podlet.attempts import Attempts
from tradewind.podlet.messages import Told
from tradewind.podlet.output import Outputs
from tradewind.podlet.reaper import Reaper
from tradewind.podlet.sides import Sides
from tradewind.podlet.zygotes import Sink, Zygotes
from tradewind.protocol import VERSION, frames, sockets
from tradewind.protocol import podlet as protocol
from tradewind.protocol.work import FileRef, LoadReport, LoadWork

_END_SECONDS = 5.0


@dataclass(frozen=True)
class Options:
    """What the command line said."""

    home: str
    worker: str
    ephemeral: bool
    zygotes: int
    zygote_bytes: int
    load_seconds: float


class Podlet:
    """Routes what is asked to who does it, and what happens to who wants to know."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._supervisor = ""
        self._loop = loop = loops.Loop()
        attempts_folder = f"{options.home}/attempts"
        os.makedirs(attempts_folder, exist_ok=True)
        self._reaper = Reaper(loop)
        told, tell = os.pipe()
        self._tell = tell
        os.set_blocking(told, False)
        self._told = frames.Splitter()
        self._told_decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Told)
        self._hear_from = told
        loop.watch(told, lambda _events: self._hear())
        self._control = control.Control(
            loop,
            sockets.path_in(str(options.home), "podlet.sock"),
            on_hello=self._welcome,
            on_request=self._request,
            on_gone=self._on_gone,
            list_alive=self._list_alive,
        )
        outputs = Outputs(loop)
        self._attempts = Attempts(
            loop,
            attempts_folder,
            outputs=outputs,
            reaper=self._reaper,
            tell=self._control.send,
            hear=self._hear,
        )
        self._sides = Sides(loop, f"{options.home}/replies", reaper=self._reaper, tell=self._control.send)
        self._inherited = (told, outputs.fileno())
        self._zygotes = Zygotes(
            loop,
            self._reaper,
            Sink(
                parsed=self._parsed,
                forked=self._forked,
                done=self._done,
                orphaned=self._orphaned,
                unloaded=self._unloaded,
            ),
            root={"worker": options.worker, "told": tell, "ephemeral": options.ephemeral, "leave": self._leave},
            most=options.zygotes,
            memory_bytes=options.zygote_bytes,
        )
        recovery.adopt_all(self._attempts, attempts_folder)

    def run(self) -> None:
        """For good."""
        self._control.listen()
        self._loop.run()

    # -- the control plane -----------------------------------------------------------------------------------------

    def _welcome(self, hello: protocol.Hello) -> None:
        self._supervisor = hello.supervisor_socket
        ended = self._attempts.list_ended()
        self._control.send(
            protocol.Welcome(
                version=VERSION,
                pid=os.getpid(),
                release=__version__,
                alive=tuple(self._attempts.list_alive()),
                ended=tuple(one.attempt_id for one in ended),
            )
        )
        for one in ended:
            self._control.send(one)

    def _list_alive(self) -> list[str]:
        return self._attempts.list_alive()

    def _request(self, message: Any) -> None:
        match message:
            case protocol.StartPython():
                work = self._attempts.start(message.work)
                if work is not None:
                    self._zygotes.do(self._load(message.work.file), work)
            case protocol.Parse():
                self._zygotes.parse(message.request_id, message.work)
            case protocol.Render() | protocol.RunCallback():
                self._zygotes.do(self._load(message.work.file), self._sides.start(message))
            case protocol.Stop():
                self._stop(message)
            case protocol.Release():
                for one in message.attempt_ids:
                    self._attempts.release(one)
            case protocol.Shutdown(leave=True) if not self._options.ephemeral:
                self._leave_to_successor()
            case protocol.Shutdown():
                if message.kill or not self._attempts.list_alive():
                    self._shutdown()
            case protocol.StartPod():
                self._attempts.start_pod(message, self._tell, bound=self._options.ephemeral)

    def _load(self, file: FileRef) -> LoadWork:
        return LoadWork(file=file, timeout_seconds=self._options.load_seconds, supervisor_socket=self._supervisor)

    def _stop(self, message: protocol.Stop) -> None:
        if not self._attempts.knows(message.attempt_id):
            ended = self._attempts.stop_unknown(message)
            if ended is not None:
                self._control.send(ended)
        elif self._zygotes.withdraw(message.attempt_id):
            self._attempts.withdrawn(message)
        else:
            self._attempts.stop(message)

    def _on_gone(self) -> None:
        self._sides.drop_all()
        if self._options.ephemeral:
            self._shutdown()

    # -- zygotes and attempts --------------------------------------------------------------------------------------

    def _hear(self) -> None:
        """What attempts say about themselves, all that is there."""
        with suppress(BlockingIOError):
            while data := os.read(self._hear_from, 1 << 16):
                for body in self._told.feed(data):
                    self._attempts.told(self._told_decoder.decode(body))

    def _parsed(self, request: int, report: LoadReport) -> None:
        self._control.send(protocol.Parsed(request_id=request, report=report))

    def _forked(self, work_id: str, pid: int) -> None:
        if self._sides.knows(work_id):
            self._sides.forked(work_id, pid)
        else:
            self._attempts.forked(work_id, pid)

    def _done(self, work_id: str, status: int) -> None:
        if self._sides.knows(work_id):
            self._sides.done(work_id, status)
        else:
            self._attempts.done(work_id, status)

    def _orphaned(self, work_id: str, pid: int) -> None:
        if self._sides.knows(work_id):
            self._sides.orphaned(work_id, pid)
        else:
            self._attempts.orphaned(work_id, pid)

    def _unloaded(self, work_id: str, problem: Problem, blameless: bool) -> None:
        if self._sides.knows(work_id):
            self._sides.refused(work_id, problem)
        else:
            self._attempts.refused(work_id, endings.unloaded(problem, blameless=blameless))

    # -- the process -----------------------------------------------------------------------------------------------

    def _leave(self) -> None:
        """In the fork that becomes the root zygote: let go of what is the podlet's."""
        self._reaper.leave()
        self._control.leave()
        self._loop.close()
        for descriptor in self._inherited:
            os.close(descriptor)

    def _leave_to_successor(self) -> None:
        """End as if we had died, which whatever runs outlives: the next podlet finds it by its directories."""
        self._control.close()
        os._exit(0)

    def _shutdown(self) -> None:
        """End with everything below. One that lives for a single command leaves alone what it only found."""
        self._attempts.kill_all(adopted=not self._options.ephemeral)
        processes.end_tree_below(os.getpid(), _END_SECONDS)
        self._loop.finish_idle()
        self._control.close()
        sys.exit(0)


def main() -> None:
    """`python -m tradewind.podlet`."""
    parser = argparse.ArgumentParser(description="Starts processes for the control plane of one home, and outlives it.")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--ephemeral", action="store_true", help="end, with everything, when the control plane is gone")
    parser.add_argument("--worker", default="tradewind.worker", help="the package that loads files and runs attempts")
    parser.add_argument("--zygotes", type=int, default=64, help="how many DAG files stay loaded at most")
    parser.add_argument(
        "--zygote-bytes", type=int, default=256 << 20, help="how much memory they may have of their own"
    )
    parser.add_argument("--load-seconds", type=float, default=30, help="how long a file may load for an attempt")
    given = parser.parse_args()
    home = str(given.home.resolve())
    os.makedirs(home, exist_ok=True)
    lock = os.open(f"{home}/podlet.pid", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # of this process alone: its forks do not hold the home
    except OSError:
        sys.exit(0)  # the home has a podlet; who started us connects to that one
    written = os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)  # over what was there: a full disk has room for that
    os.ftruncate(lock, written)
    processes.become_subreaper()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Podlet(
        Options(
            home=home,
            worker=given.worker,
            ephemeral=given.ephemeral,
            zygotes=given.zygotes,
            zygote_bytes=given.zygote_bytes,
            load_seconds=given.load_seconds,
        )
    ).run()
