"""The value that a pod gives back: JSON, whole, at most 4 MiB. The same wherever the pod runs.

Invariant: a value arrives whole or it is refused with a reason; what cannot be read is never taken for "no value".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tradewind.model.outcome import XComPush

RETURN_VALUE = "return_value"
LIMIT = 4 << 20
"""Bytes."""
MESSAGE_LIMIT = 4096
"""Bytes that a kubelet keeps of a container's termination message."""
MESSAGES_LIMIT = 12 << 10
"""Bytes that a kubelet keeps of all termination messages of a pod: each container has an equal share."""
FROM = "tradewind/result-from"
"""Annotation of a pod: where its value comes from, one of `WAYS`."""
SIDECAR, TERMINATION_MESSAGE = "sidecar", "termination-message"
WAYS = (SIDECAR, TERMINATION_MESSAGE)


class BadResult(ValueError):
    """The value cannot be taken; the text says why, `hint` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def way(annotations: Mapping[str, Any], otherwise: str) -> str:
    """Where a pod's value comes from. Raises `BadResult` for an annotation that names no way."""
    given = annotations.get(FROM)
    if given is None:
        return otherwise
    if given not in WAYS:
        raise BadResult(f"annotation {FROM!r} is {given!r}", f"one of {', '.join(WAYS)}")
    return str(given)


def read(text: bytes, where: str) -> XComPush | None:
    """The return value in a text; None where it is blank or null. Raises `BadResult`."""
    if not text.strip():
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadResult(f"{where} is not JSON: {error}", "write it with a JSON library, UTF-8") from error
    return None if value is None else push(RETURN_VALUE, value)


def too_large(count: int, where: str) -> BadResult:
    """It is over the limit."""
    said = f"{where} is {size(count)}, over the limit of {size(LIMIT)}"
    return BadResult(said, "put the data into a store of files and return where it is")


def push(key: str, value: Any) -> XComPush:
    """A value of plain JSON under a key."""
    kind = "list" if isinstance(value, list) else "dict" if isinstance(value, dict) else "other"
    return XComPush(
        key=key, value=json.dumps(value).encode(), kind=kind, length=None if kind == "other" else len(value)
    )


def size(count: int) -> str:
    """For people."""
    return f"{count / (1 << 20):.1f} MiB"


def cannot_take(container: str, error: BadResult) -> str:
    """The sentence of an attempt whose container did well and whose value cannot be taken."""
    hint = f" (hint: {error.hint})" if error.hint else ""
    return f"Container {container!r} completed, but its result cannot be taken: {error}{hint}."
