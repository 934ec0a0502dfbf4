"""Logs at rest, a folder for each run: how much there is, and taking those of a run away.

Invariant: only the folder of a run that was named goes, whole; a log of a run that still runs is not at rest.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tradewind.model.ids import RunKey
from tradewind.ports import upkeep as port

_PREFIX = "run="


class FolderShelf:
    """Implements `ports.upkeep.Shelf` over `HOME/logs/`."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._rest = home / "logs"

    async def list_runs(self) -> Sequence[RunKey]:
        """By the names of the folders."""
        return await asyncio.to_thread(self._list)

    async def measure(self, run_keys: Sequence[RunKey]) -> port.LogAmounts:
        """Files are counted, not read."""
        return await asyncio.to_thread(self._sum, run_keys)

    async def remove(self, run_keys: Sequence[RunKey]) -> port.LogAmounts:
        """Whole folders."""
        return await asyncio.to_thread(self._remove, run_keys)

    async def free_bytes(self) -> int:
        """As the file system tells to those who are not root."""
        return (await asyncio.to_thread(shutil.disk_usage, self._home)).free

    def _place(self, run_key: RunKey) -> Path:
        return self._rest / f"{_PREFIX}{run_key}"

    def _list(self) -> list[RunKey]:
        try:
            names = os.listdir(self._rest)
        except FileNotFoundError:
            return []
        ends = [name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX)]
        return [RunKey(key) for key in sorted(int(end) for end in ends if end.isdigit())]

    def _sum(self, run_keys: Sequence[RunKey]) -> port.LogAmounts:
        files = size = 0
        for key in run_keys:
            for place, _, names in os.walk(self._place(key)):
                for name in names:
                    try:
                        size += os.lstat(os.path.join(place, name)).st_size
                    except FileNotFoundError:
                        continue
                    files += 1
        return port.LogAmounts(files=files, bytes=size)

    def _remove(self, run_keys: Sequence[RunKey]) -> port.LogAmounts:
        amounts = self._sum(run_keys)
        for key in run_keys:
            shutil.rmtree(self._place(key), ignore_errors=True)
        return amounts
