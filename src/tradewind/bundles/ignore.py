"""Which files of a bundle count: `.airflowignore` (glob syntax, as Airflow 3; regexp where a file says so) and caches.

Source of the glob syntax: gitignore(5), through pathspec.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pathspec

IGNORE_FILE = ".airflowignore"
_NEVER = frozenset(
    {"__pycache__", ".git", ".hg", ".svn", ".venv", "node_modules", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
)

Matcher = Callable[[str], bool]


def list_files(root: Path, *, syntax: str = "glob") -> Iterator[tuple[str, os.stat_result]]:
    """All files of the tree with their stat, in order of path; ignored ones and byte code left out.

    Links to folders are followed as Airflow does; a loop of links ends where a folder was already visited.
    """
    seen: set[tuple[int, int]] = set()
    yield from sorted(_walk(root, root, [], syntax, seen), key=lambda item: item[0])


def _walk(
    root: Path, folder: Path, matchers: list[Matcher], syntax: str, seen: set[tuple[int, int]]
) -> Iterator[tuple[str, os.stat_result]]:
    try:
        info = folder.stat()
        entries = list(os.scandir(folder))
    except OSError:
        return
    if (info.st_dev, info.st_ino) in seen:
        return
    seen.add((info.st_dev, info.st_ino))
    here = [*matchers, *_read_ignore(root, folder, syntax)]
    for entry in entries:
        relative = os.path.relpath(entry.path, root)
        if entry.name in _NEVER or entry.name.endswith((".pyc", ".pyo", ".swp", "~")):
            continue
        try:
            is_folder = entry.is_dir()
            if any(match(relative + "/" if is_folder else relative) for match in here):
                continue
            if is_folder:
                yield from _walk(root, Path(entry.path), here, syntax, seen)
            elif entry.is_file():
                yield relative, entry.stat()
        except OSError:
            continue  # gone between listing and looking


def _read_ignore(root: Path, folder: Path, syntax: str) -> list[Matcher]:
    try:
        lines = (folder / IGNORE_FILE).read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    base = os.path.relpath(folder, root)
    prefix = "" if base == "." else base + "/"
    if syntax == "regexp":
        patterns = [re.compile(line) for line in (line.split("#")[0].strip() for line in lines) if line]
        return [lambda path: any(one.search(path) for one in patterns)]
    spec = pathspec.GitIgnoreSpec.from_lines(lines)
    return [lambda path: path.startswith(prefix) and spec.match_file(path[len(prefix) :])]
