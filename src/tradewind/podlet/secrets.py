"""The secrets that an attempt was given, read from its directory as they come.

Invariant: read after the output that is to be masked; a secret is written down before the attempt has it, so every
line with it finds it here. An attempt without secrets has no such file, and costs one look for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from tradewind.model.masking import MASK, Mask
from tradewind.worker.secrets import FILE


class HideAll(Mask):
    """Hides every line, for nobody knows the secrets any more."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return True

    def hide_lines(self, lines: Sequence[bytes]) -> list[bytes]:
        return [MASK if line.strip() else line for line in lines]


class GivenSecrets:
    """Of one attempt."""

    __slots__ = ("_offset", "_path", "mask")

    def __init__(self, folder: str) -> None:
        self._path = f"{folder}/{FILE}"
        self._offset = 0
        self.mask: Mask | None = None

    def refresh(self) -> Mask | None:
        """The mask over all that is known by now; None where there is none."""
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            if self.mask is None and os.path.lexists(self._path):
                self.mask = HideAll()  # the machine was restarted: that there were secrets is all that is known
            return self.mask
        try:
            size = os.fstat(file).st_size
            if size > self._offset:
                self._take(os.pread(file, size - self._offset, self._offset))
        finally:
            os.close(file)
        return self.mask

    def _take(self, data: bytes) -> None:
        lines = data[: data.rfind(b"\n") + 1]
        self._offset += len(lines)
        self.mask = self.mask or Mask()
        try:
            self.mask.add([json.loads(line) for line in lines.splitlines()])
        except ValueError:
            self.mask = HideAll()  # written in part, on a full disk: which secrets it held nobody knows
