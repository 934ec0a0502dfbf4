"""The podlet's loop: descriptors that are ready, and timers that are due.

Invariant: with nothing to do it sleeps without a timeout. Handlers never block; whoever has much to do takes a bounded
piece and asks to be called again (`soon`).
"""

from __future__ import annotations

import heapq
import select
import time
import traceback
from collections import deque
from collections.abc import Callable
from itertools import count

from tradewind.podlet import own_log

READ = select.EPOLLIN
WRITE = select.EPOLLOUT
_Handler = Callable[[int], None]


class Loop:
    """One thread, one epoll."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._handlers: dict[int, _Handler] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._soon: list[Callable[[], None]] = []
        self._idle: deque[Callable[[], None]] = deque()

    def watch(self, descriptor: int, handler: _Handler, events: int = READ) -> None:
        """Call `handler(events)` whenever the descriptor is ready."""
        self._handlers[descriptor] = handler
        self._poll.register(descriptor, events)

    def change(self, descriptor: int, events: int) -> None:
        """Wait for other events of a watched descriptor."""
        self._poll.modify(descriptor, events)

    def unwatch(self, descriptor: int) -> None:
        """Forget a descriptor; before it is closed."""
        if self._handlers.pop(descriptor, None) is not None:
            self._poll.unregister(descriptor)

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Call once, after that time. There is no cancelling: `call` looks whether it is still wanted."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), call))

    def soon(self, call: Callable[[], None]) -> None:
        """Call once in the next round, after the descriptors that are ready by then."""
        self._soon.append(call)

    def when_idle(self, call: Callable[[], None]) -> None:
        """Call once, when nothing else is to be done."""
        self._idle.append(call)

    def finish_idle(self) -> None:
        """Do now what would wait until nothing else is to be done: the loop ends."""
        while self._idle:
            self._call(self._idle.popleft())

    def close(self) -> None:
        """Close the epoll: in a fork that does not share the loop."""
        self._poll.close()

    def run(self) -> None:
        """For good."""
        while True:
            self.round()

    def round(self) -> None:
        """Wait until something is ready or due, and handle it all once."""
        soon, self._soon = self._soon, []
        ready = self._poll.poll(self._timeout(bool(soon or self._idle)))
        for descriptor, events in ready:
            handler = self._handlers.get(descriptor)
            if handler is not None:  # else an earlier handler of this round took it away
                self._call(handler, events)
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            self._call(heapq.heappop(self._timers)[2])
        for call in soon:
            self._call(call)
        if self._idle and not ready and not soon:
            self._call(self._idle.popleft())

    def _timeout(self, hurry: bool) -> float | None:
        if hurry:
            return 0
        if not self._timers:
            return None
        return max(0.0, self._timers[0][0] - time.monotonic())

    @staticmethod
    def _call(call: Callable[..., None], *arguments: int) -> None:
        try:
            call(*arguments)
        except Exception:  # noqa: BLE001 - one attempt's trouble (a full disk) must not end those of the others
            own_log.write(traceback.format_exc())
