"""Lines as the API tells them, turned into lines of the log file, a whole block at once. Pure.

The API's line is `<time> <text>`, ours `<time, microseconds, Z> stdout <F|P> [<container>] <text>`. A control plane
relays the logs of a whole cluster on one core, so what is done for each line is a few slices; whatever is seldom
(other zones, long lines, bytes that are no text) is found by a look at the block and done the slow way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

MAX_LINE = 64 * 1024
"""A longer line is cut into parts of this size, marked P, and a last one marked F (as the podlet does)."""
STAMP = len(b"2026-01-01T00:00:00.000000")
_TOLD = STAMP + len(b"000Z ")
_TIME = re.compile(rb"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$")
_UNIFORM = {b"Z "}


def told(lines: list[bytes]) -> list[bytes]:
    """The API's lines with times in UTC, nine digits, as nearly all come. Raises `NoLine` for what has no time."""
    if {line[STAMP + 3 : _TOLD] for line in lines} <= _UNIFORM:
        return lines
    return [line if line[STAMP + 3 : _TOLD] == b"Z " else _uniform(line) for line in lines if line]


class NoLine(ValueError):
    """What came instead of a line. `words` is how it begins."""

    def __init__(self, words: bytes) -> None:
        super().__init__(f"no time: {words[:200].decode(errors='replace')}")
        self.words = words


def is_stamped(line: bytes) -> bool:
    """Whether it begins with a time."""
    return _TIME.match(line.partition(b" ")[0]) is not None


def formatted(lines: Sequence[bytes], name: bytes) -> bytes:
    """The lines of `told` as they stand in the file. `name` is what is between the brackets; empty: no brackets."""
    if not lines:
        return b""
    if max(map(len, lines)) > MAX_LINE:
        return b"".join([_long(line, name) for line in lines])
    if name:
        middle = b"Z stdout F [%b] " % name
        block = b"\n".join([line[:STAMP] + middle + line[_TOLD:] for line in lines])
    else:
        # A text that begins like a container's name has an empty one before it.
        guarded, plain = b"Z stdout F [] ", b"Z stdout F "
        block = b"\n".join(
            [
                line[:STAMP] + (guarded if line[_TOLD : _TOLD + 1] == b"[" else plain) + line[_TOLD:]
                for line in lines
            ]
        )  # fmt: skip
    return readable(block + b"\n")


def readable(data: bytes) -> bytes:
    """UTF-8 as it is; other bytes as backslash escapes."""
    if data.isascii():
        return data
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "backslashreplace").encode()
    return data


def stamp(told: bytes) -> bytes:
    """A time of the API (RFC 3339, up to nanoseconds) as the log has it: UTC, microseconds, without the Z."""
    if len(told) == STAMP + 4 and told[-1:] == b"Z":
        return told[:STAMP]
    found = _TIME.match(told)
    if found is None:
        raise ValueError(f"no time: {told[:40]!r}")
    base, fraction, zone = found.groups()
    digits = ((fraction or b"") + b"000000")[:6]
    if zone == b"Z":
        return base + b"." + digits
    at = datetime.fromisoformat((base + b"." + digits + zone).decode()).astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f").encode()


def _uniform(line: bytes) -> bytes:
    at, _, text = line.partition(b" ")
    if not is_stamped(line):
        raise NoLine(line)
    return stamp(at) + b"000Z " + text


def _long(line: bytes, name: bytes) -> bytes:
    text = line[_TOLD:]
    where = b"[%b] " % name if name else b""
    written = bytearray()
    while True:
        size = MAX_LINE
        if len(text) <= size:
            part, mark = text, b"F"
        else:
            while size > MAX_LINE - 3 and text[size] & 0xC0 == 0x80:
                size -= 1
            part, mark = text[:size], b"P"
        guard = where or (b"[] " if part[:1] == b"[" else b"")
        written += b"%bZ stdout %b %b%b\n" % (line[:STAMP], mark, guard, part)
        if mark == b"F":
            return readable(bytes(written))
        text = text[size:]
