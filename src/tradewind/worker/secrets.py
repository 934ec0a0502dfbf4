"""The secrets that code of this process was given, written down for whoever keeps its log.

Invariant: a secret is in the attempt's file before user code has it, so that it is known when the first line with it
can be read. The file is a link into memory (/dev/shm), so that a Secret comes on no disk. A DAG file's zygote collects
what was asked for while the file loaded; its attempts inherit that by fork.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress

from tradewind.model.masking import Mask

FILE = "secrets"
"""In the attempt's directory: one JSON text per line, only ever appended to."""
_MEMORY = "/dev/shm"


class Secrets:
    """Of one process, in order; each once."""

    def __init__(self) -> None:
        self.known: dict[str, None] = {}
        self._path = ""

    def write_to(self, folder: str) -> None:
        """From now on into this attempt's directory, what is known already first."""
        self._path = f"{folder}/{FILE}"
        self._append(self.known)

    def add(self, secrets: Iterable[str]) -> None:
        """Keep these too."""
        fresh = dict.fromkeys(secret for secret in secrets if secret and secret not in self.known)
        self.known.update(fresh)
        self._append(fresh)

    def hide(self, text: str) -> str:
        """The text without them."""
        return Mask(self.known).hide_text(text) if self.known else text

    def _append(self, secrets: Iterable[str]) -> None:
        lines = "".join(f"{json.dumps(secret)}\n" for secret in secrets).encode()
        if not lines or not self._path:
            return
        if not os.path.lexists(self._path):
            _make(self._path)
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            # A disk without room fails the question for the secret: better no value than one in the open.
            while lines:
                lines = lines[os.write(file, lines) :]
        finally:
            os.close(file)


def remove(folder: str) -> None:
    """Forget those of an attempt; its own directory is removed by whoever owns it."""
    path = f"{folder}/{FILE}"
    with suppress(OSError):
        if os.readlink(path).startswith(f"{_MEMORY}/tradewind-"):
            os.unlink(os.readlink(path))
    with suppress(OSError):
        os.unlink(path)


def _make(path: str) -> None:
    """An empty file for us alone: in memory, or where there is no such place beside the output itself."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    target = f"{_MEMORY}/tradewind-{os.getuid()}-{os.urandom(12).hex()}"
    try:
        os.close(os.open(target, flags, 0o600))
    except OSError:
        os.close(os.open(path, flags, 0o600))
        return
    os.symlink(target, path)


OWN = Secrets()
"""Those of this process. The worker has one process per attempt, so this is what its attempt was given."""
