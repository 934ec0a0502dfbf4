"""Speaks to one cluster's API server: bytes in, bytes out, errors of `ports.errors`.

Requests and streams have a pool of connections each, both bounded: open watches and logs never starve a create. Every
request passes the limiter; a 429 is asked again here, since the server did nothing; a 401 reads the credentials anew
once. Nothing else is retried, because only the caller knows what may be done twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import urllib.parse
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from types import TracebackType

import aiohttp
import yarl

import tradewind
from tradewind.ports import clock as clock_port
from tradewind.ports import errors
from tradewind.runtime.kubernetes import limiter as limiters
from tradewind.runtime.kubernetes import statuses
from tradewind.runtime.kubernetes.access import Access, AccessSource
from tradewind.runtime.kubernetes.credentials import Credentials

_JSON = "application/json"
_CHANNELS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_LONGEST_ERROR_BYTES = 1 << 20
_REACH = "it is asked again; if this lasts, look whether the API server can be reached: kubectl version"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """Times in seconds."""

    connections: int = 16
    """For requests."""
    streams: int = 64
    """Open at once: watches and logs."""
    connect_seconds: float = 10.0
    """To a connection, the wait for a free one included."""
    request_seconds: float = 60.0
    """A whole request, its answer read."""
    open_seconds: float = 30.0
    """To the first byte of a stream's answer."""
    pushbacks: int = 5
    """A request that met so many 429s is given back to its caller as Transient."""


class Chunks:
    """The bytes of an open stream as they come, until its end. Raises `errors.Transient` when it is cut or idle."""

    def __init__(self, response: aiohttp.ClientResponse, asked: str) -> None:
        self._response = response
        self._asked = asked

    def __aiter__(self) -> Chunks:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._response.content.readany()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _network(error, self._asked) from error
        if not chunk:
            raise StopAsyncIteration
        return chunk


