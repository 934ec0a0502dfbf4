"""The log of a handed-over pod, for the worker that wants its lines, and for who must know that the worker has them.

It lies beside the worker's own, which the two make one log of (`logs.folder`). Lines that the worker itself prints
(a `log_formatter`, or a terminal) are not to be there twice: the position up to which it has them is written down.
"""

from __future__ import annotations

import os
from pathlib import Path

from tradewind.ports import runtime as port

RELAYED = "relayed"
"""In the worker's directory: up to which byte of its log the worker prints the lines itself."""
_MOST = 1 << 18
_HEAD = len("2026-01-01T00:00:00.000000Z")


def read(folder: Path, position: int, *, main: str, ended: bool) -> port.PodLog:
    """Whole lines after a position."""
    try:
        with (folder / "log").open("rb") as file:
            file.seek(position)
            data = file.read(_MOST)
    except FileNotFoundError:
        data = b""
    whole = data[: data.rfind(b"\n") + 1]
    lines, text = [], ""
    for line in whole.splitlines():
        at, stream, mark, rest = (line.decode("utf-8", "backslashreplace").split(" ", 3) + [""] * 3)[:4]
        container, said = _parted(rest)
        text += said
        if mark == "F":
            lines.append(("" if stream == "event" else container or main, at, text))
            text = ""
    return port.PodLog(lines=tuple(lines), position=position + len(whole), ended=ended and not whole)


def note_relayed(folder: Path, position: int) -> None:
    """The worker has printed what is before this position. One that runs in a terminal has no directory."""
    if not folder.is_dir():
        return
    temporary = folder / f"{RELAYED}.new"
    temporary.write_text(f"{position}\n")
    os.rename(temporary, folder / RELAYED)


def _parted(rest: str) -> tuple[str, str]:
    if rest[:1] != "[":
        return "", rest
    name, _, said = rest[1:].partition("] ")
    return name, said
