"""XComs at run time: one value, all values of a mapped task as a lazy sequence, and Airflow's `XCom` class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

from tradewind.sdk import serde, supervision

XCOM_RETURN_KEY = "return_value"
_SLICE = 200


class LazyXComSequence(Sequence[Any]):
    """Values of a mapped task in order of map index, read in slices when they are looked at."""

    def __init__(self, dag_id: str, run_id: str, task_id: str, key: str = XCOM_RETURN_KEY) -> None:
        self._where = (dag_id, run_id, task_id, key)
        self._length: int | None = None

    def __len__(self) -> int:
        if self._length is None:
            self._length = supervision.current().count_xcoms(*self._where)
        return self._length

    def __iter__(self) -> Iterator[Any]:
        start = 0
        while True:
            values = self._read(start, start + _SLICE)
            yield from values
            if len(values) < _SLICE:
                return
            start += _SLICE

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step > 0:
                return self._read(start, max(start, stop))[::step]
            return list(self)[index]
        place = index + len(self) if index < 0 else index
        if place < 0 or not (values := self._read(place, place + 1)):
            raise IndexError(f"index {index} of {len(self)} values")
        return values[0]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (list, tuple, LazyXComSequence)):
            return list(self) == list(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._where)

    def __repr__(self) -> str:
        return f"LazyXComSequence({len(self)} values of {self._where[2]!r})"

    def _read(self, start: int, stop: int) -> list[Any]:
        return [serde.decode(value) for _, value in supervision.current().list_xcoms(*self._where, start, stop)]


LazyXComAccess = LazyXComSequence


def pull(ti: Any, task_id: str, key: str = XCOM_RETURN_KEY, *, map_index: int = -1, default: Any = None) -> Any:
    """One XCom of another task in the run of `ti`."""
    value = supervision.current().get_xcom(ti.dag_id, ti.run_id, task_id, map_index, key)
    return default if value is None else serde.decode(value)


def shared_index(ti: Any, upstream: Any) -> int | None:
    """The map index under which `upstream` belongs to the same element of a mapped group as the task that runs."""
    task = getattr(ti, "task", None)
    if task is None:
        return None
    around = {group.node_id for group in upstream.mapped_groups()}
    if any(group.node_id in around for group in task.mapped_groups()):
        return int(ti.map_index)
    return None


class BaseXCom:
    """Airflow's class for reading and writing XComs by name."""

    XCOM_RETURN_KEY = XCOM_RETURN_KEY

    @classmethod
    def get_one(
        cls,
        *,
        key: str = XCOM_RETURN_KEY,
        dag_id: str,
        task_id: str,
        run_id: str,
        map_index: int | None = None,
        include_prior_dates: bool = False,
        **_: Any,
    ) -> Any:
        """One value, None where there is none."""
        index = -1 if map_index is None else map_index
        value = supervision.current().get_xcom(dag_id, run_id, task_id, index, key, include_prior_dates)
        return None if value is None else serde.decode(value)

    get_value = get_one

    @classmethod
    def get_all(cls, *, key: str = XCOM_RETURN_KEY, dag_id: str, task_id: str, run_id: str, **_: Any) -> list[Any]:
        """All values of a mapped task."""
        return list(LazyXComSequence(dag_id, run_id, task_id, key))

    @classmethod
    def set(
        cls, key: str, value: Any, *, dag_id: str, task_id: str, run_id: str, map_index: int = -1, **_: Any
    ) -> None:
        """Write a value."""
        data, kind, length = serde.encode(value)
        supervision.current().set_xcom(dag_id, run_id, task_id, map_index, key, data, kind, length)

    @staticmethod
    def serialize_value(value: Any, **_: Any) -> str:
        """The value as JSON text."""
        return serde.encode(value)[0].decode()

    @staticmethod
    def deserialize_value(result: Any) -> Any:
        """The value of JSON text."""
        text = getattr(result, "value", result)
        return serde.decode(text.encode() if isinstance(text, str) else text)


XCom = BaseXCom


def is_container(value: Any) -> bool:
    """Whether a value can be mapped over."""
    return isinstance(value, (Sequence, Mapping)) and not isinstance(value, (str, bytes, bytearray))
