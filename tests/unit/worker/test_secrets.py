"""The file of secrets that an attempt was given: in memory, whole, and gone when nobody needs it."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tradewind.worker import secrets


@pytest.fixture
def attempt(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "attempts" / "one"
    folder.mkdir(parents=True)
    yield folder
    secrets.remove(str(folder))


def written(attempt: Path) -> list[str]:
    return [json.loads(line) for line in (attempt / secrets.FILE).read_text().splitlines()]


def test_an_attempt_without_secrets_has_no_file(attempt: Path) -> None:
    secrets.Secrets().write_to(str(attempt))
    assert list(attempt.iterdir()) == []


def test_what_was_known_before_the_attempt_comes_first_and_each_once(attempt: Path) -> None:
    given = secrets.Secrets()
    given.add(["from the file's load"])
    given.write_to(str(attempt))
    given.add(["two\nlines", "from the file's load", ""])
    assert written(attempt) == ["from the file's load", "two\nlines"]


def test_the_file_is_in_memory_and_for_its_owner_alone(attempt: Path) -> None:
    given = secrets.Secrets()
    given.write_to(str(attempt))
    given.add(["s"])
    target = (attempt / secrets.FILE).readlink()
    assert target.is_relative_to("/dev/shm")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    secrets.remove(str(attempt))
    assert not target.exists()


def test_what_belongs_to_no_attempt_any_more_is_swept(attempt: Path) -> None:
    given = secrets.Secrets()
    given.write_to(str(attempt))
    given.add(["s"])
    target = (attempt / secrets.FILE).readlink()
    secrets.sweep(str(attempt.parent), older_seconds=0)
    assert target.exists()
    (attempt / secrets.FILE).unlink()
    secrets.sweep(str(attempt.parent))
    assert target.exists(), "it is young: its link may be about to be made"
    secrets.sweep(str(attempt.parent), older_seconds=0)
    assert not target.exists()


def test_threads_that_are_given_secrets_at_once_write_one_file(attempt: Path) -> None:
    given = secrets.Secrets()
    given.write_to(str(attempt))
    with ThreadPoolExecutor(8) as pool:
        for number in range(100):
            pool.submit(given.add, [f"secret {number}"])
    assert sorted(written(attempt)) == sorted(f"secret {number}" for number in range(100))
