"""Facts: what was decided. The numbered log holds them; replaying them gives the rows again."""

from __future__ import annotations

from typing import Union

import msgspec

from tradewind.model.commands import CommandResult
from tradewind.model.ids import RunKey
from tradewind.model.rows import Attempt, Backfill, DagRow, DagRun, OutboxRow, Pool, TaskInstance, XComRow


class RunFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="run"):
    """A run is now so, and why."""

    run: DagRun
    cause: str = ""


class TaskFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="task"):
    """A task instance is now so, and why."""

    task: TaskInstance
    cause: str = ""


class TaskDropped(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="task_dropped"):
    """A task instance no longer exists (the placeholder of a mapped task once it has elements)."""

    run_key: RunKey
    task_id: str
    map_index: int = -1
    cause: str = ""


class AttemptFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="attempt"):
    """An attempt is now so."""

    attempt: Attempt
    cause: str = ""


class DagFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="dag"):
    """A DAG's row is now so (paused, next slot)."""

    dag: DagRow
    cause: str = ""


class PoolFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="pool"):
    """A pool is now so; with `deleted`, it is gone."""

    pool: Pool
    deleted: bool = False


class BackfillFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="backfill"):
    """A backfill is now so, and why."""

    backfill: Backfill
    cause: str = ""


class OutboxFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="outbox"):
    """Something is to be done in the world."""

    row: OutboxRow


class CommandFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="command"):
    """A command was consumed."""

    inbox_id: int
    result: CommandResult


class XComsCleared(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="xcoms_cleared"):
    """All XComs of a task instance are gone (a new try begins)."""

    run_key: RunKey
    task_id: str
    map_index: int = -1


Fact = Union[
    RunFact,
    TaskFact,
    TaskDropped,
    AttemptFact,
    DagFact,
    PoolFact,
    BackfillFact,
    OutboxFact,
    CommandFact,
    XComsCleared,
]


class CountDelta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change of a counter that people look at: task instances of a run (and group) by state."""

    run_key: RunKey
    group_id: str = ""
    """"" counts the whole run."""
    state: str
    change: int


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one transaction writes. Order matters: XCom rows come after the clears among the facts."""

    facts: tuple[Fact, ...] = ()
    xcoms: tuple[XComRow, ...] = ()
    counts: tuple[CountDelta, ...] = ()

    def __bool__(self) -> bool:
        """True where there is something to write."""
        return bool(self.facts or self.xcoms or self.counts)
