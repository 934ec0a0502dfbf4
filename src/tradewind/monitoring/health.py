"""The address at which a server is asked how it is, on loopback: for people, service managers and Prometheus.

- `/livez`: 200 while its loop turns; whoever gets no answer, or 503, should start it again.
- `/readyz`: 200 while it would accept a trigger and begin it; 503 names the checks that fail.
- `/health`: the whole report as JSON; 200 where it is ready.
- `/metrics`: Prometheus' text format.

Nothing here may take long: it answers between two turns of the loop that it tells about.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tradewind.monitoring import metrics
from tradewind.ports import errors

_REQUEST_SECONDS = 5.0
_OK, _UNAVAILABLE = "200 OK", "503 Service Unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One condition: whether it holds, and in a few words what is so."""

    ok: bool
    message: str


class Subject(Protocol):
    """What is asked about."""

    def live(self) -> Check:
        """Whether the loop turns."""
        ...

    async def ready(self) -> Mapping[str, Check]:
        """Every condition for accepting and beginning a run."""
        ...

    async def report(self) -> tuple[bool, Mapping[str, Any]]:
        """Ready or not, and everything that an operator may ask, as plain values."""
        ...

    async def measure(self) -> Mapping[str, metrics.Series]:
        """All metrics now."""
        ...


class HealthServer:
    """Answers GET and HEAD at the four paths."""

    def __init__(self, subject: Subject, *, port: int) -> None:
        self._subject = subject
        self._port = port
        self._server: asyncio.Server | None = None
        self._paths: dict[str, Callable[[], Awaitable[tuple[str, str, str]]]] = {
            "/livez": self._livez,
            "/readyz": self._readyz,
            "/health": self._health,
            "/metrics": self._metrics,
        }

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        if self._server is None:
            raise RuntimeError("the health address is not open")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> HealthServer:
        """Listen on loopback. Raises `errors.Conflict` for a port in use, `errors.Rejected` for one not allowed."""
        try:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        except PermissionError as error:
            raise errors.Rejected(
                "may not be listened on by this user",
                object=f"port {self._port}",
                code="port-refused",
                hint="set server.health_port to one from 1024 on, or to 0 for a free one",
            ) from error
        except OSError as error:
            raise errors.Conflict(
                f"is in use{_by_whom(self._port)}",
                object=f"port {self._port}",
                code="port-in-use",
                hint="stop what listens there, or set server.health_port to another port, or to 0 for a free one",
            ) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                method, path = _parse(await reader.readline())
                while (await reader.readline()).strip():
                    pass
                status, kind, body = await self._answer(method, path)
                content = body.encode()
                fields = f"Content-Type: {kind}\r\nContent-Length: {len(content)}\r\nConnection: close"
                writer.write(f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n".encode() + (b"" if method == "HEAD" else content))
                await writer.drain()
        except (TimeoutError, ConnectionError, ValueError):
            pass  # a client that went away or spoke nonsense gets no answer
        finally:
            writer.close()

    async def _answer(self, method: str, path: str) -> tuple[str, str, str]:
        answer = self._paths.get(path)
        if answer is None:
            return "404 Not Found", *_json({"error": f"here are {', '.join(self._paths)}"})
        if method not in ("GET", "HEAD"):
            return "405 Method Not Allowed", *_json({"error": "only GET and HEAD"})
        return await answer()

    async def _livez(self) -> tuple[str, str, str]:
        check = self._subject.live()
        return _OK if check.ok else _UNAVAILABLE, *_json({"live": check.ok, "message": check.message})

    async def _readyz(self) -> tuple[str, str, str]:
        checks = await self._subject.ready()
        ready = all(check.ok for check in checks.values())
        told = {name: {"ok": check.ok, "message": check.message} for name, check in checks.items()}
        return _OK if ready else _UNAVAILABLE, *_json({"ready": ready, "checks": told})

    async def _health(self) -> tuple[str, str, str]:
        ready, report = await self._subject.report()
        return _OK if ready else _UNAVAILABLE, *_json(report)

    async def _metrics(self) -> tuple[str, str, str]:
        return _OK, metrics.CONTENT_TYPE, metrics.exposition(await self._subject.measure())


def _parse(line: bytes) -> tuple[str, str]:
    """Method and path of a request line. Raises ValueError."""
    method, target, _version = line.decode("latin-1").split()
    return method, target.partition("?")[0]


def _json(value: Any) -> tuple[str, str]:
    return "application/json", json.dumps(value) + "\n"


def _by_whom(port: int) -> str:
    """Who listens on a loopback port, where the kernel tells us; else nothing."""
    from tradewind.monitoring import listeners

    holder = listeners.find(port)
    return "" if holder is None else f" by pid {holder.pid} ({holder.command})"
