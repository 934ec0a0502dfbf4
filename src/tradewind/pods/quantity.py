"""Kubernetes quantities: "512Mi" of memory, "500m" of a CPU, "1e3".

Source: apimachinery's `resource.Quantity`, whose suffixes are n u m k M G T P E, Ki Mi Gi Ti Pi Ei, and e or E with an
exponent.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

_FORM = re.compile(r"^(?P<number>[+-]?(\d+(\.\d*)?|\.\d+))(?P<suffix>[eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


class BadQuantity(ValueError):
    """A text that is no quantity."""


def parse(text: Any) -> Decimal:
    """The number: bytes for memory, cores for CPU. Takes numbers too, as the API does. Raises `BadQuantity`."""
    found = _FORM.match(str(text)) if not isinstance(text, bool) else None
    if found is None:
        raise BadQuantity(f"{text!r} is no quantity")
    number, suffix = Decimal(found["number"]), found["suffix"] or ""
    if suffix in _BINARY:
        return number * (1 << _BINARY[suffix])
    if suffix in _DECIMAL:
        return number * Decimal(10) ** _DECIMAL[suffix]
    return number * Decimal(10) ** int(suffix[1:])


def find(text: Any) -> Decimal | None:
    """The number, None for what is no quantity."""
    try:
        return parse(text)
    except BadQuantity:
        return None


def parse_bytes(text: Any) -> int:
    """Whole bytes, rounded up."""
    return math.ceil(parse(text))
