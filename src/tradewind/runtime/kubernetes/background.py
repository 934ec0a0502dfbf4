"""What goes on in a runtime beside who calls it: its tasks, and what is to be told of attempts.

Invariant: nothing that a task raises is lost. It ends the events, and so whoever leads.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any

from tradewind.model.events import AttemptEnded, AttemptProgress

Event = AttemptProgress | AttemptEnded


class Background:
    """Of one runtime, touched by one loop only."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._events: list[Event] = []
        self._wake = asyncio.Event()
        self._failure: BaseException | None = None

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """In the background, until we end. What it raises ends us."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Let `events` raise this, or what came before it."""
        self._failure = self._failure or error
        self._wake.set()

    def tell(self, event: Event) -> None:
        """To whoever leads."""
        self._events.append(event)
        self._wake.set()

    def tell_again(self, event: Event) -> None:
        """The same, where it is not waiting to be told."""
        if event not in self._events:
            self.tell(event)

    async def events(self) -> AsyncIterator[Sequence[Event]]:
        """All that was told since, batch by batch, for good."""
        while True:
            events, self._events = self._events, []
            if events:
                yield events
            if self._failure is not None:
                raise self._failure
            await self._wake.wait()
            self._wake.clear()

    async def aclose(self) -> None:
        """Cancel what is under way, and what that begins while it ends."""
        while tasks := [*self._tasks]:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
