"""Virtual environments for single tasks: built by uv (else by venv and pip) and kept by what they hold.

One is built under a lock at its final place and marked when it is whole, so two tasks that need it at once share it and
a half-built one is built anew. Where a requirement is not pinned the day is part of its name: it is fresh each day.
Those that nobody used for a month go when another one is built.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradewind.sdk import errors, timezone
from tradewind.sdk.configuration import conf
from tradewind.sdk.operators import commands

_MARK = "complete.json"
_UNUSED_SECONDS = 30 * 86400


@dataclass(frozen=True)
class Wanted:
    """What an environment is to hold. `python`: a version, None for the one that runs here."""

    requirements: tuple[str, ...]
    python: str | None = None
    system_site_packages: bool = True
    options: tuple[str, ...] = ()
    index_urls: tuple[str, ...] | None = None
    cache_key: str = ""

    def key(self) -> str:
        """All of it as text; the day too, where what is installed may differ tomorrow."""
        told = [self.requirements, self.python or sys.version, self.system_site_packages, self.options]
        rest = [self.index_urls, self.cache_key, sys.prefix, "" if self._is_pinned() else _today()]
        return json.dumps([*told, *rest])

    def _is_pinned(self) -> bool:
        lines = [line.split("#")[0].strip() for one in self.requirements for line in one.splitlines()]
        return all("==" in line or " @ " in line for line in lines if line)


def _today() -> str:
    return timezone.utcnow().date().isoformat()


class CannotBuild(errors.AirflowException):
    """The environment cannot be built; the log has what the installer said."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def default_folder() -> Path:
    """Where they are kept for all tasks of this user."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "tradewind" / "environments"


def ensure(
    wanted: Wanted,
    folder: Path,
    log: logging.Logger,
    started: Callable[[subprocess.Popen[bytes]], Any] = lambda _: None,
) -> Path:
    """The interpreter of an environment that holds this, built if it is not there. Raises CannotBuild."""
    name = hashlib.sha256(wanted.key().encode()).hexdigest()[:16]
    place = folder / f"venv-{name}"
    mark = place / _MARK
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / f"{place.name}.lock"):
        if mark.exists():
            log.info("Using the virtual environment in %s", place)
            mark.touch()
            return place / "bin" / "python"
        log.info("Building a virtual environment in %s", place)
        shutil.rmtree(place, ignore_errors=True)
        try:
            _Building(wanted, place, log, started).run()
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        mark.write_text(wanted.key(), encoding="utf-8")
    _prune(folder)
    return place / "bin" / "python"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _prune(folder: Path) -> None:
    oldest = time.time() - _UNUSED_SECONDS
    for mark in folder.glob(f"venv-*/{_MARK}"):
        if mark.stat().st_mtime < oldest:
            with _locked(folder / f"{mark.parent.name}.lock"):
                if mark.exists() and mark.stat().st_mtime < oldest:
                    shutil.rmtree(mark.parent, ignore_errors=True)


class _Building:
    """One build."""

    def __init__(self, wanted: Wanted, place: Path, log: logging.Logger, started: Callable[..., Any]) -> None:
        self._wanted = wanted
        self._place = place
        self._log = log
        self._started = started
        self._uv = _find_uv()

    def run(self) -> None:
        """Make it, and install."""
        self._call(self._make(), "made")
        if self._wanted.system_site_packages:
            self._open_host()
        if self._wanted.requirements:
            listed = self._place / "requirements.txt"
            listed.write_text("\n".join(self._wanted.requirements) + "\n", encoding="utf-8")
            self._call([*self._install(), *self._wanted.options, "-r", str(listed)], "filled")

    def _make(self) -> list[str]:
        system = ["--system-site-packages"] if self._wanted.system_site_packages else []
        version = self._wanted.python
        if self._uv is not None:
            return [
                self._uv,
                "venv",
                "--quiet",
                "--python",
                version or sys.executable,
                *system,
                str(self._place),
            ]
        python = sys.executable if version is None else shutil.which(f"python{version}")
        if python is None:
            said = f"there is no python{version} for a virtual environment, and no uv that could get it"
            raise CannotBuild(said, "install uv where Tradewind runs, or that Python")
        return [python, "-m", "venv", *system, str(self._place)]

    def _install(self) -> list[str]:
        python = str(self._place / "bin" / "python")
        if self._uv is not None:
            return [self._uv, "pip", "install", "--python", python]
        return [python, "-m", "pip", "install", "--disable-pip-version-check"]

    def _call(self, command: Sequence[str], what: str) -> None:
        code = commands.follow(command, log=self._log, env=self._environment(), started=self._started)
        if code:
            said = f"the virtual environment could not be {what}: {Path(command[0]).name} ended with {code}"
            hint = "the lines above are the installer's: a requirement, an index or the network is not as it should be"
            raise CannotBuild(said, hint)

    def _environment(self) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        urls = self._wanted.index_urls
        if urls is None:
            return env
        if not urls:
            return {**env, "UV_NO_INDEX": "1", "PIP_NO_INDEX": "1"}
        rest = " ".join(urls[1:])
        return {
            **env,
            "UV_DEFAULT_INDEX": urls[0],
            "UV_INDEX": rest,
            "PIP_INDEX_URL": urls[0],
            "PIP_EXTRA_INDEX_URL": rest,
        }

    def _open_host(self) -> None:
        """Where Tradewind itself lives in a virtual environment, its packages are the system's that files mean."""
        if sys.prefix == sys.base_prefix:
            return
        for site in self._place.glob("lib/python*/site-packages"):
            if site.parent.name == f"python{sys.version_info[0]}.{sys.version_info[1]}":
                (site / "_host.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")


def _find_uv() -> str | None:
    method = str(conf.get("standard", "venv_install_method", fallback="auto")).lower()
    if method == "pip":
        return None
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else shutil.which("uv")
