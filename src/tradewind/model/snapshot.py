"""What the engine is restored from: active runs, DAGs and pools, as rows; and how a run is asked for."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tradewind.model.ids import DagId
from tradewind.model.rows import Attempt, Backfill, DagRow, DagRun, Pool, TaskInstance


class RunSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One run with its task instances, and the attempts that have not ended (and each task's current one)."""

    run: DagRun
    tasks: tuple[TaskInstance, ...]
    attempts: tuple[Attempt, ...] = ()


class ActiveSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the engine needs to go on."""

    dags: tuple[DagRow, ...] = ()
    pools: tuple[Pool, ...] = ()
    runs: tuple[RunSnapshot, ...] = ()
    backfills: tuple[Backfill, ...] = ()
    """Those that are neither completed nor cancelled."""
    last_backfill_id: int = 0
    """The largest id of any."""


class RunRef(msgspec.Struct, frozen=True, kw_only=True):
    """Names one run: by id, by logical date, or as the last one with a logical date before a moment."""

    dag_id: DagId
    run_id: str | None = None
    logical_date: datetime | None = None
    before: datetime | None = None
