"""The live log of an attempt, as lines of a cluster's containers are written to it.

The format is that of `logs.line`: time, stream, F or P, container, text. Invariant: what is in the file is whole lines
and says by itself how far each container's log was read: the time of its last line, and how many lines are of its
second. So bytes and cursor cannot come apart, whenever the control plane is killed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tradewind.model.masking import Mask

MAX_LINE = 64 * 1024
"""A longer line is cut into parts of this size, marked P, and a last one marked F (as the podlet does)."""
_LENGTH = len(b"2026-01-01T00:00:00.000000")
_ROUND_BYTES = 1 << 20
_TIME = re.compile(rb"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$")


_SECOND = len(b"2026-01-01T00:00:00")
_KEPT_SECONDS = 4


@dataclass(slots=True)
class Cursor:
    """How far a container's log is in the file. Times are as `stamp` gives them.

    Nodes write stdout and stderr side by side, so times may go back by a little from one line to the next.
    """

    at: bytes = b""
    """Of the last line; empty before the first."""
    newest: bytes = b""
    """The latest of any line."""
    seconds: dict[bytes, int] = field(default_factory=dict)
    """How many lines each of the last seconds has that have any."""

    @property
    def since(self) -> bytes:
        """The second of the last line: where a read goes on (the API knows no finer place)."""
        return self.at[:_SECOND]

    @property
    def count(self) -> int:
        """Lines from that second on: the API tells them again, in the same order."""
        return sum(count for second, count in self.seconds.items() if second >= self.since)

    def move(self, at: bytes) -> None:
        """One more line."""
        second = at[:_SECOND]
        if second not in self.seconds and len(self.seconds) >= _KEPT_SECONDS:
            del self.seconds[min(self.seconds)]
        self.seconds[second] = self.seconds.get(second, 0) + 1
        self.at = at
        self.newest = max(self.newest, at)


class LogFile:
    """One attempt's. `resume` comes first; `prefixed` containers have their name in each line."""

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], datetime],
        unnamed: str = "",
        masked: Iterable[str] = (),
        quota_bytes: int = 1 << 30,
    ) -> None:
        self._path = path
        self._now = now
        self._unnamed = unnamed
        """The container whose lines have no name: the only one of the log."""
        self._mask = Mask(masked)
        self._quota = quota_bytes
        self._size = 0
        self._cursors: dict[str, Cursor] = {}
        self.is_full = False
        """The quota is reached: nothing more is kept, and a line says so."""

    def cursor(self, container: str) -> Cursor:
        """Of one container; empty before its first line."""
        return self._cursors.setdefault(container, Cursor())

    def resume(self) -> None:
        """Read how far it is. What was written in part is taken back: a half line, parts of a line without its end."""
        try:
            with self._path.open("rb+") as file:
                self._size = self._read(file.fileno())
                file.truncate(self._size)
        except FileNotFoundError:
            return

    def append(self, container: str, lines: Iterable[tuple[bytes, bytes]]) -> None:
        """Write (time, text) of one container in order, those that are there already left out. Raises OSError."""
        if self.is_full:
            return
        cursor = self.cursor(container)
        pairs = [(stamp(at), text) for at, text in lines]
        if self._mask:
            hidden = self._mask.hide_lines([text for _, text in pairs])
            pairs = [(at, text) for (at, _), text in zip(pairs, hidden, strict=True)]
        name = b"" if container == self._unnamed else b"[%b] " % container.encode()
        guard = b"" if name else b"[] "
        written = bytearray()
        for at, text in pairs:
            for mark, part in _parts(text):
                written += b"%bZ stdout %b %b%b%b\n" % (at, mark, name, guard if part[:1] == b"[" else b"", part)
            cursor.move(at)
        self._write(_readable(bytes(written)))
        if self._size >= self._quota:
            self.is_full = True
            self.note(f"log quota of {self._quota} bytes reached: what comes now is not kept")

    def note(self, text: str, container: str = "") -> None:
        """A line of our own, which moves no cursor. Raises OSError."""
        at = self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        for line in self._mask.hide_text(text).splitlines() or [""]:
            self._write(f"{at} event F [{container}] {line}\n".encode("utf-8", "backslashreplace"))

    def _write(self, data: bytes) -> None:
        if not data:
            return
        log = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            before = os.fstat(log).st_size
            written = os.write(log, data)
            if written < len(data):  # the disk is full: all or nothing, or the next round repeats a part of it
                os.ftruncate(log, before)
                raise OSError(28, "No space left on device", str(self._path))
            self._size = before + written
        finally:
            os.close(log)

    def _read(self, log: int) -> int:
        """Take the cursors of what is there; where its last whole line ends."""
        read, end, tail = 0, 0, b""
        while data := os.read(log, _ROUND_BYTES):
            *lines, tail = (tail + data).split(b"\n")
            for line in lines:
                read += len(line) + 1
                if line[_LENGTH + 1 : _LENGTH + 9] == b" stdout ":
                    if line[_LENGTH + 9 : _LENGTH + 10] == b"P":
                        continue
                    self._count(line)
                elif line[_LENGTH + 1 :].startswith(b" event F [] log quota of "):
                    self.is_full = True
                end = read
        return end

    def _count(self, line: bytes) -> None:
        rest = line[_LENGTH + 11 :]
        name = ""
        if rest[:1] == b"[":
            name = rest[1:].partition(b"] ")[0].decode("utf-8", "backslashreplace")
        self.cursor(name or self._unnamed).move(line[:_LENGTH])


def stamp(told: bytes) -> bytes:
    """A time of the API (RFC 3339, up to nanoseconds) as the log has it: UTC, microseconds, without the Z."""
    if len(told) == _LENGTH + 4 and told[-1:] == b"Z":
        return told[:_LENGTH]
    found = _TIME.match(told)
    if found is None:
        raise ValueError(f"no time: {told[:40]!r}")
    base, fraction, zone = found.groups()
    digits = ((fraction or b"") + b"000000")[:6]
    if zone == b"Z":
        return base + b"." + digits
    at = datetime.fromisoformat((base + b"." + digits + zone).decode()).astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f").encode()


def _parts(line: bytes) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    while len(line) > MAX_LINE:
        size = MAX_LINE
        while size > MAX_LINE - 3 and line[size] & 0xC0 == 0x80:
            size -= 1
        found.append((b"P", line[:size]))
        line = line[size:]
    return [*found, (b"F", line)]


def _readable(data: bytes) -> bytes:
    """UTF-8 as it is; other bytes as backslash escapes."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "backslashreplace").encode()
    return data
