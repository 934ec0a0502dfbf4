"""Turns what an attempt wrote into its log: each line with a time, a stream, and whether it is whole.

Invariant: the lines of the log are a function of the bytes of `out` alone (only their times are not). A podlet that
takes over counts the lines that are in the log, skips as many in `out`, and goes on: no line twice, none lost.
The cursor file is needed only where the beginning of `out` was given back to the disk.
Secrets that the attempt was given never reach the log; hiding them changes no number of lines.
"""

from __future__ import annotations

import ctypes
import os
import time
from functools import cache

from tradewind.model.masking import Mask
from tradewind.podlet.secrets import GivenSecrets

MAX_LINE = 64 * 1024
"""A longer line is cut into parts of this size, marked P, and a last one marked F."""
ROUND_BYTES = 1 << 20
_PUNCH_BYTES = 16 << 20
_KEEP_SIZE_PUNCH_HOLE = 0x03


class Stamper:
    """The log of one attempt's one stream. `container` names it where a pod has several."""

    __slots__ = (
        "_base",
        "_container",
        "_last",
        "_log",
        "_note_head",
        "_out",
        "_punched",
        "_quota_told",
        "_secrets",
        "lines",
        "offset",
        "quota",
    )

    def __init__(self, out: str, log: str, quota: int, container: str = "") -> None:
        self._out = out
        self._log = log
        self.quota = quota
        self._container = f"[{container}] ".encode() if container else b""
        self._note_head = f"event F [{container}] ".encode()
        self._base = 0
        self._last = 0.0
        self._punched = 0
        self._quota_told = False
        self._secrets = GivenSecrets(os.path.dirname(out))
        self.offset = 0
        """Bytes of `out` that are in the log."""
        self.lines = 0
        """Lines and parts in the log."""

    @property
    def taken(self) -> int:
        """Bytes of this attempt's output that are in the log."""
        return self.offset - self._base

    def start_at(self, base: int) -> None:
        """What is before `base` in `out` is another attempt's. Before the first round only."""
        self._base = base
        self.offset = base
        self.quota += base

    def stamp(self) -> bool:
        """Take at most `ROUND_BYTES`; True where more waits. Raises OSError where the log cannot be written."""
        return self._round(final=False)

    def finish(self) -> None:
        """Take the rest, with a last line that has no end, and say what was cut. Then `out` may go.

        After `stamp` said that no more waits this is at most a line, so it does not hold the loop up.
        """
        while self._round(final=True):
            continue
        if self._quota_told and os.path.exists(self._out):
            cut = os.stat(self._out).st_size - self.offset
            said = f"log cut: {cut} bytes after the first {self.taken} are not kept"
            self._append(self._note(said))

    def resume(self) -> None:
        """Find where a predecessor stopped. A line that it wrote in part is taken back."""
        try:
            with open(self._log, "rb+") as log:
                count, end, self._quota_told = self._count(log.fileno())
                log.truncate(end)
        except FileNotFoundError:
            return
        self._read_cursor()
        try:
            with open(self._out, "rb") as file:
                while self.lines < count and self._skip(file.fileno(), count):
                    continue
        except FileNotFoundError:
            return

    # -- a round ---------------------------------------------------------------------------------------------------

    def _round(self, *, final: bool) -> bool:
        try:
            out = os.open(self._out, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            status = os.fstat(out)
            if self._quota_told:
                self._punch(out, status.st_size)
                return False
            data = os.pread(out, min(ROUND_BYTES, max(0, self.quota - self.offset)), self.offset)
            at_end = self.offset + len(data) >= min(status.st_size, self.quota)
            whole = at_end and (final or status.st_size > self.quota)
            taken = self._take(data, whole=whole, at=status.st_mtime if at_end else time.time())
            if self.offset >= self.quota and status.st_size > self.quota:
                quota = self.quota - self._base
                self._append(self._note(f"log quota of {quota} bytes reached: what comes now is not kept"))
                self._quota_told = True
                return True
            self._punch(out, self.offset)
            return bool(taken) and self.offset < status.st_size
        finally:
            os.close(out)

    def _take(self, data: bytes, *, whole: bool, at: float) -> int:
        pieces, taken = self._cut(data, whole=whole)
        mask = self._secrets.refresh() if pieces else None
        if mask:
            pieces, taken = _hidden(mask, pieces, data, taken, wait=not whole and len(data) < ROUND_BYTES)
        if pieces:
            self._write(pieces, at)
            self.offset += taken
            self.lines += len(pieces)
        return taken

    def _cut(self, data: bytes, *, whole: bool) -> tuple[list[tuple[bytes, bytes]], int]:
        """Lines and parts, and how many bytes they are. `whole`: the last line has no end and will have none."""
        lines = data.split(b"\n")
        rest = lines.pop()
        taken = len(data) - len(rest)
        pieces: list[tuple[bytes, bytes]] = []
        for line in lines:
            if len(line) <= MAX_LINE:
                pieces.append((b"F", line))
            else:
                pieces += _parts(line)
        if whole and rest:
            pieces += _parts(rest)
            taken = len(data)
        while not whole and len(rest) > MAX_LINE:
            size = _boundary(rest)
            pieces.append((b"P", rest[:size]))
            rest = rest[size:]
            taken += size
        return pieces, taken

    def _write(self, pieces: list[tuple[bytes, bytes]], at: float) -> None:
        stamp = self._time(at)
        heads = {mark: b"%b stdout %b %b" % (stamp, mark, self._container) for mark in (b"F", b"P")}
        guard = b"" if self._container else b"[] "
        lines = [b"%b%b%b\n" % (heads[mark], guard if text[:1] == b"[" else b"", text) for mark, text in pieces]
        self._append(_readable(b"".join(lines)))

    def _append(self, data: bytes) -> None:
        log = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            before = os.fstat(log).st_size
            written = os.write(log, data)
            if written < len(data):  # the disk is full: all or nothing, or the next round repeats a part of it
                os.ftruncate(log, before)
                raise OSError(28, "No space left on device", self._log)
        finally:
            os.close(log)

    def _note(self, text: str) -> bytes:
        return b"%b %b%b\n" % (self._time(time.time()), self._note_head, text.encode())

    def _time(self, at: float) -> bytes:
        self._last = max(self._last, min(at, time.time()))
        seconds = int(self._last)
        fraction = min(int((self._last - seconds) * 1e6), 999_999)
        return b"%b.%06dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode(), fraction)

    # -- what was read goes back to the disk -----------------------------------------------------------------------

    def _punch(self, out: int, upto: int) -> None:
        if upto - self._punched < _PUNCH_BYTES:
            return
        temporary = self._out + ".cursor.new"
        with open(temporary, "w") as file:
            file.write(f"{self.offset} {self.lines}")
        os.rename(temporary, self._out + ".cursor")
        _libc().fallocate(out, _KEEP_SIZE_PUNCH_HOLE, ctypes.c_long(0), ctypes.c_long(upto))
        self._punched = upto

    def _read_cursor(self) -> None:
        try:
            with open(self._out + ".cursor") as file:
                self.offset, self.lines = map(int, file.read().split())
        except (OSError, ValueError):
            return

    # -- taking over -----------------------------------------------------------------------------------------------

    def _count(self, log: int) -> tuple[int, int, bool]:
        """Whole lines of ours in the log, where they end, and whether the quota was told."""
        count, end, told, tail = 0, 0, False, b""
        while data := os.read(log, ROUND_BYTES):
            *lines, tail = (tail + data).split(b"\n")
            for line in lines:
                end += len(line) + 1
                stream = line[28:35]
                count += stream == b"stdout " and line[37 : 37 + len(self._container)] == self._container
                told = told or line[28:].startswith(self._note_head + b"log quota of ")
        return count, end, told

    def _skip(self, out: int, count: int) -> bool:
        data = os.pread(out, min(ROUND_BYTES, max(0, self.quota - self.offset)), self.offset)
        end = self.offset + len(data)
        pieces, _ = self._cut(data, whole=False)
        if not pieces and data:
            pieces, _ = self._cut(data, whole=True)
        for mark, text in pieces[: count - self.lines]:
            self.offset = min(self.offset + len(text) + (mark == b"F"), end)
            self.lines += 1
        return bool(pieces)


def _hidden(
    mask: Mask, pieces: list[tuple[bytes, bytes]], data: bytes, taken: int, *, wait: bool
) -> tuple[list[tuple[bytes, bytes]], int]:
    """The pieces without secrets, and how many bytes they were.

    `wait`: what may be the first part of a secret stays in `out` until the next part is written. A whole round is
    taken as it is: no secret is that long, so the part at its end is all that could be seen of one.
    """
    texts = [*(text for _, text in pieces), data[taken:]]
    count = len(pieces)
    if taken < len(data) or wait:
        count = mask.settled(texts)
        if not count and not wait:
            count = len(pieces)
    if count < len(pieces):
        taken = sum(len(text) + (mark == b"F") for mark, text in pieces[:count])
    hidden = mask.hide_lines(texts)
    return [(mark, text) for (mark, _), text in zip(pieces[:count], hidden, strict=False)], taken


def _parts(line: bytes) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    while len(line) > MAX_LINE:
        size = _boundary(line)
        found.append((b"P", line[:size]))
        line = line[size:]
    return [*found, (b"F", line)]


def _boundary(line: bytes) -> int:
    """Where to cut, so that no character of UTF-8 is halved."""
    size = MAX_LINE
    while size > MAX_LINE - 3 and line[size] & 0xC0 == 0x80:
        size -= 1
    return size


def _readable(data: bytes) -> bytes:
    """UTF-8 as it is; other bytes as backslash escapes."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "backslashreplace").encode()
    return data


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
