"""The XComs of a running task instance.

What it pushes is kept here, in order, and leaves with the attempt's result; its own pulls see it at once. Values of
other tasks are asked of the control plane through the supervisor.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any

from tradewind.model.outcome import XComPush
from tradewind.sdk import serde
from tradewind.sdk.supervision import Supervisor
from tradewind.sdk.unset import NOTSET

RETURN_VALUE = "return_value"


class XComTooLarge(ValueError):
    """A pushed value is over the site's limit."""

    def __init__(self, key: str, size: int, limit: int) -> None:
        super().__init__(f"XCom {key!r} is {_size(size)}, over the limit of {_size(limit)}")
        self.hint = "write it to a file or an object store, and push where it is"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a pull asks for, whatever the tasks and map indexes."""

    dag_id: str
    run_id: str
    key: str
    include_prior_dates: bool
    default: Any


class XComs:
    """Those of one task instance; `means_2`: pulls answer as Airflow 2. Pulls block while the control plane answers."""

    def __init__(
        self,
        *,
        supervisor: Supervisor,
        dag_id: str,
        run_id: str,
        task_id: str,
        map_index: int,
        means_2: bool,
        max_bytes: int,
    ) -> None:
        self.pushed: dict[str, XComPush] = {}
        self._supervisor = supervisor
        self._run = (dag_id, run_id)
        self._task_id = task_id
        self._map_index = map_index
        self._means_2 = means_2
        self._max_bytes = max_bytes

    def push(self, key: str, value: Any) -> None:
        """Keep a value. Raises what cannot be written as JSON, and `XComTooLarge`."""
        data, kind, length = serde.encode(value)
        if self._max_bytes and len(data) > self._max_bytes:
            raise XComTooLarge(key, len(data), self._max_bytes)
        self.pushed[key] = XComPush(key=key, value=data, kind=kind, length=length)

    def pull(self, asked: Asked, task_ids: str | Iterable[str], map_indexes: Any) -> Any:
        """One value, or a list where several tasks or map indexes are asked for; `NOTSET`: all of a task's."""
        single = isinstance(task_ids, str)
        ids = [task_ids] if isinstance(task_ids, str) else list(task_ids)
        if map_indexes is NOTSET or (map_indexes is None and self._means_2):
            return self._all(asked, ids, single=single)
        alone = map_indexes is None or isinstance(map_indexes, int)
        indexes = [map_indexes] if alone else list(map_indexes)
        found = [self._one(asked, task_id, -1 if index is None else index) for task_id, index in product(ids, indexes)]
        return found[0] if single and alone else found

    def _all(self, asked: Asked, ids: list[str], *, single: bool) -> Any:
        values: list[Any] = []
        for task_id in ids:
            found = self._values_of(asked, task_id)
            values += [serde.decode(data) for _, data in found] or [asked.default if single else None]
            if single and self._means_2 and found and found[0][0] >= 0:
                return values
        return values[0] if single and len(values) == 1 else values

    def _values_of(self, asked: Asked, task_id: str) -> list[tuple[int, bytes]]:
        own = self._own(asked, task_id)
        if own is not None and self._map_index < 0:
            return [(-1, own)]
        found = self._supervisor.list_xcoms(asked.dag_id, asked.run_id, task_id, asked.key)
        if own is not None:
            others = [(index, data) for index, data in found if index != self._map_index]
            found = sorted([*others, (self._map_index, own)])
        if not found and asked.include_prior_dates:
            earlier = self._supervisor.get_xcom(asked.dag_id, asked.run_id, task_id, -1, asked.key, True)
            return [] if earlier is None else [(-1, earlier)]
        return list(found)

    def _one(self, asked: Asked, task_id: str, map_index: int) -> Any:
        data = self._own(asked, task_id) if map_index == self._map_index else None
        if data is None:
            prior = asked.include_prior_dates
            data = self._supervisor.get_xcom(asked.dag_id, asked.run_id, task_id, map_index, asked.key, prior)
        if data is None:
            return asked.default
        value = serde.decode(data)
        return asked.default if value is None else value

    def _own(self, asked: Asked, task_id: str) -> bytes | None:
        if task_id != self._task_id or (asked.dag_id, asked.run_id) != self._run:
            return None
        push = self.pushed.get(asked.key)
        return None if push is None else push.value


def _size(count: int) -> str:
    return f"{count} bytes" if count < 10_000 else f"{count / (1 << 20):.1f} MiB"
