"""`context["dag_run"]`: a DagRun as user code knows it, made from its row; dates become pendulum's when read."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Any

import pendulum

from tradewind.model import rows


class RuntimeDagRun:
    """One run. Attributes are Airflow's; `execution_date` and `external_trigger` are there for files that mean 2.x."""

    def __init__(self, row: rows.DagRun) -> None:
        self.row = row
        self.dag_id = str(row.dag_id)
        self.run_id = str(row.run_id)
        self.conf: dict[str, Any] = row.conf
        self.meaning = row.meaning

    @cached_property
    def logical_date(self) -> pendulum.DateTime | None:
        """None for a run that has none (Airflow 3)."""
        return moment(self.row.logical_date)

    @property
    def execution_date(self) -> pendulum.DateTime | None:
        """Airflow 2's name of the logical date."""
        return self.logical_date

    @cached_property
    def data_interval_start(self) -> pendulum.DateTime | None:
        return moment(self.row.interval_start)

    @cached_property
    def data_interval_end(self) -> pendulum.DateTime | None:
        return moment(self.row.interval_end)

    @cached_property
    def run_after(self) -> pendulum.DateTime | None:
        return moment(self.row.run_after)

    @cached_property
    def start_date(self) -> pendulum.DateTime | None:
        return moment(self.row.started_at)

    @cached_property
    def end_date(self) -> pendulum.DateTime | None:
        return moment(self.row.ended_at)

    @cached_property
    def queued_at(self) -> pendulum.DateTime | None:
        return moment(self.row.queued_at)

    @property
    def run_type(self) -> str:
        """Its kind, a text of the enumeration `model.states.RunType`."""
        return self.row.run_type

    @property
    def state(self) -> str:
        return self.row.state

    def get_state(self) -> str:
        """The state that the run had when the attempt began."""
        return self.row.state

    @property
    def external_trigger(self) -> bool:
        """Whether a person or a task asked for it."""
        return self.row.run_type.value == "manual"

    @property
    def triggered_by(self) -> str:
        return self.row.triggered_by

    @property
    def clear_number(self) -> int:
        return self.row.clear_number

    @property
    def note(self) -> str | None:
        return self.row.note or None

    @property
    def backfill_id(self) -> int | None:
        return self.row.backfill_id

    @property
    def is_backfill(self) -> bool:
        return self.row.run_type.value == "backfill"

    partition_key: str | None = None
    partition_date: datetime | None = None

    @property
    def consumed_asset_events(self) -> list[Any]:
        """Empty: runs by assets come with assets."""
        return []

    def __repr__(self) -> str:
        return f"<DagRun {self.dag_id} @ {self.row.logical_date}: {self.run_id}, state:{self.row.state.value}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RuntimeDagRun) and (self.dag_id, self.run_id) == (other.dag_id, other.run_id)

    def __hash__(self) -> int:
        return hash((self.dag_id, self.run_id))


def moment(value: datetime | None) -> pendulum.DateTime | None:
    """The same moment as a pendulum date in UTC, as Airflow hands dates to user code."""
    return None if value is None else pendulum.instance(value).in_timezone("UTC")
