"""Writes the schema texts (`schema/<dialect>.sql`) from `tables`: `python -m tradewind.store.ddl` after a change there.

A fresh database is made from these texts, so that no start has to import SQLAlchemy. A test holds them to `tables`.
"""

from __future__ import annotations

import pathlib

from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from tradewind.store import tables

FOLDER = pathlib.Path(__file__).with_name("schema")
DIALECTS: dict[str, type[Dialect]] = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}


def render(dialect_name: str) -> str:
    """The statements that make an empty database ours, each ended by a semicolon and an empty line."""
    dialect = DIALECTS[dialect_name]()
    statements: list[str] = []
    for table in tables.metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements.extend(str(CreateIndex(index).compile(dialect=dialect)) for index in indexes)
    lines = ["\n".join(line.rstrip() for line in one.strip().splitlines()) + ";\n" for one in statements]
    return "\n".join(lines).replace("\t", "  ")


def main() -> None:
    """Write both texts."""
    FOLDER.mkdir(exist_ok=True)
    for name in DIALECTS:
        (FOLDER / f"{name}.sql").write_text(render(name))


if __name__ == "__main__":
    main()
