"""Reads the value that a pod of this machine gives back: its file, or its main container's termination message.

What a value is and when it is refused is told by `pods.result`.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tradewind.model.outcome import XComPush
from tradewind.pods import manifest, result


def read_file(path: Path) -> XComPush | None:
    """The value in the file; None where there is no file or an empty one, as in Airflow. Raises `BadResult`."""
    where = manifest.RESULT_FILE
    try:
        # Neither a link out of the folder nor a pipe that nobody writes to.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise result.BadResult(f"{where} cannot be read: {error.strerror}") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise result.BadResult(f"{where} is no regular file")
        if found.st_size > result.LIMIT:
            raise result.too_large(found.st_size, where)
        with open(descriptor, "rb", closefd=False) as file:
            return result.read(file.read(result.LIMIT + 1), where)
    finally:
        os.close(descriptor)


def read_message(path: Path) -> XComPush | None:
    """The value in a file that holds a termination message. Raises `BadResult`."""
    with path.open("rb") as file:
        message = file.read(result.MESSAGE_LIMIT + 1)
    if len(message) > result.MESSAGE_LIMIT:
        raise result.BadResult(f"the termination message is longer than {result.MESSAGE_LIMIT} bytes")
    return result.read(message, "the termination message")
