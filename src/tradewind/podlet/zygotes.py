"""The pool of file zygotes: one process for each DAG file version in use, ended least recently used first.

Invariant: work handed over is either in a zygote's queue, or running in a fork of it, or told as over: a zygote that
dies gives back all of its work. One that has forks running is never ended for room.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import msgspec

from tradewind.model.problem import Problem
from tradewind.podlet import endings, own_log, processes
from tradewind.podlet import loop as loops
from tradewind.podlet.connection import Connection
from tradewind.podlet.file_zygote import FileZygote, Tail
from tradewind.podlet.messages import Do, Done, Forked, FromZygote, Loaded, Spawn
from tradewind.podlet.reaper import Reaper
from tradewind.podlet.room import Room
from tradewind.podlet.root import Root
from tradewind.protocol.work import FileRef, LoadReport, LoadWork

_MARGIN_SECONDS = 1.0
"""After its own alarm a load has this long to report; then its process is killed."""
_STATUS_SECONDS = 1.0
_MOST_LOADS = 3
"""So often a load is begun whose process is killed from outside."""
_SLOW_SECONDS = 2.0
"""A load that takes longer no longer counts among those that may go on at once: it waits for something."""


@dataclass(frozen=True)
class Sink:
    """Who is told what becomes of the work."""

    parsed: Callable[[int, LoadReport], None]
    forked: Callable[[str, int], None]
    done: Callable[[str, int], None]
    orphaned: Callable[[str, int], None]
    """The zygote died; pid of the fork, or 0."""
    unloaded: Callable[[str, Problem, bool], None]
    """The file could not be loaded for this work, which therefore never began; True: not the file's fault."""


