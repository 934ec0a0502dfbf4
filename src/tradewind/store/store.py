"""Thin SQLite store (hedge): rows as JSON blobs."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec

from tradewind.model.commands import Command, CommandResult
from tradewind.model.dagspec import DagSpec
from tradewind.model.facts import (
    AttemptFact,
    Batch,
    CommandFact,
    DagFact,
    Fact,
    OutboxFact,
    PoolFact,
    RunFact,
    TaskDropped,
    TaskFact,
    XComsCleared,
)
from tradewind.model.rows import Attempt, DagRow, DagRun, OutboxRow, Pool, TaskInstance, XComRow
from tradewind.model.snapshot import ActiveSnapshot, RunRef, RunSnapshot
from tradewind.model.timetable import summary
from tradewind.ports import errors
from tradewind.ports import store as port

SCHEMA = """
create table if not exists lease(name text primary key, holder text, epoch int, expires real);
create table if not exists fact(seq integer primary key autoincrement, at real, run_key int, kind text, payload text);
create table if not exists run(run_key integer primary key, dag_id text, run_id text, state text, logical text, body text, unique(dag_id, run_id));
create index if not exists run_dag on run(dag_id, run_key);
create index if not exists run_active on run(state) where state in ('queued','running');
create table if not exists ti(run_key int, task_id text, map_index int, state text, body text, primary key(run_key, task_id, map_index)) without rowid;
create table if not exists attempt(attempt_id text primary key, run_key int, task_id text, map_index int, phase text, reason text, body text) without rowid;
create index if not exists attempt_ti on attempt(run_key, task_id, map_index);
create table if not exists xcom(run_key int, task_id text, map_index int, key text, value blob, length int, primary key(run_key, task_id, map_index, key));
create table if not exists dag(dag_id text primary key, body text);
create table if not exists pool(name text primary key, body text);
create table if not exists inbox(id integer primary key autoincrement, at real, command text, by text, result text);
create table if not exists outbox(key text primary key, due real, body text);
create table if not exists version(version text primary key, body text, spec text);
create table if not exists file(bundle text, path text, body text, primary key(bundle, path));
create table if not exists count(run_key int, grp text, state text, n int, primary key(run_key, grp, state));
create table if not exists vault(kind text, key text, body text, primary key(kind, key));
"""
enc = msgspec.json.Encoder()
_fact = msgspec.json.Decoder(Fact)
D = {t: msgspec.json.Decoder(t) for t in (DagRun, TaskInstance, Attempt, DagRow, Pool, OutboxRow)}


def j(x: Any) -> str:
    return enc.encode(x).decode()


class Part:
    def __init__(self, store: "SqlStore") -> None:
        self.s = store


class Lease(Part):
    async def acquire(self, holder: str, now: datetime, ttl: timedelta) -> int | None:
        def work(c: sqlite3.Connection) -> int | None:
            row = c.execute("select epoch, expires from lease where name='leader'").fetchone()
            if row and row[1] > now.timestamp():
                return None
            epoch = (row[0] if row else 0) + 1
            c.execute("insert or replace into lease values('leader',?,?,?)", (holder, epoch, (now + ttl).timestamp()))
            return epoch

        return await self.s.write(work)

    async def renew(self, epoch: int, now: datetime, ttl: timedelta) -> None:
        def work(c: sqlite3.Connection) -> int:
            return c.execute(
                "update lease set expires=? where name='leader' and epoch=?", ((now + ttl).timestamp(), epoch)
            ).rowcount

        if not await self.s.write(work):
            raise errors.Conflict("the lease moved")

    async def release(self, epoch: int) -> None:
        await self.s.write(
            lambda c: c.execute("update lease set expires=0 where name='leader' and epoch=?", (epoch,)) and None
        )

    async def find(self) -> port.Held | None:
        row = await self.s.read(lambda c: c.execute("select holder, epoch, expires from lease").fetchone())
        return (
            None
            if row is None
            else port.Held(holder=row[0], epoch=row[1], expires_at=datetime.fromtimestamp(row[2], timezone.utc))
        )


class RunLog(Part):
    async def commit(self, batch: Batch, epoch: int) -> int:
        def work(c: sqlite3.Connection) -> int:
            row = c.execute("select epoch from lease where name='leader'").fetchone()
            if row is None or row[0] != epoch:
                raise errors.Conflict("the lease moved")
            at = datetime.now(timezone.utc).timestamp()
            facts, runs, tis, attempts = [], {}, {}, {}
            for f in batch.facts:
                key = 0
                if isinstance(f, TaskFact):
                    t = f.task
                    key = t.run_key
                    tis[t.key] = t
                elif isinstance(f, AttemptFact):
                    attempts[f.attempt.attempt_id] = f.attempt
                    key = f.attempt.run_key
                elif isinstance(f, RunFact):
                    runs[f.run.run_key] = f.run
                    key = f.run.run_key
                elif isinstance(f, TaskDropped):
                    tis.pop((f.run_key, f.task_id, f.map_index), None)
                    c.execute(
                        "delete from ti where run_key=? and task_id=? and map_index=?",
                        (f.run_key, f.task_id, f.map_index),
                    )
                elif isinstance(f, DagFact):
                    c.execute("insert or replace into dag values(?,?)", (f.dag.dag_id, j(f.dag)))
                elif isinstance(f, PoolFact):
                    c.execute("insert or replace into pool values(?,?)", (f.pool.name, j(f.pool)))
                elif isinstance(f, OutboxFact):
                    c.execute(
                        "insert or ignore into outbox values(?,?,?)", (f.row.key, f.row.due_at.timestamp(), j(f.row))
                    )
                elif isinstance(f, CommandFact):
                    c.execute("update inbox set result=? where id=?", (j(f.result), f.inbox_id))
                elif isinstance(f, XComsCleared):
                    c.execute(
                        "delete from xcom where run_key=? and task_id=? and map_index=?",
                        (f.run_key, f.task_id, f.map_index),
                    )
                facts.append((at, key, type(f).__name__, j(f)))
            c.executemany("insert into fact(at,run_key,kind,payload) values(?,?,?,?)", facts)
            c.executemany(
                "insert or replace into run values(?,?,?,?,?,?)",
                [
                    (
                        r.run_key,
                        r.dag_id,
                        r.run_id,
                        r.state.value,
                        r.logical_date.isoformat() if r.logical_date else None,
                        j(r),
                    )
                    for r in runs.values()
                ],
            )
            c.executemany(
                "insert or replace into ti values(?,?,?,?,?)",
                [(t.run_key, t.task_id, t.map_index, t.state.value, j(t)) for t in tis.values()],
            )
            c.executemany(
                "insert or replace into attempt values(?,?,?,?,?,?,?)",
                [
                    (
                        a.attempt_id,
                        a.run_key,
                        a.task_id,
                        a.map_index,
                        a.phase.value,
                        a.reason.value if a.reason else None,
                        j(a),
                    )
                    for a in attempts.values()
                ],
            )
            c.executemany(
                "insert or replace into xcom values(?,?,?,?,?,?)",
                [(x.run_key, x.task_id, x.map_index, x.key, x.value, x.length) for x in batch.xcoms],
            )
            c.executemany(
                "insert into count values(?,?,?,?) on conflict do update set n=n+excluded.n",
                [(d.run_key, d.group_id, d.state, d.change) for d in batch.counts],
            )
            return c.execute("select max(seq) from fact").fetchone()[0] or 0

        return await self.s.write(work)

    async def read(self, after: int, limit: int = 1000) -> Sequence[tuple[int, datetime, Fact]]:
        rows = await self.s.read(
            lambda c: c.execute(
                "select seq, at, payload from fact where seq>? order by seq limit ?", (after, limit)
            ).fetchall()
        )
        return [(a, datetime.fromtimestamp(b, timezone.utc), _fact.decode(p)) for a, b, p in rows]

    async def last_run_key(self) -> int:
        return await self.s.read(lambda c: c.execute("select max(run_key) from run").fetchone()[0]) or 0

    async def load_active(self) -> ActiveSnapshot:
        def work(c: sqlite3.Connection) -> ActiveSnapshot:
            return ActiveSnapshot(
                dags=tuple(D[DagRow].decode(b) for (b,) in c.execute("select body from dag")),
                pools=tuple(D[Pool].decode(b) for (b,) in c.execute("select body from pool")),
                runs=tuple(
                    self._run(c, D[DagRun].decode(b))
                    for (b,) in c.execute("select body from run where state in ('queued','running')").fetchall()
                ),
            )

        return await self.s.read(work)

    def _run(self, c: sqlite3.Connection, run: DagRun) -> RunSnapshot:
        return RunSnapshot(
            run=run,
            tasks=tuple(
                D[TaskInstance].decode(b)
                for (b,) in c.execute("select body from ti where run_key=? order by task_id, map_index", (run.run_key,))
            ),
            attempts=tuple(
                D[Attempt].decode(b)
                for (b,) in c.execute("select body from attempt where run_key=? and phase!='ended'", (run.run_key,))
            ),
        )

    async def find_run(self, ref: RunRef) -> RunSnapshot | None:
        def work(c: sqlite3.Connection) -> RunSnapshot | None:
            if ref.run_id is not None:
                row = c.execute("select body from run where dag_id=? and run_id=?", (ref.dag_id, ref.run_id)).fetchone()
            elif ref.logical_date is not None:
                row = c.execute(
                    "select body from run where dag_id=? and logical=?", (ref.dag_id, ref.logical_date.isoformat())
                ).fetchone()
            else:
                row = c.execute(
                    "select body from run where dag_id=? and logical<? order by logical desc limit 1",
                    (ref.dag_id, ref.before.isoformat() if ref.before else ""),
                ).fetchone()
            return None if row is None else self._run(c, D[DagRun].decode(row[0]))

        return await self.s.read(work)


class Inbox(Part):
    async def put(self, command: Command, by: str, at: datetime) -> int:
        return await self.s.write(
            lambda c: (
                c.execute("insert into inbox(at,command,by) values(?,?,?)", (at.timestamp(), j(command), by)).lastrowid
            )
        )

    async def list_waiting(self, limit: int = 100) -> Sequence[port.InboxRow]:
        rows = await self.s.read(
            lambda c: c.execute(
                "select id, at, command, by from inbox where result is null order by id limit ?", (limit,)
            ).fetchall()
        )
        return [
            port.InboxRow(
                inbox_id=i,
                at=datetime.fromtimestamp(a, timezone.utc),
                command=msgspec.json.decode(k, type=Command),
                by=b,
            )
            for i, a, k, b in rows
        ]

    async def find_result(self, inbox_id: int) -> CommandResult | None:
        row = await self.s.read(lambda c: c.execute("select result from inbox where id=?", (inbox_id,)).fetchone())
        return None if row is None or row[0] is None else msgspec.json.decode(row[0], type=CommandResult)

    async def change_token(self) -> int:
        return await self.s.read(lambda c: c.execute("pragma data_version").fetchone()[0])


class Outbox(Part):
    async def list_due(self, now: datetime, limit: int = 100) -> Sequence[OutboxRow]:
        rows = await self.s.read(
            lambda c: c.execute("select body from outbox where due<=? limit ?", (now.timestamp(), limit)).fetchall()
        )
        return [D[OutboxRow].decode(b) for (b,) in rows]

    async def done(self, keys: Sequence[str]) -> None:
        await self.s.write(lambda c: c.executemany("delete from outbox where key=?", [(k,) for k in keys]) and None)

    async def postpone(self, key: str, due_at: datetime, error: str) -> None:
        def work(c: sqlite3.Connection) -> None:
            b = c.execute("select body from outbox where key=?", (key,)).fetchone()[0]
            row = D[OutboxRow].decode(b)
            row = msgspec.structs.replace(row, due_at=due_at, error=error, tries=row.tries + 1)
            c.execute("update outbox set due=?, body=? where key=?", (due_at.timestamp(), j(row), key))

        await self.s.write(work)


class Versions(Part):
    async def put(
        self, versions: Sequence[port.Version], files: Sequence[port.FileStatus], removed: Sequence[str], at: datetime
    ) -> Sequence[DagRow]:
        def work(c: sqlite3.Connection) -> list[DagRow]:
            changed = []
            for v in versions:
                c.execute("insert or ignore into version values(?,?,?)", (v.version, j(v), None))
                row = c.execute("select body from dag where dag_id=?", (v.spec.dag_id,)).fetchone()
                if row is None:
                    new = DagRow(
                        dag_id=v.spec.dag_id,
                        version=v.version,
                        file=v.spec.file,
                        bundle=v.bundle,
                        paused=bool(v.spec.is_paused_upon_creation),
                    )  # type: ignore[arg-type]
                else:
                    old = D[DagRow].decode(row[0])
                    new = msgspec.structs.replace(
                        old, version=v.version, file=v.spec.file, bundle=v.bundle, removed=False
                    )
                    if new == old:
                        continue
                c.execute("insert or replace into dag values(?,?)", (new.dag_id, j(new)))
                changed.append(new)
            for f in files:
                c.execute("insert or replace into file values(?,?,?)", (f.bundle, f.path, j(f)))
            for d in removed:
                row = c.execute("select body from dag where dag_id=?", (d,)).fetchone()
                if row:
                    new = msgspec.structs.replace(D[DagRow].decode(row[0]), removed=True)
                    c.execute("insert or replace into dag values(?,?)", (d, j(new)))
                    changed.append(new)
            return changed

        return await self.s.write(work)

    async def forget_files(self, bundle: str, paths: Sequence[str]) -> None:
        await self.s.write(
            lambda c: c.executemany("delete from file where bundle=? and path=?", [(bundle, p) for p in paths]) and None
        )

    async def get(self, version: str) -> port.Version:
        row = await self.s.read(lambda c: c.execute("select body from version where version=?", (version,)).fetchone())
        if row is None:
            raise errors.NotFound(f"no version {version}")
        return msgspec.json.decode(row[0], type=port.Version)

    async def list_files(self, bundle: str) -> Sequence[port.FileStatus]:
        rows = await self.s.read(
            lambda c: c.execute("select body from file where bundle=? order by path", (bundle,)).fetchall()
        )
        return [msgspec.json.decode(b, type=port.FileStatus) for (b,) in rows]

    async def list_trees_in_use(self) -> frozenset[str]:
        rows = await self.s.read(lambda c: c.execute("select body from version").fetchall())
        return frozenset(msgspec.json.decode(b, type=port.Version).tree for (b,) in rows)


class Views(Part):
    async def list_dags(self, page: port.Page) -> Sequence[port.DagView]:
        rows = await self.s.read(
            lambda c: c.execute(
                "select body from dag where dag_id>? order by dag_id limit ?", (page.after or "", page.limit)
            ).fetchall()
        )
        return [await self._view(D[DagRow].decode(b)) for (b,) in rows]

    async def _view(self, dag: DagRow) -> port.DagView:
        spec = (await self.s.versions.get(dag.version)).spec
        runs = await self.list_runs(port.Page(limit=1), dag.dag_id)
        return port.DagView(
            dag=dag,
            schedule=summary(spec.timetable),
            tags=spec.tags,
            owners=spec.owners,
            meaning=spec.meaning,
            meaning_from=spec.meaning_from,
            task_count=len(spec.tasks),
            last_run=runs[0] if runs else None,
        )

    async def get_dag(self, dag_id: str) -> port.DagView:
        row = await self.s.read(lambda c: c.execute("select body from dag where dag_id=?", (dag_id,)).fetchone())
        if row is None:
            raise errors.NotFound("no such DAG", object=f"DAG {dag_id!r}", hint="`tradewind dags list` shows them")
        return await self._view(D[DagRow].decode(row[0]))

    async def list_runs(
        self, page: port.Page, dag_id: str | None = None, states: Sequence[Any] = ()
    ) -> Sequence[DagRun]:
        rows = await self.s.read(
            lambda c: c.execute(
                "select body from run where (? is null or dag_id=?) order by run_key desc limit ?",
                (dag_id, dag_id, page.limit),
            ).fetchall()
        )
        return [r for r in (D[DagRun].decode(b) for (b,) in rows) if not states or r.state in states]

    async def get_run(self, dag_id: str, run_id: str) -> DagRun:
        row = await self.s.read(
            lambda c: c.execute("select body from run where dag_id=? and run_id=?", (dag_id, run_id)).fetchone()
        )
        if row is None:
            raise errors.NotFound("no such run", object=f"run {run_id!r}", hint="`tradewind runs list`")
        return D[DagRun].decode(row[0])

    async def list_tasks(self, run_key: int, page: port.Page, states: Sequence[Any] = ()) -> Sequence[TaskInstance]:
        rows = await self.s.read(
            lambda c: c.execute(
                "select body from ti where run_key=? order by task_id, map_index", (run_key,)
            ).fetchall()
        )
        return [D[TaskInstance].decode(b) for (b,) in rows]

    async def list_attempts(self, run_key: int, task_id: str, map_index: int = -1) -> Sequence[Attempt]:
        rows = await self.s.read(
            lambda c: c.execute(
                "select body from attempt where run_key=? and task_id=? and map_index=?", (run_key, task_id, map_index)
            ).fetchall()
        )
        return sorted((D[Attempt].decode(b) for (b,) in rows), key=lambda a: (a.try_number, a.number))

    async def get_attempt(self, attempt_id: str) -> Attempt:
        row = await self.s.read(
            lambda c: c.execute("select body from attempt where attempt_id=?", (attempt_id,)).fetchone()
        )
        if row is None:
            raise errors.NotFound("no such attempt")
        return D[Attempt].decode(row[0])

    async def counts(self, run_keys: Sequence[int]) -> dict[int, dict[str, int]]:
        def work(c: sqlite3.Connection) -> dict[int, dict[str, int]]:
            found: dict[int, dict[str, int]] = {}
            for k in run_keys:
                for s, n in c.execute("select state, n from count where run_key=? and grp=''", (k,)):
                    found.setdefault(k, {})[s] = n
            return found

        return await self.s.read(work)

    async def list_pools(self) -> Sequence[Pool]:
        return [
            D[Pool].decode(b) for (b,) in await self.s.read(lambda c: c.execute("select body from pool").fetchall())
        ]


class XComs(Part):
    async def find(self, run_key: int, task_id: str, map_index: int, key: str) -> XComRow | None:
        found = [r for r in await self.list(run_key, task_id, key) if r.map_index == map_index]
        return found[0] if found else None

    async def list(
        self, run_key: int, task_id: str | None = None, key: str | None = None, start: int = 0, stop: int | None = None
    ) -> Sequence[XComRow]:
        rows = await self.s.read(
            lambda c: c.execute(
                "select * from xcom where run_key=? and (? is null or task_id=?) and (? is null or key=?) order by task_id, map_index, key",
                (run_key, task_id, task_id, key, key),
            ).fetchall()
        )
        return [XComRow(run_key=a, task_id=b, map_index=m, key=k, value=v, length=n) for a, b, m, k, v, n in rows][
            start:stop
        ]

    async def put(self, row: XComRow) -> None:
        await self.s.write(
            lambda c: (
                c.execute(
                    "insert or replace into xcom values(?,?,?,?,?,?)",
                    (row.run_key, row.task_id, row.map_index, row.key, row.value, row.length),
                )
                and None
            )
        )

    async def find_run_key(self, dag_id: str, run_id: str) -> Any:
        row = await self.s.read(
            lambda c: c.execute("select run_key from run where dag_id=? and run_id=?", (dag_id, run_id)).fetchone()
        )
        return None if row is None else row[0]

    async def latest_before(self, dag_id: str, logical_date: datetime, task_id: str, key: str) -> Sequence[XComRow]:
        return []


class VaultRows(Part):
    async def find(self, kind: str, key: str) -> port.VaultRow | None:
        row = await self.s.read(
            lambda c: c.execute("select body from vault where kind=? and key=?", (kind, key)).fetchone()
        )
        return None if row is None else msgspec.json.decode(row[0], type=port.VaultRow)

    async def list(self, kind: str) -> Sequence[port.VaultRow]:
        rows = await self.s.read(
            lambda c: c.execute("select body from vault where kind=? order by key", (kind,)).fetchall()
        )
        return [msgspec.json.decode(b, type=port.VaultRow) for (b,) in rows]

    async def put(self, row: port.VaultRow) -> None:
        await self.s.write(
            lambda c: c.execute("insert or replace into vault values(?,?,?)", (row.kind, row.key, j(row))) and None
        )

    async def delete(self, kind: str, key: str) -> bool:
        return bool(
            await self.s.write(lambda c: c.execute("delete from vault where kind=? and key=?", (kind, key)).rowcount)
        )


class SqlStore:
    def __init__(self, path: str) -> None:
        self.path = path
        self.pool = ThreadPoolExecutor(1)
        self.readers = ThreadPoolExecutor(1)
        self.lease, self.runs, self.inbox, self.outbox = Lease(self), RunLog(self), Inbox(self), Outbox(self)
        self.versions, self.views, self.xcoms, self.vault = Versions(self), Views(self), XComs(self), VaultRows(self)

    def open(self) -> None:
        def connect() -> sqlite3.Connection:
            c = sqlite3.connect(
                self.path, isolation_level=None, check_same_thread=False, timeout=10, cached_statements=300
            )
            c.execute("pragma journal_mode=wal")
            c.execute("pragma synchronous=full")
            return c

        self.w = connect()
        self.w.executescript(SCHEMA)
        self.r = connect()

    async def write(self, work: Any) -> Any:
        def run() -> Any:
            self.w.execute("begin immediate")
            try:
                result = work(self.w)
                self.w.execute("commit")
                return result
            except BaseException:
                if self.w.in_transaction:
                    self.w.execute("rollback")
                raise

        return await asyncio.get_running_loop().run_in_executor(self.pool, run)

    async def read(self, work: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.readers, work, self.r)

    async def check(self) -> None:
        await self.read(lambda c: c.execute("select 1"))


@contextlib.asynccontextmanager
async def open_store(url: str, *, busy: timedelta = timedelta(seconds=10)) -> AsyncIterator[SqlStore]:
    store = SqlStore(url.removeprefix("sqlite:///"))
    store.open()
    try:
        yield store
    finally:
        store.pool.shutdown()
        store.readers.shutdown()
        store.w.close()
        store.r.close()
