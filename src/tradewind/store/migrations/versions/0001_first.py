"""The first schema.

Run by Alembic, never imported; once released it never changes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None

KEY: TypeEngine[str] = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ROW_ID: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LIVE = sa.text("phase <> 'ended'")
WAITING = sa.text("result IS NULL")


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "attempt",
        sa.Column("run_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("task_id", KEY, nullable=False),
        sa.Column("map_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attempt_id", KEY, nullable=False),
        sa.Column("phase", KEY, nullable=False),
        sa.Column("reason", KEY, nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_key", "task_id", "map_index", "attempt_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("attempt_by_id", "attempt", ["attempt_id"], unique=True)
    op.create_index("attempt_live", "attempt", ["run_key"], sqlite_where=LIVE, postgresql_where=LIVE)
    op.create_table(
        "dag",
        sa.Column("dag_id", KEY, nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("dag_id"),
    )
    op.create_table(
        "dag_file",
        sa.Column("bundle", KEY, nullable=False),
        sa.Column("path", KEY, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("bundle", "path"),
    )
    op.create_table(
        "dag_run",
        sa.Column("run_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("dag_id", KEY, nullable=False),
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("logical_date", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_key"),
        sa.UniqueConstraint("dag_id", "run_id", name="dag_run_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("dag_run_by_date", "dag_run", ["dag_id", "logical_date"])
    op.create_index("dag_run_by_state", "dag_run", ["state", "run_key"])
    op.create_index("dag_run_of_dag", "dag_run", ["dag_id", "run_key"])
    op.create_index("dag_run_of_dag_by_state", "dag_run", ["dag_id", "state", "run_key"])
    op.create_table(
        "dag_version",
        sa.Column("version", KEY, nullable=False),
        sa.Column("tree", KEY, nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "fact",
        sa.Column("number", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("run_key", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "inbox",
        sa.Column("inbox_id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("inbox_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("inbox_waiting", "inbox", ["inbox_id"], sqlite_where=WAITING, postgresql_where=WAITING)
    op.create_table(
        "lease",
        sa.Column("name", KEY, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("commits", sa.BigInteger(), nullable=False),
        sa.Column("last_fact", sa.BigInteger(), nullable=False),
        sa.Column("last_run_key", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "outbox",
        sa.Column("key", KEY, nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("outbox_due", "outbox", ["due_at", "key"])
    op.create_table(
        "slot_pool",
        sa.Column("name", KEY, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "task_count",
        sa.Column("run_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("group_id", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run_key", "group_id", "state"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "task_instance",
        sa.Column("run_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("task_id", KEY, nullable=False),
        sa.Column("map_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("attempt_id", KEY, nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_key", "task_id", "map_index"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "vault_row",
        sa.Column("kind", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key"),
    )
    op.create_table(
        "xcom",
        sa.Column("run_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("task_id", KEY, nullable=False),
        sa.Column("map_index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("run_key", "task_id", "map_index", "key"),
    )
