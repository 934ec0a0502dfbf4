"""The socket at which the podlet is asked, and the one connection that is in charge.

Invariant: while a control plane is connected, only one with a newer epoch takes over. The others are told why not, so
two servers on one home never both believe that they launch.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from tradewind import __version__
from tradewind.model.problem import Problem
from tradewind.podlet import loop as loops
from tradewind.podlet import own_log
from tradewind.podlet.connection import Connection
from tradewind.protocol import VERSION
from tradewind.protocol import podlet as protocol

_FLUSH_SECONDS = 1.0


class Control:
    """Listens, and answers Hello."""

    def __init__(
        self,
        loop: loops.Loop,
        path: str,
        *,
        on_hello: Callable[[protocol.Hello], None],
        on_request: Callable[[Any], None],
        on_gone: Callable[[], None],
        list_alive: Callable[[], list[str]],
    ) -> None:
        self._loop = loop
        self._path = path
        self._on_hello = on_hello
        self._on_request = on_request
        self._on_gone = on_gone
        self._list_alive = list_alive
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(protocol.Request)
        self._listener: socket.socket | None = None
        self._connections: set[Connection] = set()
        self._in_charge: Connection | None = None
        self._epoch = 0

    def listen(self) -> None:
        """Take connections. The socket of a podlet that died is replaced: we hold its lock."""
        self._listener = listener = socket.socket(socket.AF_UNIX)
        with suppress(FileNotFoundError):
            os.unlink(self._path)
        listener.bind(self._path)
        os.chmod(self._path, 0o600)
        listener.listen(16)
        listener.setblocking(False)
        self._loop.watch(listener.fileno(), lambda _events: self._accept())

    def send(self, message: Any) -> None:
        """To the control plane in charge; dropped while there is none: whoever comes is told all ends again."""
        if self._in_charge is not None:
            self._in_charge.send(message)

    def leave(self) -> None:
        """In a fork: the descriptors are not ours."""
        if self._listener is not None:
            self._listener.close()
        for connection in self._connections:
            os.close(connection.fileno())

    def close(self) -> None:
        """Say what is left to say and stop."""
        with suppress(FileNotFoundError):
            os.unlink(self._path)
        if self._in_charge is not None:
            self._in_charge.flush_blocking(_FLUSH_SECONDS)

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            accepted, _ = self._listener.accept()
        except OSError:
            return  # it has gone again
        connection = Connection(
            self._loop,
            accepted,
            on_message=lambda body: self._heard(connection, body),
            on_close=lambda: self._closed(connection),
        )
        self._connections.add(connection)

    def _heard(self, connection: Connection, body: bytes) -> None:
        try:
            message = self._decoder.decode(body)
        except msgspec.MsgspecError as error:
            own_log.write(f"a request is not understood: {error}\n")
            if connection is not self._in_charge:
                self._refuse(connection, _strange_version("an unknown one"))
            return
        if isinstance(message, protocol.Hello):
            self._greet(connection, message)
        elif connection is self._in_charge:
            self._on_request(message)

    def _greet(self, connection: Connection, hello: protocol.Hello) -> None:
        if hello.version != VERSION:
            self._refuse(connection, _strange_version(str(hello.version)))
            return
        old = self._in_charge
        if old is not None and old is not connection:
            if not old.has_ended() and hello.epoch <= self._epoch:
                self._refuse(connection, _BUSY)
                return
            self._refuse(old, _DEPOSED)
            self._on_gone()
        self._in_charge = connection
        self._epoch = hello.epoch
        self._on_hello(hello)

    def _refuse(self, connection: Connection, problem: Problem) -> None:
        alive = tuple(self._list_alive())
        connection.send(
            protocol.Welcome(version=VERSION, pid=os.getpid(), release=__version__, alive=alive, problem=problem)
        )
        connection.close()
        self._connections.discard(connection)

    def _closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if connection is self._in_charge:
            self._in_charge = None
            self._on_gone()


def _strange_version(theirs: str) -> Problem:
    return Problem(
        code="podlet-version",
        object=f"podlet {os.getpid()}",
        message=f"it speaks version {VERSION} of the protocol, and the control plane speaks {theirs}",
        hint="it is of another release: when what it runs has ended, the next start of a server replaces it "
        f"(or stop it with `kill {os.getpid()}`)",
    )


_BUSY = Problem(
    code="podlet-busy",
    message="another control plane is connected to the podlet of this home",
    hint="stop that one first; a home has one server",
)
_DEPOSED = Problem(
    code="podlet-taken",
    message="a control plane with a newer lease took over the podlet of this home",
    hint="nothing to do: the other server goes on with what ran here",
)
