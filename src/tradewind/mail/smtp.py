"""Mail handed to an SMTP server: the standard library's client in a thread, a connection for each mail.

Invariant: where TLS is asked for, nothing is said in plain: a server that offers no STARTTLS gets neither password nor
mail.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import smtplib
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator

from tradewind.mail import message
from tradewind.model import mail_server
from tradewind.ports import errors
from tradewind.ports import mail as port
from tradewind.ports import vault as vault_port

_SERVICE_GOES = 421
_NOT_SETTLED = range(400, 500)


class SmtpMailer:
    """Implements `ports.mail.Mailer`. The Connection is looked up for each mail: a new password counts at once."""

    def __init__(
        self, *, conn_id: str, find_connection: Callable[[str], Awaitable[vault_port.Connection | None]]
    ) -> None:
        self._conn_id = conn_id
        self._find_connection = find_connection

    async def find_server(self) -> str | None:
        """In words."""
        server = await self._find()
        return None if server is None else server.where

    async def check(self) -> None:
        """Connect and log in."""
        server = await self._get()
        await asyncio.to_thread(_check, server)

    async def send(self, mail: port.Mail) -> None:
        """Hand it over."""
        server = await self._get()
        await asyncio.to_thread(_send, server, mail)

    async def _get(self) -> mail_server.MailServer:
        found = await self._find()
        if found is None:
            raise errors.NotFound(
                "no server is set up",
                object="mail",
                code="no-mail-server",
                hint=f"set mail.host, or make a Connection {self._conn_id!r}",
            )
        return found

    async def _find(self) -> mail_server.MailServer | None:
        connection = await self._find_connection(self._conn_id)
        if connection is None:
            return None
        try:
            extra = json.loads(connection.extra) if connection.extra else {}
            return mail_server.of_connection(
                host=connection.host,
                port=connection.port,
                login=connection.login,
                password=connection.password,
                extra=extra if isinstance(extra, dict) else {},
            )
        except ValueError as error:
            raise errors.Rejected(
                f"{error}",
                object=f"Connection {self._conn_id!r}",
                code="bad-mail-connection",
                hint="`tradewind connections set` makes it anew: host, port, login, password",
            ) from None


def _check(server: mail_server.MailServer) -> None:
    with _session(server) as session:
        session.noop()


def _send(server: mail_server.MailServer, mail: port.Mail) -> None:
    try:
        written = message.write(mail, mail_server.sender(server, socket.gethostname()))
    except ValueError as error:
        raise _refused(mail, str(error)) from error
    with _session(server) as session:
        try:
            session.send_message(written)
        except smtplib.SMTPRecipientsRefused as error:
            said = "; ".join(f"{who}: {_answer(code, text)}" for who, (code, text) in error.recipients.items())
            if any(code in _NOT_SETTLED for code, _ in error.recipients.values()):
                raise _deferred(server, said) from error
            raise _refused(mail, said) from error
        except smtplib.SMTPDataError as error:
            said = _answer(error.smtp_code, error.smtp_error)
            if error.smtp_code in _NOT_SETTLED and error.smtp_code != _SERVICE_GOES:
                raise _deferred(server, said) from error
            if error.smtp_code == _SERVICE_GOES:
                raise
            raise _refused(mail, said) from error


@contextlib.contextmanager
def _session(server: mail_server.MailServer) -> Iterator[smtplib.SMTP]:
    """An open and authenticated session; what goes wrong with the server itself, in our words."""
    try:
        with _connected(server) as session:
            if server.starttls:
                session.starttls(context=_context(server))
            if server.user:
                session.login(server.user, server.password)
            yield session
    except smtplib.SMTPAuthenticationError as error:
        raise errors.Unauthorized(
            f"refuses user and password: {_answer(error.smtp_code, error.smtp_error)}",
            object=_named(server),
            code="mail-login-refused",
            hint="correct mail.user and mail.password, or the Connection",
        ) from error
    except smtplib.SMTPNotSupportedError as error:
        raise _away(server, f"cannot do what is asked of it: {error}") from error
    except smtplib.SMTPResponseException as error:
        raise _away(server, f"answers {_answer(error.smtp_code, error.smtp_error)}") from error
    except ssl.SSLCertVerificationError as error:
        raise _away(server, f"has a certificate that is not trusted: {error.verify_message}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise _away(server, f"cannot be spoken to: {str(error) or type(error).__name__}") from error


def _connected(server: mail_server.MailServer) -> smtplib.SMTP:
    if server.ssl:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout_seconds, context=_context(server))
    return smtplib.SMTP(server.host, server.port, timeout=server.timeout_seconds)


def _context(server: mail_server.MailServer) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=server.ca_file or None)
    if not server.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _answer(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(said.split())}"


def _named(server: mail_server.MailServer) -> str:
    return f"mail server {server.host}:{server.port}"


def _refused(mail: port.Mail, said: str) -> errors.Rejected:
    return errors.Rejected(
        f"is refused: {said}",
        object=f"mail to {', '.join(mail.to)}",
        code="mail-refused",
        hint="correct the addresses in the DAG file",
    )


def _deferred(server: mail_server.MailServer, said: str) -> port.Deferred:
    return port.Deferred(
        f"does not take a mail now: {said}", object=_named(server), code="mail-deferred", hint="it is tried again"
    )


def _away(server: mail_server.MailServer, said: str) -> errors.Transient:
    return errors.Transient(
        said,
        object=_named(server),
        code="mail-server-away",
        hint="mail waits and is tried again; `tradewind doctor` looks at the server",
    )
