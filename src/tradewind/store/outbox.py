"""Things to do in the world. The leader adds them in its batches (`run_log`); whoever does them takes them out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from tradewind.model.rows import OutboxRow
from tradewind.store import codec
from tradewind.store.connections import Connections
from tradewind.store.sessions import Session

_DUE = "select body from outbox where due_at <= ? order by due_at, key limit ?"
_DONE = "delete from outbox where key = ?"
_BODY = "select body from outbox where key = ?"
_POSTPONE = "update outbox set due_at = ?, body = ? where key = ?"


class SqlOutbox:
    """Implements `ports.store.Outbox`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def list_due(self, now: datetime, limit: int = 100) -> Sequence[OutboxRow]:
        """By index `outbox_due`."""
        rows = await self._connections.read(lambda session: session.rows(_DUE, (codec.micros(now), limit)))
        return [codec.outbox_row.decode(body) for (body,) in rows]

    async def done(self, keys: Sequence[str]) -> None:
        """By the table's key."""
        await self._connections.write(lambda session: session.many((_DONE, [(key,) for key in keys])))

    async def postpone(self, key: str, due_at: datetime, error: str) -> None:
        """By the table's key; nothing where it is gone."""

        def work(session: Session) -> None:
            found = session.row(_BODY, (key,))
            if found is None:
                return
            row = codec.outbox_row.decode(found[0])
            row = msgspec.structs.replace(row, due_at=due_at, error=error, tries=row.tries + 1)
            session.run(_POSTPONE, (codec.micros(due_at), codec.text(row), key))

        await self._connections.write(work)
