"""Whether something accepts TCP connections where a Connection points: the name, then each of its addresses.

Nothing is sent: what listens there, and whether it would let us in, is not known afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from tradewind.ports import vault as vault_port

PORTS = {
    "ftp": 21,
    "ssh": 22,
    "sftp": 22,
    "smtp": 25,
    "http": 80,
    "ldap": 389,
    "imap": 993,
    "https": 443,
    "mssql": 1433,
    "oracle": 1521,
    "mysql": 3306,
    "postgres": 5432,
    "amqp": 5672,
    "redis": 6379,
    "elasticsearch": 9200,
    "cassandra": 9042,
    "mongo": 27017,
    "trino": 8080,
}
"""The usual port of a type, or of a URL's scheme, where the Connection names none."""
Step = dict[str, Any]


def target(connection: vault_port.Connection, port: int | None) -> tuple[str, int | None]:
    """Host and port; a host that is a URL names both, and its scheme a port."""
    host, found, scheme = connection.host or "", connection.port or port, connection.conn_type
    if "://" in host:
        parts = urlsplit(host)
        with contextlib.suppress(ValueError):
            found = found or parts.port
        host, scheme = parts.hostname or "", parts.scheme
    return host.strip("[]"), found or PORTS.get(scheme) or PORTS.get(connection.conn_type)


async def steps(connection: vault_port.Connection, port: int | None, seconds: float) -> list[Step]:
    """What was tried, in order; ends with the first step that failed."""
    host, number = target(connection, port)
    if not host:
        return [_step("name", None, "it has no host: there is nothing to reach")]
    began = time.monotonic()
    try:
        async with asyncio.timeout(seconds):
            found = await asyncio.get_running_loop().getaddrinfo(host, number or 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        said = f"nothing after {seconds:g} s" if isinstance(error, TimeoutError) else str(error)
        return [_step("name", time.monotonic() - began, f"{host}: {said}")]
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    named = _step("name", time.monotonic() - began, f"{host} is {', '.join(addresses)}", ok=True)
    if number is None:
        return [named, _step("TCP", None, f"no port is known for type {connection.conn_type!r}; give --port")]
    return [named, await _connect(addresses, number, seconds)]


async def _connect(addresses: list[str], port: int, seconds: float) -> Step:
    failed: list[str] = []
    began = time.monotonic()
    for address in addresses:
        began = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                _, writer = await asyncio.open_connection(address, port)
        except OSError as error:
            reason = f"no answer after {seconds:g} s" if isinstance(error, TimeoutError) else _reason(error)
            failed.append(f"{address} port {port}: {reason}")
            continue
        took = time.monotonic() - began
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return _step("TCP", took, f"{address} port {port} accepts connections", ok=True)
    return _step("TCP", time.monotonic() - began, "; ".join(failed))


def _reason(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else str(error)


def _step(name: str, took: float | None, detail: str, *, ok: bool = False) -> Step:
    return {"step": name, "ok": ok, "milliseconds": None if took is None else round(took * 1000, 1), "detail": detail}
