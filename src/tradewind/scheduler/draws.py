"""Randomness and ids for the engine, from the ports."""

from __future__ import annotations

from tradewind.model.ids import AttemptId, RunKey
from tradewind.ports import clock as clock_port


class PortDraws:
    """The engine's `Draws`: random ids from the port, run keys counted from the last one the store knows."""

    def __init__(self, random: clock_port.Random, last_run_key: int) -> None:
        self._random = random
        self._last = last_run_key

    def attempt_id(self) -> AttemptId:
        """A new random id."""
        return self._random.attempt_id()

    def uniform(self) -> float:
        """In [0, 1)."""
        return self._random.uniform()

    def run_key(self) -> RunKey:
        """The next number."""
        self._last += 1
        return RunKey(self._last)
