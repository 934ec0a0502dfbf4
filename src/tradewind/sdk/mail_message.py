"""A mail of a DAG file as MIME: HTML, attachments, headers of one's own."""

from __future__ import annotations

from collections.abc import Iterable
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formatdate
from pathlib import Path
from typing import Any

from tradewind.model.mail_server import addresses


def build_mime_message(
    mail_from: str | None,
    to: str | Iterable[str],
    subject: str,
    html_content: str,
    files: list[str] | None = None,
    cc: str | Iterable[str] | None = None,
    bcc: str | Iterable[str] | None = None,
    mime_subtype: str = "mixed",
    mime_charset: str = "utf-8",
    custom_headers: dict[str, Any] | None = None,
) -> tuple[MIMEMultipart, list[str]]:
    """The message, and everybody who gets it; `bcc` is in no header. Raises OSError for a file that is not there."""
    message = MIMEMultipart(mime_subtype)
    message["Subject"] = " ".join(subject.split())
    if mail_from:
        message["From"] = mail_from
    message["To"] = ", ".join(addresses(to))
    if copies := addresses(cc):
        message["CC"] = ", ".join(copies)
    message["Date"] = formatdate(localtime=True)
    for name, value in (custom_headers or {}).items():
        del message[name]
        message[name] = str(value)
    message.attach(MIMEText(html_content, "html", mime_charset))
    for file in files or ():
        path = Path(file)
        part = MIMEApplication(path.read_bytes(), Name=path.name)
        part.add_header("Content-Disposition", "attachment", filename=path.name)
        part.add_header("Content-ID", f"<{path.name}>")
        message.attach(part)
    return message, addresses([*addresses(to), *copies, *addresses(bcc)])
