"""Holding the lease: taken once, renewed at a third of its life, given back at the end.

Invariant: a leader that cannot renew stops launching before its lease can end, so a successor never
launches beside it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

from tradewind.ports import clock as clock_port
from tradewind.ports import errors
from tradewind.ports import store as store_port
from tradewind.scheduler import holder as holders

_log = logging.getLogger(__name__)


class SteppedDown(errors.Conflict):
    """Another leader took the lease while we led."""

    code = "stepped-down"


class Leadership:
    """Our hold on the lease."""

    def __init__(self, *, lease: store_port.Lease, clock: clock_port.Clock, holder: str, ttl: timedelta) -> None:
        self._lease = lease
        self._clock = clock
        self._holder = holder
        self._ttl = ttl
        self.epoch = 0

    async def take(self) -> None:
        """Take the lease. Raises `errors.Conflict` naming who has it."""
        epoch = await self._lease.acquire(self._holder, self._clock.now(), self._ttl)
        held = None if epoch is not None else await self._lease.find()
        if held is not None and holders.is_gone(held.holder):
            await self._lease.release(held.epoch)
            epoch = await self._lease.acquire(self._holder, self._clock.now(), self._ttl)
        if epoch is None:
            until = f" (its lease ends at {held.expires_at:%H:%M:%S} UTC)" if held else ""
            raise errors.Conflict(
                f"another server leads it{until}",
                code="already-running",
                object=holders.describe(held.holder) if held else "this home",
                hint="stop that one first, or wait for its lease to end",
            )
        self.epoch = epoch

    async def keep_forever(self, on_doubt: Callable[[bool], None]) -> None:
        """Renew. `on_doubt(True)` when renewing has failed for two thirds of the lease, `False` when it works again.

        Raises `SteppedDown` where another leader has taken it.
        """
        third = self._ttl.total_seconds() / 3
        renewed = self._clock.monotonic()
        while True:
            await self._clock.sleep(third)
            try:
                async with asyncio.timeout(third):
                    await self._lease.renew(self.epoch, self._clock.now(), self._ttl)
                renewed = self._clock.monotonic()
                on_doubt(False)
            except errors.Conflict as error:
                raise SteppedDown(error.message, hint="the other server goes on with what ran here") from error
            except (errors.Transient, TimeoutError) as error:
                silent = self._clock.monotonic() - renewed
                _log.warning("lease not renewed for %.1f s: %s", silent, error)
                on_doubt(silent >= 2 * third - 0.01)

    async def give_back(self) -> None:
        """Release it; harmless where it is no longer ours or the database is away (it ends by itself)."""
        try:
            await self._lease.release(self.epoch)
        except errors.TradewindError as error:
            _log.warning("lease not released, it ends by itself: %s", error)
