"""Launches of pod attempts, for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tradewind.model.dagspec import PodBody
from tradewind.model.ids import AttemptId, DagId, RunId, RunKey, TaskId, VersionHash
from tradewind.model.rows import Attempt, DagRun, TaskInstance
from tradewind.model.states import RunState, RunType, TaskState
from tradewind.ports import runtime as port

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def launch(body: PodBody, attempt_id: str = "attemptattemptattemp", *, templated: bool = False) -> port.Launch:
    """A launch of a task `load` in run `run` of DAG `etl`."""
    key, task = RunKey(1), TaskId("load")
    return port.Launch(
        attempt=Attempt(attempt_id=AttemptId(attempt_id), run_key=key, task_id=task, try_number=2, created_at=MOMENT),
        task=TaskInstance(run_key=key, task_id=task, state=TaskState.QUEUED),
        run=DagRun(
            run_key=key,
            dag_id=DagId("etl"),
            run_id=RunId("run"),
            version=VersionHash("v"),
            run_type=RunType.MANUAL,
            state=RunState.RUNNING,
            run_after=MOMENT,
        ),
        body=body,
        source=port.Source(bundle="dags", tree="t", root="/r", file="etl.py"),
        templated=templated,
    )


def body(**arguments: Any) -> PodBody:
    """The body of a pod operator with image and command."""
    return PodBody(arguments={"image": "tools:1", "cmds": ["true"], **arguments})
