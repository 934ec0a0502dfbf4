"""Who else has the SQLite file: read from /proc, so that "database is locked" becomes the name of a process.

Best effort: without /proc, or for another user's process, the answer may be empty and the message says so.
"""

from __future__ import annotations

import contextlib
import os
import pathlib

_PROC = pathlib.Path("/proc")


def find_lockers(database: pathlib.Path) -> list[str]:
    """Processes that lock the file for writing; where none is seen, those others that have it open."""
    files = [pathlib.Path(f"{database}{suffix}") for suffix in ("", "-wal", "-shm")]
    pids = _pids_with_write_locks(_inodes(files)) or _pids_with_open(files)
    return [_name(pid) for pid in sorted(pids)]


def _inodes(files: list[pathlib.Path]) -> set[str]:
    found: set[str] = set()
    for file in files:
        with contextlib.suppress(OSError):
            stat = file.stat()
            found.add(f"{os.major(stat.st_dev):02x}:{os.minor(stat.st_dev):02x}:{stat.st_ino}")
    return found


def _pids_with_write_locks(inodes: set[str]) -> set[int]:
    """Lines of /proc/locks read `1: POSIX  ADVISORY  WRITE 4242 08:01:131 120 120`."""
    found: set[int] = set()
    with contextlib.suppress(OSError):
        for line in (_PROC / "locks").read_text().splitlines():
            words = line.split()
            if len(words) >= 6 and words[3] == "WRITE" and words[5] in inodes:
                found.add(int(words[4]))
    return {pid for pid in found if pid > 0}


def _pids_with_open(files: list[pathlib.Path]) -> set[int]:
    wanted = {str(file.resolve()) for file in files}
    found: set[int] = set()
    for folder in _PROC.glob("[0-9]*/fd"):
        pid = int(folder.parent.name)
        if pid == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if any(_target(entry) in wanted for entry in os.scandir(folder)):
                found.add(pid)
    return found


def _target(entry: os.DirEntry[str]) -> str:
    try:
        return os.readlink(entry.path)
    except OSError:
        return ""


def _name(pid: int) -> str:
    if pid == os.getpid():
        return f"{pid} (this process)"
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return str(pid)
    line = " ".join(word for word in words if word)
    return f"{pid} ({line[:100]})" if line else str(pid)
