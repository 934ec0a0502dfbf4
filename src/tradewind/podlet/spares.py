"""Directories of attempts that are over, kept for those to come, with their files.

Making and removing files is what an attempt costs a disk, and file systems pass over the places of files that were
removed a moment ago; with a spare directory an attempt makes none but its log.
Invariant: a spare is taken only from an attempt whose process ended all it had started, so nobody writes into it.
The output of the next begins where that of the last one ended (`Fence.base`), since emptying a file costs more than a
new one.
Where a podlet died, what it kept is removed: only its own memory tells which are whole.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress

from tradewind.podlet import fence

_MOST = 256
_LARGEST_OUT = 1 << 20
_ODD = ("log", "exit", "out.cursor", "relayed")


class Spares:
    """Those of one home."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._kept: list[str] = []
        self._number = 0
        shutil.rmtree(folder, ignore_errors=True)

    def take(self, target: str) -> bool:
        """Make a spare the directory `target`; False where there is none. Raises FileExistsError where it is there."""
        if not self._kept:
            return False
        if os.path.exists(target):
            raise FileExistsError(target)
        try:
            os.rename(self._kept.pop(), target)
        except OSError:
            return False
        return True

    def keep(self, folder: str) -> bool:
        """Take over the directory of an attempt that is over; False where it is to be removed."""
        if len(self._kept) >= _MOST or not _is_small(f"{folder}/out"):
            return False
        self._number += 1
        spare = f"{self._folder}/{self._number}"
        try:
            if self._number == 1:
                os.makedirs(self._folder, mode=0o700, exist_ok=True)
            os.rename(folder, spare)
        except OSError:
            return False
        try:
            self._clear(spare)
        except OSError:
            shutil.rmtree(spare, ignore_errors=True)
        else:
            self._kept.append(spare)
        return True

    @staticmethod
    def _clear(spare: str) -> None:
        os.rename(f"{spare}/result", f"{spare}/result.new")  # what the next result is written to
        fence.open_again(spare)
        for name in _ODD:
            with suppress(FileNotFoundError):
                os.unlink(f"{spare}/{name}")


def _is_small(path: str) -> bool:
    try:
        return os.stat(path).st_size <= _LARGEST_OUT
    except OSError:
        return False
