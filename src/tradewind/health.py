"""The health address of a server: a loopback HTTP answer that says whether a trigger would be accepted now."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

Report = Callable[[], tuple[bool, Mapping[str, Any]]]


class HealthServer:
    """GET /health: 200 when healthy, 503 when not; the body is the report as JSON."""

    def __init__(self, report: Report, *, port: int) -> None:
        self._report = report
        self._port = port
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        if self._server is None:
            raise RuntimeError("the health address is not open")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/health"

    async def __aenter__(self) -> HealthServer:
        """Listen on loopback. Raises OSError where the port is in use."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(5):
                request = await reader.readline()
                while (await reader.readline()).strip():
                    pass
            path = request.split(b" ")[1].split(b"?")[0] if request.count(b" ") >= 2 else b"/"
            if path == b"/health":
                healthy, report = self._report()
                status, body = ("200 OK" if healthy else "503 Service Unavailable"), json.dumps(report)
            else:
                status, body = "404 Not Found", json.dumps({"error": "only /health is here"})
            fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close"
            head = f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n"
            writer.write((head + body).encode())
            await writer.drain()
        except (TimeoutError, ConnectionError, ValueError):
            pass  # a client that went away or spoke nonsense gets no answer
        finally:
            writer.close()
