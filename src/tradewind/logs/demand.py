"""Which live logs somebody follows: an empty file for each in `HOME/followed/`, new as long as they do.

Whoever follows a log is another process than the one that fetches it. Nothing depends on it but how soon lines come: a
file that is too old means nothing, and one that cannot be written is done without.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from tradewind.model.ids import AttemptId

_TOUCH_EVERY_SECONDS = 1.0
_OLD_SECONDS = 10.0


class FolderDemand:
    """Of one home. Implements `ports.logs.Demand`."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "followed"

    @contextlib.contextmanager
    def following(self, attempt_id: AttemptId) -> Iterator[Follower]:
        """While the block runs, as long as `Follower.still` is called now and then."""
        follower = Follower(self._folder / attempt_id)
        follower.still()
        try:
            yield follower
        finally:
            with contextlib.suppress(OSError):
                os.unlink(self._folder / attempt_id)

    def list_followed(self) -> set[AttemptId]:
        """Attempts whose logs somebody follows now; files that are too old are taken away."""
        found: set[AttemptId] = set()
        try:
            entries = list(os.scandir(self._folder))
        except OSError:
            return found
        for entry in entries:
            with contextlib.suppress(OSError):
                if time.time() - entry.stat().st_mtime < _OLD_SECONDS:
                    found.add(AttemptId(entry.name))
                else:
                    os.unlink(entry.path)
        return found


class Follower:
    """One who follows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._touched = float("-inf")

    def still(self) -> None:
        """They still do."""
        now = time.monotonic()
        if now - self._touched < _TOUCH_EVERY_SECONDS:
            return
        self._touched = now
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            self._path.touch()
