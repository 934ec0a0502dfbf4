"""How modules are written: each says what it owns, names are nouns, pure packages stay pure."""

from __future__ import annotations

import ast
import pathlib

import pytest

from tests.architecture import sources

_BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}

# What a pure module may not reach: the answer must depend on its arguments alone.
_IMPURE_MODULES = {"random", "secrets", "socket", "subprocess", "threading", "asyncio", "urllib.request", "http.client"}
_IMPURE_CALLS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "time.time", "time.monotonic", "time.sleep", "uuid.uuid4", "uuid.uuid1", "os.getenv", "os.urandom", "open",
    "pendulum.now",
}  # fmt: skip


@pytest.mark.parametrize("path", sources.list_modules(), ids=sources.shown)
def test_a_module_opens_with_a_docstring(path: pathlib.Path) -> None:
    assert (ast.get_docstring(sources.parse(path)) or "").strip() != ""


def test_no_module_is_named_for_nothing() -> None:
    inside_compat = sources.PACKAGE / "compat" / "names"  # there the names are Airflow's
    paths = [path for path in sources.list_modules() if inside_compat not in path.parents]
    assert [sources.shown(path) for path in paths if {path.stem, path.parent.name} & _BANNED_NAMES] == []


@pytest.mark.parametrize("path", sources.list_modules(*sources.PURE), ids=sources.shown)
def test_a_pure_module_asks_no_clock_chance_or_world(path: pathlib.Path) -> None:
    assert _find_impure(sources.parse(path)) == []


@pytest.mark.parametrize(
    "program",
    ["import random", "from datetime import datetime\ndatetime.now()", "import os\nos.environ['X']", "open('x')"],
)
def test_the_check_for_purity_finds(program: str) -> None:
    assert _find_impure(ast.parse(program)) != []


def _find_impure(tree: ast.Module) -> list[str]:
    found: list[str] = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found += [f"line {node.lineno}: {name.name}" for name in names if name.name in _IMPURE_MODULES]
            case ast.ImportFrom(module=str(module)) if module in _IMPURE_MODULES:
                found.append(f"line {node.lineno}: {module}")
            case ast.Call(func=function) if ast.unparse(function) in _IMPURE_CALLS:
                found.append(f"line {node.lineno}: {ast.unparse(function)}()")
            case ast.Attribute(value=ast.Name(id="os"), attr="environ"):
                found.append(f"line {node.lineno}: os.environ")
            case _:
                pass
    return found


def test_the_version_is_told_once() -> None:
    import importlib.metadata

    import tradewind

    assert importlib.metadata.version("tradewind") == tradewind.__version__
