"""A proxy before an API server that stamps what passes: each request, and each event of a watch that ends a pod.

It speaks plain HTTP on loopback to the client and TLS to the server, one connection for one. Nothing is changed but the
`Host`. One JSON object a line goes to LOG, stamped by the machine's monotonic clock in nanoseconds when the bytes
arrived here and before they were passed on: {"at", "request", "path"}, for the create of a pod with its "pod" (name)
and "annotations"; and {"at", "ended", "annotations"} with the pod's name.

usage: python -m bench.pod_proxy KUBECONFIG LOG      prints its port when it listens
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import sys
import time
import urllib.parse
from pathlib import Path
from typing import Any, TextIO

from tests.support import cluster_api

_CHUNK = 1 << 16


class Proxy:
    """All connections of one client."""

    def __init__(self, api: cluster_api.Api, log: TextIO) -> None:
        url = urllib.parse.urlsplit(api.address)
        self._host, self._port = url.hostname or "", url.port or 443
        self._tls: ssl.SSLContext = api.tls
        self._log = log

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side closes."""
        up_reader, up_writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        watch = _Watch(self.tell)
        both = [
            asyncio.ensure_future(self._upwards(reader, up_writer, watch)),
            asyncio.ensure_future(_downwards(up_reader, writer, watch)),
        ]
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for one in both:
            one.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        for one_writer in (writer, up_writer):
            one_writer.close()

    async def _upwards(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, watch: _Watch) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            at = time.monotonic_ns()
            first, *lines = head.decode("latin-1").split("\r\n")
            method, path, _ = first.split(" ", 2)
            told: dict[str, Any] = {"at": at, "request": method, "path": path}
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)
            watch.expect(query.get("watch", ["0"])[0] in ("1", "true", "True"))
            fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            kept = [line for line in lines if line and not line.lower().startswith("host:")]
            writer.write("\r\n".join([first, f"Host: {self._host}:{self._port}", *kept, "", ""]).encode("latin-1"))
            if "upgrade" in fields.get("connection", "").lower():
                self.tell(told)
                while data := await reader.read(_CHUNK):
                    writer.write(data)
                return
            if fields.get("transfer-encoding", "").lower() == "chunked":
                await _chunks(reader, writer)
            else:
                body = await reader.readexactly(int(fields.get("content-length", "0")))
                writer.write(body)
                if method == "POST" and urllib.parse.urlsplit(path).path.endswith("/pods"):
                    metadata = json.loads(body)["metadata"]
                    told |= {"pod": metadata["name"], "annotations": metadata.get("annotations", {})}
            self.tell(told)
            await writer.drain()

    def tell(self, line: dict[str, Any]) -> None:
        """Write one line."""
        self._log.write(json.dumps(line) + "\n")


class _Watch:
    """Looks for ends of pods in the answer to a watch."""

    def __init__(self, tell: Any) -> None:
        self._tell = tell
        self._is_watch = False
        self._rest = b""

    def expect(self, is_watch: bool) -> None:
        """What the answer to come is."""
        self._is_watch, self._rest = is_watch, b""

    def see(self, data: bytes) -> None:
        """Bytes of an answer. Each event is one line of JSON, and the server sends it as one chunk."""
        if not self._is_watch:
            return
        at = time.monotonic_ns()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if b'"terminated":{' not in line or not line.startswith(b"{"):
                continue
            with contextlib.suppress(ValueError, KeyError):
                pod = json.loads(line)["object"]
                if any("terminated" in one["state"] for one in pod["status"].get("containerStatuses", ())):
                    metadata = pod["metadata"]
                    told = {"at": at, "ended": metadata["name"], "annotations": metadata.get("annotations", {})}
                    self._tell(told)


async def _downwards(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, watch: _Watch) -> None:
    while data := await reader.read(_CHUNK):
        watch.see(data)
        writer.write(data)
        await writer.drain()


async def _chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        size = await reader.readuntil(b"\r\n")
        body = await reader.readexactly(int(size.split(b";")[0], 16) + 2)
        writer.write(size + body)
        if len(body) == 2:
            return


async def main(kubeconfig: Path, log: Path) -> None:
    """Serve until stdin closes."""
    with log.open("a", buffering=1) as file:
        server = await asyncio.start_server(Proxy(cluster_api.Api.read(kubeconfig), file).serve, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        async with server:
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
