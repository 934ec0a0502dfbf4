"""The schema as SQLAlchemy sees it: which tables there are, what queries filter and order by, and each index.

Owns the shape alone: it is imported to write the schema texts, to migrate and to compare, never while the store runs
(see docs/decisions/0003). Rows that are carried whole lie as JSON in `body`; the other columns repeat what queries
need. Moments are whole microseconds since 1970 in UTC. Whoever changes a table here writes a migration too; a test
compares.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint, text
from sqlalchemy.types import TypeEngine

metadata = MetaData()

# Keys sort by code point in both databases, so that a page ends and begins at the same row in either.
KEY: TypeEngine[str] = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite gives out row ids only for a column declared as exactly INTEGER.
ROW_ID: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")

lease = Table(
    "lease",
    metadata,
    Column("name", KEY, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    # What a commit moves in the same update that checks the epoch; numbers therefore never come twice.
    Column("commits", BigInteger, nullable=False),
    Column("last_fact", BigInteger, nullable=False),
    Column("last_run_key", BigInteger, nullable=False),
)

fact = Table(
    "fact",
    metadata,
    Column("number", ROW_ID, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("run_key", BigInteger),
    Column("body", Text, nullable=False),
)

dag_run = Table(
    "dag_run",
    metadata,
    Column("run_key", BigInteger, primary_key=True, autoincrement=False),
    Column("dag_id", KEY, nullable=False),
    Column("run_id", KEY, nullable=False),
    Column("state", KEY, nullable=False),
    Column("version", KEY, nullable=False),
    Column("logical_date", BigInteger),
    Column("body", Text, nullable=False),
    Column("backfill_id", BigInteger),
    UniqueConstraint("dag_id", "run_id", name="dag_run_id"),
    # As an alias of SQLite's row id, the key could not be part of a range over an index.
    sqlite_with_rowid=False,
)
Index("dag_run_of_dag", dag_run.c.dag_id, dag_run.c.run_key)
Index("dag_run_of_dag_by_state", dag_run.c.dag_id, dag_run.c.state, dag_run.c.run_key)
Index("dag_run_by_state", dag_run.c.state, dag_run.c.run_key)
Index("dag_run_by_date", dag_run.c.dag_id, dag_run.c.logical_date)
_of_backfill = text("backfill_id IS NOT NULL")
Index(
    "dag_run_of_backfill",
    dag_run.c.backfill_id,
    dag_run.c.state,
    dag_run.c.run_key,
    sqlite_where=_of_backfill,
    postgresql_where=_of_backfill,
)

backfill = Table(
    "backfill",
    metadata,
    Column("backfill_id", BigInteger, primary_key=True, autoincrement=False),
    Column("dag_id", KEY, nullable=False),
    Column("state", KEY, nullable=False),
    Column("version", KEY, nullable=False),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)
Index("backfill_of_dag", backfill.c.dag_id, backfill.c.backfill_id)
Index("backfill_by_state", backfill.c.state, backfill.c.backfill_id)

task_instance = Table(
    "task_instance",
    metadata,
    Column("run_key", BigInteger, primary_key=True, autoincrement=False),
    Column("task_id", KEY, primary_key=True),
    Column("map_index", Integer, primary_key=True, autoincrement=False),
    Column("state", KEY, nullable=False),
    Column("attempt_id", KEY),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)

# Together with their run's others, so that a batch of one run touches few pages; found by id through an index.
attempt = Table(
    "attempt",
    metadata,
    Column("run_key", BigInteger, primary_key=True, autoincrement=False),
    Column("task_id", KEY, primary_key=True),
    Column("map_index", Integer, primary_key=True, autoincrement=False),
    Column("attempt_id", KEY, primary_key=True),
    Column("phase", KEY, nullable=False),
    Column("reason", KEY),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)
Index("attempt_by_id", attempt.c.attempt_id, unique=True)
_live = text("phase <> 'ended'")
Index("attempt_live", attempt.c.run_key, sqlite_where=_live, postgresql_where=_live)

task_count = Table(
    "task_count",
    metadata,
    Column("run_key", BigInteger, primary_key=True, autoincrement=False),
    Column("group_id", KEY, primary_key=True),
    Column("state", KEY, primary_key=True),
    Column("n", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

xcom = Table(
    "xcom",
    metadata,
    Column("run_key", BigInteger, primary_key=True, autoincrement=False),
    Column("task_id", KEY, primary_key=True),
    Column("map_index", Integer, primary_key=True, autoincrement=False),
    Column("key", KEY, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("length", BigInteger),
)

dag = Table(
    "dag",
    metadata,
    Column("dag_id", KEY, primary_key=True),
    Column("version", KEY, nullable=False),
    Column("body", Text, nullable=False),
)

dag_version = Table(
    "dag_version",
    metadata,
    Column("version", KEY, primary_key=True),
    Column("tree", KEY, nullable=False),
    Column("summary", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("dag_id", KEY, nullable=False, server_default=""),
    Column("created_at", BigInteger, nullable=False, server_default="0"),
)
Index("dag_version_of_dag", dag_version.c.dag_id, dag_version.c.created_at, dag_version.c.version)

dag_file = Table(
    "dag_file",
    metadata,
    Column("bundle", KEY, primary_key=True),
    Column("path", KEY, primary_key=True),
    Column("body", Text, nullable=False),
)

slot_pool = Table(
    "slot_pool",
    metadata,
    Column("name", KEY, primary_key=True),
    Column("body", Text, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    Column("inbox_id", ROW_ID, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("result", Text),
    sqlite_autoincrement=True,
)
_waiting = text("result IS NULL")
Index("inbox_waiting", inbox.c.inbox_id, sqlite_where=_waiting, postgresql_where=_waiting)

outbox = Table(
    "outbox",
    metadata,
    Column("key", KEY, primary_key=True),
    Column("due_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
Index("outbox_due", outbox.c.due_at, outbox.c.key)

vault_row = Table(
    "vault_row",
    metadata,
    Column("kind", KEY, primary_key=True),
    Column("key", KEY, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("description", Text, nullable=False),
)
