"""Which files of a bundle count: `.airflowignore` (glob syntax, as Airflow 3; regexp where a file says so) and caches.

A home among them does not (`model.home_layout`).

Source of the glob syntax: gitignore(5), through pathspec.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pathspec

from tradewind.model import home_layout

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
    is_ours = _homes_in(root, folder, entries)
    for entry in entries:
        relative = os.path.relpath(entry.path, root)
        if entry.name in _NEVER or entry.name.endswith((".pyc", ".pyo", ".swp", "~")) or is_ours(entry.name):
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


def is_in_home(root: Path, path: str) -> bool:
    """Whether a path below the bundle's root lies in a home, or is a home's own part of a bundle that is one."""
    names = os.path.relpath(path, root).split(os.sep)
    if home_layout.is_part(names[0]) and (root / home_layout.MARK).exists():
        return True
    folder = str(root)
    for name in names[:-1]:
        folder = f"{folder}/{name}"
        if os.path.exists(f"{folder}/{home_layout.MARK}"):
            return True
    return False


def _homes_in(root: Path, folder: Path, entries: list[os.DirEntry[str]]) -> Callable[[str], bool]:
    """Tells what in this folder is a home, the key of one or, where the bundle itself is one, a part of it."""
    names = {entry.name for entry in entries}
    if folder == root and home_layout.MARK in names:
        return home_layout.is_part
    homes = [one.name for one in entries if one.is_dir() and os.path.exists(f"{one.path}/{home_layout.MARK}")]
    return lambda name: name in homes or any(home_layout.is_key(name, home) for home in homes)


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
