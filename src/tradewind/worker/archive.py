"""DAG files that lie in a zip archive: imported from it by Python itself, as Airflow does.

The archive is on the import path, so its files import one another; `__file__` is `…/etl.zip/daily.py`. What keeps
Python from reading one is told before any of its code runs.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import zipfile
import zipimport
import zlib
from types import ModuleType

from tradewind.sdk.errors import DagProblem

_ENCRYPTED = 0x1
"""Bit of a member's flags, APPNOTE 4.4.4."""
_IMPORTABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (OSError, EOFError, ValueError, NotImplementedError, zipfile.BadZipFile, zlib.error)


def find(path: str) -> str | None:
    """The archive that this DAG file lies in, or is; None for a file of a folder, and for one that is not there."""
    place = path
    while place != os.path.dirname(place):
        if os.path.isfile(place):
            return place if place != path or path.lower().endswith(".zip") else None
        place = os.path.dirname(place)
    return None


def check(archive: str, path: str) -> None:
    """Raises DagProblem where the file cannot be imported from the archive, for a reason that is not its code's."""
    about = f"archive {os.path.basename(archive)}"
    try:
        with zipfile.ZipFile(archive) as opened:
            for one in opened.infolist():
                if one.filename.endswith(".py"):
                    _check_member(one, about)
            if path == archive:
                raise DagProblem.of("file-is-archive", about, "is no DAG file", f"name a file in it: {archive}/NAME.py")
            if (member := os.path.relpath(path, archive)) not in opened.namelist():
                raise DagProblem.of("file-missing", about, f"has no file {member}", "`unzip -l` lists what it has")
            opened.read(member)  # zipimport compares no checksums
    except _BROKEN as error:
        hint = (
            "pack it anew; whoever copies one into the bundle writes it beside and renames it;"
            " one that holds no DAGs can be listed in .airflowignore"
        )
        raise DagProblem.of("broken-archive", about, f"cannot be read: {error}", hint) from None


def has_folder(path: str, name: str) -> bool:
    """Whether the archive of this DAG file has such a folder, which before Python 3.13 is no package by itself."""
    archive = find(path)
    if archive is None:
        return False
    with zipfile.ZipFile(archive) as opened:
        return any(one.startswith(f"{name}/") for one in opened.namelist())


def execute(archive: str, path: str, private_name: str) -> ModuleType:
    """Run the file as a module of its own name; under the private one where that is taken, as `email` is by Python."""
    importer = zipimport.zipimporter(archive)
    stem = os.path.splitext(os.path.basename(path))[0]
    found = importer.find_spec(stem)
    if found is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(found)
    sys.modules[private_name if stem in sys.modules else stem] = module
    importer.exec_module(module)
    return module


def _check_member(one: zipfile.ZipInfo, about: str) -> None:
    if one.flag_bits & _ENCRYPTED:
        hint = "pack it without a password; who may read it is said by the permissions of the file"
        raise DagProblem.of("encrypted-archive", about, f"{one.filename} in it is encrypted", hint)
    if one.compress_type not in _IMPORTABLE:
        said = f"{one.filename} in it is packed by a method that Python does not import from"
        raise DagProblem.of("broken-archive", about, said, "pack it with deflate, as `zip` and `zipfile` do by default")
