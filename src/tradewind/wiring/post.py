"""The site's mail server: what the settings say of it is a Connection, so that the server and every task see one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tradewind import settings as settings_tree
from tradewind.ports import errors
from tradewind.ports import mail as mail_port
from tradewind.ports import vault as vault_port


def open_mailer(vault: vault_port.Vault, settings: settings_tree.Settings) -> mail_port.Mailer:
    """Looks for the Connection each time."""
    from tradewind.mail import smtp  # it brings the standard library's mail with it

    return smtp.SmtpMailer(conn_id=settings.mail.connection, find_connection=vault.find_connection)


def find_connection(told: settings_tree.MailSettings, conn_id: str) -> vault_port.Connection | None:
    """What the settings stand for; None where they name no host, or for another id. Raises `errors.Rejected`."""
    if not told.host or conn_id != told.connection:
        return None
    extra: dict[str, Any] = {
        "disable_ssl": not told.ssl,
        "disable_tls": not told.starttls,
        "timeout": told.timeout_seconds,
        "ssl_context": told.ssl_context,
    }
    if told.from_email:
        extra["from_email"] = told.from_email
    if told.ca_file:
        extra["ca_file"] = told.ca_file
    return vault_port.Connection(
        conn_id=conn_id,
        conn_type="smtp",
        host=told.host,
        port=told.port,
        login=told.user or None,
        password=_password(told) or None,
        extra=json.dumps(extra),
    )


def _password(told: settings_tree.MailSettings) -> str:
    if told.password or not told.password_file:
        return told.password
    try:
        return Path(told.password_file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeError) as error:
        raise errors.Rejected(
            f"cannot be read: {error}",
            object=f"password file {told.password_file}",
            code="bad-mail-password",
            hint="mail.password_file names a text file that holds the password and nothing else",
        ) from error
