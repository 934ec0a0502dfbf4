"""The address at which a server tells how it is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tradewind.monitoring import health, listeners, metrics
from tradewind.ports import errors


class Patient:
    """A server whose conditions the test chooses."""

    def __init__(self) -> None:
        self.alive = health.Check(ok=True, message="the loop turns")
        self.checks = {
            "leads": health.Check(ok=True, message="leads"),
            "podlet": health.Check(ok=True, message="there"),
        }

    def live(self) -> health.Check:
        return self.alive

    async def ready(self) -> Mapping[str, health.Check]:
        return self.checks

    async def report(self) -> tuple[bool, Mapping[str, Any]]:
        ready = all(check.ok for check in self.checks.values())
        return ready, {"status": "healthy" if ready else "unhealthy"}

    async def measure(self) -> Mapping[str, metrics.Series]:
        return {"tradewind_lease_epoch": {(): 7}}


@contextlib.asynccontextmanager
async def served(patient: Patient) -> AsyncIterator[int]:
    async with health.HealthServer(patient, port=0) as server:
        yield int(server.url.rpartition(":")[2])


async def ask(port: int, request: str) -> tuple[int, dict[str, str], str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{request}\r\nHost: x\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition("\r\n\r\n")
    status, *lines = head.split("\r\n")
    return int(status.split()[1]), dict(line.split(": ", 1) for line in lines), body


@pytest.mark.anyio
async def test_a_server_in_order_is_live_and_ready() -> None:
    async with served(Patient()) as port:
        for path in ("/livez", "/readyz", "/health", "/readyz?verbose"):
            assert (await ask(port, f"GET {path} HTTP/1.1"))[0] == 200


@pytest.mark.anyio
async def test_a_server_without_its_podlet_is_live_but_not_ready_and_says_why() -> None:
    patient = Patient()
    patient.checks["podlet"] = health.Check(ok=False, message="not connected")
    async with served(patient) as port:
        assert (await ask(port, "GET /livez HTTP/1.1"))[0] == 200
        status, _, body = await ask(port, "GET /readyz HTTP/1.1")
        assert status == 503
        assert json.loads(body)["checks"]["podlet"] == {"ok": False, "message": "not connected"}
        assert (await ask(port, "GET /health HTTP/1.1"))[0] == 503


@pytest.mark.anyio
async def test_a_loop_that_stands_still_is_not_live() -> None:
    patient = Patient()
    patient.alive = health.Check(ok=False, message="one cycle for 90 s")
    async with served(patient) as port:
        assert (await ask(port, "GET /livez HTTP/1.1"))[0] == 503


@pytest.mark.anyio
async def test_metrics_come_as_prometheus_text() -> None:
    async with served(Patient()) as port:
        status, fields, body = await ask(port, "GET /metrics HTTP/1.1")
        assert (status, fields["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert "\ntradewind_lease_epoch 7\n" in body


@pytest.mark.anyio
async def test_head_gives_the_length_and_no_body() -> None:
    async with served(Patient()) as port:
        status, fields, body = await ask(port, "HEAD /health HTTP/1.1")
        assert (status, body) == (200, "")
        assert int(fields["Content-Length"]) > 0


@pytest.mark.anyio
async def test_other_paths_and_methods_are_refused_by_name() -> None:
    async with served(Patient()) as port:
        status, _, body = await ask(port, "GET /nothing HTTP/1.1")
        assert (status, "/readyz" in body) == (404, True)
        assert (await ask(port, "POST /health HTTP/1.1"))[0] == 405


@pytest.mark.anyio
async def test_nonsense_gets_no_answer_and_does_no_harm() -> None:
    async with served(Patient()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\xff\xfe\r\n\r\n")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        assert (await ask(port, "GET /livez HTTP/1.1"))[0] == 200


@pytest.mark.anyio
async def test_a_port_in_use_is_an_error_that_names_the_port_and_who_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(errors.Conflict) as raised:
            async with health.HealthServer(Patient(), port=port):
                raise AssertionError("it listens")
    assert (raised.value.code, raised.value.object) == ("port-in-use", f"port {port}")
    assert f"pid {os.getpid()}" in raised.value.message
    assert "server.health_port" in raised.value.hint


def test_nobody_listens_on_a_port_that_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert listeners.find(port) is None
