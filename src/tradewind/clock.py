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
        """100 random bits as 20 characters of lower-case base 32."""
        return AttemptId(base64.b32encode(os.urandom(13))[:20].decode().lower())

    def uniform(self) -> float:
        """In [0, 1)."""
        return random.random()
