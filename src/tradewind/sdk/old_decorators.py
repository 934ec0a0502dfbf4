"""What Airflow 1 had as decorators and needs none of today."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_F = TypeVar("_F", bound=Callable[..., object])


def apply_defaults(function: _F) -> _F:
    """`default_args` reach every operator by themselves."""
    return function


def fixup_decorator_warning_stack(function: _F) -> None:
    """Warnings need no other place here."""


def remove_task_decorator(python_source: str, task_decorator_name: str) -> str:
    """The source of a function without a decorator above it, with its arguments."""
    import ast

    tree = ast.parse(python_source)
    lines = python_source.splitlines(keepends=True)
    for node in ast.walk(tree):
        for one in getattr(node, "decorator_list", ()):
            text = "@" + ast.unparse(one.func if isinstance(one, ast.Call) else one)
            if text == task_decorator_name:
                lines[one.lineno - 1 : one.end_lineno] = [""] * ((one.end_lineno or one.lineno) - one.lineno + 1)
    return "".join(lines)


def require_provider_version(*_: object, **__: object) -> Callable[[_F], _F]:
    """Versions of providers are those that are installed."""
    return lambda function: function
