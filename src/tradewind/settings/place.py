"""Which settings file applies, and the text of it as a mapping with the line of each key."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradewind.ports import errors

FILE_NAME = "tradewind.toml"
_HEADER = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_.\s-]+?)\s*\]?\]\s*(#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*=")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFile:
    """One file, read."""

    path: Path
    values: dict[str, Any]
    lines: dict[str, int]
    """By dotted key, from 1; a key that is written in an unusual way is not in it."""

    def place(self, key: str) -> str:
        """`file:line`, of the key or of the section it stands in; the file alone where the line is not known."""
        while key and key not in self.lines:
            key = key.rpartition(".")[0]
        return f"{self.path}:{self.lines[key]}" if key else str(self.path)


def default_home() -> Path:
    """`TRADEWIND_HOME`, else `~/.tradewind`."""
    return Path(os.environ.get("TRADEWIND_HOME") or Path.home() / ".tradewind").expanduser()


def find_all(home: Path | None) -> list[Path]:
    """The settings files of the home and of the current folder; the first applies."""
    folders = ([home] if home is not None else []) + [Path.cwd()]
    found: list[Path] = []
    for folder in folders:
        file = folder / FILE_NAME
        if file.is_file() and not any(file.samefile(other) for other in found):
            found.append(file)
    return found


def find(home: Path | None) -> Path | None:
    """The settings file that applies: in the home, else in the current folder, else none."""
    return next(iter(find_all(home)), None)


def read(path: Path) -> SettingsFile:
    """Read a file. Raises `errors.Rejected` where it is missing, cannot be read, or is not TOML."""
    try:
        text = path.read_text(encoding="utf-8")
        return SettingsFile(path=path, values=tomllib.loads(text), lines=_lines(text))
    except FileNotFoundError:
        raise errors.Rejected(
            "no such settings file",
            object=str(path),
            hint="check the path given to --settings",
            code="settings-missing",
        ) from None
    except OSError as error:
        raise errors.Rejected(
            f"cannot be read: {error.strerror}",
            object=str(path),
            hint="a settings file is a text file that this user may read",
            code="settings-unreadable",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise errors.Rejected(
            f"not valid TOML: {error}", object=str(path), hint="see the line it names", code="settings-not-toml"
        ) from error


def _lines(text: str) -> dict[str, int]:
    """Where bare keys and headers stand. tomllib tells no lines; this is for messages only, so it may miss some."""
    found: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            section = re.sub(r"\s", "", header[1])
            found.setdefault(section, number)
        elif key := _KEY.match(line):
            name = re.sub(r"\s", "", key[1])
            found.setdefault(f"{section}.{name}" if section else name, number)
    return found
