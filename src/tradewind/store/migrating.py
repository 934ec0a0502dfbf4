"""Running Alembic inside the transaction that `schema` has opened and locked. The only module that imports Alembic."""

from __future__ import annotations

import pathlib
from typing import Any

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.pool import NullPool

from tradewind.ports import errors
from tradewind.store.sessions import Dialect, Session

_SCRIPTS = pathlib.Path(__file__).with_name("migrations")


def configuration() -> Config:
    """Alembic's settings; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config


def head() -> str | None:
    """The newest migration there is."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def known() -> list[str]:
    """The revisions that this program can bring to its own, newest first."""
    return [script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()]


def upgrade(session: Session, dialect: Dialect, version: str | None) -> None:
    """Apply what is newer than `version`. Raises `errors.Rejected` for a version that this program does not know."""
    config = configuration()
    if version is not None and version not in known():
        raise errors.Rejected(
            f"was written by another release of tradewind (its schema is {version!r})",
            object=dialect.label,
            hint="run that release, or a newer one",
            code="database-newer",
        )
    lent = _Lent(session.raw)
    engine = sqlalchemy.create_engine(
        dialect.alchemy_url, creator=lambda: lent, poolclass=NullPool, **dialect.alchemy_options
    )
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


class _Lent:
    """A driver's connection whose transaction is not its user's to end: SQLAlchemy would roll back at its end."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def commit(self) -> None: ...
    def rollback(self) -> None: ...
    def close(self) -> None: ...
