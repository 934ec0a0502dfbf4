"""What services need of a database: row ports by noun, and the composite `Store` that wiring builds.

Every method may raise `errors.Transient` (busy, connection lost: the same call again may work). Implementations:
`store.SqlStore` (SQLite and PostgreSQL) and `testing.MemoryStore`, behind one contract suite.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Literal, Protocol

import msgspec

from tradewind.model.commands import Command, CommandResult
from tradewind.model.dagspec import DagSpec, Meaning
from tradewind.model.facts import Batch, Fact
from tradewind.model.ids import AttemptId, DagId, RunKey, VersionHash
from tradewind.model.problem import Problem
from tradewind.model.rows import Attempt, Backfill, DagRow, DagRun, OutboxRow, Pool, TaskInstance, XComRow
from tradewind.model.snapshot import ActiveSnapshot, RunRef, RunSnapshot
from tradewind.model.states import BackfillState, RunState, TaskState
from tradewind.ports import upkeep


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds the lease, until when."""

    holder: str
    epoch: int
    expires_at: datetime


class Lease(Protocol):
    """The one election: a row with an epoch that every write of run state checks."""

    async def acquire(self, holder: str, now: datetime, ttl: timedelta) -> int | None:
        """Take the lease where it is free or over; its new epoch (larger than all before), or None while held."""
        ...

    async def renew(self, epoch: int, now: datetime, ttl: timedelta) -> None:
        """Extend it. Raises `errors.Conflict` where the epoch moved."""
        ...

    async def release(self, epoch: int) -> None:
        """Give it up; no error where it is no longer ours."""
        ...

    async def find(self) -> Held | None:
        """The holder, if any row exists."""
        ...


class RunLog(Protocol):
    """The only way in which run state is written."""

    async def commit(self, batch: Batch, epoch: int) -> int:
        """Write the facts (numbered), the rows that they carry, XComs and counters, in one transaction.

        Returns the number of the last fact. Raises `errors.Conflict` when the epoch is not the lease's,
        `errors.Rejected` when the database refuses the content (then it may be tried in halves).
        Launch intents survive a power cut once this returns (SQLite: synchronous=FULL).
        """
        ...

    async def read(self, after: int, limit: int = 1000) -> Sequence[tuple[int, datetime, Fact]]:
        """Facts with numbers greater than `after`, in order."""
        ...

    async def last_run_key(self) -> int:
        """The largest run key ever given out (0 when none)."""
        ...

    async def load_active(self) -> ActiveSnapshot:
        """All DAG rows, pools, and every run that is not finished, with its tasks and live attempts.

        A finished run with an attempt that is still being stopped is among them.
        """
        ...

    async def find_run(self, ref: RunRef) -> RunSnapshot | None:
        """One run, finished or not, with its tasks and each task's current attempt."""
        ...


class InboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """A command that waits."""

    inbox_id: int
    at: datetime
    command: Command
    by: str


class Inbox(Protocol):
    """Commands in, results out. Consumption is a `CommandFact` in the leader's batch."""

    async def put(self, command: Command, by: str, at: datetime) -> int:
        """Append; its id."""
        ...

    async def list_waiting(self, limit: int = 100) -> Sequence[InboxRow]:
        """Commands not yet consumed, oldest first."""
        ...

    async def find_result(self, inbox_id: int) -> CommandResult | None:
        """None while it waits."""
        ...

    async def change_token(self) -> int:
        """A cheap number that differs after any write by another process (SQLite data_version; PostgreSQL max id)."""
        ...


