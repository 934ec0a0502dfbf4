"""The list of problems from the field names tests that there are."""

from __future__ import annotations

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "field-problems.md").read_text(encoding="utf-8")
ROWS = [line.split(" | ") for line in PAGE.splitlines() if re.match(r"\| \d", line)]
TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
}


def test_every_problem_is_there_once() -> None:
    assert [int(row[0].strip("| ")) for row in ROWS] == list(range(1, 26))


def test_every_problem_names_a_test_that_there_is_or_why_it_has_none() -> None:
    for number, *_, shown in ROWS:
        named = re.findall(r"`(test_\w+)`", shown)
        assert named or "Cannot occur" in shown or "not here yet" in shown, number
        assert [name for name in named if name not in TESTS] == [], number
