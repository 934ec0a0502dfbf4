"""The secrets that code of this process was given, written down for whoever keeps its log.

Invariant: a secret is in the attempt's file before user code has it, so that it is known when the first line with it
can be read. A file's zygote collects what was asked for while the file loaded; its attempts inherit that by fork.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

FILE = "secrets"
"""In the attempt's directory: one JSON text per line, only ever appended to."""


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

    def _append(self, secrets: Iterable[str]) -> None:
        lines = "".join(f"{json.dumps(secret)}\n" for secret in secrets).encode()
        if not lines or not self._path:
            return
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # A disk without room fails the question for the secret: better no value than one in the open.
            while lines:
                lines = lines[os.write(file, lines) :]
        finally:
            os.close(file)


OWN = Secrets()
"""Those of this process. The worker has one process per attempt, so this is what its attempt was given."""
