"""Where user code's output goes: a short tail while a file loads, file descriptor 1, in order, while an attempt runs.

`print`, `sys.stderr` and `logging` share one stream, so their lines come out in the order in which they were written;
descriptor 2 is made the same as 1 for what writes below Python (child processes, C code). A handler that user code
made while loading keeps working: the stream that it holds forwards to the present one.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

_FORMAT = "{%(filename)s:%(lineno)d} %(levelname)s - %(message)s"


class Tail(io.TextIOBase):
    """Keeps the last `limit` characters written; when it is done, what is written goes to the present stdout.

    Until then it is written to descriptor 1 too: what a process said before it crashed is known only there.
    """

    def __init__(self, limit: int = 16 * 1024) -> None:
        self._limit = limit
        self._pieces: list[str] = []
        self._size = 0
        self._done = False

    def write(self, text: str) -> int:
        if self._done:
            stream = sys.stdout if sys.stdout is not self else sys.__stdout__
            return 0 if stream is None else stream.write(text)
        with suppress(OSError):
            os.write(1, text.encode("utf-8", "backslashreplace"))
        self._pieces.append(text)
        self._size += len(text)
        if self._size > 2 * self._limit:
            self._pieces = [self.text()]
            self._size = len(self._pieces[0])
        return len(text)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1

    def text(self) -> str:
        """What is kept."""
        return "".join(self._pieces)[-self._limit :]

    def done(self) -> None:
        """From now on, forward."""
        self._done = True


class PresentStream(logging.StreamHandler[TextIO]):
    """Logs to whatever `sys.stdout` is at the moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(logging.Formatter(_FORMAT))

    @property
    def stream(self) -> TextIO:
        return sys.stdout

    @stream.setter
    def stream(self, value: TextIO) -> None:
        """It follows sys.stdout alone."""


def prepare_logging() -> None:
    """Give the root logger our handler, once; as in Airflow `logging.basicConfig` in a DAG file changes nothing."""
    root = logging.getLogger()
    if not any(isinstance(handler, PresentStream) for handler in root.handlers):
        root.addHandler(PresentStream())
        root.setLevel(logging.INFO)


@contextmanager
def captured() -> Iterator[Tail]:
    """What Python code prints inside the block."""
    tail = Tail()
    before = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = tail
    try:
        yield tail
    finally:
        sys.stdout, sys.stderr = before
        tail.done()


def use_descriptor_one() -> None:
    """Send print, stderr and logging to descriptor 1, a line at a time."""
    if not os.path.sameopenfile(1, 2):
        os.dup2(1, 2)
    stream = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(1, "wb", closefd=False)),
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=True,
    )
    sys.stdout = sys.stderr = stream


def flush() -> None:
    """Write out what is buffered; a closed stream has nothing."""
    for stream in {id(stream): stream for stream in (sys.stdout, sys.stderr)}.values():
        with suppress(OSError, ValueError):
            stream.flush()
