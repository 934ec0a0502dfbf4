"""The contract that holds the house's import table, row by row (import-linter reads the rows from pyproject.toml).

import-linter's own contracts say what is forbidden, so a package that nobody thought of is free. This one says what is
allowed, of ours and of others; the rest, and any package without a row, breaks the contract.
"""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

ROOT = "tradewind"


class ArrowsContract(Contract):
    """Rows of the form `package -> ours | others`; the longest package name that fits a module is its row."""

    type_name = "arrows"

    arrows = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Compare every import in the graph with the row of the module that makes it."""
        table = Table.read([str(line) for line in self.arrows])  # type: ignore[attr-defined]
        broken: list[str] = []
        for module in sorted(name for name in graph.modules if name.startswith(f"{ROOT}.")):
            if table.find_row(module) is None:
                broken.append(f"{module} has no row in the table")
                continue
            for imported in sorted(graph.find_modules_directly_imported_by(module)):
                if not table.allows(module, imported):
                    details = graph.get_import_details(importer=module, imported=imported)
                    lines = ", ".join(str(detail["line_number"]) for detail in details)
                    broken.append(f"{module} -> {imported} (line {lines})")
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the arrows that the table does not have."""
        broken: list[Any] = check.metadata["broken"]
        for line in broken:
            output.print_error(f"  {line}")
        output.print_error("hint: one arrow more is a decision: docs/decisions says why, then pyproject.toml gets it")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """What one package may import."""

    ours: frozenset[str]
    others: frozenset[str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """The rows by package, without the leading `tradewind.`."""

    rows: dict[str, Row]

    @classmethod
    def read(cls, lines: list[str]) -> Table:
        """Read rows as pyproject.toml holds them."""
        rows: dict[str, Row] = {}
        for line in lines:
            package, _, allowed = line.partition("->")
            ours, _, others = allowed.partition("|")
            rows[package.strip()] = Row(ours=frozenset(ours.split()), others=frozenset(others.split()))
        return cls(rows=rows)

    def find_row(self, module: str) -> str | None:
        """Return the longest package of the table that the module is in, or None."""
        parts = module.split(".")[1:]
        packages = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        return next((package for package in packages if package in self.rows), None)

    def allows(self, module: str, imported: str) -> bool:
        """Tell whether the module may import the other one."""
        package = self.find_row(module)
        if package is None:
            return False
        row = self.rows[package]
        if imported == ROOT:
            return True
        if imported.startswith(f"{ROOT}."):
            target = self.find_row(imported) or imported
            return "*" in row.ours or target == package or any(f"{target}.".startswith(f"{n}.") for n in row.ours)
        top = imported.split(".", maxsplit=1)[0]
        return "*" in row.others or top in row.others or top in sys.stdlib_module_names
