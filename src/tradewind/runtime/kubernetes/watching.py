"""One watch: the events of a scope's pods after a version, until the server ends it or it breaks.

What was yielded was whole. A half line at the end is not an event: the next watch, from the version before it, brings
it again. A watch in which nothing comes for long (not even a bookmark) is given up: its connection may be half open.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from tradewind.ports import errors
from tradewind.runtime.kubernetes import decode, statuses
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.scope import Scope

_LONGEST_LINE = 16 << 20
"""Bytes; an object is at most 1.5 MB in etcd, and somewhat more as JSON."""


async def events(
    client: ClusterClient, scope: Scope, resource_version: str, *, lasts_seconds: int, idle_seconds: float
) -> AsyncGenerator[decode.Event, None]:
    """What happens after `resource_version`; the server is asked to end the watch after `lasts_seconds`.

    Ends when the server closes it. Raises `statuses.Expired` for 410 as a status or in the stream, `errors.Transient`
    when it is cut, idle or nonsense, and what `ClusterClient.stream` raises.
    """
    query = {
        **scope.query,
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": resource_version,
        "timeoutSeconds": str(lasts_seconds),
    }
    async with client.stream(scope.path, query, idle_seconds=idle_seconds) as chunks:
        lines = Lines(chunks)
        while (line := await lines.next()) is not None:
            event = decode.event(line)
            if isinstance(event, decode.Refused):
                raise statuses.of(event.status, asked=f"watch of {scope.path}")
            yield event


class Lines:
    """Cuts a stream into its lines. What follows the last line end is dropped: it is half an event."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._ready: list[bytes] = []
        self._rest = bytearray()

    async def next(self) -> bytes | None:
        """A line that is not empty, or None at the end."""
        while not self._ready:
            try:
                chunk = await anext(self._chunks)
            except StopAsyncIteration:
                return None
            self._take(chunk)
        return self._ready.pop()

    def _take(self, chunk: bytes) -> None:
        self._rest += chunk
        if b"\n" not in chunk:
            if len(self._rest) > _LONGEST_LINE:
                raise errors.Transient(f"a line of the watch is longer than {_LONGEST_LINE} bytes", code="nonsense")
            return
        *lines, rest = bytes(self._rest).split(b"\n")
        self._rest = bytearray(rest)
        self._ready = [line for line in reversed(lines) if line.strip()]
