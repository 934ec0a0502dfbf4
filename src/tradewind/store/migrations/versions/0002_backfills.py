"""Backfills, and which of them a run belongs to.

Run by Alembic, never imported; once released it never changes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0002"
down_revision = "0001"

KEY: TypeEngine[str] = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
OF_BACKFILL = sa.text("backfill_id IS NOT NULL")


def upgrade() -> None:
    """Add the table, the column and their indexes."""
    op.create_table(
        "backfill",
        sa.Column("backfill_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dag_id", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("backfill_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("backfill_of_dag", "backfill", ["dag_id", "backfill_id"])
    op.create_index("backfill_by_state", "backfill", ["state", "backfill_id"])
    op.add_column("dag_run", sa.Column("backfill_id", sa.BigInteger(), nullable=True))
    op.create_index(
        "dag_run_of_backfill",
        "dag_run",
        ["backfill_id", "state", "run_key"],
        sqlite_where=OF_BACKFILL,
        postgresql_where=OF_BACKFILL,
    )
