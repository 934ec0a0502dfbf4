"""What Tradewind says is said in words of its own: no sentence of its sources stands in Airflow's."""

from __future__ import annotations

import ast
import itertools
import pathlib
import re
from collections.abc import Iterator

from tests.corpus import oracle

_SOURCES = pathlib.Path(__file__).resolve().parents[2] / "src" / "tradewind"
_WORD = re.compile(r"[A-Za-z'’]+[,.:;]?")
_FEWEST_WORDS = 4
_FEWEST_CHARACTERS = 22
_ANYBODYS = frozenset(
    {
        # Code, names and terms, which are what they are.
        "from __future__ import annotations",
        "from datetime import datetime, timedelta",
        "from airflow.operators.bash import BashOperator",
        "from airflow.operators.empty import EmptyOperator",
        # Turns of speech.
        "the exit code of the process",
    }
)


def test_no_sentence_of_ours_stands_in_the_sources_of_airflow() -> None:
    theirs = "\n".join(_flat(path.read_text(errors="replace")) for path in _airflow_files())
    assert len(theirs) > 5_000_000
    tokens = theirs.split(" ")
    pairs = set(itertools.pairwise(tokens))
    same = [
        f"{path.relative_to(_SOURCES)}:{line}: {said}"
        for path, line, said in _said()
        if pairs.issuperset(_inner_pairs(said)) and said in theirs
    ]
    assert same == []


def _inner_pairs(said: str) -> Iterator[tuple[str, str]]:
    """Neighbours but for the ends, where theirs may have a quotation mark: looked up first, since that is quick."""
    inner = said.split(" ")[1:-1]
    yield from itertools.pairwise(inner)


def _airflow_files() -> Iterator[pathlib.Path]:
    for major in ("3", "2"):
        yield from sorted(oracle.find_package(major).rglob("*.py"))


def _flat(text: str) -> str:
    """The text on one line, with texts that are written in several parts put together."""
    joined = re.sub(r"[\"']\s*\n\s*[rf]?[\"']", "", text)
    return re.sub(r"\s+", " ", joined)


def _said() -> Iterator[tuple[pathlib.Path, int, str]]:
    """Sentences, and pieces of those that are put together, in docstrings and texts."""
    for path in sorted(_SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for part in re.split(r"(?<=[.;:])\s|\n\s*\n", node.value):
                    said = re.sub(r"\s+", " ", part).strip(" .:;")
                    if _is_sentence(said) and said not in _ANYBODYS:
                        yield path, node.lineno, said


def _is_sentence(said: str) -> bool:
    words = [word for word in said.split(" ") if _WORD.fullmatch(word)]
    return len(words) >= _FEWEST_WORDS and len(said) >= _FEWEST_CHARACTERS
