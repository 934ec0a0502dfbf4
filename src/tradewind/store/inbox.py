"""Commands that wait, and what became of them. The leader writes the results, in its batches (`run_log`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tradewind.model.commands import Command, CommandResult
from tradewind.ports import store as port
from tradewind.store import codec
from tradewind.store.connections import Connections
from tradewind.store.sessions import Session

_PUT = "insert into inbox (at, asked_by, command) values (?, ?, ?) returning inbox_id"
_WAITING = "select inbox_id, at, command, asked_by from inbox where result is null order by inbox_id limit ?"
_RESULT = "select result from inbox where inbox_id = ?"


class SqlInbox:
    """Implements `ports.store.Inbox`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def put(self, command: Command, by: str, at: datetime) -> int:
        """Append."""
        values = (codec.micros(at), by, codec.text(command))

        def work(session: Session) -> int:
            row = session.row(_PUT, values)
            assert row is not None, "returning gives the row"
            return int(row[0])

        return await self._connections.write(work)

    async def list_waiting(self, limit: int = 100) -> Sequence[port.InboxRow]:
        """By index `inbox_waiting`."""
        rows = await self._connections.read(lambda session: session.rows(_WAITING, (limit,)))
        return [
            port.InboxRow(inbox_id=number, at=codec.moment(at), command=codec.command.decode(command), by=by)
            for number, at, command, by in rows
        ]

    async def find_result(self, inbox_id: int) -> CommandResult | None:
        """By the table's key."""
        row = await self._connections.read(lambda session: session.row(_RESULT, (inbox_id,)))
        return None if row is None or row[0] is None else codec.command_result.decode(row[0])

    async def change_token(self) -> int:
        """SQLite's `data_version` of the connection that writes: our own commits do not change it."""
        return await self._connections.ask_writer(lambda session: session.change_token())