class Zygotes:
    """All file zygotes."""

    def __init__(
        self, loop: loops.Loop, reaper: Reaper, sink: Sink, *, root: dict[str, Any], most: int, memory_bytes: int
    ) -> None:
        self._loop = loop
        self._reaper = reaper
        self._sink = sink
        self._room = Room(loop, most=most, memory_bytes=memory_bytes, retire=self._retire)
        self._numbers = count(1)
        self._by_number: dict[int, FileZygote] = {}
        self._by_key: OrderedDict[FileRef, FileZygote] = OrderedDict()
        self._isolated: set[FileRef] = set()
        self._settled: dict[FileRef, FileRef] = {}
        """What those files mean that were loaded to find that out."""
        self._pending: deque[tuple[FileZygote, str]] = deque()
        self._loading: set[int] = set()
        self._at_once = (os.cpu_count() or 1) + 2
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(FromZygote)
        self._root = Root(
            loop,
            reaper,
            on_spawned=self._on_spawned,
            on_exited=self._on_exited,
            on_lost=self._on_root_lost,
            on_started_again=self._on_root_again,
            **root,
        )

    # -- what is asked ---------------------------------------------------------------------------------------------

    def parse(self, request: int, load: LoadWork) -> None:
        """Load the file in a fresh process, which then stays for the work to come."""
        bare = _bare(load.file)
        self._settled.pop(load.file, None)
        self._isolated = {one for one in self._isolated if _bare(one) != bare}
        for old in [one for one in self._by_key.values() if _bare(one.key) == bare]:
            self._retire(old)
        self._spawn(load, hurry=False).waiting.append(request)

    def do(self, load: LoadWork, work: Do) -> None:
        """Have work done with the file loaded."""
        settled = self._settled.get(load.file)
        if settled is not None:
            load = msgspec.structs.replace(load, file=settled)
        if load.file.isolated or load.file in self._isolated:
            self._spawn(load, once=True, folder=work.folder).queue.append(work)
            return
        zygote = self._by_key.get(load.file)
        if zygote is None:
            zygote = self._spawn(load)
        else:
            self._by_key.move_to_end(load.file)
        if zygote.report is None:
            zygote.queue.append(work)
        else:
            self._hand_over(zygote, work)

    def withdraw(self, work_id: str) -> bool:
        """Take work back that no process has yet; False where one has."""
        for zygote in self._by_number.values():
            for work in zygote.queue:
                if work.id == work_id:
                    zygote.queue.remove(work)
                    return True
        return False

    # -- spawning --------------------------------------------------------------------------------------------------

    def _spawn(self, load: LoadWork, *, once: bool = False, folder: str = "", hurry: bool = True) -> FileZygote:
        zygote = FileZygote(next(self._numbers), load, once=once)
        self._by_number[zygote.number] = zygote
        if not once:
            self._by_key[load.file] = zygote
        if hurry:
            self._pending.appendleft((zygote, folder))
        else:
            self._pending.append((zygote, folder))
        self._open_next()
        return zygote

    def _open_next(self) -> None:
        """Begin to load what waits, as much at once as the machine can do."""
        while self._pending and len(self._loading) < self._at_once:
            self._room.make(self._by_key.values(), coming=1)
            self._open(*self._pending.popleft())

    def _open(self, zygote: FileZygote, folder: str) -> None:
        self._loading.add(zygote.number)
        ours, theirs = socket.socketpair()
        read, write = os.pipe()
        zygote.output = Tail(self._loop, read)
        zygote.connection = Connection(
            self._loop,
            ours,
            on_message=lambda body: self._heard(zygote, self._decoder.decode(body)),
            on_close=lambda: self._on_closed(zygote),
        )
        message = Spawn(number=zygote.number, load=zygote.load, once=zygote.once, folder=folder)
        self._root.spawn(message, theirs.detach(), write)

    def _no_longer_loading(self, number: int) -> None:
        if number in self._loading:
            self._loading.discard(number)
            self._open_next()

    def _on_spawned(self, number: int, pid: int) -> None:
        zygote = self._by_number.get(number)
        if zygote is None:
            return
        zygote.pid = pid
        self._loop.after(_SLOW_SECONDS, lambda: self._no_longer_loading(number))
        self._loop.after(zygote.load.timeout_seconds + _MARGIN_SECONDS, lambda: self._on_late(zygote))

    def _on_late(self, zygote: FileZygote) -> None:
        if zygote.report is None and not zygote.over:
            zygote.too_slow = True
            processes.send(zygote.pid, signal.SIGKILL)

    # -- what is heard ---------------------------------------------------------------------------------------------

    def _heard(self, zygote: FileZygote, message: Loaded | Forked | Done) -> None:
        if isinstance(message, Forked):
            zygote.running[message.id] = message.pid
            self._sink.forked(message.id, message.pid)
        elif isinstance(message, Done):
            zygote.running.pop(message.id, None)
            zygote.worked = time.monotonic()
            self._sink.done(message.id, message.status)
            if zygote.retired and zygote.is_idle:
                self._retire(zygote)
        else:
            self._on_loaded(zygote, message.report)

    def _on_loaded(self, zygote: FileZygote, report: LoadReport) -> None:
        zygote.report = report
        if zygote.output is not None:
            zygote.output.read()
            zygote.output.is_forwarded = True
        self._settle_meaning(zygote, report)
        for request in zygote.waiting:
            self._sink.parsed(request, report)
        zygote.waiting.clear()
        queue, zygote.queue = zygote.queue, []
        if report.isolated and not zygote.once:
            self._isolated.add(zygote.key)
            self._forget_key(zygote)
            self._no_longer_loading(zygote.number)
            for work in queue:
                self.do(zygote.load, work)
            return
        for work in queue:
            self._hand_over(zygote, work)
        self._no_longer_loading(zygote.number)
        self._room.loaded(zygote, self._by_key.values())

    def _settle_meaning(self, zygote: FileZygote, report: LoadReport) -> None:
        """Parsing asks which Airflow a file means, or is told by the file; attempts then say it. Both are to find the
        same process.
        """
        if report.specs and zygote.key.meaning != report.specs[0].meaning:
            asked = zygote.key
            was_known = self._by_key.get(asked) is zygote
            self._forget_key(zygote)
            file = msgspec.structs.replace(asked, meaning=report.specs[0].meaning)
            zygote.load = msgspec.structs.replace(zygote.load, file=file)
            if was_known:
                if (other := self._by_key.get(file)) is not None:
                    self._retire(other)
                self._by_key[file] = zygote
                self._settled[asked] = file

    def _hand_over(self, zygote: FileZygote, work: Do) -> None:
        zygote.running[work.id] = 0
        if zygote.once:
            zygote.running[work.id] = zygote.pid
            self._sink.forked(work.id, zygote.pid)
        if zygote.connection is not None:
            zygote.connection.send(work)

    # -- ends ------------------------------------------------------------------------------------------------------

    def _on_closed(self, zygote: FileZygote) -> None:
        """It ended, or its file closed our socket: then it is of no use any more. Its status is on the way."""
        zygote.connection = None
        self._forget_key(zygote)
        if zygote.once and zygote.report is not None:
            return  # it closes the socket itself before it begins
        if zygote.pid and not zygote.over:
            processes.send(zygote.pid, signal.SIGKILL)
            self._loop.after(_STATUS_SECONDS, lambda: self._on_exited(zygote.number, None))

    def _on_exited(self, number: int, status: int | None) -> None:
        zygote = self._by_number.pop(number, None)
        if zygote is None:
            return
        zygote.over = True
        if zygote.connection is not None:
            zygote.connection.drain()  # what it still said
        output = zygote.output.text() if zygote.output is not None else ""
        self._close(zygote)
        self._no_longer_loading(number)
        if zygote.report is None:
            own_log.write(f"while {zygote.key.file} was loaded: {endings.how(status)}; {output}\n")
            killed = status is None or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL)
            blameless = killed and not zygote.too_slow
            if blameless and zygote.begun < _MOST_LOADS:
                self._begin_again(zygote)
                self._open_next()
            else:
                self._fail(zygote, self._problem(zygote, status, output), blameless=blameless)
        elif zygote.once and status is not None:
            for work_id in zygote.running:
                self._sink.done(work_id, status)
        else:
            for work_id, pid in zygote.running.items():
                self._sink.orphaned(work_id, pid)

    def _problem(self, zygote: FileZygote, status: int | None, output: str) -> Problem:
        if zygote.too_slow:
            return endings.loading_too_slow(zygote.key.file, zygote.load.timeout_seconds, output)
        return endings.while_loading(zygote.key.file, status, output)

    def _fail(self, zygote: FileZygote, problem: Problem, *, blameless: bool) -> None:
        for request in zygote.waiting:
            self._sink.parsed(request, LoadReport(problems=(problem,)))
        for work in zygote.queue:
            self._sink.unloaded(work.id, problem, blameless)

    def _on_root_lost(self) -> None:
        """Its children are ours now."""
        for zygote in list(self._by_number.values()):
            if zygote.report is not None and zygote.pid:
                self._reaper.follow(zygote.pid, partial(self._on_exited, zygote.number))

    def _on_root_again(self, healthy: bool) -> None:
        """What was loading died with it, or was never begun."""
        for zygote in [one for one in self._by_number.values() if one.report is None and one.is_open]:
            del self._by_number[zygote.number]
            self._loading.discard(zygote.number)
            if healthy:
                self._begin_again(zygote)
            else:
                zygote.over = True
                self._close(zygote)
                self._fail(zygote, endings.worker_broken(), blameless=True)
        self._open_next()

    def _begin_again(self, zygote: FileZygote) -> None:
        """Its process ended through no fault of the file, and before it had begun any work."""
        self._close(zygote)
        zygote.begin_again(next(self._numbers))
        self._by_number[zygote.number] = zygote
        if not zygote.once:
            self._by_key[zygote.key] = zygote
        self._pending.append((zygote, zygote.queue[0].folder if zygote.once and zygote.queue else ""))

    def _close(self, zygote: FileZygote) -> None:
        self._forget_key(zygote)
        if zygote.connection is not None:
            zygote.connection.close()
            zygote.connection = None
        if zygote.output is not None:
            zygote.output.close()

    def _retire(self, zygote: FileZygote) -> None:
        zygote.retired = True
        self._forget_key(zygote)
        if zygote.is_idle and zygote.connection is not None:
            zygote.connection.close()
            zygote.connection = None

    def _forget_key(self, zygote: FileZygote) -> None:
        if self._by_key.get(zygote.key) is zygote:
            del self._by_key[zygote.key]
            self._settled = {asked: file for asked, file in self._settled.items() if file != zygote.key}


def _bare(file: FileRef) -> FileRef:
    return msgspec.structs.replace(file, meaning=None, isolated=False)
