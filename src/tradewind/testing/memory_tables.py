"""What a `MemoryStore` holds: one mapping for each table of a database, shared by its ports."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from tradewind.model.commands import CommandResult
from tradewind.model.facts import Fact
from tradewind.model.ids import AttemptId, DagId, RunKey, VersionHash
from tradewind.model.rows import Attempt, Backfill, DagRow, DagRun, OutboxRow, Pool, TaskInstance, XComRow
from tradewind.ports import store as port


@dataclasses.dataclass(slots=True)
class Tables:
    """Everything."""

    held: port.Held | None = None
    facts: list[tuple[int, datetime, Fact]] = dataclasses.field(default_factory=list)
    last_fact: int = 0
    last_run_key: int = 0
    runs: dict[RunKey, DagRun] = dataclasses.field(default_factory=dict)
    tasks: dict[tuple[int, str, int], TaskInstance] = dataclasses.field(default_factory=dict)
    attempts: dict[AttemptId, Attempt] = dataclasses.field(default_factory=dict)
    counts: dict[tuple[int, str, str], int] = dataclasses.field(default_factory=dict)
    xcoms: dict[tuple[int, str, int, str], XComRow] = dataclasses.field(default_factory=dict)
    dags: dict[DagId, DagRow] = dataclasses.field(default_factory=dict)
    pools: dict[str, Pool] = dataclasses.field(default_factory=dict)
    backfills: dict[int, Backfill] = dataclasses.field(default_factory=dict)
    versions: dict[VersionHash, port.Version] = dataclasses.field(default_factory=dict)
    files: dict[tuple[str, str], port.FileStatus] = dataclasses.field(default_factory=dict)
    commands: list[port.InboxRow] = dataclasses.field(default_factory=list)
    results: dict[int, CommandResult] = dataclasses.field(default_factory=dict)
    outbox: dict[str, OutboxRow] = dataclasses.field(default_factory=dict)
    vault: dict[tuple[str, str], port.VaultRow] = dataclasses.field(default_factory=dict)
