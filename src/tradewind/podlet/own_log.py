"""What the podlet itself has to say: its standard error, which is the home's podlet.log.

On a full disk that is lost, and nothing but that: whoever says something goes on, and tries again what it was about.
"""

from __future__ import annotations

import os
from contextlib import suppress

_STANDARD_ERROR = 2


def write(text: str | bytes) -> None:
    """Write it down, if that can be."""
    with suppress(OSError):
        os.write(_STANDARD_ERROR, text.encode("utf-8", "backslashreplace") if isinstance(text, str) else text)
