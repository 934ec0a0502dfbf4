"""Who listens on a TCP port of this machine, read from /proc: for an error that names the holder.

The kernel shows the open files of other users' processes only to root; then nobody is named.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

_LISTEN = "0A"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A process."""

    pid: int
    command: str


def find(port: int, proc: Path = Path("/proc")) -> Listener | None:
    """The process that listens on the port, as far as we may see it."""
    inodes = {f"socket:[{inode}]" for inode in _inodes(port, proc)}
    if not inodes:
        return None
    for folder in proc.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(os.readlink(one) in inodes for one in (folder / "fd").iterdir()):
                words = (folder / "cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ")
                return Listener(pid=int(folder.name), command=words.decode("utf-8", "replace")[:120])
    return None


def _inodes(port: int, proc: Path) -> list[str]:
    found = []
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (proc / "net" / table).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == _LISTEN and int(words[1].rpartition(":")[2], 16) == port:
                    found.append(words[9])
    return found
