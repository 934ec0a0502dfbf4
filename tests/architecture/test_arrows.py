"""The arrows of the house hold, and the contract that holds them bites."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest

from tests.architecture import arrows, sources


@pytest.mark.timeout(60)
def test_every_import_is_in_the_table() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    ran = subprocess.run(command, cwd=sources.ROOT, capture_output=True, text=True, timeout=50, check=False)
    assert ran.returncode == 0, ran.stdout.partition("Broken contracts")[2] + ran.stderr


def _table() -> arrows.Table:
    settings = tomllib.loads((sources.ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    return arrows.Table.read(next(contract["arrows"] for contract in contracts if contract["type"] == "arrows"))


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("tradewind.engine.decide", "tradewind.model.events"),
        ("tradewind.store.tables", "sqlalchemy"),
        ("tradewind.model.ids", "hashlib"),
        ("tradewind.runtime.local.client", "tradewind.protocol.podlet"),
        ("tradewind.wiring", "tradewind.store.tables"),
        ("tradewind.cli.run", "tradewind"),
    ],
)
def test_the_table_allows(module: str, imported: str) -> None:
    assert _table().allows(module, imported)


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("tradewind.model.ids", "tradewind.engine.decide"),
        ("tradewind.engine.decide", "tradewind.ports.store"),
        ("tradewind.store.tables", "tradewind.logs.segments"),
        ("tradewind.runtime.local.client", "tradewind.runtime.kubernetes.auth"),
        ("tradewind.worker.entry", "sqlalchemy"),
        ("tradewind.sdk.dag", "tradewind.protocol.work"),
        ("tradewind.scheduler.loop", "tradewind.store.tables"),
        ("tradewind.cli.run", "tradewind.scheduler.loop"),
        ("tradewind.somewhere_new", "os"),
    ],
)
def test_the_table_refuses(module: str, imported: str) -> None:
    assert not _table().allows(module, imported)


def test_every_package_has_a_row() -> None:
    table = _table()
    names = sorted(path.stem if path.is_file() else path.name for path in sources.PACKAGE.iterdir())
    ours = [name for name in names if not name.startswith(("__", ".")) and name != "py"]
    assert [name for name in ours if table.find_row(f"tradewind.{name}") is None] == []
