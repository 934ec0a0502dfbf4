"""What `tradewind run` shows at its end."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tradewind.cli import progress
from tradewind.model.ids import DagId, RunId, RunKey, TaskId, VersionHash
from tradewind.model.rows import DagRun, TaskInstance
from tradewind.model.states import RunState, RunType, TaskState

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def test_brackets_in_a_verdict_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    verdict = "add a row [[runtime.local.images]] [bold]"
    run = DagRun(
        run_key=RunKey(1),
        dag_id=DagId("d"),
        run_id=RunId("r"),
        version=VersionHash("v"),
        run_type=RunType.MANUAL,
        state=RunState.FAILED,
        run_after=MOMENT,
        verdict=verdict,
    )
    task = TaskInstance(
        run_key=RunKey(1), task_id=TaskId("t"), map_index=0, state=TaskState.FAILED, verdict="see [[images]]"
    )
    progress.show_final(run, [task], None)
    shown = capsys.readouterr().out
    assert verdict in shown
    assert "see [[images]]" in shown
    assert "t[0]" in shown