class ClusterClient:
    """One cluster. `async with` opens its connections and closes them."""

    def __init__(
        self,
        source: AccessSource,
        *,
        clock: clock_port.Clock,
        options: ClientOptions | None = None,
        limits: limiters.Limits | None = None,
    ) -> None:
        self.options = options or ClientOptions()
        self.limiter = limiters.Limiter(limits or limiters.Limits(), clock)
        self.credentials = Credentials(source, clock)
        self.dated: tuple[str, datetime] | None = None
        """The header `Date` of the last answer, and our own time when it came."""
        self._clock = clock
        self._requests: aiohttp.ClientSession | None = None
        self._streams: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> ClusterClient:
        self._requests = _session(self.options.connections)
        self._streams = _session(self.options.streams)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in (self._requests, self._streams):
            if session is not None:
                await session.close()
        self._requests = self._streams = None

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        content_type: str = _JSON,
    ) -> bytes:
        """Ask and read the answer whole. `path` is as the API has it ("/api/v1/namespaces/a/pods"), not yet quoted.

        Raises what `statuses` makes of an answer that is not 2xx; `errors.Transient` for the network, a time-out and
        more 429s than the options allow; `errors.Unauthorized` after the credentials were read anew in vain.
        """
        times = aiohttp.ClientTimeout(total=self.options.request_seconds, connect=self.options.connect_seconds)
        asked = _Asked(method=method, path=path, query=query or {}, body=body, content_type=content_type, times=times)
        response = await self._answer(self._requests, asked)
        try:
            body = await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _network(error, str(asked)) from error
        finally:
            if not response.content.at_eof():
                _cut(response)
            response.release()
        return body

    @contextlib.asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str] | None = None, *, idle_seconds: float
    ) -> AsyncIterator[Chunks]:
        """GET a stream that may never end. Raises as `request`; its chunks raise Transient after `idle_seconds`."""
        times = aiohttp.ClientTimeout(total=None, connect=self.options.connect_seconds, sock_read=idle_seconds)
        opening = self.options.open_seconds
        asked = _Asked(method="GET", path=path, query=query or {}, times=times, opening_seconds=opening)
        response = await self._answer(self._streams, asked)
        try:
            yield Chunks(response, str(asked))
        finally:
            _cut(response)

    @contextlib.asynccontextmanager
    async def channels(
        self, path: str, query: Sequence[tuple[str, str]]
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Open what has several streams (exec): binary messages, the first byte is the stream's number.

        Raises as `request`; where the server refuses, it does not tell why beside the status.
        """
        if self._streams is None:
            raise errors.Fatal("the cluster's client is not open")
        asked = f"GET {path}"
        await self.limiter.wait()
        access, authorization = await self.credentials.get()
        headers = dict(access.headers) | ({"Authorization": authorization} if authorization else {})
        try:
            async with (
                asyncio.timeout(self.options.open_seconds) as opening,
                self._streams.ws_connect(
                    _url(access.server, path, query),
                    protocols=_CHANNELS,
                    headers=headers,
                    ssl=access.tls if access.tls is not None else True,
                    server_hostname=access.tls_server_name,
                    proxy=access.proxy,
                    heartbeat=30.0,
                    max_msg_size=0,
                ) as socket,
            ):
                opening.reschedule(None)
                yield socket
        except aiohttp.WSServerHandshakeError as error:
            raise statuses.error(error.status, b"", asked=asked) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _network(error, asked) from error

    async def _answer(self, session: aiohttp.ClientSession | None, asked: _Asked) -> aiohttp.ClientResponse:
        """A 2xx whose body is not read yet."""
        if session is None:
            raise errors.Fatal("the cluster's client is not open")
        pushbacks, renewed = 0, False
        while True:
            await self.limiter.wait()
            access, authorization = await self.credentials.get()
            try:
                async with asyncio.timeout(asked.opening_seconds):
                    response = await _send(session, asked, access, authorization)
                    self.dated = (response.headers.get("Date", ""), self._clock.now())
                    if 200 <= response.status < 300:
                        return response
                    told = await _error_body(response)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise _network(error, str(asked)) from error
            if self._is_pressure(response):
                pushbacks += 1
                if response.status == HTTPStatus.TOO_MANY_REQUESTS and pushbacks <= self.options.pushbacks:
                    continue
            if response.status == HTTPStatus.UNAUTHORIZED and not renewed:
                renewed = await self.credentials.renew(access, authorization)
                if renewed:
                    continue
            raise statuses.error(response.status, told, asked=str(asked))

    def _is_pressure(self, response: aiohttp.ClientResponse) -> bool:
        wait = response.headers.get("Retry-After")
        pushed = response.status == HTTPStatus.TOO_MANY_REQUESTS
        if pushed or (response.status == HTTPStatus.SERVICE_UNAVAILABLE and wait):
            self.limiter.pushed_back(wait)
            return True
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One request, whoever we are there."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes | None = None
    content_type: str = _JSON
    times: aiohttp.ClientTimeout
    opening_seconds: float | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


async def _send(
    session: aiohttp.ClientSession, asked: _Asked, access: Access, authorization: str | None
) -> aiohttp.ClientResponse:
    headers = dict(access.headers)
    if authorization:
        headers["Authorization"] = authorization
    if asked.body is not None:
        headers["Content-Type"] = asked.content_type
    return await session.request(
        asked.method,
        _url(access.server, asked.path, asked.query),
        data=asked.body,
        headers=headers,
        timeout=asked.times,
        allow_redirects=False,
        ssl=access.tls if access.tls is not None else True,
        server_hostname=access.tls_server_name,
        proxy=access.proxy,
    )


def _cut(response: aiohttp.ClientResponse) -> None:
    """Close its connection now. TLS's farewell waits for the server's: it may come after our loop's end, or never."""
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()
    response.close()


def _session(connections: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={
            "Accept": f"{_JSON}, */*",
            "Accept-Encoding": "identity",  # unpacking costs the loop more than the bytes cost a cluster's network
            "User-Agent": f"tradewind/{tradewind.__version__}",
        },
        trust_env=False,  # `access.proxy_for` reads NO_PROXY with its networks
    )


def _url(server: str, path: str, query: Mapping[str, str] | Sequence[tuple[str, str]]) -> yarl.URL:
    more = f"?{urllib.parse.urlencode(query)}" if query else ""
    return yarl.URL(f"{server}{urllib.parse.quote(path)}{more}", encoded=True)


async def _error_body(response: aiohttp.ClientResponse) -> bytes:
    """Of an answer that is an error. Read to its end, its connection serves again."""
    try:
        body = await response.content.read(_LONGEST_ERROR_BYTES)
        while not response.content.at_eof() and len(body) < _LONGEST_ERROR_BYTES:
            body += await response.content.read(_LONGEST_ERROR_BYTES - len(body))
        return body
    finally:
        response.release()


def _network(error: BaseException, asked: str) -> errors.Transient:
    """What kept us from an answer."""
    if isinstance(error, aiohttp.SocketTimeoutError):
        return errors.Transient(f"{asked}: nothing came for too long", code="idle", hint=_REACH)
    if isinstance(error, TimeoutError):
        return errors.Transient(f"{asked}: no answer in time", code="no-answer", hint=_REACH)
    if isinstance(error, (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError)):
        return errors.Transient(
            f"{asked}: the server's certificate is not trusted: {_untrusted(error)}",
            code="untrusted-certificate",
            hint="look at certificate-authority and tls-server-name of the kubeconfig's cluster",
        )
    return errors.Transient(f"{asked}: {_what(error)}", code="network", hint=_REACH)


def _what(error: BaseException) -> str:
    """In words: the client library's own text of a failed connection has the address of an object in it."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect to {error.host}:{error.port}: {error.os_error.strerror or error.os_error}"
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _untrusted(error: aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError) -> str:
    cause = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else error
    return cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else str(cause)
