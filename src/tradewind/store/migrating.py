"""Running Alembic inside the transaction that `schema` has opened and locked. The only module that imports Alembic."""

from __future__ import annotations

import pathlib

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.pool import StaticPool

from tradewind.ports import errors
from tradewind.store.dialect import Dialect, Session

_SCRIPTS = pathlib.Path(__file__).with_name("migrations")
_URLS = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}


def configuration() -> Config:
    """Alembic's settings; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config


def head() -> str | None:
    """The newest migration there is."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def upgrade(session: Session, dialect: Dialect, version: str | None) -> None:
    """Apply what is newer than `version`. Raises `errors.Rejected` for a version that this program does not know."""
    config = configuration()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise errors.Rejected(
            f"was written by another release of tradewind (its schema is {version!r})",
            object=dialect.label,
            hint="run that release, or a newer one",
            code="database-newer",
        )
    raw = session.raw
    # SQLAlchemy would set isolation and encoding of a connection that is in the middle of our transaction.
    engine = sqlalchemy.create_engine(
        _URLS[dialect.name], creator=lambda: raw, poolclass=StaticPool, _initialize=False, pool_reset_on_return=None
    )
    with engine.connect().execution_options() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.detach()
