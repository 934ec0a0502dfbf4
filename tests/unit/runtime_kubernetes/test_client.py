"""Requests and streams against a server that refuses, stalls and breaks."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.unit.runtime_kubernetes import api_server as api
from tradewind.ports import errors
from tradewind.runtime.kubernetes.access import Access, AccessSource, Fixed
from tradewind.runtime.kubernetes.client import ClientOptions, ClusterClient

PODS = "/api/v1/namespaces/a/pods"


@contextlib.asynccontextmanager
async def client_of(
    server: api.ApiServer, clock: api.LeapingClock, source: AccessSource | None = None, **options: float
) -> AsyncIterator[ClusterClient]:
    found = source or Fixed(access=server.access)
    chosen = ClientOptions(**options)  # type: ignore[arg-type]
    async with ClusterClient(found, clock=clock, options=chosen) as client:
        yield client


@dataclass
class Renewed:
    """An `AccessSource` that gives these tokens one after the other, the last one for ever."""

    server: api.ApiServer
    tokens: list[str]
    readings: int = 0
    failure: errors.TradewindError | None = None
    extra: dict[str, str] = field(default_factory=dict)

    async def read(self) -> Access:
        self.readings += 1
        if self.failure is not None:
            raise self.failure
        token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        return Access(server=self.server.access.server, authorization=f"Bearer {token}", headers=self.extra)


def accepting(token: str) -> api.Script:
    def script(request: api.Request) -> api.Answer:
        accepted = request.headers.get("authorization") == f"Bearer {token}"
        return api.Answer(body=b"{}") if accepted else api.refused(401)

    return script


async def read_to_its_end(client: ClusterClient, *, idle_seconds: float) -> None:
    async with client.stream(PODS, idle_seconds=idle_seconds) as chunks:
        async for _ in chunks:
            pass


def test_a_request_carries_its_query_body_and_credential() -> None:
    async def scene() -> None:
        server = api.ApiServer(lambda request: api.Answer(status=201, body=b'{"kind":"Pod"}'))
        async with server.serving(), client_of(server, api.LeapingClock()) as client:
            assert await client.request("POST", PODS, {"dryRun": "All"}, b'{"a":1}') == b'{"kind":"Pod"}'
        asked = server.requests[0]
        assert (asked.method, asked.path, asked.query, asked.body) == ("POST", PODS, {"dryRun": "All"}, b'{"a":1}')
        assert asked.headers["authorization"] == "Bearer first"
        assert asked.headers["content-type"] == "application/json"

    asyncio.run(scene())


def test_a_refused_token_is_read_anew_once_and_the_request_asked_again() -> None:
    async def scene() -> None:
        server = api.ApiServer(accepting("second"))
        async with server.serving():
            source = Renewed(server, ["first", "second"])
            async with client_of(server, api.LeapingClock(), source) as client:
                await client.request("GET", PODS)
        assert source.readings == 2

    asyncio.run(scene())


def test_a_token_that_stays_refused_is_an_error_and_not_read_for_each_request() -> None:
    async def scene() -> None:
        server = api.ApiServer(accepting("another"))
        async with server.serving():
            source = Renewed(server, ["first"])
            async with client_of(server, api.LeapingClock(), source) as client:
                for _ in range(10):
                    with pytest.raises(errors.Unauthorized, match="does not accept our credential"):
                        await client.request("GET", PODS)
        assert source.readings == 2

    asyncio.run(scene())


def test_many_requests_that_meet_one_401_read_the_credential_once() -> None:
    async def scene() -> None:
        server = api.ApiServer(accepting("second"))
        async with server.serving():
            source = Renewed(server, ["first", "second"])
            async with client_of(server, api.LeapingClock(), source) as client:
                await asyncio.gather(*(client.request("GET", PODS) for _ in range(20)))
        assert source.readings == 2

    asyncio.run(scene())


def test_a_rotated_token_file_is_read_without_being_refused_first(tmp_path: Path) -> None:
    async def scene() -> None:
        token = tmp_path / "token"
        token.write_text("first\n")
        server = api.ApiServer(lambda request: api.Answer(body=b"{}"))
        async with server.serving():
            source = Fixed(access=Access(server=server.access.server, token_file=token))
            async with client_of(server, api.LeapingClock(), source) as client:
                await client.request("GET", PODS)
                rotated = tmp_path / "rotated"
                rotated.write_text("second\n")
                rotated.rename(token)
                await client.request("GET", PODS)
        assert [one.headers["authorization"] for one in server.requests] == ["Bearer first", "Bearer second"]

    asyncio.run(scene())


def test_a_token_file_that_changed_while_the_request_was_under_way_is_used_for_the_next(tmp_path: Path) -> None:
    async def scene() -> None:
        token = tmp_path / "token"
        token.write_text("first")

        def script(request: api.Request) -> api.Answer:
            if request.headers["authorization"] == "Bearer second one":
                return api.Answer(body=b"{}")
            token.write_text("second one")
            return api.refused(401)

        server = api.ApiServer(script)
        async with server.serving():
            source = Fixed(access=Access(server=server.access.server, token_file=token))
            async with client_of(server, api.LeapingClock(), source) as client:
                assert await client.request("GET", PODS) == b"{}"

    asyncio.run(scene())


def test_a_plugin_that_fails_is_not_run_for_every_request() -> None:
    async def scene() -> None:
        server = api.ApiServer(accepting("first"))
        async with server.serving():
            source = Renewed(server, ["first"], failure=errors.Unauthorized("no", code="plugin-failed"))
            clock = api.LeapingClock()
            async with client_of(server, clock, source) as client:
                for _ in range(10):
                    with pytest.raises(errors.Unauthorized, match="no"):
                        await client.request("GET", PODS)
                assert source.readings == 1
                source.failure = None
                clock.elapsed += 6
                await client.request("GET", PODS)

    asyncio.run(scene())


def test_a_429_is_asked_again_after_its_retry_after() -> None:
    async def scene() -> None:
        answers = [api.refused(429, headers={"Retry-After": "7"}), api.Answer(body=b"ok")]
        server = api.ApiServer(lambda request: answers.pop(0))
        clock = api.LeapingClock()
        async with server.serving(), client_of(server, clock) as client:
            full = client.limiter.rate
            assert await client.request("POST", PODS, body=b"{}") == b"ok"
            assert clock.elapsed >= 7
            assert client.limiter.rate < full

    asyncio.run(scene())


def test_a_server_that_only_says_429_is_given_up_for_now() -> None:
    async def scene() -> None:
        server = api.ApiServer(lambda request: api.refused(429, headers={"Retry-After": "1"}))
        async with server.serving(), client_of(server, api.LeapingClock()) as client:
            with pytest.raises(errors.Transient) as caught:
                await client.request("GET", PODS)
        assert caught.value.code == "too-many-requests"
        assert len(server.requests) == 6

    asyncio.run(scene())


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_only_once_by_the_client(status: int) -> None:
    async def scene() -> None:
        server = api.ApiServer(lambda request: api.Answer(status=status, body=b"oh no"))
        async with server.serving(), client_of(server, api.LeapingClock()) as client:
            with pytest.raises(errors.Transient, match="oh no"):
                await client.request("POST", PODS, body=b"{}")
        assert len(server.requests) == 1

    asyncio.run(scene())


def test_a_redirect_is_not_followed_with_our_credential() -> None:
    async def scene() -> None:
        server = api.ApiServer(lambda request: api.Answer(status=302, headers={"Location": "/elsewhere"}))
        async with server.serving(), client_of(server, api.LeapingClock()) as client:
            with pytest.raises(errors.Rejected):
                await client.request("GET", PODS)
        assert len(server.requests) == 1

    asyncio.run(scene())


def test_nobody_listening_is_transient() -> None:
    async def scene() -> None:
        source = Fixed(access=Access(server="http://127.0.0.1:1"))
        async with ClusterClient(source, clock=api.LeapingClock()) as client:
            with pytest.raises(errors.Transient) as caught:
                await client.request("GET", PODS)
        assert caught.value.code == "network"

    asyncio.run(scene())


def test_an_answer_that_does_not_come_is_given_up() -> None:
    async def scene() -> None:
        server = api.ApiServer(lambda request: api.Answer(chunks=[b"half"], hold=True))
        async with server.serving(), client_of(server, api.LeapingClock(), request_seconds=0.1) as client:
            with pytest.raises(errors.Transient) as caught:
                await client.request("GET", PODS)
        assert caught.value.code == "no-answer"

    asyncio.run(scene())


def test_a_stream_gives_its_bytes_as_they_come_and_ends() -> None:
    async def scene() -> None:
        server = api.ApiServer(lambda request: api.Answer(chunks=[b"one\n", b"two"]))
        async with (
            server.serving(),
            client_of(server, api.LeapingClock()) as client,
            client.stream(f"{PODS}/x/log", idle_seconds=5) as chunks,
        ):
            assert b"".join([chunk async for chunk in chunks]) == b"one\ntwo"

    asyncio.run(scene())


def test_an_idle_stream_and_a_cut_one_are_transient() -> None:
    async def scene() -> None:
        answers = [api.Answer(chunks=[b"one"], hold=True), api.Answer(chunks=[b"one"], cut=True)]
        server = api.ApiServer(lambda request: answers.pop(0))
        async with server.serving(), client_of(server, api.LeapingClock()) as client:
            for code in ("idle", "network"):
                with pytest.raises(errors.Transient) as caught:
                    await read_to_its_end(client, idle_seconds=0.1)
                assert caught.value.code == code

    asyncio.run(scene())


def test_open_streams_do_not_keep_requests_waiting() -> None:
    async def scene() -> None:
        server = api.ApiServer(lambda request: api.watched() if request.is_watch else api.Answer(body=b"ok"))
        async with (
            server.serving(),
            client_of(server, api.LeapingClock(), streams=3, connections=1) as client,
            contextlib.AsyncExitStack() as open_streams,
        ):
            for _ in range(3):
                await open_streams.enter_async_context(client.stream(PODS, {"watch": "true"}, idle_seconds=5))
            assert await client.request("GET", PODS) == b"ok"

    asyncio.run(scene())


def test_more_streams_than_allowed_wait_and_then_say_so() -> None:
    async def scene() -> None:
        server = api.ApiServer(lambda request: api.watched())
        async with (
            server.serving(),
            client_of(server, api.LeapingClock(), streams=1, connect_seconds=0.1) as client,
            client.stream(PODS, {"watch": "true"}, idle_seconds=5),
        ):
            with pytest.raises(errors.Transient):
                await read_to_its_end(client, idle_seconds=5)

    asyncio.run(scene())


def test_an_answer_that_is_an_error_gives_its_connection_back() -> None:
    async def scene() -> None:
        server = api.ApiServer(lambda request: api.refused(404, "x" * 100_000))
        async with server.serving(), client_of(server, api.LeapingClock(), connections=1) as client:
            for _ in range(3):
                with pytest.raises(errors.NotFound):
                    await client.request("GET", PODS)

    asyncio.run(scene())


def test_headers_of_impersonation_go_along() -> None:
    async def scene() -> None:
        server = api.ApiServer(accepting("first"))
        async with server.serving():
            source = Renewed(server, ["first"], extra={"Impersonate-User": "ann"})
            async with client_of(server, api.LeapingClock(), source) as client:
                await client.request("GET", PODS)
        assert server.requests[0].headers["impersonate-user"] == "ann"

    asyncio.run(scene())


def test_a_proxy_is_used_where_the_access_names_one() -> None:
    async def scene() -> None:
        server = api.ApiServer(lambda request: api.Answer(body=json.dumps({"path": request.path}).encode()))
        async with server.serving():
            access = Access(server="http://cluster.example", proxy=f"http://127.0.0.1:{server.port}")
            async with client_of(server, api.LeapingClock(), Fixed(access=access)) as client:
                await client.request("GET", PODS)
        assert server.requests[0].headers["host"] == "cluster.example"

    asyncio.run(scene())
