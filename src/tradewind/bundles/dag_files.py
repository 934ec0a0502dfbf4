"""Which files of a tree are loaded for their DAGs: Python files, and those at the roots of zip archives.

A file of an archive is named as Airflow names it, `etl.zip/daily.py`. Invariant: an archive that cannot be read takes
no DAG away; its files stay on the list, and whoever loads them says what is wrong with it.
"""

from __future__ import annotations

import os
import zipfile
import zipimport
import zlib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

_ENCRYPTED = 0x1
"""Bit of a member's flags, APPNOTE 4.4.4."""
_LOOKED_AT = 1 << 22
"""Bytes of a member that are searched: what unpacks to gigabytes costs no more memory than this."""
_UNREADABLE = (OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What `zipfile` raises, depending on where an archive is broken."""


def list_dag_files(root: Path, paths: Iterable[str], known: Collection[str] = ()) -> list[str]:
    """Those that may define DAGs, sorted. `known`: what was on the list before, kept while its archive is broken."""
    return sorted(name for path in paths for name in _of(root, path, known))


def archive_of(root: Path, name: str) -> str | None:
    """The archive that a file of this name lies in; None for a file of a folder."""
    parents = [str(parent) for parent in Path(name).parents if str(parent) != "."]
    return next((parent for parent in parents if (root / parent).is_file()), None)


def read(path: Path) -> bytes:
    """A DAG file's source. Raises OSError where it is not there."""
    try:
        return path.read_bytes()
    except NotADirectoryError:
        try:
            return zipimport.zipimporter(str(path.parent)).get_data(str(path))
        except zipimport.ZipImportError as error:
            raise FileNotFoundError(str(error)) from None


def mention_dags(content: bytes) -> bool:
    """Airflow's safe mode: only what mentions both "dag" and "airflow" is loaded; `tradewind.sdk` counts too."""
    content = content.lower()
    return b"dag" in content and (b"airflow" in content or b"tradewind" in content) or b"@asset" in content


def _of(root: Path, path: str, known: Collection[str]) -> Iterator[str]:
    suffix = os.path.splitext(path)[1].lower()
    if suffix == ".py":
        try:
            if mention_dags((root / path).read_bytes()):
                yield path
        except OSError:
            return
    elif suffix == ".zip":
        try:
            yield from [f"{path}/{name}" for name in _members(root / path)]
        except _UNREADABLE:
            yield from [name for name in known if name.startswith(f"{path}/")] or [path]


def _members(archive: Path) -> Iterator[str]:
    with zipfile.ZipFile(archive) as opened:
        for one in opened.infolist():
            if "/" in one.filename or not one.filename.endswith(".py"):
                continue
            if one.flag_bits & _ENCRYPTED:
                raise RuntimeError(f"{one.filename} is encrypted")
            with opened.open(one) as member:
                if mention_dags(member.read(_LOOKED_AT)):
                    yield one.filename
