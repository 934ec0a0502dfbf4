"""What relaying logs costs the control plane: MB for each second of one core, and memory while a GB passes.

`python -m bench.log_relay [--megabytes 1000] [--line 200] [--chunk 32768] [--tls] [--profile]`. A server in a process
of its own streams lines as an API server does; they go through the client and the follower into a log file. Counted is
the CPU time of this process, so another load of the machine, and a server that is slower than we are, change little.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import datetime
import json
import pstats
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tradewind.clock import SystemClock, SystemRandom
from tradewind.runtime.kubernetes import access, client, log_file, log_following, log_streams


def block(line_bytes: int) -> bytes:
    """About 4 MB of lines of this length, their times of 60 seconds."""
    found = []
    for number in range((4 << 20) // line_bytes):
        at = f"2026-01-01T00:00:{number * 60 // ((4 << 20) // line_bytes):02d}.{number:09d}Z "
        text = f"INFO worker-{number % 7}: row {number} of the table was read and written "
        found.append((at + text).encode().ljust(line_bytes - 1, b".") + b"\n")
    return b"".join(found)


async def serve(megabytes: int, line_bytes: int, chunk_bytes: int, tls: ssl.SSLContext | None) -> None:
    """Stream so much to whoever asks, in chunks as HTTP/1.1 has them; says its port."""
    lines = block(line_bytes)
    step = max(1, chunk_bytes // line_bytes) * line_bytes
    pieces = [lines[at : at + step] for at in range(0, len(lines), step)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
            for minute in range(max(1, megabytes * 1_000_000 // len(lines))):
                told = body.replace(b"-01T00:00:", b"-01T%02d:%02d:" % divmod(minute, 60))
                for at in range(0, len(told), 1 << 16):
                    writer.write(told[at : at + (1 << 16)])
                    await writer.drain()
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


def certificate(folder: Path) -> Path:
    """Of 127.0.0.1, with its key."""
    path = folder / "server.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key.pem"), "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + (folder / "key.pem").read_bytes())
    return path


@contextlib.contextmanager
def served(options: argparse.Namespace, folder: Path) -> Iterator[access.Access]:
    """The server, in a process of its own."""
    pem = certificate(folder) if options.tls else None
    told = ["--megabytes", options.megabytes, "--line", options.line, "--chunk", options.chunk, "--serve", pem or ""]
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.log_relay", *map(str, told)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        context = ssl.create_default_context(cafile=str(pem)) if pem else None
        yield access.Access(server=f"{'https' if pem else 'http'}://127.0.0.1:{port}", tls=context)
    finally:
        process.kill()
        process.wait()


async def relay(options: argparse.Namespace, where: access.Access, folder: Path) -> dict[str, Any]:
    """One log, from the server's first byte to the last line in the file."""
    clock = SystemClock()
    async with client.ClusterClient(access.Fixed(access=where), clock=clock) as api:
        file = log_file.LogFile(
            folder / "log", now=lambda: datetime.datetime.now(datetime.UTC), unnamed="base", quota_bytes=1 << 40
        )
        follower = log_following.ContainerLog(
            api,
            log_streams.Streams(1),
            file,
            namespace="a",
            pod="p",
            container="base",
            node="n",
            file_bytes=10 << 20,
            clock=clock,
            random=SystemRandom(),
            is_ours=lambda: True,
        )
        before, began, cpu = resident(), time.monotonic(), time.process_time()
        await follower._read(follow=True)
        wall, spent, after = time.monotonic() - began, time.process_time() - cpu, resident()
    size = (folder / "log").stat().st_size
    lines = size // options.line
    return {
        "mb_per_cpu_second": size / 1e6 / spent,
        "mb_per_second": size / 1e6 / wall,
        "us_per_line": spent / lines * 1e6,
        "mb": size / 1e6,
        "peak_mb_more": after - before,
    }


def resident() -> float:
    """The most memory that this process had so far, in MB."""
    told = Path("/proc/self/status").read_text()
    return int(told.split("VmHWM:")[1].split()[0]) / 1e3


def main() -> None:
    """Serve, or measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--line", type=int, default=200)
    parser.add_argument("--chunk", type=int, default=32768)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--serve", default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        tls = None
        if options.serve:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(options.serve)
        asyncio.run(serve(options.megabytes, options.line, options.chunk, tls))
        return
    with (
        tempfile.TemporaryDirectory(prefix="tw-relay-") as folder,
        served(options, Path(folder)) as where,
    ):
        profile = cProfile.Profile()
        if options.profile:
            profile.enable()
        found = asyncio.run(relay(options, where, Path(folder)))
        profile.disable()
    print(json.dumps({name: round(value, 1) for name, value in found.items()}))
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(14)


if __name__ == "__main__":
    main()
