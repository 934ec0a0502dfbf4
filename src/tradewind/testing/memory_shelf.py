"""Logs at rest in memory: a number of files and bytes for each run, and a disk that they fill."""

from __future__ import annotations

from collections.abc import Sequence

from tradewind.model.ids import RunKey
from tradewind.ports import upkeep as port


class MemoryShelf:
    """Implements `ports.upkeep.Shelf`; `logs` and `capacity` are what a test says they are."""

    def __init__(self, logs: dict[int, port.LogAmounts] | None = None, capacity: int = 1 << 40) -> None:
        self.logs = {RunKey(key): amounts for key, amounts in (logs or {}).items()}
        self.capacity = capacity

    async def list_runs(self) -> Sequence[RunKey]:
        """In order."""
        return sorted(self.logs)

    async def measure(self, run_keys: Sequence[RunKey]) -> port.LogAmounts:
        """What the test said."""
        total = port.LogAmounts()
        for key in run_keys:
            total += self.logs.get(key, port.LogAmounts())
        return total

    async def remove(self, run_keys: Sequence[RunKey]) -> port.LogAmounts:
        """Forget them."""
        total = await self.measure(run_keys)
        for key in run_keys:
            self.logs.pop(key, None)
        return total

    async def free_bytes(self) -> int:
        """What the logs leave of the capacity."""
        return self.capacity - (await self.measure(list(self.logs))).bytes