class Outbox(Protocol):
    """Things to do in the world, at least once."""

    async def list_due(self, now: datetime, limit: int = 100) -> Sequence[OutboxRow]:
        """Due rows, oldest first."""
        ...

    async def done(self, keys: Sequence[str]) -> None:
        """They are done."""
        ...

    async def postpone(self, key: str, due_at: datetime, error: str) -> None:
        """It failed; try again then."""
        ...


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A DAG version: specification and where its sources lie."""

    version: VersionHash
    spec: DagSpec
    bundle: str
    tree: str
    """Hash of the bundle's tree; workers load from its snapshot."""
    created_at: datetime

    def as_newest(self, known: DagRow | None) -> DagRow:
        """The DAG's row once this version is its newest; `known` is the row before, None for a new DAG."""
        file, bundle = self.spec.file, self.bundle
        if known is not None:
            return msgspec.structs.replace(known, version=self.version, file=file, bundle=bundle, removed=False)
        paused = bool(self.spec.is_paused_upon_creation)
        dag_id = DagId(self.spec.dag_id)
        return DagRow(dag_id=dag_id, version=self.version, file=file, bundle=bundle, paused=paused)


class FileStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known about one file of a bundle after its last parse."""

    bundle: str
    path: str
    fingerprint: str
    """Hash of what decided the result: its own bytes, what it imported, read and listed, the Variables it read."""
    dag_ids: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    parsed_at: datetime | None = None
    seconds: float = 0
    isolated: bool = False
    """It leaves threads, sockets or locks behind: loaded anew per attempt."""


class DagVersions(Protocol):
    """DAG specifications by hash, the DAGs' rows, and the state of files. Written by bundles, not under the lease."""

    async def put(
        self, versions: Sequence[Version], files: Sequence[FileStatus], removed_dag_ids: Sequence[DagId], at: datetime
    ) -> Sequence[DagRow]:
        """Record versions (idempotent) and files, in one transaction; returns the DAG rows which changed.

        A new DAG's row gets `paused` from its spec's `is_paused_upon_creation` or False.
        """
        ...

    async def forget_files(self, bundle: str, paths: Sequence[str]) -> None:
        """Files that are gone."""
        ...

    async def get(self, version: VersionHash) -> Version:
        """Raises `errors.NotFound`."""
        ...

    async def list_of_dag(self, dag_id: DagId, limit: int) -> Sequence[Version]:
        """A DAG's versions, newest first."""
        ...

    async def list_files(self, bundle: str) -> Sequence[FileStatus]:
        """In order of path."""
        ...

    async def list_trees_in_use(self) -> frozenset[str]:
        """Tree hashes that a newest version or an unfinished run needs."""
        ...


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page by key: at most `limit` rows after the one whose key is `after`.

    The key of a DAG is its id, of a run its run key, of a backfill its id, of a task instance `TASK_ID:MAP_INDEX`. Any
    other is refused (`errors.Rejected`).
    """

    limit: int = 50
    after: str | None = None


class DagView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A DAG as lists show it."""

    dag: DagRow
    schedule: str = ""
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    meaning: Meaning = "3"
    meaning_from: str = ""
    task_count: int = 0
    last_run: DagRun | None = None
    active_runs: int = 0


class Views(Protocol):
    """What people look at. Reads never need the leader."""

    async def list_dags(self, page: Page) -> Sequence[DagView]:
        """In order of id."""
        ...

    async def get_dag(self, dag_id: DagId) -> DagView:
        """Raises `errors.NotFound` with the nearest names as hint."""
        ...

    async def list_runs(
        self, page: Page, dag_id: DagId | None = None, states: Sequence[RunState] = ()
    ) -> Sequence[DagRun]:
        """Newest first."""
        ...

    async def get_run(self, dag_id: DagId, run_id: str) -> DagRun:
        """Raises `errors.NotFound`."""
        ...

    async def list_tasks(self, run_key: RunKey, page: Page, states: Sequence[TaskState] = ()) -> Sequence[TaskInstance]:
        """In order of task id and map index."""
        ...

    async def list_attempts(self, run_key: RunKey, task_id: str, map_index: int = -1) -> Sequence[Attempt]:
        """In order of creation."""
        ...

    async def get_attempt(self, attempt_id: AttemptId) -> Attempt:
        """Raises `errors.NotFound`."""
        ...

    async def counts(self, run_keys: Sequence[RunKey]) -> dict[RunKey, dict[str, int]]:
        """Task instances by state for each run (whole run), from the counters."""
        ...

    async def list_backfills(
        self, page: Page, dag_id: DagId | None = None, states: Sequence[BackfillState] = ()
    ) -> Sequence[Backfill]:
        """Newest first."""
        ...

    async def get_backfill(self, backfill_id: int) -> Backfill:
        """Raises `errors.NotFound`."""
        ...

    async def count_backfill_runs(self, backfill_id: int) -> dict[str, int]:
        """Its runs by state; a run that another backfill ran again since is that one's."""
        ...

    async def list_backfill_runs(self, backfill_id: int, page: Page) -> Sequence[DagRun]:
        """Its runs, newest first."""
        ...

    async def list_pools(self) -> Sequence[Pool]:
        """In order of name."""
        ...


