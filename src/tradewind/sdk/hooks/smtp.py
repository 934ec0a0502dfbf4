"""`SmtpHook`: a session with the mail server that a Connection names.

Invariant: where TLS is asked for, a server that cannot gets neither password nor mail.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from tradewind.model import mail_server
from tradewind.sdk import errors
from tradewind.sdk.configuration import conf
from tradewind.sdk.connection import Connection
from tradewind.sdk.hook import BaseHook
from tradewind.sdk.mail_message import build_mime_message


class SmtpHook(BaseHook):
    """Connects at `with`, sends, and ends the session after it."""

    conn_name_attr = "smtp_conn_id"
    default_conn_name = "smtp_default"
    conn_type = "smtp"
    hook_name = "SMTP"

    def __init__(self, smtp_conn_id: str = default_conn_name, auth_type: str = "basic") -> None:
        super().__init__()
        if auth_type != "basic":
            raise errors.AirflowException(
                f"auth_type {auth_type!r} is not spoken here; only 'basic', user and password"
            )
        self.smtp_conn_id = smtp_conn_id
        self._client: smtplib.SMTP | None = None

    def __enter__(self) -> SmtpHook:
        return self.get_conn()

    def __exit__(self, *_: object) -> None:
        client, self._client = self._client, None
        if client is not None:
            try:
                client.quit()
            except (OSError, smtplib.SMTPException):
                client.close()

    def get_conn(self) -> SmtpHook:
        """The hook itself, connected and logged in. Raises AirflowException."""
        if self._client is None:
            for left in range(self.smtp_retry_limit, -1, -1):
                try:
                    self._client = self._connect()
                    break
                except OSError as error:  # smtplib's are of this kind too
                    if left == 0 or not _may_pass(error):
                        raise errors.AirflowException(f"mail server {self.server.where}: {error}") from error
                    self.log.warning("mail server %s: %s; tried again", self.server.where, error)
        return self

    def test_connection(self) -> tuple[bool, str]:
        """Whether we are let in, and what was said."""
        try:
            with self:
                return True, "Connection successfully tested"
        except Exception as error:  # noqa: BLE001 - what is wrong is the answer
            return False, str(error)

    def send_email_smtp(
        self,
        *,
        to: str | Iterable[str],
        subject: str | None = None,
        html_content: str | None = None,
        from_email: str | None = None,
        files: list[str] | None = None,
        dryrun: bool = False,
        cc: str | Iterable[str] | None = None,
        bcc: str | Iterable[str] | None = None,
        mime_subtype: str = "mixed",
        mime_charset: str = "utf-8",
        custom_headers: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Send one mail; subject and content that are not given come from the files that the Connection names."""
        message, recipients = build_mime_message(
            from_email or self.sender,
            to,
            self.text_of("subject", subject),
            self.text_of("html_content", html_content),
            files,
            cc,
            bcc,
            mime_subtype,
            mime_charset,
            custom_headers,
        )
        if not recipients:
            raise errors.AirflowException("the mail names no address: give it `to`, `cc` or `bcc`")
        if dryrun:
            return
        if self._client is None:
            raise errors.AirflowException("the hook is not connected: use it in a `with`, or call `get_conn` first")
        for who, (code, text) in self._client.send_message(message, to_addrs=recipients).items():
            self.log.warning("mail to %s is refused: %s %s", who, code, text.decode("utf-8", "replace"))

    def text_of(self, field: str, given: str | None) -> str:
        """What was given, else the content of the file that the Connection's `<field>_template` names."""
        path = self.connection.extra_dejson.get(f"{field}_template")
        if given is None and not path:
            said = f"a mail needs `{field}`, or `{field}_template` in the extra of Connection {self.smtp_conn_id!r}"
            raise errors.AirflowException(said)
        return given if given is not None else Path(str(path)).read_text(encoding="utf-8").replace("\n", "").strip()

    # -- what the Connection says ----------------------------------------------------------------------------------

    @cached_property
    def connection(self) -> Connection:
        """The Connection. Raises AirflowNotFoundException."""
        return self.get_connection(self.smtp_conn_id)

    @property
    def conn(self) -> Connection:
        """The same."""
        return self.connection

    @cached_property
    def server(self) -> mail_server.MailServer:
        """The server. Raises AirflowException where the Connection is no good."""
        told = self.connection
        try:
            return mail_server.of_connection(
                host=told.host, port=told.port, login=told.login, password=told.password, extra=told.extra_dejson
            )
        except ValueError as error:
            raise errors.AirflowException(f"Connection {self.smtp_conn_id!r} {error}") from None

    @property
    def sender(self) -> str:
        """Who mail is from that does not say it: of the Connection, of the settings, else the user or this machine."""
        told = self.server.from_email or str(conf.get("smtp", "smtp_mail_from", fallback=""))
        return told or mail_server.sender(self.server, socket.gethostname())

    @property
    def from_email(self) -> str | None:
        """Of the Connection."""
        return self.server.from_email or None

    @property
    def host(self) -> str:
        """Its host."""
        return self.server.host

    @property
    def port(self) -> int:
        """Its port."""
        return self.server.port

    @property
    def smtp_user(self) -> str:
        """Who logs in."""
        return self.server.user

    @property
    def smtp_password(self) -> str:
        """The user's password."""
        return self.server.password

    @property
    def smtp_starttls(self) -> bool:
        """Whether the session goes over to TLS."""
        return self.server.starttls

    @property
    def use_ssl(self) -> bool:
        """Whether it is TLS from the first byte."""
        return self.server.ssl

    @property
    def timeout(self) -> int:
        """Seconds that one answer may take."""
        return int(self.server.timeout_seconds)

    @property
    def smtp_retry_limit(self) -> int:
        """How often it is connected again."""
        return int(self.connection.extra_dejson.get("retry_limit", 5))

    def _connect(self) -> smtplib.SMTP:
        server, context = self.server, self._context()
        client: smtplib.SMTP
        if server.ssl:
            client = smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout_seconds, context=context)
        else:
            client = smtplib.SMTP(server.host, server.port, timeout=server.timeout_seconds)
        try:
            if server.starttls:
                client.starttls(context=context)
            if server.user:
                client.login(server.user, server.password)
        except BaseException:
            client.close()
            raise
        return client

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.server.ca_file or None)
        if not self.server.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _may_pass(error: OSError) -> bool:
    """Whether connecting again may help: not after a refused password or certificate, nor where TLS is not spoken."""
    if isinstance(error, smtplib.SMTPException):
        return isinstance(error, (smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError))
    return not isinstance(error, ssl.SSLError)
