"""The source of a decorated function, as another interpreter can run it: alone, and without its task decorators.

What the function's file defines beside it is not there: as with Airflow, such a function imports what it needs itself.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Collection
from typing import Any

from tradewind.sdk import errors

_OF_TASKS = frozenset({"task", "setup", "teardown", "dag", "task_group"})


def source_of(function: Callable[..., Any], *, kinds: Collection[str]) -> str:
    """The function's text at the left margin. `kinds` name decorators: "kubernetes" for `@task.kubernetes`.

    Raises `DagProblem` where there is no text, or no `def` in it.
    """
    about = f"function {getattr(function, '__name__', str(function))!r}"
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        said = f"its source cannot be read: {error}"
        raise errors.DagProblem.of("no-source", about, said, "define it with `def` in a file of the bundle") from error
    found = next((node for node in _parsed(text) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))), None)
    if found is None or found.name != function.__name__:
        said = "its source is not a `def` of its own"
        raise errors.DagProblem.of("no-source", about, said, "a lambda or a wrapped function cannot be sent; use `def`")
    lines = text.splitlines(keepends=True)
    for decorator in reversed(found.decorator_list):
        if _is_of_tasks(decorator, kinds):
            assert decorator.end_lineno is not None
            del lines[decorator.lineno - 1 : decorator.end_lineno]
    return "".join(lines)


def _parsed(text: str) -> list[ast.stmt]:
    try:
        return ast.parse(text).body
    except SyntaxError:  # a piece of an expression: a lambda inside a call
        return []


def _is_of_tasks(node: ast.expr, kinds: Collection[str]) -> bool:
    """Whether the decorator makes a task of the function: its name or that of what it is an attribute of tells."""
    while isinstance(node, ast.Call):
        node = node.func
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        names.append(node.id)
    return bool(names) and (names[0].removesuffix("_task") in kinds or bool(_OF_TASKS & set(names)))