class XComs(Protocol):
    """XCom values."""

    async def find(self, run_key: RunKey, task_id: str, map_index: int, key: str) -> XComRow | None:
        """One value."""
        ...

    async def list(
        self,
        run_key: RunKey,
        task_id: str | None = None,
        key: str | None = None,
        start: int = 0,
        stop: int | None = None,
    ) -> Sequence[XComRow]:
        """In order of task id, map index, key; `start:stop` slices the result."""
        ...

    async def put(self, row: XComRow) -> None:
        """Write one value now (an XCom pushed into another run or before the end)."""
        ...

    async def find_run_key(self, dag_id: str, run_id: str) -> RunKey | None:
        """The run's key."""
        ...

    async def latest_before(self, dag_id: str, logical_date: datetime, task_id: str, key: str) -> Sequence[XComRow]:
        """For `include_prior_dates`: the values (one for each map index) of the newest earlier run that has any."""
        ...


OnExisting = Literal["overwrite", "fail", "skip"]
"""What becomes of a row that is there already, named as Airflow's `--action-on-existing-key`."""


class VaultRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An encrypted Variable or Connection."""

    kind: str
    """"variable" or "connection"."""
    key: str
    sealed: bytes
    key_id: str
    """Which encryption key sealed it."""
    description: str = ""


class VaultRows(Protocol):
    """Where the vault keeps what it encrypted."""

    async def find(self, kind: str, key: str) -> VaultRow | None:
        """One row."""
        ...

    async def list(self, kind: str) -> Sequence[VaultRow]:
        """In order of key."""
        ...

    async def put(self, row: VaultRow) -> None:
        """Insert or replace."""
        ...

    async def put_all(self, rows: Sequence[VaultRow], existing: OnExisting) -> int:
        """All or none, in one transaction; how many were written.

        Of the rows that are there already, `overwrite` replaces them, `skip` leaves them as they are, and `fail` raises
        `errors.Conflict` that names them, with nothing written.
        """
        ...

    async def reseal(self, changes: Sequence[tuple[VaultRow, VaultRow]]) -> int:
        """Replace each first row by its second where it is still sealed as in the first; how many were.

        In one transaction. A row that someone wrote or deleted since it was read stays as that one left it.
        """
        ...

    async def delete(self, kind: str, key: str) -> bool:
        """True where it existed."""
        ...


class Store(Protocol):
    """One open database."""

    @property
    def lease(self) -> Lease: ...
    @property
    def runs(self) -> RunLog: ...
    @property
    def inbox(self) -> Inbox: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def versions(self) -> DagVersions: ...
    @property
    def views(self) -> Views: ...
    @property
    def xcoms(self) -> XComs: ...
    @property
    def vault(self) -> VaultRows: ...
    @property
    def history(self) -> upkeep.History: ...

    async def check(self) -> None:
        """A trivial read on the primary. Raises `errors.Transient` when it cannot be reached."""
        ...


class OpenStore(Protocol):
    """How wiring opens a store: migrations run first, under a lock."""

    def __call__(self, url: str) -> AbstractAsyncContextManager[Store]: ...
