"""Which DAG a version is of, and when it was made: versions can be listed without reading them all.

Run by Alembic, never imported; once released it never changes.
"""

from __future__ import annotations

import datetime
import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0003"
down_revision = "0002"

KEY: TypeEngine[str] = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def upgrade() -> None:
    """Add the columns, fill them from the versions' texts, and index them."""
    op.add_column("dag_version", sa.Column("dag_id", KEY, nullable=False, server_default=""))
    op.add_column("dag_version", sa.Column("created_at", sa.BigInteger(), nullable=False, server_default="0"))
    connection = op.get_bind()
    for version, body in connection.execute(sa.text("select version, body from dag_version")).all():
        told = json.loads(body)
        created = datetime.datetime.fromisoformat(told["created_at"]) - EPOCH
        connection.execute(
            sa.text("update dag_version set dag_id = :dag_id, created_at = :created_at where version = :version"),
            {
                "dag_id": told["spec"]["dag_id"],
                "created_at": created // datetime.timedelta(microseconds=1),
                "version": version,
            },
        )
    op.create_index("dag_version_of_dag", "dag_version", ["dag_id", "created_at", "version"])
