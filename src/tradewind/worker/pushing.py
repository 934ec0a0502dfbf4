"""Pushes what a task returned, and refuses what the tasks after it could not use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tradewind.sdk import errors, expansion
from tradewind.worker.xcoms import RETURN_VALUE

if TYPE_CHECKING:
    from tradewind.worker.loading import LoadedFile
    from tradewind.worker.scene import Scene


def push_result(loaded: LoadedFile, scene: Scene, result: Any, *, wanted: bool) -> None:
    """Push the return value (None is none), and its parts where the task has multiple outputs.

    Raises what cannot be written as JSON, `XComForMappingNotPushed` and `UnmappableXComTypePushed`.
    """
    task, ti = scene.task, scene.ti
    value = result if wanted and task.do_xcom_push else None
    if not scene.is_mapped and loaded.is_mapped_over(ti.dag_id, ti.task_id):
        _check_mappable(ti.task_id, value)
    if value is None:
        return
    if getattr(task, "multiple_outputs", False):
        for key, part in _outputs(value):
            ti.xcom_push(key, part)
    ti.xcom_push(RETURN_VALUE, value)


def _check_mappable(task_id: str, value: Any) -> None:
    if value is None:
        raise errors.XComForMappingNotPushed(f"a task is mapped over {task_id!r}, which returned nothing")
    if not expansion.is_mappable(value):
        said = f"a task is mapped over {task_id!r}, which returned {type(value).__name__}, neither a list nor a dict"
        raise errors.UnmappableXComTypePushed(said)


def _outputs(value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        raise TypeError(f"multiple_outputs needs a dict to be returned, not {type(value).__name__}")
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"multiple_outputs needs texts as keys, not {key!r} of type {type(key).__name__}")
    yield from value.items()
