"""Airflow's own answers, for tests to compare with: where its example files lie, and what `dag.test()` makes of each.

Answers are kept in the user's cache, under Airflow's version and the hash of the file and of the program that
asked; nothing of Airflow is ever copied into the repository.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = Path(__file__).with_name("oracle_states.py")
_FOLDERS = ("example_dags", "providers/standard/example_dags", "providers/common/sql/example_dags")
RUN_SECONDS = 900


@functools.cache
def interpreter(major: str = "3") -> Path:
    """Return the interpreter in whose environment Airflow (3, or 2) is installed, installing it when it is not."""
    made = subprocess.run([_ROOT / "scripts" / "airflow-env", major], capture_output=True, text=True, check=True)
    return Path(made.stdout.strip())


def find_package(major: str = "3") -> Path:
    """Return the folder of the installed `airflow` package without installing it. Raises FileNotFoundError."""
    asked = subprocess.run(
        [_ROOT / "scripts" / "airflow-env", "--check", major], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        raise FileNotFoundError(f"Airflow {major} is not installed yet; scripts/prepare does it")
    return package(major)


@functools.cache
def package(major: str = "3") -> Path:
    """Return the folder of the installed `airflow` package."""
    (found,) = (interpreter(major).parent.parent / "lib").glob("python*/site-packages/airflow")
    return found


@functools.cache
def version(major: str = "3") -> str:
    """Return the version of the installed Airflow."""
    (found,) = package(major).parent.glob("apache_airflow-*.dist-info")
    return found.name.removeprefix("apache_airflow-").removesuffix(".dist-info")


def examples() -> dict[str, Path]:
    """Name → path of every example file of Airflow's wheels that defines DAGs. Installs nothing: FileNotFoundError."""
    folders = [find_package() / folder for folder in _FOLDERS]
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.py")) if path.stem != "__init__"}


def example(name: str) -> Path:
    """Return the path of an example file of Airflow's wheels, by its name without `.py`."""
    for folder in _FOLDERS:
        path = package() / folder / f"{name}.py"
        if path.exists():
            return path
    raise FileNotFoundError(f"no file {name}.py in {', '.join(_FOLDERS)} of {package()}")


def states_of(
    path: Path, *, conf: Mapping[str, Any] | None = None, beside: Sequence[Path] = (), moment: object = ""
) -> dict[str, dict[str, Any]]:
    """Return, for each DAG of the file, its state, tasks and XComs after `dag.test()`, as `oracle_states.py` tells.

    `conf`: what the runs are triggered with. `beside`: files and folders that lie beside the file. `moment`: what of
    the present the answer depends on.
    """
    folder = cache() / "oracle-states" / version()
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{path.stem}-{_fingerprint(path, conf, beside, moment)}.json"
    if not kept.exists():
        with _lock(folder / f"{path.stem}.lock"):
            if not kept.exists():
                _ask(path, folder / "template.db", kept, [json.dumps(conf), *map(str, beside)])
    dags: dict[str, dict[str, Any]] = json.loads(kept.read_text())["dags"]
    return dags


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _ask(path: Path, template: Path, kept: Path, more: Sequence[str]) -> None:
    command: list[str | Path] = [interpreter(), _PROGRAM, path, template, *more]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    clean["TMPDIR"] = "/tmp"
    with contextlib.ExitStack() as stack:
        if not template.exists():  # the first call makes the database that all others copy
            stack.enter_context(_lock(template.with_suffix(".lock")))
        ran = subprocess.run(command, capture_output=True, text=True, env=clean, timeout=RUN_SECONDS, check=False)
    if ran.returncode != 0:
        raise RuntimeError(f"Airflow could not run {path}: exit {ran.returncode}\n{ran.stderr[-4000:]}")
    draft = kept.with_suffix(f".{os.getpid()}")
    draft.write_text(ran.stdout)
    draft.replace(kept)


def _fingerprint(path: Path, conf: Mapping[str, Any] | None, beside: Sequence[Path], moment: object) -> str:
    digest = hashlib.sha256(path.read_bytes() + _PROGRAM.read_bytes())
    if conf is not None or beside or moment != "":
        digest.update(json.dumps([conf, [one.name for one in beside], moment], sort_keys=True).encode())
    for one in beside:
        for file in _files(one):
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(one for one in path.rglob("*") if one.is_file() and "__pycache__" not in one.parts)


def cache() -> Path:
    """Return the folder of the user's cache that is ours."""
    return Path(os.environ.get("TRADEWIND_CACHE") or Path.home() / ".cache" / "tradewind")
