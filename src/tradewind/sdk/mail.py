"""`send_email`: mail that DAG files send, handed over by the Connection's server.

The control plane's own mail about failures is another matter (`tradewind.mail`); both go to the server that one
Connection names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tradewind.model.mail_server import addresses
from tradewind.sdk.configuration import conf
from tradewind.sdk.hooks.smtp import SmtpHook


def send_email(
    to: str | Iterable[str],
    subject: str,
    html_content: str,
    files: list[str] | None = None,
    dryrun: bool = False,
    cc: str | Iterable[str] | None = None,
    bcc: str | Iterable[str] | None = None,
    mime_subtype: str = "mixed",
    mime_charset: str = "utf-8",
    conn_id: str | None = None,
    custom_headers: dict[str, Any] | None = None,
    **kwargs: Any,
) -> None:
    """Send a mail by the site's server, or that of another Connection. Raises AirflowException, or as smtplib does."""
    with SmtpHook(smtp_conn_id=conn_id or default_conn_id()) as hook:
        hook.send_email_smtp(
            to=to,
            subject=subject,
            html_content=html_content,
            from_email=kwargs.get("from_email"),
            files=files,
            dryrun=dryrun,
            cc=cc,
            bcc=bcc,
            mime_subtype=mime_subtype,
            mime_charset=mime_charset,
            custom_headers=custom_headers,
        )


def default_conn_id() -> str:
    """The Connection that is meant where none is named."""
    return str(conf.get("email", "email_conn_id", fallback=SmtpHook.default_conn_name))


def get_email_address_list(addresses_: str | Iterable[str]) -> list[str]:
    """Each address of a text (`,` or `;` between) or of several texts."""
    return addresses(addresses_)
