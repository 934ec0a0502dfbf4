"""A stream of framed messages over a socket that never blocks the loop.

Invariant: bytes leave in the order in which they were sent; what the peer does not take yet waits here, so two
processes that write to each other cannot lock up.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from tradewind.podlet import loop as loops
from tradewind.protocol import frames

_READ_BYTES = 1 << 20


class Connection:
    """One peer. `on_message` gets each body; `on_close` is called once, when the peer is gone."""

    def __init__(
        self,
        loop: loops.Loop,
        sock: socket.socket,
        *,
        on_message: Callable[[bytes], None],
        on_close: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._socket = sock
        self._on_message = on_message
        self._on_close = on_close
        self._splitter = frames.Splitter()
        self._out = bytearray()
        self._waits_to_write = False
        self.is_open = True
        sock.setblocking(False)
        loop.watch(sock.fileno(), self._ready)

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._socket.fileno()

    def send(self, message: Any) -> None:
        """Queue a message; it leaves at once where the peer takes it."""
        self.send_bytes(frames.pack(message))

    def send_bytes(self, data: bytes) -> None:
        """Queue whole frames."""
        if not self.is_open:
            return
        self._out += data
        if not self._waits_to_write:
            self._flush()

    def has_ended(self) -> bool:
        """Whether the peer has closed its end, although nobody read that yet."""
        try:
            return self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """Close it; `on_close` is not called."""
        if self.is_open:
            self.is_open = False
            self._loop.unwatch(self._socket.fileno())
            self._socket.close()

    def flush_blocking(self, seconds: float) -> None:
        """Send what waits, for at most that long: before the process ends."""
        self._socket.settimeout(seconds)
        try:
            self._socket.sendall(self._out)
        except OSError:
            pass  # the peer is gone or does not read; nobody is left to be told
        self._out.clear()

    def drain(self) -> None:
        """Read what the peer sent before it closed."""
        while self.is_open and self._read():
            continue

    def _ready(self, events: int) -> None:
        if events & loops.WRITE:
            self._flush()
        if self.is_open and events & ~loops.WRITE:
            self._read()

    def _flush(self) -> None:
        try:
            sent = self._socket.send(self._out)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._out.clear()  # reading tells that the peer is gone, after what it still said
            sent = 0
        del self._out[:sent]
        if bool(self._out) != self._waits_to_write:
            self._waits_to_write = bool(self._out)
            self._loop.change(self.fileno(), loops.READ | loops.WRITE if self._out else loops.READ)

    def _read(self) -> bool:
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self.close()
            self._on_close()
            return False
        try:
            for body in self._splitter.feed(data):
                if self.is_open:
                    self._on_message(body)
        except frames.BadFrame:
            self.close()
            self._on_close()
            return False
        return True
