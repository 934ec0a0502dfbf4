"""The worker side runs on Python 3.10: no newer syntax, no newer name of the standard library."""

from __future__ import annotations

import ast
import pathlib

import pytest

from tests.architecture import sources

# Modules and names that came with 3.11, 3.12 and 3.13 (the "What's New" pages of each).
_NEW_MODULES = {
    "tomllib",
    "wsgiref.types",
    "compression",
    "annotationlib",
    "concurrent.interpreters",
    "string.templatelib",
}
_NEW_NAMES = {
    "asyncio": {
        "TaskGroup", "Timeout", "timeout", "timeout_at", "Runner", "Barrier", "BrokenBarrierError",
        "QueueShutDown",
    },
    "collections.abc": {"Buffer"},
    "contextlib": {"chdir"},
    "datetime": {"UTC"},
    "enum": {
        "StrEnum", "verify", "member", "nonmember", "global_enum", "ReprEnum", "EnumCheck", "FlagBoundary",
        "property",
    },
    "hashlib": {"file_digest"},
    "http": {"HTTPMethod"},
    "inspect": {"getmembers_static", "markcoroutinefunction", "BufferFlags", "getasyncgenstate", "getasyncgenlocals"},
    "itertools": {"batched"},
    "logging": {"getLevelNamesMapping", "getHandlerByName", "getHandlerNames"},
    "math": {"cbrt", "exp2", "sumprod", "fma"},
    "operator": {"call"},
    "os": {"EX_NOTFOUND", "listdrives", "process_cpu_count", "unshare", "setns", "PIDFD_NONBLOCK"},
    "sys": {"exception", "activate_stack_trampoline", "monitoring"},
    "types": {"get_original_bases", "CapsuleType"},
    "typing": {
        "Self", "LiteralString", "Never", "assert_never", "assert_type", "reveal_type", "TypeVarTuple", "Unpack",
        "Required",
        "NotRequired", "dataclass_transform", "get_overloads", "clear_overloads", "override", "TypeAliasType",
        "ReadOnly",
        "TypeIs", "NoDefault", "get_protocol_members", "is_protocol",
    },
    "unittest": {"enterModuleContext"},
    "warnings": {"deprecated"},
}  # fmt: skip
_NEW_BUILTINS = {"BaseExceptionGroup", "ExceptionGroup", "PythonFinalizationError"}
_NEW_METHODS = {"add_note", "fromisoformat_z", "walk_up"}


def _modules() -> list[pathlib.Path]:
    return sources.list_modules(*sources.WORKER_SIDE)


def test_the_worker_side_has_modules_to_check() -> None:
    assert len(_modules()) > 10


@pytest.mark.parametrize("path", _modules(), ids=sources.shown)
def test_the_grammar_is_that_of_python_3_10(path: pathlib.Path) -> None:
    ast.parse(path.read_text(), filename=str(path), feature_version=(3, 10))


@pytest.mark.parametrize("path", _modules(), ids=sources.shown)
def test_no_name_is_newer_than_python_3_10(path: pathlib.Path) -> None:
    assert _find_new_names(sources.parse(path)) == []


@pytest.mark.parametrize(
    "program",
    [
        "import tomllib",
        "from typing import Self",
        "import enum\nclass A(enum.StrEnum): ...",
        "import datetime as dt\nprint(dt.UTC)",
        "raise ExceptionGroup('', [])",
    ],
)
def test_the_check_finds(program: str) -> None:
    assert _find_new_names(ast.parse(program)) != []


def _find_new_names(tree: ast.Module) -> list[str]:
    found: list[str] = []
    aliases: dict[str, str] = {}
    guarded = _find_guarded(tree)
    for node in ast.walk(tree):
        if id(node) in guarded:
            continue
        if isinstance(node, ast.Import):
            aliases |= {name.asname or name.name: name.name for name in node.names}
            found += [f"line {node.lineno}: {name.name}" for name in node.names if name.name in _NEW_MODULES]
        elif isinstance(node, ast.ImportFrom) and node.module:
            new = _NEW_NAMES.get(node.module, set())
            found += [f"line {node.lineno}: {node.module}.{n.name}" for n in node.names if n.name in new]
            found += [f"line {node.lineno}: {node.module}"] if node.module in _NEW_MODULES else []
    for node in ast.walk(tree):
        if id(node) in guarded:
            continue
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = aliases.get(node.value.id, "")
            found += [f"line {node.lineno}: {module}.{node.attr}"] if node.attr in _NEW_NAMES.get(module, set()) else []
        if isinstance(node, ast.Attribute) and node.attr in _NEW_METHODS:
            found.append(f"line {node.lineno}: .{node.attr}")
        if isinstance(node, ast.Name) and node.id in _NEW_BUILTINS:
            found.append(f"line {node.lineno}: {node.id}")
    return found


def _find_guarded(tree: ast.Module) -> set[int]:
    """Nodes below `if TYPE_CHECKING` or `if sys.version_info ...`, which an older Python does not run."""
    guarded: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ("TYPE_CHECKING" in (test := ast.unparse(node.test)) or "version_info" in test):
            guarded |= {id(below) for child in node.body for below in ast.walk(child)}
    return guarded
