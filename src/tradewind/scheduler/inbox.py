"""Reading the inbox: at once when woken, and by a cheap look at the database's change counter as a net."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from tradewind.model.events import CommandReceived
from tradewind.ports import clock as clock_port
from tradewind.ports import errors
from tradewind.ports import store as store_port

_log = logging.getLogger(__name__)


class InboxReader:
    """Turns rows of the inbox into events, each once."""

    def __init__(self, *, inbox: store_port.Inbox, clock: clock_port.Clock, poll: timedelta) -> None:
        self._inbox = inbox
        self._clock = clock
        self._poll = poll
        self._taken: set[int] = set()
        self._hint = True

    def hint(self) -> None:
        """Something may be there."""
        self._hint = True

    async def take(self) -> list[CommandReceived]:
        """New commands, if there was a hint; none while the database is away (the hint stays)."""
        if not self._hint:
            return []
        self._hint = False
        try:
            rows = await self._inbox.list_waiting()
        except errors.Transient as error:
            _log.warning("inbox not read: %s", error)
            self._hint = True
            await self._clock.sleep(0.2)
            return []
        fresh = [row for row in rows if row.inbox_id not in self._taken]
        # What is no longer waiting was consumed: its id never comes back.
        self._taken = {row.inbox_id for row in rows}
        return [CommandReceived(inbox_id=row.inbox_id, command=row.command, by=row.by) for row in fresh]

    async def poll_forever(self, on_change: Callable[[], None], has_stepped: Callable[[], bool]) -> None:
        """Call `on_change` whenever another process wrote to the database, or the clock was set."""
        token = await self._token()
        while True:
            await self._clock.sleep(self._poll.total_seconds())
            seen = await self._token()
            if seen != token:
                token = seen
                self._hint = True
                on_change()
            elif has_stepped():
                on_change()

    async def _token(self) -> int:
        try:
            return await self._inbox.change_token()
        except errors.Transient as error:
            _log.warning("database not reachable: %s", error)
            return -1
