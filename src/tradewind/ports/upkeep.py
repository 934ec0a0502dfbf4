"""Upkeep of the store: which history may go and its removal in slices, checks of what a database holds, backups.

Invariant: what goes is finished, and goes in transactions so short that a leader's commit beside them hardly waits.
Removal may be killed at any moment: a run whose own row is gone is finished off by whoever comes next (`list_remains`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from tradewind.model.ids import DagId, RunKey, VersionHash


class Old(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which runs may go: finished ones, for which all of this is so."""

    before: datetime | None = None
    """They ended before this moment. None: whenever they ended."""
    dag_id: DagId | None = None
    keep_last: int = 1
    """Of each DAG the newest so many runs stay however old they are: tasks that depend on the past look at the last."""


class OldRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that may go."""

    run_key: RunKey
    dag_id: DagId
    run_id: str
    queued_at: datetime | None
    ended_at: datetime | None
    version: VersionHash


class OldRuns(msgspec.Struct, frozen=True, kw_only=True):
    """A page of them. `after` is where the next page begins; None where there is none."""

    runs: Sequence[OldRun]
    after: RunKey | None


class Amounts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How much there is of something, or how much went. `bytes` are those of the rows' contents, without indexes."""

    runs: int = 0
    task_instances: int = 0
    attempts: int = 0
    xcoms: int = 0
    facts: int = 0
    bytes: int = 0

    def __add__(self, other: Amounts) -> Amounts:
        """Field by field."""
        return Amounts(**{name: value + getattr(other, name) for name, value in msgspec.structs.asdict(self).items()})

    def __bool__(self) -> bool:
        """True where there is anything."""
        return any(msgspec.structs.asdict(self).values())


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """What one slice did. Runs that are in neither list want another slice."""

    done: Sequence[RunKey] = ()
    """Nothing of these is left."""
    kept: Sequence[RunKey] = ()
    """They are active again, so they stay."""
    amounts: Amounts = Amounts()


class History(Protocol):
    """Finished runs as a store keeps them. Only removal writes."""

    async def list_old(self, old: Old, after: RunKey | None = None, limit: int = 500) -> OldRuns:
        """In order of run key; a page may be empty although there is a next one."""
        ...

    async def list_remains(self) -> Sequence[RunKey]:
        """Keys of runs whose row is gone while others of their rows are there: a removal was cut short."""
        ...

    async def list_gone(self, run_keys: Sequence[RunKey]) -> Sequence[RunKey]:
        """Which of these keys were given to runs that are not there any more."""
        ...

    async def measure(self, run_keys: Sequence[RunKey]) -> Amounts:
        """How much would go with these runs (facts are not among it)."""
        ...

    async def remove(self, run_keys: Sequence[RunKey], slice_of: timedelta) -> Removed:
        """One transaction, which takes about `slice_of` and not all of a large run at once."""
        ...

    async def count_facts(self, before: datetime) -> int:
        """How many facts are older than this and lie before every younger one."""
        ...

    async def remove_facts(self, before: datetime, slice_of: timedelta) -> int:
        """One transaction; how many went. 0 when there are none left."""
        ...

    async def find_facts_of(self, runs: Sequence[OldRun]) -> Sequence[int]:
        """Numbers of the facts about these runs, of the time between their beginning and their end, in order."""
        ...

    async def remove_numbered_facts(self, numbers: Sequence[int], slice_of: timedelta) -> int:
        """One transaction, from the first number on; how many of the numbers it got through."""
        ...

    async def remove_dag(self, dag_id: DagId) -> bool:
        """Its backfills that are over, its versions that nothing needs, and its row where file and runs are gone.

        Whether its own row went.
        """
        ...

    async def give_back_space(self, slice_of: timedelta) -> int:
        """Give free pages back to the file system, for about so long; bytes given back. 0 where there is nothing to."""
        ...


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not as it should be."""

    check: str
    """Which check found it: file, counters, attempts, versions, facts, run keys, removal, logs."""
    object: str
    problem: str
    repairable: bool = False
    """It follows from other rows, so `Checks.repair` can make it anew."""


class Checks(Protocol):
    """Whether a database is whole. Goes through all of it, so it takes its time."""

    async def check(self) -> Sequence[Finding]:
        """What is wrong; nothing where all is well."""
        ...

    async def repair(self) -> Sequence[Finding]:
        """Make anew what follows from other rows; what was wrong before."""
        ...


class LogAmounts(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is of logs at rest, or how much went."""

    files: int = 0
    bytes: int = 0

    def __add__(self, other: LogAmounts) -> LogAmounts:
        """Field by field."""
        return LogAmounts(files=self.files + other.files, bytes=self.bytes + other.bytes)


class Shelf(Protocol):
    """Logs at rest by run, and the room where they lie."""

    async def list_runs(self) -> Sequence[RunKey]:
        """Runs that have logs at rest, in order."""
        ...

    async def measure(self, run_keys: Sequence[RunKey]) -> LogAmounts:
        """How much there is of these."""
        ...

    async def remove(self, run_keys: Sequence[RunKey]) -> LogAmounts:
        """Take all logs of these runs away; how much went. No error where there are none."""
        ...

    async def free_bytes(self) -> int:
        """Free space of the file system of the home."""
        ...


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a backup."""

    name: str
    """Relative to the home."""
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup is."""

    format: int
    tradewind: str
    """The version of the program that made it."""
    schema: str
    """The revision of the database's schema."""
    database: str
    """"sqlite" or "postgresql"."""
    made_at: datetime
    with_logs: bool
    members: tuple[Member, ...]

    @property
    def size(self) -> int:
        """Bytes of all members."""
        return sum(member.size for member in self.members)
