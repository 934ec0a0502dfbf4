"""A mail server in memory: it keeps what it took, and refuses as a test says."""

from __future__ import annotations

from tradewind.ports import errors
from tradewind.ports import mail as port


class MemoryMailer:
    """Implements `ports.mail.Mailer`. What refuses: `fails` each call, `refused` addresses for good."""

    def __init__(self, *, where: str | None = "memory") -> None:
        self.where = where
        self.taken: list[port.Mail] = []
        self.fails: errors.TradewindError | None = None
        self.refused: set[str] = set()
        self.deferred: set[str] = set()
        self.calls = 0

    async def find_server(self) -> str | None:
        """What the test said."""
        return self.where

    async def check(self) -> None:
        """Raises what the test said."""
        self.calls += 1
        if self.where is None:
            raise errors.NotFound("no server is set up", object="mail", code="no-mail-server", hint="set mail.host")
        if self.fails is not None:
            raise self.fails

    async def send(self, mail: port.Mail) -> None:
        """Keep it."""
        await self.check()
        if not mail.to:
            raise errors.Rejected("it names no address", object="mail", code="mail-refused")
        if set(mail.to) <= self.refused:
            raise errors.Rejected("is refused", object=f"mail to {', '.join(mail.to)}", code="mail-refused")
        if set(mail.to) <= self.deferred:
            raise port.Deferred("does not take a mail now", object="mail server", code="mail-deferred")
        self.taken.append(mail)
