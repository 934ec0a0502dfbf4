"""The commands that the pages show do what the pages say: each page's are run in order, in a copy of one folder.

The folder is what the pages talk about: DAG files in `dags/` (and `my_dag.py` beside it), a home `./home` in which both
DAGs have run, also named by TRADEWIND_HOME. Paths outside, such as /backups, stand for folders in it. A block whose
first line is a comment with a file's name is that file. A server that a page starts runs until the page ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.docs import pages
from tests.support import server

_ELSEWHERE = ("/backups", "/var/lib/tradewind", "/srv/dags")
_SECONDS = 60
PAGES = [path for path in pages.paths() if any(block.is_ours for block in pages.blocks(path))]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The folder that every page gets a copy of."""
    place = tmp_path_factory.mktemp("place") / "work"
    shutil.copytree(
        pathlib.Path(__file__).with_name("dags"), place / "dags", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(place / "dags" / "my_dag.py", place)
    shutil.copytree(place / "dags", place / "srv" / "dags")
    (place / "backups").mkdir()
    for dag_file in ("my_dag.py", "etl.py"):
        server.tradewind("run", str(place / "dags" / dag_file), "--home", str(place / "home"))
    return place


@pytest.fixture
def place(prepared: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A copy of it; what a page leaves running there is ended."""
    copy = tmp_path / "work"
    shutil.copytree(prepared, copy, symlinks=True, ignore=shutil.ignore_patterns("*.sock"))
    shutil.copytree(copy / "home", copy / "var" / "lib" / "tradewind", symlinks=True)
    yield copy
    for home in homes(copy):
        server.end_podlet(home)


def homes(place: pathlib.Path) -> list[pathlib.Path]:
    """The folders in which a page may have a home."""
    return [one for one in (*place.iterdir(), place / "var" / "lib" / "tradewind") if (one / "tradewind.db").exists()]


@pytest.mark.parametrize("path", PAGES, ids=pages.name)
def test_commands_of_a_page_do_what_it_says(path: pathlib.Path, place: pathlib.Path) -> None:
    with contextlib.ExitStack() as servers:
        for block in pages.blocks(path):
            if block.file:
                (place / block.file).write_text("\n".join(block.lines) + "\n", encoding="utf-8")
            elif block.is_ours and not block.not_run:
                assert block.language in ("console", "bash"), f"{block.page}:{block.line}: write ```console or ```bash"
                for command in block.commands:
                    if "tradewind standalone" in command.text:
                        servers.enter_context(served(command.text, place))
                    else:
                        check(block, command, place)


def check(block: pages.Block, command: pages.Command, place: pathlib.Path) -> None:
    where = f"{block.page}:{block.line}: {command.text}"
    code, printed = run(command.text, place)
    assert code == (block.exit_code if command == block.commands[-1] else 0), f"{where}\nended with {code}:\n{printed}"
    missing = not_printed(command.shown, printed)
    assert missing is None, f"{where}\nno line begins like {missing!r}, after those before it, in:\n{printed}"


def not_printed(shown: tuple[str, ...], printed: str) -> str | None:
    """The first shown line whose first word begins no line of what was printed, in order.

    `…` stands for any lines, and a digit for any digit.
    """
    lines = iter(first_word(line) for line in printed.splitlines())
    for one in shown:
        word = first_word(one)
        if word and word not in ("…", "...") and word not in lines:
            return one
    return None


def first_word(line: str) -> str:
    return re.sub(r"\d", "0", next(iter(line.split()), ""))


def run(command: str, place: pathlib.Path) -> tuple[int, str]:
    """To its end, by a shell."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", translated(command, place)],
        cwd=place,
        env=environment(place),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@contextlib.contextmanager
def served(command: str, place: pathlib.Path) -> Iterator[None]:
    """From when it is healthy until the block of `with` ends; then it is asked to stop, as by Ctrl-C."""
    log = place.with_suffix(".log")
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {translated(command, place)}"],
            cwd=place,
            env=environment(place),
            stdout=out,
            stderr=out,
        )
    try:
        deadline = time.monotonic() + _SECONDS
        while process.poll() is None and not is_healthy(place):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(_SECONDS)
    assert code == 0, log.read_text()


def is_healthy(place: pathlib.Path) -> bool:
    """Whether a server of a home there says so."""
    for home in homes(place):
        with contextlib.suppress(OSError, ValueError):
            told = json.loads((home / "standalone.json").read_text())
            with urllib.request.urlopen(told["health"], timeout=5) as answer:
                return bool(json.load(answer)["status"] == "healthy")
    return False


def translated(command: str, place: pathlib.Path) -> str:
    for folder in _ELSEWHERE:
        command = command.replace(f" {folder}", f" {place}{folder}")
    return command


def environment(place: pathlib.Path) -> dict[str, str]:
    """A person's, with `tradewind` on the path."""
    bin_folder = place / "bin"
    bin_folder.mkdir(exist_ok=True)
    for name, words in (("tradewind", " -m tradewind.cli"), ("python", ""), ("pytest", " -m pytest")):
        (bin_folder / name).write_text(f'#!/bin/sh\nexec {sys.executable}{words} "$@"\n')
        (bin_folder / name).chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "TRADEWIND"))}
    return {
        **kept,
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "HOME": str(place),
        "TRADEWIND_HOME": str(place / "home"),
        "NO_COLOR": "1",
        "COLUMNS": "120",
    }


def test_what_is_not_run_says_why_and_is_little() -> None:
    ours = [block for path in pages.paths() for block in pages.blocks(path) if block.is_ours]
    not_run = [f"{block.page}:{block.line}: {block.not_run}" for block in ours if block.not_run]
    print(*not_run, sep="\n")  # shown with -s, and when this fails

    assert len(ours) > 10
    assert len(not_run) * 4 <= len(ours), not_run


def test_a_line_that_is_not_printed_is_found() -> None:
    assert not_printed(("state  success", "…", "x"), "state running\nx y\n") is None
    assert not_printed(("x", "state"), "state running\nx y\n") == "state"
    assert not_printed(("2026-01-31 06:00",), "2027-12-01 00:00 hello\n") is None
