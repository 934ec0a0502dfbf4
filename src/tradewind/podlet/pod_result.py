"""The value that a pod gives back: /airflow/xcom/return.json, or its main container's termination message.

Invariant: a value arrives whole or the attempt fails and says why; what cannot be read is never taken for "no value".
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from tradewind.model.outcome import XComPush

RETURN_VALUE = "return_value"
RESULT_LIMIT = 4 << 20
"""Bytes; the same in a cluster, where the value travels through the sidecar's log."""
MESSAGE_LIMIT = 4096
"""Bytes that the kubelet keeps of a termination message."""


class BadResult(ValueError):
    """The value cannot be taken; the text says why."""


def read_file(path: Path) -> XComPush | None:
    """The value in the file; None where there is no file or an empty one, as in Airflow. Raises `BadResult`."""
    where = "/airflow/xcom/return.json"
    try:
        # Neither a link out of the folder nor a pipe that nobody writes to.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadResult(f"{where} cannot be read: {error.strerror}") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise BadResult(f"{where} is no regular file")
        if found.st_size > RESULT_LIMIT:
            raise BadResult(f"{where} is {_size(found.st_size)}, over the limit of {_size(RESULT_LIMIT)}")
        with open(descriptor, "rb", closefd=False) as file:
            return _value(file.read(RESULT_LIMIT + 1), where)
    finally:
        os.close(descriptor)


def read_message(path: Path) -> XComPush | None:
    """The value in a file that holds a termination message. Raises `BadResult`."""
    with path.open("rb") as file:
        message = file.read(MESSAGE_LIMIT + 1)
    if len(message) > MESSAGE_LIMIT:
        raise BadResult(f"the termination message is longer than {MESSAGE_LIMIT} bytes")
    return _value(message, "the termination message")


def push(key: str, value: Any) -> XComPush:
    """A value of plain JSON under a key."""
    kind = "list" if isinstance(value, list) else "dict" if isinstance(value, dict) else "other"
    return XComPush(
        key=key, value=json.dumps(value).encode(), kind=kind, length=None if kind == "other" else len(value)
    )


def _value(text: bytes, where: str) -> XComPush | None:
    if not text.strip():
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadResult(f"{where} is not JSON: {error}") from error
    return None if value is None else push(RETURN_VALUE, value)


def _size(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB"
