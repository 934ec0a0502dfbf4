"""A real SMTP server for tests, in a thread: TLS with a certificate of its own, logins, refusals."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd import smtp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "127.0.0.1"


@dataclass
class MailServer:
    """What it took, and what it refuses. `port` stays over `stop` and `start`."""

    tls: str = ""
    """Empty, `ssl` or `starttls`."""
    login: tuple[str, str] | None = None
    certificate: Path | None = None
    refused: dict[str, str] = field(default_factory=dict)
    """Answers by address."""
    data_answer: str = "250 OK"
    taken: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    port: int = 0
    _thread: threading.Thread | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(listening)), name="mail server")
        self._thread.start()
        assert listening.wait(10)

    def stop(self) -> None:
        """End; what is being said is cut off."""
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(10)
            self._thread = None

    async def _serve(self, listening: threading.Event) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        context = None
        if self.tls:
            assert self.certificate is not None
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
        sessions: list[smtp.SMTP] = []

        def protocol() -> smtp.SMTP:
            with warnings.catch_warnings(action="ignore"):  # it warns of passwords in plain, and of them we test
                session = smtp.SMTP(
                    _Handler(self),
                    hostname="mail.test",
                    tls_context=context if self.tls == "starttls" else None,
                    require_starttls=self.tls == "starttls",
                    authenticator=self._lets_in if self.login else None,
                    auth_required=self.login is not None,
                    auth_require_tls=self.tls == "starttls",
                    loop=asyncio.get_running_loop(),
                )
            sessions.append(session)
            return session

        server = await self._loop.create_server(protocol, HOST, self.port, ssl=context if self.tls == "ssl" else None)
        self.port = server.sockets[0].getsockname()[1]
        listening.set()
        await self._ended.wait()
        server.close()
        for session in sessions:
            if isinstance(session.transport, asyncio.WriteTransport):
                session.transport.abort()
        await asyncio.sleep(0)

    def _lets_in(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> smtp.AuthResult:
        told = (data.login.decode(), data.password.decode())
        return smtp.AuthResult(success=told == self.login, handled=False)


class _Handler:
    """What aiosmtpd calls."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if address in self._server.refused:
            return self._server.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self._server.data_answer.startswith("250"):
            found = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(found, EmailMessage)
            self._server.taken.append(found)
            self._server.envelopes.append((envelope.mail_from, tuple(envelope.rcpt_tos)))
        return self._server.data_answer


@contextlib.contextmanager
def serving(**told: Any) -> Iterator[MailServer]:
    """A server until the end of the block."""
    server = MailServer(**told)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def part(message: EmailMessage, kind: str) -> str:
    """The content of one part, e.g. `text/plain`, with plain line ends."""
    found = next(one for one in message.walk() if one.get_content_type() == kind)
    assert isinstance(found, EmailMessage)
    return str(found.get_content()).replace("\r", "")


def certificate(folder: Path) -> Path:
    """Key and certificate of 127.0.0.1 in one file; it is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path
