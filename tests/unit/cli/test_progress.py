"""What `tradewind run` shows at its end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support import rows
from tradewind.cli import pod_phases, progress
from tradewind.model.dagspec import DagSpec
from tradewind.model.ids import DagId, RunId, RunKey, TaskId, VersionHash
from tradewind.model.rows import DagRun, TaskInstance
from tradewind.model.states import AttemptPhase, RunState, RunType, TaskState

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


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"phase": AttemptPhase.CREATED}, ""),
        ({"phase": AttemptPhase.CREATED, "detail": {"waiting": "exceeded quota"}}, "Waiting: exceeded quota"),
        ({"phase": AttemptPhase.SUBMITTED, "pod_uid": "u"}, "Pending"),
        (
            {"phase": AttemptPhase.SUBMITTED, "pod_uid": "u", "detail": {"waiting": "Unschedulable"}},
            "Pending: Unschedulable",
        ),
        ({"phase": AttemptPhase.SCHEDULED, "pod_uid": "u"}, "Pulling"),
        ({"phase": AttemptPhase.STARTED, "pod_uid": "u"}, "Running"),
        ({"phase": AttemptPhase.STARTED}, ""),
        ({"phase": AttemptPhase.ENDED, "pod_uid": "u"}, ""),
    ],
)
def test_how_far_a_pod_came_and_what_it_waits_for(fields: dict[str, Any], told: str) -> None:
    assert pod_phases.told(rows.attempt("a", 1, **fields)) == told


def test_what_a_pod_waits_for_is_a_line_where_nobody_looks_at_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    view = progress.LineView(DagSpec(dag_id="d", file="d.py"))
    waits = rows.attempt("a", 1, phase=AttemptPhase.SUBMITTED, pod_uid="u", detail={"waiting": "Unschedulable"})
    for attempt in (waits, waits, rows.attempt("a", 1, phase=AttemptPhase.SCHEDULED, pod_uid="u")):
        view.batch(rows.batch(attempt))
    assert capsys.readouterr().err == "  t Pending: Unschedulable\n"
