"""XCom values. The leader writes those of an attempt's end in its batches (`run_log`); others are written at once."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from datetime import datetime

from tradewind.model.ids import RunKey
from tradewind.model.rows import XComRow
from tradewind.store import codec
from tradewind.store.connections import Connections
from tradewind.store.sessions import Row, Session

_COLUMNS = "run_key, task_id, map_index, key, value, length"
UPSERT = f"""
insert into xcom ({_COLUMNS}) values (?, ?, ?, ?, ?, ?)
on conflict (run_key, task_id, map_index, key) do update set value = excluded.value, length = excluded.length
"""
_FIND = f"select {_COLUMNS} from xcom where run_key = ? and task_id = ? and map_index = ? and key = ?"
_RUN_KEY = "select run_key from dag_run where dag_id = ? and run_id = ?"
_RUN_BEFORE = """
select r.run_key from dag_run r where r.dag_id = ? and r.logical_date < ?
and exists (select 1 from xcom x where x.run_key = r.run_key and x.task_id = ? and x.key = ?)
order by r.logical_date desc limit 1
"""


def values_of(row: XComRow) -> Row:
    """For `UPSERT`."""
    return (row.run_key, row.task_id, row.map_index, row.key, row.value, row.length)


class SqlXComs:
    """Implements `ports.store.XComs`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def find(self, run_key: RunKey, task_id: str, map_index: int, key: str) -> XComRow | None:
        """By the table's key."""
        row = await self._connections.read(lambda session: session.row(_FIND, (run_key, task_id, map_index, key)))
        return None if row is None else _row(row)

    async def list(
        self,
        run_key: RunKey,
        task_id: str | None = None,
        key: str | None = None,
        start: int = 0,
        stop: int | None = None,
    ) -> Sequence[XComRow]:
        """By the table's key; the database cuts the slice where it counts from the start."""
        sql, values = _listing(run_key, task_id, key)
        if start >= 0 and (stop is None or stop >= 0):
            sql += " limit ? offset ?"
            values += ((1 << 62) if stop is None else max(0, stop - start), start)
            start, stop = 0, None
        rows = await self._connections.read(lambda session: session.rows(sql, values))
        return [_row(row) for row in rows[start:stop]]

    async def put(self, row: XComRow) -> None:
        """By the table's key."""
        await self._connections.write(lambda session: session.run(UPSERT, values_of(row)))

    async def find_run_key(self, dag_id: str, run_id: str) -> RunKey | None:
        """By index `dag_run_id`."""
        row = await self._connections.read(lambda session: session.row(_RUN_KEY, (dag_id, run_id)))
        return None if row is None else RunKey(row[0])

    async def latest_before(self, dag_id: str, logical_date: datetime, task_id: str, key: str) -> Sequence[XComRow]:
        """All elements of the newest earlier run that has any. By indexes `dag_run_by_date` and xcom's key."""
        values = (dag_id, codec.micros(logical_date), task_id, key)

        def work(session: Session) -> builtins.list[Row]:
            run = session.row(_RUN_BEFORE, values)
            return [] if run is None else session.rows(*_listing(run[0], task_id, key))

        return [_row(row) for row in await self._connections.read_at_once(work)]


def _listing(run_key: int, task_id: str | None, key: str | None) -> tuple[str, tuple[int | str, ...]]:
    sql, values = f"select {_COLUMNS} from xcom where run_key = ?", (run_key,) + (() if task_id is None else (task_id,))
    if task_id is not None:
        sql += " and task_id = ?"
    if key is not None:
        sql, values = f"{sql} and key = ?", (*values, key)
    return f"{sql} order by task_id, map_index, key", values


def _row(row: Row) -> XComRow:
    run_key, task_id, map_index, key, value, length = row
    return XComRow(run_key=run_key, task_id=task_id, map_index=map_index, key=key, value=value, length=length)
