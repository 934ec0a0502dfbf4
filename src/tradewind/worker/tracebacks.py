"""Tracebacks as people need them: their own frames, not ours, not the import machinery's."""

from __future__ import annotations

import os
import re
import traceback
from types import TracebackType

import tradewind

_OURS = os.path.dirname(os.path.abspath(tradewind.__file__)) + os.sep
_SNAPSHOT = re.compile(r"^.*/snapshots/[0-9a-f]{64}/")
_MACHINERY = ("<frozen importlib", "<frozen runpy", "<frozen zipimport")


def is_ours(filename: str) -> bool:
    """True for a frame of Tradewind or of Python's import machinery."""
    return filename.startswith(_OURS) or filename.startswith(_MACHINERY)


def show(error: BaseException, *, limit: int = 40) -> str:
    """Text of the error with its causes, without our frames; all of them where nothing else is left.

    A long one (a recursion that never ended) keeps its first and last frames.
    """
    shown = traceback.TracebackException(type(error), error, error.__traceback__, compact=True)
    seen: set[int] = set()
    pending: list[traceback.TracebackException | None] = [shown]
    while pending:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        kept = [frame for frame in one.stack if not is_ours(frame.filename)]
        one.stack[:] = kept or list(one.stack)[-1:]
        if len(one.stack) > limit:
            one.stack[limit // 2 : len(one.stack) - limit // 2] = []
        one.stack[:] = [_shortened(frame) for frame in one.stack]
        pending += [one.__cause__, one.__context__]
    return "".join(shown.format())


def _shortened(frame: traceback.FrameSummary) -> traceback.FrameSummary:
    """The frame with its path as the user knows it: inside the bundle, not inside our copy of it."""
    path = _SNAPSHOT.sub("", frame.filename)
    if path == frame.filename:
        return frame
    line = frame.line  # read by the real path, before that is gone
    return traceback.FrameSummary(path, frame.lineno, frame.name, lookup_line=False, line=line)


def tell(error: BaseException, message: str = "") -> str:
    """For the log: the traceback, or only what it says where no frame of the user's is in it; with its hint."""
    hint = getattr(getattr(error, "problem", None), "hint", "") or getattr(error, "hint", "")
    exiting = isinstance(error, SystemExit)
    users = [frame for frame, _ in traceback.walk_tb(error.__traceback__) if not is_ours(frame.f_code.co_filename)]
    told = show(error).rstrip() if users and not exiting else message or first_line(error)
    return f"{told}\nhint: {hint}" if hint and f"hint: {hint}" not in told else told


def find_line(trace: TracebackType | None, path: str) -> int:
    """Last line of the file `path` in the traceback, 0 where it is not in it."""
    line = 0
    for frame, number in traceback.walk_tb(trace):
        if frame.f_code.co_filename == path:
            line = number
    return line


def find_place(trace: TracebackType | None, root: str) -> tuple[str, int]:
    """(path relative to root, line) of the innermost frame under `root`; ("", 0) where there is none."""
    prefix = os.path.abspath(root).rstrip(os.sep) + os.sep
    place = ("", 0)
    for frame, number in traceback.walk_tb(trace):
        path = os.path.abspath(frame.f_code.co_filename)
        if path.startswith(prefix) and "site-packages" not in path:
            place = (path[len(prefix) :], number)
    return place


def name_of(error: BaseException) -> str:
    """Dotted class name, without `builtins.`."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def first_line(error: BaseException) -> str:
    """`ValueError: bad value`, one line."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
