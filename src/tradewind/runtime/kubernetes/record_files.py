"""What is kept of attempts in the home, so that it outlives us: a file of one name in each attempt's directory.

Each line is a whole record, and the last one that can be read counts; so a change is one write at the end. A line that
was cut off, by a full disk or a power cut, spoils no other: line ends are written before a line, not after it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import msgspec

from tradewind.model.ids import AttemptId


class OfAttempt(Protocol):
    """What can be kept."""

    @property
    def attempt_id(self) -> AttemptId:
        """Whose it is."""
        ...


R = TypeVar("R", bound=OfAttempt)


class RecordFiles(Generic[R]):
    """Those of one kind."""

    def __init__(self, home: Path, *, name: str, kind: type[R]) -> None:
        self._folder = home / "attempts"
        self._name = name
        self._decode = msgspec.json.Decoder(kind).decode

    def folder(self, attempt_id: AttemptId) -> Path:
        """The attempt's directory, where its live log is too."""
        return self._folder / attempt_id

    def put(self, record: R, *, lasting: bool = True) -> None:
        """Write it, or write it anew. Raises OSError where the disk is full.

        `lasting`: it is on the disk when this returns, which blocks for milliseconds.
        """
        file = self.write(record)
        try:
            if lasting:
                os.fsync(file)
        finally:
            os.close(file)

    def write(self, record: R) -> int:
        """As `put`, but it need not be on the disk yet: a descriptor of its file, open, which says so by `fsync`."""
        file = self._open(record.attempt_id)
        try:
            before = os.fstat(file).st_size
            line = (b"\n" if before else b"") + msgspec.json.encode(record)
            if os.write(file, line) < len(line):
                os.ftruncate(file, before)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._path(record.attempt_id))
        except BaseException:  # whoever asked has no descriptor yet that they could close
            os.close(file)
            raise
        return file

    def list(self) -> Sequence[R]:
        """All, by attempt id. One that nobody can read is left out: its attempt is launched again, under one name."""
        found: list[R] = []
        for folder in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
            for line in reversed(list(self._lines(AttemptId(folder.name)))):
                with contextlib.suppress(msgspec.MsgspecError):
                    found.append(self._decode(line))
                    break
        return found

    def remove(self, attempt_id: AttemptId) -> None:
        """Take the attempt's directory away; its log is at rest already."""
        folder = f"{self._folder}/{attempt_id}"
        try:
            os.unlink(self._path(attempt_id))
            os.rmdir(folder)
        except OSError:  # there is something else in it
            shutil.rmtree(folder, ignore_errors=True)

    def _lines(self, attempt_id: AttemptId) -> Iterator[bytes]:
        """Those of its file; none where it has no file."""
        with contextlib.suppress(OSError):
            yield from Path(self._path(attempt_id)).read_bytes().split(b"\n")

    def _path(self, attempt_id: AttemptId) -> str:
        return f"{self._folder}/{attempt_id}/{self._name}"

    def _open(self, attempt_id: AttemptId) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            return os.open(self._path(attempt_id), flags, 0o600)
        except FileNotFoundError:
            with contextlib.suppress(FileExistsError):
                os.mkdir(f"{self._folder}/{attempt_id}", mode=0o700)
            return os.open(self._path(attempt_id), flags, 0o600)
