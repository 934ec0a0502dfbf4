"""The start fence: a file made exclusively just before the user's code. Whoever makes it decides.

Made by the attempt's process: its code ran, and the file says which process that is. Made by a podlet that recovers:
that code never ran and never will. Without it, a launch that seemed lost could run beside its relaunch.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from tradewind.podlet import processes
from tradewind.podlet.processes import Identity

_NAME = "fence"
_GATE = "gate"
"""The fence of a spare directory, until somebody makes it by renaming: that, too, succeeds only once."""
_BARRED = "barred"
_SIZE = 120
_WRITING_SECONDS = 1.0


@dataclass(frozen=True)
class Fence:
    """What a fence file says. `runner` None: nobody runs behind it."""

    runner: Identity | None
    log_quota: int
    made_at: float
    base: int = 0
    """Where in `out` its output begins."""


def enter(folder: str, log_quota: int, base: int = 0) -> bool:
    """Make the fence for this process; False where it is there already: then the user's code must not run."""
    return _make(folder, f"{processes.own_name()} {log_quota} {base}")


def bar(folder: str) -> bool:
    """Make it so that nobody can enter; False where somebody has."""
    return _make(folder, _BARRED)


def exists(folder: str) -> bool:
    """Whether anyone has made it, to enter or to bar."""
    return os.path.exists(f"{folder}/{_NAME}")


def find(folder: str) -> Fence | None:
    """The fence of an attempt's folder. None where there is none, or where it was barred: nobody entered.

    A process that made it and was killed before it wrote its name has entered, without a runner.
    """
    path = f"{folder}/{_NAME}"
    deadline = time.monotonic() + _WRITING_SECONDS
    while True:
        try:
            with open(path) as file:
                text = file.read()
                made_at = os.fstat(file.fileno()).st_ctime  # a renamed one was last written when it was emptied
        except FileNotFoundError:
            return None
        if text.endswith("\n"):
            break
        if time.monotonic() > deadline or time.time() - made_at > _WRITING_SECONDS:
            return Fence(runner=None, log_quota=1 << 30, made_at=made_at)
        time.sleep(0.005)  # its maker is between making and writing it
    if text.strip() == _BARRED:
        return None
    pid, start_time, boot_id, quota, *more = text.split()  # another release's podlet may have written less, or more
    runner = Identity(int(pid), int(start_time), boot_id)
    return Fence(runner=runner, log_quota=int(quota), made_at=made_at, base=int(more[0]) if more else 0)


def open_again(folder: str) -> None:
    """Take the fence of an attempt that is over back, for the next one in its directory.

    It is written over, not emptied: ext4 flushes a file that was emptied when it is closed, which takes milliseconds.
    """
    descriptor = os.open(f"{folder}/{_NAME}", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, b" " * _SIZE)
    finally:
        os.close(descriptor)
    os.rename(f"{folder}/{_NAME}", f"{folder}/{_GATE}")


def _make(folder: str, text: str) -> bool:
    path = f"{folder}/{_NAME}"
    try:
        os.rename(f"{folder}/{_GATE}", path)
    except FileNotFoundError:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    else:
        flags = os.O_WRONLY | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        return False
    try:
        os.write(descriptor, text.ljust(_SIZE - 1).encode() + b"\n")
    finally:
        os.close(descriptor)
    return True
