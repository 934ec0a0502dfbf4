"""Bringing a database to the schema of this program when it is opened: made, migrated, or found as it should be.

Invariant: whoever opens first does it, alone, and others wait for it. The usual case, nothing to do, costs one query
and imports nothing. Migrations only add within a release, so a program of the same release still works beside it.
"""

from __future__ import annotations

import pathlib

from tradewind.ports import errors
from tradewind.store.sessions import Dialect, Session

HEAD = "0003"
"""The newest migration; a test holds it to `migrations/`."""

_FOLDER = pathlib.Path(__file__).with_name("schema")
_VERSION_TABLE = "create table alembic_version (version_num varchar(32) not null primary key)"


def ensure(session: Session, dialect: Dialect) -> None:
    """Make or migrate as needed.

    Raises `errors.Rejected` for a database of a newer program, or one that holds something else.
    """
    if find_version(session) == HEAD:
        return
    session.begin()
    try:
        session.lock_schema()
        version = find_version(session)  # another process may have done it while we waited
        if version is None:
            _make(session, dialect)
        elif version != HEAD:
            from tradewind.store import migrating

            migrating.upgrade(session, dialect, version)
        session.commit()
    except BaseException:
        session.rollback()
        raise


def statements(dialect_name: str) -> list[str]:
    """What makes an empty database ours."""
    text = (_FOLDER / f"{dialect_name}.sql").read_text()
    return [one for one in text.split(";\n") if one.strip()]


def find_version(session: Session) -> str | None:
    """The revision of a database; None where it is empty or not ours."""
    if "alembic_version" not in session.tables():
        return None
    row = session.row("select version_num from alembic_version")
    return None if row is None else str(row[0])


def _make(session: Session, dialect: Dialect) -> None:
    ours = {line.split()[2] for line in statements(dialect.name) if line.strip().startswith("CREATE TABLE")}
    taken = sorted(session.tables() & ours)
    if taken:
        raise errors.Rejected(
            f"holds tables that tradewind did not make: {', '.join(taken)}",
            object=dialect.label,
            hint="give tradewind a database of its own",
            code="database-foreign",
        )
    for statement in statements(dialect.name):
        session.run(statement)
    if "alembic_version" not in session.tables():
        session.run(_VERSION_TABLE)
    session.run("insert into alembic_version (version_num) values (?)", (HEAD,))
