"""A datagram socket in the home: whoever wrote to the inbox sends a datagram, and the leader looks at once."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path


class WakeSocket:
    """Calls its listener when a datagram comes. Losing one is harmless: the poll of the database is the net."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._listener: Callable[[], None] | None = None

    def listen(self, listener: Callable[[], None]) -> None:
        """Who is to be woken."""
        self._listener = listener

    def wake(self) -> None:
        """Wake the listener from inside this process."""
        if self._listener is not None:
            self._listener()

    async def __aenter__(self) -> WakeSocket:
        """Bind; an old socket file is replaced."""
        self._path.unlink(missing_ok=True)
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        bound.setblocking(False)
        bound.bind(str(self._path))
        os.chmod(self._path, 0o600)
        self._socket = bound
        asyncio.get_running_loop().add_reader(bound, self._read, bound)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Unbind."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
        self._path.unlink(missing_ok=True)

    def _read(self, bound: socket.socket) -> None:
        try:
            while bound.recv(64):
                pass
        except BlockingIOError:
            self.wake()
