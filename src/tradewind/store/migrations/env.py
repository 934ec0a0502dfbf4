"""How Alembic runs here: on the connection that the store hands over, inside the transaction that it opened.

Run by Alembic, never imported.
"""

from __future__ import annotations

from alembic import context

from tradewind.store import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    # SQLite changes a table by making it anew.
    render_as_batch=True,
    # Ours is the only transaction: all migrations or none.
    transactional_ddl=False,
)
context.run_migrations()
