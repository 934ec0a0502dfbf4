"""What a pod's containers print: the main one's straight into the attempt's `out`, the others' through pipes.

Of every container that is not logged the last lines are kept, for a failure's message. Nobody waits for a reader: a
pipe is emptied as long as its container runs.
"""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Iterable
from pathlib import Path

from tradewind.model import masking

_TAIL = 8192
_LONGEST = 1 << 20
"""Bytes of a line that are held until it ends."""
FALLBACK_BYTES, FALLBACK_LINES = 2048, 80
"""Of the log that the kubelet takes for a termination message (FallbackToLogsOnError)."""


class Mask:
    """Sensitive values that templates of the task used: in what is kept they are `***`."""

    def __init__(self, values: Iterable[str]) -> None:
        lines = {line.strip() for value in values for line in value.splitlines()}
        # The longest first: one value may hold another.
        self._values = sorted((line.encode() for line in lines if line), key=len, reverse=True)

    def __bool__(self) -> bool:
        """Whether there is anything to hide."""
        return bool(self._values)

    def hide(self, text: bytes) -> bytes:
        """The text without the values."""
        for value in self._values:
            text = text.replace(value, b"***")
        return text


class _Stream:
    def __init__(self, name: str, descriptor: int, prefix: str | None) -> None:
        self.name = name
        self.descriptor = descriptor
        self.prefix = prefix
        """Before each line in the log; None: it does not go there."""
        self.partial = b""
        self.tail = b""


class Output:
    """The output of one pod."""

    def __init__(
        self, path: Path, *, main: str, logged: Iterable[str], prefixed: bool, masked: Iterable[str], poll: select.poll
    ) -> None:
        self._path = path
        self._main = main
        self._logged = frozenset(logged)
        self._prefixed = prefixed
        self._mask = Mask(masked)
        self._given = masking.Mask()
        self._poll = poll
        self._streams: dict[int, _Stream] = {}
        self._tails: dict[str, _Stream] = {}
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def also_hide(self, secrets: Iterable[str]) -> None:
        """Values of Secrets: whoever stamps the log hides them there, here they are hidden in messages."""
        self._given.add(secrets)

    def notes(self, lines: Iterable[str]) -> None:
        """Lines of ours."""
        self._write(self._mask.hide("".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")))

    def open(self, name: str) -> int:
        """Where a container's stdout and stderr go; the caller closes it. Pipes are watched by the caller's poll."""
        is_main = name == self._main
        if is_main and name in self._logged and not self._mask:
            return os.dup(self._file)
        ours, theirs = os.pipe()
        os.set_blocking(ours, False)
        prefix = (f"[{name}] " if self._prefixed and not is_main else "") if name in self._logged else None
        self._streams[ours] = self._tails[name] = _Stream(name, ours, prefix)
        self._poll.register(ours, select.POLLIN)
        return theirs

    def read(self, descriptor: int) -> None:
        """Take what is there."""
        stream = self._streams.get(descriptor)
        if stream is None:
            return  # drained since the poll told of it
        try:
            data = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return
        if data:
            self._take(stream, data)
        else:
            self._close(stream)

    def drain(self, name: str) -> None:
        """The container is gone: take the rest."""
        for stream in [one for one in self._streams.values() if one.name == name]:
            with contextlib.suppress(BlockingIOError):
                while data := os.read(stream.descriptor, 1 << 16):
                    self._take(stream, data)
            self._close(stream)

    def show_tail(self, name: str) -> None:
        """A container that is not logged has failed: its last lines are all there is to understand it by."""
        stream = self._tails.get(name)
        if stream is not None and stream.prefix is None:
            self.notes(f"[{name}] {line}" for line in stream.tail.decode("utf-8", "replace").splitlines())

    def fallback_message(self, name: str) -> bytes:
        """The end of its log, as the kubelet cuts it."""
        stream = self._tails.get(name)
        if stream is not None:
            tail = stream.tail
        else:
            with open(self._path, "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - FALLBACK_BYTES))
                tail = file.read()
        tail = self._given.hide(self._mask.hide(tail))
        return b"".join(tail[-FALLBACK_BYTES:].splitlines(keepends=True)[-FALLBACK_LINES:])

    def hide(self, text: str) -> str:
        """A text without sensitive values."""
        return self._given.hide_text(self._mask.hide(text.encode("utf-8", "replace")).decode())

    def _take(self, stream: _Stream, data: bytes) -> None:
        stream.tail = (stream.tail + data)[-_TAIL:]
        if stream.prefix is not None:
            *lines, stream.partial = (stream.partial + data).split(b"\n")
            self._write(b"".join(stream.prefix.encode() + self._mask.hide(line) + b"\n" for line in lines))
            if len(stream.partial) > _LONGEST:
                # Nobody may make us keep a line without end.
                self._write(stream.prefix.encode() + self._mask.hide(stream.partial) + b"\n")
                stream.partial = b""

    def _close(self, stream: _Stream) -> None:
        if stream.partial and stream.prefix is not None:
            self._write(stream.prefix.encode() + self._mask.hide(stream.partial) + b"\n")
        self._poll.unregister(stream.descriptor)
        os.close(stream.descriptor)
        del self._streams[stream.descriptor]

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
