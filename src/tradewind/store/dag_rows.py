"""The row of a DAG, which two write: bundles its version and file, the engine whether it is paused and its slots.

Invariant: neither overwrites what is the other's, whoever commits last; the row is locked from reading to commit.
"""

from __future__ import annotations

from tradewind.model.ids import DagId
from tradewind.model.rows import DagRow
from tradewind.store import codec
from tradewind.store.sessions import Session

# An update that changes nothing reads the newest body, and keeps others away from the row until we commit.
_LOCK = "update dag set version = version where dag_id = ? returning body"
_WRITE = """
insert into dag (dag_id, version, body) values (?, ?, ?)
on conflict (dag_id) do update set version = excluded.version, body = excluded.body
"""


def find_locked(session: Session, dag_id: DagId) -> DagRow | None:
    """The row as it is, ours until the transaction ends."""
    row = session.row(_LOCK, (dag_id,))
    return None if row is None else codec.dag_row.decode(row[0])


def write(session: Session, dag: DagRow) -> None:
    """Insert or replace."""
    session.run(_WRITE, (dag.dag_id, dag.version, codec.text(dag)))


def write_decided(session: Session, dag: DagRow) -> None:
    """What the engine decided; version, file and bundle stay as `versions` wrote them, perhaps a moment ago."""
    known = find_locked(session, dag.dag_id)
    write(session, dag if known is None else known.with_decided(dag))
