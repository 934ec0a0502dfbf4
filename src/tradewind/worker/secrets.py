"""The secrets that code of this process was given, written down for whoever keeps its log.

Invariant: a secret is in the attempt's file before user code has it, so that it is known when the first line with it
can be read. The file is a link into memory (/dev/shm), so that a Secret comes on no disk. A DAG file's zygote collects
what was asked for while the file loaded; its attempts inherit that by fork.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress

import msgspec

from tradewind.model.masking import Mask
from tradewind.model.problem import Problem

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

    def hide_in(self, problem: Problem) -> Problem:
        """What is told of a problem without them."""
        if not self.known:
            return problem
        return msgspec.structs.replace(
            problem, message=self.hide(problem.message), traceback=self.hide(problem.traceback)
        )

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
        target = os.readlink(path)
        if target.startswith(_prefix(os.path.dirname(folder))):
            os.unlink(target)
    with suppress(OSError):
        os.unlink(path)


def sweep(attempts: str, *, older_seconds: float = 60) -> None:
    """Forget what no attempt below this folder has: of homes that are gone, and of machines that were too slow to end.

    A young file may be about to get its link.
    """
    linked = set()
    with suppress(FileNotFoundError):
        for name in os.listdir(attempts):
            with suppress(OSError):
                linked.add(os.readlink(f"{attempts}/{name}/{FILE}"))
    with suppress(FileNotFoundError):
        for name in os.listdir(_MEMORY):
            path = f"{_MEMORY}/{name}"
            if path.startswith(_prefix(attempts)) and path not in linked:
                with suppress(OSError):
                    if time.time() - os.stat(path).st_mtime >= older_seconds:
                        os.unlink(path)


def _prefix(attempts: str) -> str:
    digest = hashlib.sha256(os.fsencode(os.path.realpath(attempts))).hexdigest()[:16]
    return f"{_MEMORY}/tradewind-{os.getuid()}-{digest}-"


def _make(path: str) -> None:
    """An empty file for us alone: in memory, or where there is no such place beside the output itself."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    target = _prefix(os.path.dirname(os.path.dirname(path))) + os.urandom(8).hex()
    try:
        os.close(os.open(target, flags, 0o600))
    except OSError:
        with suppress(FileExistsError):
            os.close(os.open(path, flags, 0o600))
        return
    try:
        os.symlink(target, path)
    except FileExistsError:  # another thread was first
        os.unlink(target)


OWN = Secrets()
"""Those of this process. The worker has one process per attempt, so this is what its attempt was given."""
