"""The live log of an attempt, as lines of a cluster's containers are written to it.

The format is that of `logs.line`: time, stream, F or P, container, text. Invariant: what is in the file is whole lines
and says by itself how far each container's log was read: the time of its last line, and how many lines are of its
second. So bytes and cursor cannot come apart, whenever the control plane is killed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tradewind.model.masking import Mask
from tradewind.runtime.kubernetes import log_block
from tradewind.runtime.kubernetes.log_block import STAMP
from tradewind.runtime.kubernetes.log_cursor import Cursor

_ROUND_BYTES = 1 << 20


class LogFile:
    """One attempt's. `resume` comes first.

    Lines of `unnamed`, the main container, have no name before them; the others' have, and whether people see it is
    said by `prefixed`.
    """

    __slots__ = ("_cursors", "_dash", "_mask", "_noted", "_now", "_path", "_quota", "_size", "_unnamed", "is_full")

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], datetime],
        unnamed: str = "",
        prefixed: bool = True,
        masked: Iterable[str] = (),
        quota_bytes: int = 1 << 30,
    ) -> None:
        self._path = str(path)
        self._now = now
        self._unnamed = unnamed
        self._dash = "" if prefixed else "-"
        self._mask = Mask(masked)
        self._quota = quota_bytes
        self._size = 0
        self._cursors: dict[str, Cursor] = {}
        self._noted: frozenset[int] = frozenset()
        """Hashes of our own lines that were there at `resume`."""
        self.is_full = False
        """The quota is reached: nothing more is kept, and a line says so."""

    def cursor(self, container: str) -> Cursor:
        """Of one container; empty before its first line."""
        return self._cursors.setdefault(container, Cursor())

    def resume(self) -> None:
        """Read how far it is. What was written in part is taken back: a half line, parts of a line without its end."""
        try:
            with open(self._path, "rb+") as file:
                self._size = self._read(file.fileno())
                file.truncate(self._size)
        except FileNotFoundError:
            return

    def append(self, container: str, lines: list[bytes]) -> None:
        """Write new lines of one container, in order, as `log_block.told` gives them. Raises OSError."""
        if self.is_full or not lines:
            return
        shown = self._masked(lines) if self._mask else lines
        name = "" if container == self._unnamed else f"{self._dash}{container}"
        self._write(log_block.formatted(shown, name.encode()))
        self.cursor(container).move(lines)
        if self._size >= self._quota:
            self.is_full = True
            self.note(f"log quota of {self._quota} bytes reached: what comes now is not kept")

    def note(self, text: str, container: str = "", *, at: datetime | None = None) -> None:
        """Lines of our own, which move no cursor. Raises OSError."""
        self._write("".join(self._notes(text, container, at or self._now())).encode("utf-8", "backslashreplace"))

    def note_once(self, text: str, at: datetime) -> None:
        """As `note`, but not what an earlier control plane wrote already."""
        lines = [line for line in self._notes(text, "", at) if hash(line.encode()) not in self._noted]
        self._write("".join(lines).encode("utf-8", "backslashreplace"))

    def _notes(self, text: str, container: str, at: datetime) -> list[str]:
        told = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        shown = self._mask.hide_text(text).splitlines() or [""]
        return [f"{told} event F [{container}] {line}\n" for line in shown]

    def _masked(self, lines: Sequence[bytes]) -> list[bytes]:
        skipped = STAMP + 5
        hidden = self._mask.hide_lines([line[skipped:] for line in lines])
        return [line[:skipped] + text for line, text in zip(lines, hidden, strict=True)]

    def _write(self, data: bytes) -> None:
        if not data:
            return
        log = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            before = os.fstat(log).st_size
            written = os.write(log, data)
            if written < len(data):  # the disk is full: all or nothing, or the next round repeats a part of it
                os.ftruncate(log, before)
                raise OSError(28, "No space left on device", self._path)
            self._size = before + written
        finally:
            os.close(log)

    def _read(self, log: int) -> int:
        """Take the cursors of what is there; where its last whole line ends."""
        read, end, tail = 0, 0, b""
        noted: set[int] = set()
        while data := os.read(log, _ROUND_BYTES):
            *lines, tail = (tail + data).split(b"\n")
            for line in lines:
                read += len(line) + 1
                if line[STAMP + 1 : STAMP + 9] == b" stdout ":
                    if line[STAMP + 9 : STAMP + 10] == b"P":
                        continue
                    self._count(line)
                else:
                    noted.add(hash(line + b"\n"))
                    if line[STAMP + 1 :].startswith(b" event F [] log quota of "):
                        self.is_full = True
                end = read
        self._noted = frozenset(noted)
        return end

    def _count(self, line: bytes) -> None:
        rest = line[STAMP + 11 :]
        name = ""
        if rest[:1] == b"[":
            name = rest[1:].partition(b"] ")[0].removeprefix(b"-").decode("utf-8", "backslashreplace")
        self.cursor(name or self._unnamed).move([line])
