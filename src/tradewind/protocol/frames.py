"""Framing: length-prefixed msgpack on a byte stream.

Invariant: a frame is at most `MAX_FRAME` bytes, so a peer that speaks nonsense cannot make us allocate without bound.
"""

from __future__ import annotations

import struct
from typing import Any

import msgspec

MAX_FRAME = 256 * 1024 * 1024
_HEAD = struct.Struct(">I")
_encoder = msgspec.msgpack.Encoder()


class BadFrame(ValueError):
    """The peer does not speak this protocol."""


def pack(message: Any) -> bytes:
    """One message as a frame."""
    body = _encoder.encode(message)
    if len(body) > MAX_FRAME:
        raise BadFrame(f"a message of {len(body)} bytes is over the limit of {MAX_FRAME}")
    return _HEAD.pack(len(body)) + body


class Splitter:
    """Cuts a byte stream into message bodies."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Add bytes; the complete bodies so far. Raises `BadFrame` on an oversized length."""
        buffer = self._buffer
        buffer += data
        bodies: list[bytes] = []
        start = 0
        while len(buffer) - start >= 4:
            (size,) = _HEAD.unpack_from(buffer, start)
            if size > MAX_FRAME:
                raise BadFrame(f"a frame of {size} bytes is over the limit of {MAX_FRAME}")
            if len(buffer) - start - 4 < size:
                break
            bodies.append(bytes(buffer[start + 4 : start + 4 + size]))
            start += 4 + size
        del buffer[:start]
        return bodies
