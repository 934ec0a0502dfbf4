"""The timeline of a run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support import rows
from tradewind.cli import timeline
from tradewind.model.rows import TaskInstance
from tradewind.model.states import RunState, TaskState


def at(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def ran(task_id: str, queued: float, started: float, ended: float, map_index: int = -1) -> TaskInstance:
    return rows.task(
        1,
        task_id,
        TaskState.SUCCESS,
        map_index,
        queued_at=rows.START + at(queued),
        started_at=rows.START + at(started),
        ended_at=rows.START + at(ended),
    )


RUN = rows.run(1, state=RunState.SUCCESS, started_at=rows.START, ended_at=rows.START + at(10))


@pytest.fixture(autouse=True)
def a_terminal_of_120_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")


def test_a_bar_is_light_while_a_task_waits_and_full_while_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    timeline.show(RUN, [ran("first", 0, 0, 5), ran("second", 0, 5, 10)])
    _, first, second = capsys.readouterr().out.splitlines()
    assert first.count("█") == second.count("█") == second.count("░")
    assert "░" not in first
    assert second.rstrip().endswith("5.00 s")


def test_many_elements_of_a_mapped_task_share_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    timeline.show(RUN, [ran("m", 0, number, number + 1, number) for number in range(10)])
    assert "m[10 elements]" in capsys.readouterr().out


def test_what_ran_before_the_run_was_cleared_is_only_counted(capsys: pytest.CaptureFixture[str]) -> None:
    timeline.show(RUN, [ran("old", -100, -99, -98), ran("new", 0, 1, 2)])
    out = capsys.readouterr().out
    assert "1 more ran before the run was cleared" in out
    assert "old" not in out


def test_a_run_in_which_nothing_ran_draws_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    timeline.show(RUN, [rows.task(1, "t", TaskState.SKIPPED)])
    assert capsys.readouterr().out == ""
