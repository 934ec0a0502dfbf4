"""Where the sockets of a home lie: in it, or, where its path is too long for a socket's address, in a short folder.

An address of a Unix socket holds about 107 bytes. Every process of a home must come to the same answer, so it depends
on the home's real path and on the user alone.
"""

from __future__ import annotations

import hashlib
import os
import stat

_LONGEST = 100


def path_in(home: str, name: str) -> str:
    """Path of the socket `name` of a home. Raises PermissionError where the short folder is somebody else's."""
    path = os.path.join(os.path.realpath(home), name)
    if len(os.fsencode(path)) <= _LONGEST:
        return path
    digest = hashlib.sha256(os.fsencode(os.path.realpath(home))).hexdigest()[:20]
    folder = f"/tmp/tradewind-{os.getuid()}-{digest}"  # made for us alone, and checked
    os.makedirs(folder, mode=0o700, exist_ok=True)
    found = os.lstat(folder)
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != 0o700 or not stat.S_ISDIR(found.st_mode):
        raise PermissionError(f"{folder} belongs to another user; remove it, or give the home a shorter path")
    return os.path.join(folder, name)


def forget(home: str) -> None:
    """Remove the short folder of a home that is gone, where it has one."""
    folder = os.path.dirname(path_in(home, "x"))
    if folder != os.path.realpath(home):
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)
