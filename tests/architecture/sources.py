"""The project's own files, as the architecture tests read them."""

from __future__ import annotations

import ast
import functools
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "tradewind"

#: Packages that run in teams' images, whose Python may be older than the control plane's.
WORKER_SIDE = ("compat", "model", "pods", "podlet", "protocol", "sdk", "templates", "worker")
#: Packages in which the same arguments give the same answer.
PURE = ("engine", "model", "pods", "templates")


def list_modules(*packages: str) -> list[pathlib.Path]:
    """Return the Python files of these packages, or of all, in order."""
    roots = [PACKAGE / package for package in packages] if packages else [PACKAGE]
    return sorted(path for root in roots for path in root.rglob("*.py") if "__pycache__" not in path.parts)


@functools.cache
def parse(path: pathlib.Path) -> ast.Module:
    """Return the file's syntax tree."""
    return ast.parse(path.read_text(), filename=str(path))


def list_repository_files() -> list[pathlib.Path]:
    """Return what git has or would add; outside of git (an unpacked sdist), every file below the root."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
        timeout=15,
    )
    if listed.returncode != 0:
        return sorted(path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts)
    names = [name for name in listed.stdout.decode().split("\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def shown(path: pathlib.Path) -> str:
    """Return the path as messages show it."""
    return str(path.relative_to(ROOT))
