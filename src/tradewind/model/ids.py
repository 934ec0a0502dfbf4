"""Identifiers, as distinct types, so that a run id cannot be passed where a task id is meant."""

from __future__ import annotations

from typing import NamedTuple, NewType

DagId = NewType("DagId", str)
RunId = NewType("RunId", str)
TaskId = NewType("TaskId", str)
GroupId = NewType("GroupId", str)
RunKey = NewType("RunKey", int)
"""Number of a DagRun in this installation; given out by the leader in increasing order, never reused."""
AttemptId = NewType("AttemptId", str)
"""20 lower-case characters of base 32: unique, in the order of their making, valid in a label."""
VersionHash = NewType("VersionHash", str)
"""Hex SHA-256 of a DAG version: its canonical specification and the bundle tree it was loaded from."""
TreeHash = NewType("TreeHash", str)
"""Hex SHA-256 of a bundle's whole tree (paths and contents)."""

_POD = ".pod"


def pod_of(attempt_id: str) -> AttemptId:
    """How runtimes know the pod that an attempt's worker handed over. Rows, labels and people never see it."""
    return AttemptId(attempt_id + _POD)


def worker_of(attempt_id: str) -> AttemptId | None:
    """The attempt whose worker handed this pod over; None where it is no such pod."""
    return AttemptId(attempt_id.removesuffix(_POD)) if attempt_id.endswith(_POD) else None


def owner_of(attempt_id: str) -> AttemptId:
    """The attempt that it belongs to: of a handed-over pod its worker's, else itself."""
    return AttemptId(attempt_id.removesuffix(_POD))


UNMAPPED = -1
"""The map index of a task that is not mapped, as in Airflow."""


class TaskKey(NamedTuple):
    """One task instance in all runs: the run, the task and its map index (-1 when not mapped)."""

    run_key: RunKey
    task_id: TaskId
    map_index: int = UNMAPPED
