"""Moves what attempts write into their logs: soon while they run, all of it when they end, a bounded piece at a time.

Most attempts are over before anyone could look: theirs is stamped once, at the end. One that lives longer is watched;
a quiet one costs nothing. However much is written, a round of the loop takes at most `_PIECES` pieces, and those who
write much take turns.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from tradewind.podlet import loop as loops
from tradewind.podlet import own_log, watching
from tradewind.podlet.stamping import MAX_LINE, Stamper

_QUIET_SECONDS = 0.2
"""So long an attempt runs before its output is watched."""
_EVERY_SECONDS = 0.1
_RETRY_SECONDS = 1.0
_LAST_TRIES = 10
_PIECES = 4
_ROUNDS_AT_ONCE = 8


class Output:
    """One stream of one attempt, on its way from `out` to the log."""

    __slots__ = ("closing", "last", "out", "pending", "stamper", "then", "tries", "watch")

    def __init__(self, out: str, stamper: Stamper) -> None:
        self.out = out
        self.stamper = stamper
        self.watch: int | None = None
        self.pending = False
        self.last = 0.0
        self.closing = False
        self.then: Callable[[], None] | None = None
        self.tries = 0


class Outputs:
    """All streams that are open."""

    def __init__(self, loop: loops.Loop) -> None:
        self._loop = loop
        self._watch = watching.FileWatch(loop)
        self._turns: deque[Output] = deque()
        self._draining = False

    def fileno(self) -> int:
        """A descriptor to be closed in forks."""
        return self._watch.fileno()

    def begin(self, output: Output) -> None:
        """Its writer runs: follow it if it goes on for a while."""
        self._loop.after(_QUIET_SECONDS, lambda: self._look(output))

    def catch_up(self, output: Output) -> None:
        """Stamp what is there now: what others write from now on has later times."""
        with suppress(OSError):  # it is tried again in its turn
            for _ in range(_ROUNDS_AT_ONCE):
                if not output.stamper.stamp():
                    break

    def close(self, output: Output, then: Callable[[], None]) -> None:
        """Its writer ended: take the rest, and call `then`."""
        output.closing = True
        output.then = then
        if output.watch is not None:
            self._watch.remove(output.watch)
            output.watch = None
        try:
            left = os.stat(output.out).st_size - output.stamper.offset
        except OSError:
            left = 0
        if left <= MAX_LINE:
            self._finish(output)
        elif not output.pending:
            self._take_turn(output)

    def _look(self, output: Output) -> None:
        if output.closing:
            return
        try:
            output.watch = self._watch.add(output.out, lambda: self._written(output))
        except OSError:  # no watch is left: look at intervals instead
            self._loop.after(_RETRY_SECONDS, lambda: self._look(output))
        self._written(output)

    def _written(self, output: Output) -> None:
        if output.pending or output.closing:
            return
        output.pending = True
        wait = output.last + _EVERY_SECONDS - time.monotonic()
        if wait > 0:
            self._loop.after(wait, lambda: self._take_turn(output))
        else:
            self._take_turn(output)

    def _take_turn(self, output: Output) -> None:
        output.pending = True
        self._turns.append(output)
        if not self._draining:
            self._draining = True
            self._loop.soon(self._drain)

    def _drain(self) -> None:
        self._draining = False
        for _ in range(min(_PIECES, len(self._turns))):
            self._piece(self._turns.popleft())
        if self._turns and not self._draining:
            self._draining = True
            self._loop.soon(self._drain)

    def _piece(self, output: Output) -> None:
        output.pending = False
        output.last = time.monotonic()
        try:
            more = output.stamper.stamp()
        except OSError as error:
            self._put_off(output, error)
            return
        if more:
            self._take_turn(output)
        elif output.closing:
            self._finish(output)

    def _finish(self, output: Output) -> None:
        try:
            output.stamper.finish()
        except OSError as error:
            self._put_off(output, error)
            return
        self._done(output)

    def _put_off(self, output: Output, error: OSError) -> None:
        """The log cannot be written now (a full disk): again later; an ended attempt does not wait for ever."""
        own_log.write(f"log of {output.out}: {error}\n")
        output.tries += 1
        if output.closing and output.tries > _LAST_TRIES:
            self._done(output)
            return
        output.pending = True
        self._loop.after(_RETRY_SECONDS, lambda: self._take_turn(output))

    @staticmethod
    def _done(output: Output) -> None:
        then, output.then = output.then, None
        if then is not None:
            then()
