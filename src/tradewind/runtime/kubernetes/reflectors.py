"""Several reflectors at once: clusters, namespaces, selectors. Each goes its own way; trouble of one is its own.

What a reflector tells waits until the taker has it, so a slow taker slows the reading of streams and nothing piles up.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from tradewind.ports import errors
from tradewind.runtime.kubernetes.reflector import Change, Reflector

Take = Callable[[Change], Awaitable[None]]


async def reflect(reflectors: Sequence[Reflector], take: Take) -> None:
    """Hand every change of every reflector to `take`, one at a time for each, until cancelled.

    Raises an ExceptionGroup of what `take` raises, or of `errors.Fatal`.
    """
    async with asyncio.TaskGroup() as group:
        for reflector in reflectors:
            group.create_task(_one(reflector, take), name=f"reflector of {reflector.scope}")


async def _one(reflector: Reflector, take: Take) -> None:
    async with contextlib.aclosing(reflector.changes()) as changes:
        async for change in changes:
            await take(change)
    raise errors.Fatal(
        f"the reflector of {reflector.scope} ended; it never does", hint="a defect of Tradewind: please report it"
    )
