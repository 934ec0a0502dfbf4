"""How values lie in columns: structs as JSON text, moments as whole microseconds since 1970 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from tradewind.model.commands import Command, CommandResult
from tradewind.model.facts import Fact
from tradewind.model.rows import Attempt, Backfill, DagRow, DagRun, OutboxRow, Pool, TaskInstance
from tradewind.ports import store as port

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_encode = msgspec.json.Encoder().encode


def text(value: Any) -> str:
    """JSON; names and order as the struct has them."""
    return _encode(value).decode()


def micros(moment: datetime) -> int:
    """Exact, also where a float of seconds would not be."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(microseconds: int) -> datetime:
    """Back from `micros`."""
    return _EPOCH + timedelta(microseconds=microseconds)


fact: Final = msgspec.json.Decoder(Fact)
command: Final = msgspec.json.Decoder(Command)
command_result: Final = msgspec.json.Decoder(CommandResult)
dag_run: Final = msgspec.json.Decoder(DagRun)
task_instance: Final = msgspec.json.Decoder(TaskInstance)
attempt: Final = msgspec.json.Decoder(Attempt)
dag_row: Final = msgspec.json.Decoder(DagRow)
backfill: Final = msgspec.json.Decoder(Backfill)
pool: Final = msgspec.json.Decoder(Pool)
outbox_row: Final = msgspec.json.Decoder(OutboxRow)
version: Final = msgspec.json.Decoder(port.Version)
file_status: Final = msgspec.json.Decoder(port.FileStatus)
