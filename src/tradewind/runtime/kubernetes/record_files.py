"""What is kept of attempts in the home, so that it outlives us: a file of one name in each attempt's directory.

Invariant: each file is there whole or not at all.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
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
        self._kind = kind

    def folder(self, attempt_id: AttemptId) -> Path:
        """The attempt's directory, where its live log is too."""
        return self._folder / attempt_id

    def put(self, record: R, *, lasting: bool = True) -> None:
        """Write it, or write it anew. Raises OSError where the disk is full.

        `lasting`: it is on the disk when this returns, which blocks for milliseconds.
        """
        folder = self.folder(record.attempt_id)
        folder.mkdir(mode=0o700, exist_ok=True)
        temporary = folder / f"{self._name}.new"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(msgspec.json.encode(record))
            file.flush()
            if lasting:
                os.fsync(descriptor)
        temporary.rename(folder / self._name)

    def list(self) -> Sequence[R]:
        """All, by attempt id. One that nobody can read is left out: its attempt is launched again, under one name."""
        found: list[R] = []
        for path in sorted(self._folder.glob(f"*/{self._name}")):
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=self._kind))
            except (OSError, msgspec.MsgspecError):
                continue
        return found

    def remove(self, attempt_id: AttemptId) -> None:
        """Take the attempt's directory away; its log is at rest already."""
        shutil.rmtree(self.folder(attempt_id), ignore_errors=True)
