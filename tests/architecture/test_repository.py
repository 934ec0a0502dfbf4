"""What no file of the repository may hold: a registry's address, a path of one machine, mocks, unfinished marks."""

from __future__ import annotations

import ast
import pathlib
import re
import tomllib

from tests.architecture import sources

# Spelled in pieces, since this file is read too.
_ADDRESSES = re.compile(
    "|".join([r"pypi\.or" + "g", r"pythonhosted\.or" + "g", r"registry\.npmj" + "s", r"proxy\.golan" + "g"])
)
_INDEX_OPTIONS = re.compile(r"--(extra-)?index-url|--find-links|--trusted-host")
_MACHINE_PATHS = re.compile(r"(?<![\w.~}*-])/(wor" + r"k|roo" + r"t)(/[\w.]|\b(?=[\s'\"`]))")
_UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


def _read_texts() -> list[tuple[pathlib.Path, str]]:
    texts: list[tuple[pathlib.Path, str]] = []
    for path in sources.list_repository_files():
        if path.stat().st_size > 5_000_000 or path.is_symlink():
            continue
        content = path.read_bytes()
        if b"\0" not in content[:8192]:
            texts.append((path, content.decode(errors="replace")))
    return texts


def _find(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{sources.shown(path)}:{number}: {line.strip()[:100]}"
        for path, text in _read_texts()
        if pattern.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_holds_a_registry_address() -> None:
    assert _find(_ADDRESSES) == []


def test_no_constraint_names_an_index() -> None:
    names = sorted(sources.ROOT.glob("constraints*"))
    assert len(names) >= 3
    assert [p.name for p in names if _INDEX_OPTIONS.search(p.read_text()) or "://" in p.read_text()] == []


def test_every_constraint_has_a_hash() -> None:
    for path in sources.ROOT.glob("constraints*.txt"):
        pins = re.split(r"\n(?=[A-Za-z])", path.read_text().strip())
        assert [pin.splitlines()[0] for pin in pins if "--hash=sha256:" not in pin] == [], path.name


def test_no_file_holds_a_path_of_one_machine() -> None:
    assert _find(_MACHINE_PATHS) == []


def test_no_file_is_marked_unfinished() -> None:
    assert [line for line in _find(_UNFINISHED) if re.match(r"\S+\.(py|toml|sh|md|yaml|yml):", line)] == []


def test_every_dependency_is_pinned() -> None:
    settings = tomllib.loads((sources.ROOT / "pyproject.toml").read_text())
    project = settings["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["dev"], *settings["build-system"]["requires"]]
    names = {re.split(r"[^A-Za-z0-9._-]", line)[0].lower().replace("_", "-") for line in asked}
    pinned = {line.partition("==")[0] for line in (sources.ROOT / "constraints.txt").read_text().splitlines()}
    assert names - pinned == set(), "hint: make lock"


def test_apache_airflow_is_no_dependency() -> None:
    project = tomllib.loads((sources.ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    assert [line for line in asked if "airflow" in line.lower()] == []
    assert "airflow" not in (sources.ROOT / "constraints.txt").read_text().lower()


def test_tests_have_no_mocks_and_skip_nothing() -> None:
    found: list[str] = []
    for path in sorted((sources.ROOT / "tests").rglob("*.py")):
        for node in ast.walk(sources.parse(path)):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in {
                "unittest.mock", "pytest.skip", "pytest.xfail", "pytest.mark.skip", "pytest.mark.skipif",
                "pytest.mark.xfail",
                "pytest.importorskip",
            }:  # fmt: skip
                found.append(f"{sources.shown(path)}:{node.lineno}: {ast.unparse(node)}")
            if isinstance(node, ast.ImportFrom) and node.module in {"unittest.mock", "unittest"}:
                found.append(f"{sources.shown(path)}:{node.lineno}: {node.module}")
    assert found == []
