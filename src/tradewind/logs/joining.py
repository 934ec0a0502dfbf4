"""One log out of the files of an attempt's worker and of the pod that it handed over: lines in order of their times.

Each of the two is written by whoever reads that process, and neither waits for the other. What belongs together stays
so: the parts of a long line follow each other. Where the worker prints its pod's lines itself (`RELAYED`), what it has
printed is taken from its file alone.
"""

from __future__ import annotations

from collections import deque
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from tradewind.model import ids
from tradewind.model.ids import AttemptId

_CHUNK = 1 << 18
_TIME = len(b"2026-01-01T00:00:00.000000Z")
_MARK = slice(_TIME + len(b" stdout "), _TIME + len(b" stdout P"))
_RELAYED = "relayed"


class LiveLog:
    """The log of an attempt in the folder of those that are not released. Blocks."""

    def __init__(self, attempts: Path, attempt_id: AttemptId) -> None:
        folder = attempts / attempt_id
        self._own = folder / "log"
        self._of_pod = attempts / ids.pod_of(attempt_id) / "log"
        self._relayed = folder / _RELAYED
        self._files = ExitStack()
        self._parts: dict[Path, _Part] = {}

    def __enter__(self) -> LiveLog:
        """Open what is there."""
        self._open()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        """Close it."""
        self._files.close()

    def paths(self) -> list[Path]:
        """The files that are there."""
        return [path for path in (self._own, self._of_pod) if path.exists()]

    def _open(self, *, sealing: bool = False) -> None:
        relayed = self._relayed_bytes()
        for path in (self._own, self._of_pod):
            is_own = path == self._own
            if path in self._parts or (not is_own and relayed is not None and not sealing):
                continue
            with suppress(FileNotFoundError):
                file = self._files.enter_context(path.open("rb"))
                file.seek(0 if is_own else relayed or 0)
                self._parts[path] = _Part(file)

    def _relayed_bytes(self) -> int | None:
        try:
            return int(self._relayed.read_text())
        except (OSError, ValueError):
            return None

    def take(self, *, sealing: bool = False) -> list[bytes]:
        """Whole lines that are there now, without their ends, as many as are read at once. Empty: there are no more."""
        self._open(sealing=sealing)
        taken: list[bytes] = []
        while not taken:
            parts = list(self._parts.values())
            for part in parts:
                part.fill()
            if not any(part.lines for part in parts):
                break
            while (ready := [part for part in parts if part.lines]) and all(p.lines or p.is_at_end for p in parts):
                part = min(ready, key=lambda one: one.lines[0][:_TIME])
                taken.append(part.lines.popleft())
                while taken[-1][_MARK] == b"P" and part.lines:
                    taken.append(part.lines.popleft())
        return taken

    def rest(self) -> list[bytes]:
        """What has no end, after everything else."""
        return [part.tail for part in self._parts.values() if part.tail]


class _Part:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.lines: deque[bytes] = deque()
        self.tail = b""
        self.is_at_end = False

    def fill(self) -> None:
        """Read on, where nothing is left of what was read."""
        while not self.lines:
            data = self._file.read(_CHUNK)
            self.is_at_end = not data
            if not data:
                return
            *lines, self.tail = (self.tail + data).split(b"\n")
            self.lines.extend(lines)
