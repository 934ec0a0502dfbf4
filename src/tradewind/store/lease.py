"""The lease: one row, whose epoch every write of run state checks.

Invariant: epochs only grow; two holders of a lease that is not over never exist, because one statement decides.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tradewind.ports import errors
from tradewind.ports import store as port
from tradewind.store import codec
from tradewind.store.connections import Connections
from tradewind.store.sessions import Session

NAME = "leader"
"""The row's key."""

# The index of each: lease's primary key.
_ACQUIRE = """
insert into lease (name, holder, epoch, expires_at, commits, last_fact, last_run_key)
values ('leader', ?, 1, ?, 0, 0, 0)
on conflict (name) do update
set holder = excluded.holder, epoch = lease.epoch + 1, expires_at = excluded.expires_at
where lease.expires_at <= ?
returning epoch
"""
_RENEW = "update lease set expires_at = ? where name = 'leader' and epoch = ?"
_RELEASE = "update lease set expires_at = 0 where name = 'leader' and epoch = ?"
_FIND = "select holder, epoch, expires_at from lease where name = 'leader'"


class SqlLease:
    """Implements `ports.store.Lease`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def acquire(self, holder: str, now: datetime, ttl: timedelta) -> int | None:
        """By the table's key."""
        values = (holder, codec.micros(now + ttl), codec.micros(now))

        def work(session: Session) -> int | None:
            row = session.row(_ACQUIRE, values)
            return None if row is None else int(row[0])

        return await self._connections.write(work)

    async def renew(self, epoch: int, now: datetime, ttl: timedelta) -> None:
        """By the table's key."""
        until = codec.micros(now + ttl)
        if not await self._connections.write(lambda session: session.run(_RENEW, (until, epoch))):
            raise moved(epoch)

    async def release(self, epoch: int) -> None:
        """By the table's key."""
        await self._connections.write(lambda session: session.run(_RELEASE, (epoch,)))

    async def find(self) -> port.Held | None:
        """By the table's key."""
        row = await self._connections.read(lambda session: session.row(_FIND))
        if row is None:
            return None
        return port.Held(holder=row[0], epoch=row[1], expires_at=codec.moment(row[2]))


def moved(epoch: int) -> errors.Conflict:
    """What a holder is told whose epoch is no longer the lease's."""
    return errors.Conflict(
        "another holder has it now",
        object=f"lease of epoch {epoch}",
        code="lease-moved",
        hint="the other server goes on with what ran here",
    )
