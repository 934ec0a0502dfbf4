"""Mail as services see it: one message, and who hands it to a server."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec

from tradewind.ports import errors


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One message, in plain text and as HTML. Who sends it is the server's matter."""

    key: str
    """Its Message-ID is made of it: a mail that comes twice is known by that."""
    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    at: datetime


class Deferred(errors.Transient):
    """The server is well and does not take this mail now (greylisting, a full mailbox); it may take others."""

    code = "mail-deferred"


class Mailer(Protocol):
    """Hands mail to the site's server, whichever that is at the moment."""

    async def find_server(self) -> str | None:
        """Where mail goes, in words; None where no server is set up.

        Raises `errors.Rejected` for a wrong Connection.
        """
        ...

    async def check(self) -> None:
        """Connect and log in, and send nothing. Raises as `send`."""
        ...

    async def send(self, mail: Mail) -> None:
        """Hand it over; returns when the server has taken it for at least one address.

        Raises `errors.Rejected` where this mail is refused for good; `Deferred` where it is not taken now;
        `errors.Transient` and `errors.Unauthorized` where no mail would be taken; `errors.NotFound` without a server.
        """
        ...
