"""How a server's log lines are written: short and coloured for a person, plain, for the journal, or as JSON.

Everything goes to one stream, stderr. Invariant: the ids of a line (`FIELDS`) are fields of their own in JSON and
`name=value` at the end of a plain line; a program never has to cut them out of a sentence.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

FIELDS = ("dag", "run", "task", "try", "attempt", "cycle", "epoch", "file", "state", "seconds", "code", "hint")
"""What a line may carry beside its sentence, given to the logger as `extra`."""
FORMATS = ("text", "json")
_MARGIN = " " * 10
_COLOURS = {"success": "32", "failed": "31", "running": "36", "WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}
_PRIORITIES = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}


def install(stream: TextIO, *, format: str, level: str, environment: Mapping[str, str] = os.environ) -> logging.Handler:
    """Send the program's lines of this level and above to the stream, and other libraries' warnings."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(choose(stream, format=format, environment=environment))
    handler.addFilter(Repeats())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("tradewind").setLevel(level.upper())
    return handler


def choose(stream: TextIO, *, format: str, environment: Mapping[str, str]) -> logging.Formatter:
    """The formatter that suits the stream."""
    if format == "json":
        return JsonFormatter()
    if stream.isatty():
        return TerminalFormatter(colour="NO_COLOR" not in environment)
    if _is_journal(stream, environment.get("JOURNAL_STREAM", "")):
        return JournalFormatter()
    return PlainFormatter()


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The fields that a line carries, in order."""
    return {name: record.__dict__[name] for name in FIELDS if record.__dict__.get(name) not in (None, "")}


class Repeats(logging.Filter):
    """Lets a warning of the scheduler through once a minute, then with how many were held back.

    While a database is away, several loops meet that every second or so.
    """

    def __init__(self, seconds: float = 60.0, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds = seconds
        self._now = now
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is written. Two are the same where they come from one place in the program."""
        if record.levelno != logging.WARNING or not record.name.startswith("tradewind.scheduler"):
            return True
        key, now = (record.name, str(record.msg)), self._now()
        written, held_back = self._seen.get(key, (float("-inf"), 0))
        if now - written < self._seconds:
            self._seen[key] = (written, held_back + 1)
            return False
        self._seen[key] = (now, 0)
        if held_back:
            record.msg = f"{record.msg} (and {held_back} times more since)"
        return True


class JsonFormatter(logging.Formatter):
    """One object for each line: time, level, logger, message, the fields, and a traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        told: dict[str, Any] = {
            "time": _moment(record).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **fields_of(record),
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


class PlainFormatter(logging.Formatter):
    """For files and pipes: time, level, sentence, fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and more only for a traceback or a sentence with line ends."""
        return f"{_moment(record):%Y-%m-%dT%H:%M:%S.%f}Z {record.levelname} {self.text(record)}"

    def text(self, record: logging.LogRecord) -> str:
        """Sentence and fields."""
        fields = " ".join(f"{name}={_quoted(value)}" for name, value in fields_of(record).items())
        trace = "\n" + self.formatException(record.exc_info) if record.exc_info else ""
        return record.getMessage() + (f"  {fields}" if fields else "") + trace


class JournalFormatter(PlainFormatter):
    """For systemd's journal, which knows the time, and reads a line's priority from its beginning (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        """Each line of it with its priority."""
        mark = f"<{_PRIORITIES.get(record.levelname, 6)}>"
        return "\n".join(mark + line for line in self.text(record).split("\n"))


class TerminalFormatter(logging.Formatter):
    """For a person: the time of day, what it is about, the sentence; the hint below it."""

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """One line and its hint."""
        fields = fields_of(record)
        place = "  ".join(str(fields[name]) for name in ("dag", "run") if name in fields)
        if "task" in fields:
            place += f"  {fields['task']}"
        sentence = record.getMessage().replace("\n", f"\n{_MARGIN}")
        sentence = self._paint(sentence, _tone(record, fields))
        line = f"{self._paint(_moment(record).astimezone().strftime('%H:%M:%S'), 'dim')}  "
        line += f"{place}  {sentence}" if place else sentence
        if "hint" in fields:
            line += f"\n{_MARGIN}{self._paint('hint:', 'hint')} {fields['hint']}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line

    def _paint(self, text: str, what: str) -> str:
        colour = {"dim": "2", "hint": "36", **_COLOURS}.get(what)
        return f"\x1b[{colour}m{text}\x1b[0m" if colour and self._colour else text


def _tone(record: logging.LogRecord, fields: Mapping[str, Any]) -> str:
    """A state, or a level; a failure that is told as a matter of course is toned like a warning."""
    return str(fields.get("state") or ("WARNING" if "code" in fields and "task" in fields else record.levelname))


def _moment(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _quoted(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return json.dumps(text) if not text or any(char in text for char in ' "=\n') else text


def _is_journal(stream: TextIO, told: str) -> bool:
    """Whether the stream is the journal's: JOURNAL_STREAM names its device and inode."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return told == f"{found.st_dev}:{found.st_ino}"
