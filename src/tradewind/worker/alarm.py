"""A limit of time on user code in this process, by an interval timer: an exception raised in the midst of it.

Only the main thread can be interrupted, and only between two steps of Python: code inside C (a query, a sleep in a
library) sees it when it comes back. The control plane's own stop is the net below.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def limited(seconds: float | None, make: Callable[[], BaseException]) -> Iterator[None]:
    """Raise what `make` gives after `seconds`; None: no limit."""
    if seconds is None:
        yield
        return

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise make()

    if seconds <= 0:
        raise make()
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
