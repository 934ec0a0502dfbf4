"""The kernel's calls that Python 3.10 has no names for: namespaces, mounts, and what becomes of children.

Sources: unshare(2), mount(2), pivot_root(2), prctl(2); the numbers are the same on every architecture.
"""

from __future__ import annotations

import ctypes
import os
import signal

NEW_MOUNTS, NEW_USERS, NEW_PIDS = 0x00020000, 0x10000000, 0x20000000
READ_ONLY, NO_SUID, NO_DEV, NO_EXEC = 1, 2, 4, 8
REMOUNT, BIND, RECURSIVE, PRIVATE = 32, 4096, 16384, 1 << 18
_DETACH = 2
_PARENT_DEATH_SIGNAL, _NO_NEW_PRIVILEGES = 1, 38
# Names of statvfs(3) and of mount(2) differ for the last one only.
_KEPT_FLAGS = {2: 2, 4: 4, 8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}
_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Leave the parent's namespaces. Raises `OSError`."""
    _done(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount `source` at `target`. Raises `OSError` that names the target."""
    done = _libc.mount(
        os.fsencode(source), os.fsencode(target), kind.encode() or None, ctypes.c_ulong(flags), options.encode() or None
    )
    _done(done, target)


def bind(source: str, target: str, *, read_only: bool = False) -> None:
    """The same tree at a second place, with what is mounted below it."""
    mount(source, target, flags=BIND | RECURSIVE)
    if read_only:
        # In a user namespace the flags of the original are locked: leaving one out is refused.
        now = os.statvfs(target).f_flag
        kept = sum(flag for seen, flag in _KEPT_FLAGS.items() if now & seen)
        mount("none", target, flags=REMOUNT | BIND | READ_ONLY | kept)


def change_root(path: str) -> None:
    """`path`, which is a mount, becomes the root; the old root is gone."""
    os.chdir(path)
    _done(_libc.pivot_root(b".", b"."), path)
    _done(_libc.umount2(b".", _DETACH), "old root")
    os.chdir("/")


def swap_root(path: str, old: str) -> None:
    """`path`, which is a mount, becomes the root; the old one is found at `old`, a folder below `path`."""
    _done(_libc.pivot_root(os.fsencode(path), os.fsencode(old)), path)
    os.chdir("/")


def die_with_parent() -> None:
    """SIGKILL for this process when the one that is its parent now ends."""
    _done(_libc.prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0), "prctl")


def gain_no_privileges() -> None:
    """No program started from here gets more rights (setuid bits do nothing)."""
    _done(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")


def may_switch_users() -> bool:
    """Root, and not merely in a user namespace that knows nobody else."""
    try:
        with open("/proc/self/setgroups") as file:
            return os.geteuid() == 0 and file.read().strip() == "allow"
    except OSError:
        return os.geteuid() == 0


def _done(result: int, about: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), about)
