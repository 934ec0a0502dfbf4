"""On which line of a DAG file a name of Airflow's is imported; the file is read, never run."""

from __future__ import annotations

import ast
from collections.abc import Mapping


def imports(source: bytes) -> dict[str, int]:
    """Dotted name → the first line that imports it; nothing for what is no Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return {}
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            found[name] = min(node.lineno, found.get(name, node.lineno))
    return found


def line_of(classpath: str, places: Mapping[str, int]) -> int:
    """Where this class is imported, or a module that holds it; where a name like it is, if it moved; 0 for nowhere."""
    name = classpath
    while name:
        if name in places:
            return places[name]
        name = name.rpartition(".")[0]
    last = "." + classpath.rpartition(".")[2]
    return next((line for known, line in places.items() if known.endswith(last)), 0)
