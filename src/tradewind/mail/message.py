"""A mail as MIME: text and HTML side by side."""

from __future__ import annotations

import hashlib
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime

from tradewind.model import mail_server
from tradewind.ports import mail as port

_DOMAIN = "tradewind.invalid"
"""Of Message-IDs: no host's, so that the same mail sent again by another host has the same."""


def write(mail: port.Mail, sender: str) -> EmailMessage:
    """As it is handed over. Raises ValueError where an address or the subject cannot be written in a header."""
    to = mail_server.addresses(mail.to)
    if not to:
        raise ValueError("it names no address")
    found = EmailMessage(policy=policy.SMTP.clone(cte_type="7bit"))
    found["Subject"] = " ".join(mail.subject.split())
    found["From"] = sender
    found["To"] = ", ".join(to)
    found["Date"] = format_datetime(mail.at)
    found["Message-ID"] = f"<{hashlib.sha256(mail.key.encode()).hexdigest()[:32]}@{_DOMAIN}>"
    found["Auto-Submitted"] = "auto-generated"
    found.set_content(mail.text)
    found.add_alternative(mail.html, subtype="html")
    return found
