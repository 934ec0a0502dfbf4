"""The podlet's end of the root zygote: asked for processes that load files, started again when it dies.

Invariant: a spawn that the root did not confirm before it died is asked of its successor; a load that died with the
root begins anew. Datagrams keep a message and its descriptors together.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from tradewind.podlet import loop as loops
from tradewind.podlet.messages import Exited, FromRoot, Spawn, Spawned
from tradewind.podlet.reaper import Reaper
from tradewind.podlet.zygote import RootZygote

_MESSAGE_BYTES = 1 << 16
_AGAIN_SECONDS = 0.2
"""A root that dies at once must not be started in a circle at full speed."""
_SILENT_DEATHS = 3
"""So often it dies without having done anything before what waits for it is told that it is broken."""


class Root:
    """One root zygote after another."""

    def __init__(
        self,
        loop: loops.Loop,
        reaper: Reaper,
        *,
        worker: str,
        told: int,
        ephemeral: bool,
        leave: Callable[[], None],
        on_spawned: Callable[[int, int], None],
        on_exited: Callable[[int, int], None],
        on_lost: Callable[[], None],
        on_started_again: Callable[[bool], None],
    ) -> None:
        """`on_lost`: its children are ours now. `on_started_again`: what it had not begun is to be asked again."""
        self._loop = loop
        self._reaper = reaper
        self._worker = worker
        self._told = told
        self._ephemeral = ephemeral
        self._leave = leave
        self._on_spawned = on_spawned
        self._on_exited = on_exited
        self._on_lost = on_lost
        self._on_started_again = on_started_again
        self._waiting: deque[tuple[bytes, tuple[int, int]]] = deque()
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(FromRoot)
        self._is_up = False
        self._silent_deaths = 0
        self.pid = 0
        self.start()

    def start(self) -> None:
        """Fork it. The fork keeps nothing of ours (`leave`) but its socket and the pipe of the attempts."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                ours.close()
                self._leave()
                RootZygote(theirs, self._told, self._worker, ephemeral=self._ephemeral).run()
            finally:
                os._exit(70)
        theirs.close()
        ours.setblocking(False)
        self._socket = ours
        self._loop.watch(ours.fileno(), self._ready)
        self._reaper.follow(self.pid, lambda _status: None)
        self._is_up = True

    def spawn(self, message: Spawn, control: int, output: int) -> None:
        """Ask for a process; it gets these two descriptors, which are closed here."""
        self._waiting.append((msgspec.msgpack.encode(message), (control, output)))
        if not self._is_up:
            self._drop_waiting()  # asked again when there is one
        elif len(self._waiting) == 1:
            self._send()

    def _send(self) -> None:
        while self._waiting:
            body, descriptors = self._waiting[0]
            try:
                socket.send_fds(self._socket, [body], descriptors)
            except BlockingIOError:
                self._loop.change(self._socket.fileno(), loops.READ | loops.WRITE)
                return
            except OSError:
                return  # it is gone; reading says so, and `on_lost` asks again
            self._waiting.popleft()
            for descriptor in descriptors:
                os.close(descriptor)

    def _ready(self, events: int) -> None:
        if events & loops.WRITE:
            self._loop.change(self._socket.fileno(), loops.READ)
            self._send()
        while True:
            try:
                body = self._socket.recv(_MESSAGE_BYTES)
            except BlockingIOError:
                return
            except OSError:
                body = b""
            if not body:
                self._lost()
                return
            self._heard(self._decoder.decode(body))

    def _heard(self, message: Spawned | Exited) -> None:
        self._silent_deaths = 0
        if isinstance(message, Spawned):
            self._on_spawned(message.number, message.pid)
        else:
            self._on_exited(message.number, message.status)

    def _lost(self) -> None:
        self._is_up = False
        self._silent_deaths += 1
        self._loop.unwatch(self._socket.fileno())
        self._socket.close()
        self._drop_waiting()
        self._on_lost()
        self._loop.after(_AGAIN_SECONDS * self._silent_deaths, self._start_again)

    def _start_again(self) -> None:
        self.start()
        self._on_started_again(self._silent_deaths < _SILENT_DEATHS)

    def _drop_waiting(self) -> None:
        for _, descriptors in self._waiting:
            for descriptor in descriptors:
                os.close(descriptor)
        self._waiting.clear()
