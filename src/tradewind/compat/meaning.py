"""Which Airflow a file means, 2 or 3: told by a comment, its imports and its arguments, without running it.

2.x and 3.x differ silently (defaults of catchup and schedule, cron as data interval or as trigger), so the first thing
that exists in only one of them decides.
"""

from __future__ import annotations

import ast
import functools
import io
import os
import re
import tokenize
import zipimport
import zlib
from collections.abc import Iterator

from tradewind.model.dagspec import Meaning

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_UNREADABLE = (OSError, EOFError, ImportError, SyntaxError, ValueError, zlib.error)
_MARK = re.compile(r"#\s*tradewind:\s*airflow\s*=\s*(?P<said>[^\s,;#]*)")
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
"""Where statements hold others."""
_OF_3 = ("airflow.sdk", "airflow.providers.common.compat.sdk", "airflow.providers.standard")
_OF_2 = (
    "airflow.contrib", "airflow.datasets", "airflow.decorators", "airflow.hooks", "airflow.kubernetes",
    "airflow.models", "airflow.operators", "airflow.sensors", "airflow.utils.dates", "airflow.utils.helpers",
    "airflow.utils.decorators", "airflow.utils.db", "airflow.utils.edgemodifier", "airflow.utils.task_group",
    "airflow.utils.trigger_rule", "airflow.utils.weight_rule", "airflow.macros", "airflow.notifications",
)  # fmt: skip
_ARGUMENTS_OF_2 = frozenset(
    {
        "schedule_interval", "concurrency", "provide_context", "task_concurrency", "sla_miss_callback", "fail_stop",
        "default_view", "orientation", "full_filepath",
    }
)  # fmt: skip


def detect(path: str, setting: str | None = None) -> tuple[Meaning, str]:
    """(meaning, what told it: "file", "setting", "imports", "arguments" or "" where nothing did and 3 is assumed).

    A comment of its own, `# tradewind: airflow=2`, goes over the setting, which is about many files.
    """
    said = [text for text in _marks(path) if text in ("2", "3")]
    if said:
        return ("2" if said[0] == "2" else "3"), "file"
    if setting in ("2", "3"):
        return ("2" if setting == "2" else "3"), "setting"
    tree = _tree(path)
    if tree is None:
        return "3", ""
    modules = list(_imports(tree))
    if any(_below(name, _OF_3) for name in modules):
        return "3", "imports"
    if any(_below(name, _OF_2) for name in modules):
        return "2", "imports"
    if any(isinstance(node, ast.keyword) and node.arg in _ARGUMENTS_OF_2 for node in ast.walk(tree)):
        return "2", "arguments"
    return "3", ""


def unread_marks(path: str) -> list[str]:
    """What to tell of comments that name an Airflow which is neither 2 nor 3, or another one than the first does."""
    marks = _marks(path)
    found = [
        f"`# tradewind: airflow={text}` is not read: it is 2 or 3, without a minor version"
        for text in marks
        if text not in ("2", "3")
    ]
    if {"2", "3"} <= set(marks):
        found.append("the file says both `# tradewind: airflow=2` and `airflow=3`: the first counts")
    return found


def inner_imports(path: str) -> list[str]:
    """Modules that only functions of the file import, so that loading it says nothing of them."""
    tree = _tree(path)
    functions = () if tree is None else (node for node in _statements(tree) if isinstance(node, _FUNCTIONS))
    found = {
        one.module
        for function in functions
        for one in _statements(function)
        if isinstance(one, ast.ImportFrom) and one.module and not one.level
    }
    return sorted(found)


def _marks(path: str) -> list[str]:
    """What comments of the file say after `tradewind: airflow=`, in order."""
    try:
        source = _read(path)
        if b"tradewind:" not in source:
            return []
        comments = [
            one.string for one in tokenize.tokenize(io.BytesIO(source).readline) if one.type == tokenize.COMMENT
        ]
    except (*_UNREADABLE, tokenize.TokenError):
        return []
    return [found["said"] for text in comments if (found := _MARK.match(text))]


def _tree(path: str) -> ast.Module | None:
    try:
        return _parsed(_read(path))
    except _UNREADABLE:
        return None


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except NotADirectoryError:  # it lies in an archive
        return zipimport.zipimporter(os.path.dirname(path)).get_data(path)


@functools.lru_cache(maxsize=1)
def _parsed(source: bytes) -> ast.Module:
    """A file's tree, which is asked for twice in a row."""
    return ast.parse(source)


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Every statement below a node. What has none inside (expressions: most of a tree) is not walked."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        for name in _BLOCKS:
            inner = getattr(node, name, ())
            waiting += inner
            yield from inner


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _below(name: str, heads: tuple[str, ...]) -> bool:
    return any(name == head or name.startswith(head + ".") for head in heads)
