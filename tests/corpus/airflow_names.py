"""Which names Airflow has, read from its sources: what it redirects, and what a module of it defines."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.corpus import oracle

_NOT_NAMES = frozenset({"T", "P", "R", "F", "PS", "RT", "S", "U", "log", "logger", "TYPE_CHECKING"})


def redirected(major: str) -> dict[tuple[str, str], str]:
    """(module, name) → where Airflow sends it: every `add_deprecated_classes` table outside of providers and SDK."""
    package = oracle.package(major)
    found: dict[tuple[str, str], str] = {}
    for path in sorted(package.rglob("*.py")):
        relative = path.relative_to(package)
        if relative.parts[0] in ("providers", "sdk", "_shared") or "deprecated_classes" not in path.read_text("utf-8"):
            continue
        around = _module(relative)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Dict):
                for (below, name), target in _entries(node):
                    found[f"{around}.{below}" if below else around, name] = target
    return found


def _entries(node: ast.Dict) -> Iterator[tuple[tuple[str, str], str]]:
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(value, ast.Dict):
            below = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
            for name, target in zip(value.keys, value.values, strict=True):
                if isinstance(name, ast.Constant) and isinstance(target, ast.Constant):
                    yield (below, str(name.value)), str(target.value)


def defined(folder: str) -> dict[str, list[str]]:
    """Module → the public names that it defines, of each module below a folder of Airflow 3."""
    package = oracle.package()
    found = {}
    for path in sorted((package / folder).rglob("*.py")):
        relative = path.relative_to(package)
        if "example_dags" in relative.parts or path.name == "get_provider_info.py":
            continue
        names = [name for name in _top(ast.parse(path.read_text("utf-8"))) if name[0] != "_" and name not in _NOT_NAMES]
        if names:
            found[_module(relative)] = names
    return found


def _module(relative: Path) -> str:
    return ".".join(("airflow", *relative.with_suffix("").parts)).removesuffix(".__init__")


def _top(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case _:
                pass
