"""An API server that says what its script says: real HTTP on loopback, byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import urllib.parse
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tradewind.runtime.kubernetes.access import Access

_REASONS = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 410: "Expired", 422: "Invalid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def is_watch(self) -> bool:
        return self.query.get("watch") == "true"


@dataclass(slots=True, kw_only=True)
class Answer:
    """What it gets. `chunks` makes a stream; `hold` keeps it open until the client goes; `cut` breaks it off.

    `more`: chunks that come as time goes, after `chunks`.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] | None = None
    hold: bool = False
    cut: bool = False
    more: AsyncGenerator[bytes, None] | None = None


Script = Callable[[Request], Answer | Awaitable[Answer]]


class ApiServer:
    """Answers by `script`, notes every request. One request for each connection."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.tls = tls
        self.requests: list[Request] = []
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[ApiServer]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in list(self._open):
                writer.transport.abort()
            while self._open:
                await asyncio.sleep(0.001)

    @property
    def access(self) -> Access:
        return Access(server=f"http://127.0.0.1:{self.port}", authorization="Bearer first")

    @property
    def watches(self) -> list[Request]:
        return [one for one in self.requests if one.is_watch]

    @property
    def lists(self) -> list[Request]:
        return [one for one in self.requests if not one.is_watch]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            request = await _read(reader)
            self.requests.append(request)
            answer = self.script(request)
            await _write(reader, writer, answer if isinstance(answer, Answer) else await answer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            self._open.discard(writer)


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    url = urllib.parse.urlsplit(target)
    query = dict(urllib.parse.parse_qsl(url.query))
    return Request(method=method, path=urllib.parse.unquote(url.path), query=query, headers=headers, body=body)


async def _write(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> None:
    lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'OK')}", "Connection: close"]
    lines += ["Content-Type: application/json", *(f"{name}: {value}" for name, value in answer.headers.items())]
    if answer.chunks is None:
        lines.append(f"Content-Length: {len(answer.body)}")
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + answer.body)
        await writer.drain()
        return
    lines.append("Transfer-Encoding: chunked")
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
    for chunk in answer.chunks:
        writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
    await writer.drain()
    if answer.more is not None:
        await _write_more(reader, writer, answer.more)
    if answer.cut:
        writer.transport.abort()
    elif answer.hold:
        await reader.read()
    else:
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _write_more(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, more: AsyncGenerator[bytes, None]
) -> None:
    """As they come, until there are no more or the client is gone."""
    gone = asyncio.ensure_future(reader.read())
    try:
        while True:
            coming = asyncio.ensure_future(_chunk(more))
            await asyncio.wait({gone, coming}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
                return
            if (chunk := coming.result()) is None:
                return
            writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            await writer.drain()
    finally:
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        await more.aclose()  # it may not even have been asked for its next chunk


async def _chunk(more: AsyncGenerator[bytes, None]) -> bytes | None:
    return await anext(more, None)


# -- what the API says ---------------------------------------------------------------------------------------------


def pod(name: str, *, version: int = 1, uid: str = "", phase: str = "Running", namespace: str = "a") -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid or f"uid-of-{name}",
            "resourceVersion": str(version),
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {"containers": [{"name": "base", "image": "busybox"}]},
        "status": {"phase": phase},
    }


def listed(*pods: dict[str, Any], version: int = 10, more: str | None = None) -> Answer:
    metadata = {"resourceVersion": str(version), **({"continue": more} if more else {})}
    return Answer(body=json.dumps({"kind": "PodList", "metadata": metadata, "items": list(pods)}).encode())


def event(kind: str, what: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": what}).encode() + b"\n"


def bookmark(version: int) -> bytes:
    return event("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": str(version), "creationTimestamp": None}})


def status(code: int, message: str = "", **more: Any) -> dict[str, Any]:
    reason = more.pop("reason", _REASONS.get(code, ""))
    told = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code, "reason": reason}
    return {**told, "message": message or f"said {code}", **more}


def refused(code: int, message: str = "", *, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    return Answer(status=code, body=json.dumps(status(code, message, **more)).encode(), headers=headers or {})


def watched(*chunks: bytes, hold: bool = True, cut: bool = False) -> Answer:
    return Answer(chunks=list(chunks), hold=hold and not cut, cut=cut)


class LeapingClock:
    """Implements `ports.clock.Clock`: a sleep takes no time and moves the clock by what it would have taken."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.elapsed += seconds
        await asyncio.sleep(0)
