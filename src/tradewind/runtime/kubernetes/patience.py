"""The same request again while a trouble passes: for requests that may be made twice, and that somebody waits for."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from tradewind.ports import backoff, errors
from tradewind.ports import clock as clock_port

_log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often and how long. Afterwards the caller gets the last error and decides when to come again."""

    clock: clock_port.Clock
    random: clock_port.Random
    tries: int = 5
    first_pause: timedelta = timedelta(milliseconds=200)
    longest_pause: timedelta = timedelta(seconds=5)

    async def ask(self, act: Callable[[], Awaitable[T]]) -> T:
        """The result of `act`, tried anew after each `errors.Transient`, with pauses that grow."""
        pause = backoff.Backoff(
            self.random,
            first_seconds=self.first_pause.total_seconds(),
            cap_seconds=self.longest_pause.total_seconds(),
        )
        for left in range(self.tries - 1, -1, -1):
            try:
                return await act()
            except errors.Transient as error:
                if not left:
                    raise
                _log.info("trying again: %s", error)
                await self.clock.sleep(pause.next_seconds())
        raise errors.Fatal("a request is tried at least once")

    async def insist(self, act: Callable[[], Awaitable[None]], what: str) -> None:
        """Until it is done, whatever is refused: a right that is missing may be given. Raises `errors.Fatal`."""
        pause = backoff.Backoff(self.random, first_seconds=1.0, cap_seconds=30.0)
        while True:
            try:
                await act()
            except errors.Fatal:
                raise
            except errors.TradewindError as error:
                _log.warning("%s is tried again: %s", what, error)
                await self.clock.sleep(pause.next_seconds())
            else:
                return
