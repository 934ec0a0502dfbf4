"""Puts files on the disk, many at a time: who asks while others are written shares the next turn.

A thread of its own for each file costs more than the file; and of several, the disk writes all with the first.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence


class Syncing:
    """Of one home."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._turn: asyncio.Task[None] | None = None

    async def close(self, file: int) -> None:
        """Close a descriptor when what was written to it is on the disk. Raises OSError where it cannot be."""
        on_disk: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((file, on_disk))
        if self._turn is None:
            self._turn = asyncio.create_task(self._turns(), name="records to the disk")
        await on_disk

    async def _turns(self) -> None:
        while self._waiting:
            these, self._waiting = self._waiting, []
            for (_, on_disk), error in zip(these, await asyncio.to_thread(_sync, these), strict=True):
                if on_disk.done():  # nobody waits any more
                    continue
                if error is None:
                    on_disk.set_result(None)
                else:
                    on_disk.set_exception(error)
        self._turn = None


def _sync(these: Sequence[tuple[int, object]]) -> list[OSError | None]:
    errors: list[OSError | None] = []
    for file, _ in these:
        try:
            os.fsync(file)
            errors.append(None)
        except OSError as error:
            errors.append(error)
        finally:
            os.close(file)
    return errors
