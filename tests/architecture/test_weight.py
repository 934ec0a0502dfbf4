"""What is meant to be light stays light: looked up in sys.modules of a fresh interpreter, not timed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.architecture import sources

_HEAVY = ("fastapi", "kubernetes", "kubernetes_asyncio", "pydantic", "sqlalchemy")
_HEAVY_FOR_WORKERS = (*_HEAVY, "alembic", "cryptography", "psutil", "psycopg", "rich", "typer", "uvloop", "watchfiles")


def _list_loaded_by(statement: str) -> set[str]:
    program = f"import sys; {statement}; import json; print(json.dumps(sorted(m.split('.')[0] for m in sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=15, check=False)
    assert ran.returncode == 0, ran.stderr
    return set(json.loads(ran.stdout))


def test_import_tradewind_takes_in_no_database_web_or_kubernetes_library() -> None:
    loaded = _list_loaded_by("import tradewind")
    assert loaded & set(_HEAVY) == set()
    assert "tradewind" in loaded


def test_import_tradewind_takes_in_nothing_but_the_standard_library() -> None:
    bare = _list_loaded_by("pass")
    loaded = _list_loaded_by("import tradewind")
    assert {name for name in loaded - bare if name not in sys.stdlib_module_names} == {"tradewind"}


@pytest.mark.parametrize("package", sources.WORKER_SIDE)
def test_a_worker_side_package_takes_in_nothing_heavy(package: str) -> None:
    names = [
        ".".join(path.relative_to(sources.PACKAGE.parent).with_suffix("").parts)
        for path in sources.list_modules(package)
        if path.name != "__main__.py" and "names" not in path.relative_to(sources.PACKAGE).parts
    ]
    assert names, f"tradewind.{package} has no modules"
    loaded = _list_loaded_by("import " + ", ".join(name.removesuffix(".__init__") for name in names))
    assert loaded & set(_HEAVY_FOR_WORKERS) == set()
