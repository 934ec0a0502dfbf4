"""Tells an error that a file causes from one that only the environment causes: something that is not there.

Invariant: whatever the file's author could get wrong counts as the file's: a module of Airflow's names or of the bundle
itself, a name that an installed package does not have, a file inside the bundle.
"""

from __future__ import annotations

import importlib.machinery
import os
import sys
from types import TracebackType

from tradewind.protocol.work import FileRef
from tradewind.sdk.connection import ConnectionNotFound
from tradewind.sdk.variable import VariableNotFound
from tradewind.worker import archive

_NAMES = ("airflow", "tradewind")
_CREDENTIALS = {
    "google.auth.exceptions.DefaultCredentialsError": "google",
    "botocore.exceptions.NoCredentialsError": "aws",
    "botocore.exceptions.NoRegionError": "aws",
}
"""What clouds' libraries raise where a machine is not set up for them, by whose setting up it is."""


def of(error: BaseException | None, file: FileRef) -> str:
    """`package:boto3`, `variable:KEY`, `connection:ID`, `environment:NAME`, `file:/path`, `credentials:aws`; "" for
    everything else.
    """
    if isinstance(error, VariableNotFound):
        return f"variable:{error.key}"
    if isinstance(error, ConnectionNotFound):
        return f"connection:{error.conn_id}"
    if isinstance(error, ModuleNotFoundError):
        return _package(error.name or "", file)
    if isinstance(error, KeyError) and _is_from_environment(error.__traceback__):
        return f"environment:{error.args[0]}"
    if isinstance(error, FileNotFoundError) and isinstance(error.filename, str):
        return f"file:{error.filename}" if _is_elsewhere(error.filename, file) else ""
    cloud = _CREDENTIALS.get(f"{type(error).__module__}.{type(error).__qualname__}")
    return f"credentials:{cloud}" if cloud else ""


def _package(module: str, file: FileRef) -> str:
    first = module.partition(".")[0]
    if not first or first in _NAMES or _is_of_bundle(first, file):
        return ""
    there = sys.modules.get(first)
    if there is None:
        return f"package:{first}"
    # What an installed one lacks may be misspelt; a folder that packages share (google) lacks a package.
    return "" if getattr(there, "__file__", None) else f"package:{module}"


def _is_of_bundle(package: str, file: FileRef) -> bool:
    """Whether it is a folder or module of the bundle: then something below it is what is missing."""
    root = os.path.abspath(file.root)
    folders = [path for path in sys.path if path == root or path.startswith(root + os.sep)]
    path = os.path.join(root, file.file)
    folders.append(os.path.dirname(path))
    return importlib.machinery.PathFinder.find_spec(package, folders) is not None or archive.has_folder(path, package)


def _is_from_environment(trace: TracebackType | None) -> bool:
    """Whether `os.environ[...]` raised it."""
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return code.co_filename == os.environ.__class__.__getitem__.__code__.co_filename and code.co_name == "__getitem__"


def _is_elsewhere(path: str, file: FileRef) -> bool:
    root = os.path.abspath(file.root) + os.sep
    return os.path.isabs(path) and not path.startswith(root)
