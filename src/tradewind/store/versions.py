"""DAG versions by hash, which of them is each DAG's newest, and what is known about files.

Written by bundles, beside the leader: a version is never changed once it is there, and a DAG's row is shared with the
engine as `dag_rows` says. Of each specification a short summary lies beside it, so that lists need not read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from tradewind.model.dagspec import DagSpec, Meaning
from tradewind.model.ids import DagId, VersionHash
from tradewind.model.rows import DagRow
from tradewind.model.timetable import summary as timetable_summary
from tradewind.ports import errors
from tradewind.ports import store as port
from tradewind.store import codec, dag_rows
from tradewind.store.connections import Connections
from tradewind.store.sessions import Session

_PUT = """
insert into dag_version (version, tree, summary, body, dag_id, created_at) values (?, ?, ?, ?, ?, ?)
on conflict (version) do nothing
"""
_GET = "select body from dag_version where version = ?"
_OF_DAG = """
select body from dag_version where dag_id >= ? and dag_id <= ?
order by dag_id desc, created_at desc, version desc limit ?
"""
_PUT_FILE = """
insert into dag_file (bundle, path, body) values (?, ?, ?)
on conflict (bundle, path) do update set body = excluded.body
"""
_FORGET_FILE = "delete from dag_file where bundle = ? and path = ?"
_FILES = "select body from dag_file where bundle = ? order by path"
_TREES = """
select v.tree from dag d join dag_version v on v.version = d.version
union select v.tree from dag_run r join dag_version v on v.version = r.version where r.state in ('queued', 'running')
union select v.tree from backfill b join dag_version v on v.version = b.version where b.state in ('running', 'paused')
"""


class Summary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What lists show of a specification."""

    schedule: str = ""
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    meaning: Meaning = "3"
    meaning_from: str = ""
    task_count: int = 0

    @classmethod
    def of(cls, spec: DagSpec) -> Summary:
        """Of a specification."""
        return cls(
            schedule=timetable_summary(spec.timetable),
            tags=spec.tags,
            owners=spec.owners,
            meaning=spec.meaning,
            meaning_from=spec.meaning_from,
            task_count=len(spec.tasks),
        )


class SqlDagVersions:
    """Implements `ports.store.DagVersions`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def put(
        self,
        versions: Sequence[port.Version],
        files: Sequence[port.FileStatus],
        removed_dag_ids: Sequence[DagId],
        at: datetime,
    ) -> Sequence[DagRow]:
        """Every statement by its table's key."""
        rows = [
            (
                one.version,
                one.tree,
                codec.text(Summary.of(one.spec)),
                codec.text(one),
                one.spec.dag_id,
                codec.micros(one.created_at),
            )
            for one in versions
        ]
        states = [(one.bundle, one.path, codec.text(one)) for one in files]

        def work(session: Session) -> list[DagRow]:
            session.many((_PUT, rows), (_PUT_FILE, states))
            # In order, so that two who write the same rows wait for each other and do not lock each other out.
            changed = [_take(session, one) for one in sorted(versions, key=lambda one: one.spec.dag_id)]
            changed += [_remove(session, dag_id) for dag_id in sorted(removed_dag_ids)]
            return [row for row in changed if row is not None]

        return await self._connections.write(work)

    async def forget_files(self, bundle: str, paths: Sequence[str]) -> None:
        """By the table's key."""
        await self._connections.write(lambda session: session.many((_FORGET_FILE, [(bundle, path) for path in paths])))

    async def get(self, version: VersionHash) -> port.Version:
        """By the table's key."""
        row = await self._connections.read(lambda session: session.row(_GET, (version,)))
        if row is None:
            raise errors.NotFound(
                "no such version",
                object=f"DAG version {version[:12]}",
                code="no-such-version",
                hint="`tradewind dags versions DAG_ID` lists them",
            )
        return codec.version.decode(row[0])

    async def list_of_dag(self, dag_id: DagId, limit: int) -> Sequence[port.Version]:
        """By index `dag_version_of_dag`."""
        rows = await self._connections.read(lambda session: session.rows(_OF_DAG, (dag_id, dag_id, limit)))
        return [codec.version.decode(body) for (body,) in rows]

    async def list_files(self, bundle: str) -> Sequence[port.FileStatus]:
        """By the table's key."""
        rows = await self._connections.read(lambda session: session.rows(_FILES, (bundle,)))
        return [codec.file_status.decode(body) for (body,) in rows]

    async def list_trees_in_use(self) -> frozenset[str]:
        """By index `dag_run_by_state` and the key of versions."""
        return frozenset(tree for (tree,) in await self._connections.read(lambda session: session.rows(_TREES)))


def _take(session: Session, version: port.Version) -> DagRow | None:
    known = dag_rows.find_locked(session, DagId(version.spec.dag_id))
    row = version.as_newest(known)
    if row == known:
        return None
    dag_rows.write(session, row)
    return row


def _remove(session: Session, dag_id: DagId) -> DagRow | None:
    known = dag_rows.find_locked(session, dag_id)
    if known is None or known.removed:
        return None
    row = msgspec.structs.replace(known, removed=True)
    dag_rows.write(session, row)
    return row
