"""What an operator is told while a server runs."""

from __future__ import annotations

import logging
from datetime import timedelta

import msgspec
import pytest

from tests.unit.scheduler.test_meter import NOW, make_attempt, make_run
from tradewind.cli import journal
from tradewind.model.facts import AttemptFact, Batch, RunFact
from tradewind.model.problem import Problem
from tradewind.model.rows import DagRun
from tradewind.model.snapshot import ActiveSnapshot, RunSnapshot
from tradewind.model.states import AttemptPhase, EndReason, RunState
from tradewind.ports import store as store_port

BROKEN = Problem(code="syntax", message="invalid syntax", hint="close the bracket", line=3)


@pytest.fixture(autouse=True)
def _info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="tradewind.server")


def runs(*rows: DagRun) -> Batch:
    return Batch(facts=tuple(RunFact(run=row) for row in rows))


def ended(run: DagRun, state: RunState, seconds: float, verdict: str | None = None) -> DagRun:
    over = NOW + timedelta(seconds=seconds)
    return msgspec.structs.replace(run, state=state, started_at=NOW, ended_at=over, verdict=verdict)


def file(path: str, *problems: Problem, dags: tuple[str, ...] = ()) -> store_port.FileStatus:
    return store_port.FileStatus(
        bundle="dags", path=path, fingerprint=str(len(problems)), problems=problems, dag_ids=dags
    )


def test_a_run_is_told_when_it_begins_and_when_it_ends_and_not_again(caplog: pytest.LogCaptureFixture) -> None:
    lines, run = journal.Journal(), make_run(1)
    over = ended(run, RunState.FAILED, 200, "Task a failed: no")
    for row in (run, run, over, msgspec.structs.replace(over, note="seen")):
        lines.batch(runs(row))
    assert caplog.messages == ["run begun", "run ended: failed in 3 min 20 s: Task a failed: no"]
    last = caplog.records[-1].__dict__
    assert (last["dag"], last["run"], last["state"], last["seconds"]) == ("dag", "run1", "failed", 200.0)


def test_a_run_of_an_earlier_server_is_told_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    lines, run = journal.Journal(), make_run(1)
    alive = make_attempt(AttemptPhase.STARTED, 0.1)
    snapshot = RunSnapshot(run=run, tasks=(), attempts=(alive,))
    lines.restored(ActiveSnapshot(dags=(), pools=(), runs=(snapshot,)), 7)
    lines.batch(runs(run, ended(run, RunState.SUCCESS, 1.25)))
    assert caplog.messages == [
        "leads this home: 1 run unfinished, 1 attempt adopted",
        "run ended: success in 1.2 s",
    ]
    assert caplog.records[0].__dict__["epoch"] == 7


def test_an_attempt_that_failed_gets_a_line_and_a_good_one_none(caplog: pytest.LogCaptureFixture) -> None:
    lines = journal.Journal()
    lines.batch(runs(make_run(1)))
    bad = msgspec.structs.replace(make_attempt(AttemptPhase.ENDED, 0.1, EndReason.ERROR), verdict="ValueError: no")
    good = make_attempt(AttemptPhase.ENDED, 0.1, EndReason.COMPLETED)
    lines.batch(Batch(facts=(AttemptFact(attempt=good), AttemptFact(attempt=bad))))
    assert caplog.messages[1:] == ["try 1: ValueError: no"]
    told = caplog.records[-1].__dict__
    assert (told["dag"], told["task"], told["try"], told["attempt"]) == ("dag", "task", 1, bad.attempt_id)


def test_a_broken_file_is_told_once_with_its_line_and_hint(caplog: pytest.LogCaptureFixture) -> None:
    lines = journal.Journal()
    lines.files([file("a.py", dags=("a",)), file("b.py", BROKEN)])
    lines.files([file("a.py", dags=("a",)), file("b.py", BROKEN)])
    assert caplog.messages == ["loaded a.py: a", "broken: b.py:3: invalid syntax"]
    assert caplog.records[-1].__dict__["hint"] == "close the bracket"


def test_what_stays_of_a_file_that_broke_is_told_and_so_are_its_repair_and_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lines = journal.Journal()
    lines.files([file("a.py", dags=("a",))])
    lines.files([file("a.py", BROKEN, dags=("a",))])
    lines.files([file("a.py", dags=("a",))])
    lines.files([])
    assert caplog.messages == [
        "loaded a.py: a",
        "broken: a.py:3: invalid syntax (the last good version of a stays)",
        "loaded a.py: a",
        "a.py is gone, or no DAG file any more",
    ]


def test_many_files_at_once_get_one_line(caplog: pytest.LogCaptureFixture) -> None:
    journal.Journal().files([file(f"{n}.py", dags=(f"dag{n}",)) for n in range(300)])
    assert caplog.messages == ["loaded 300 DAG files: 300 DAGs"]


def test_what_is_held_back_is_told_when_it_begins_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    lines = journal.Journal()
    wrong = Problem(code="timetable", message="no such zone", hint="name another")
    for _ in range(2):
        lines.held({"a": wrong}, {"gpu": ("b", "c")})
    lines.held({}, {})
    assert caplog.messages == [
        "a gets no scheduled runs: no such zone",
        "tasks of b, c wait for pool 'gpu', which does not exist",
        "in order again: pool gpu",
        "in order again: the schedule of a",
    ]


def test_draining_says_what_may_still_end_and_the_end_says_what_is_left(caplog: pytest.LogCaptureFixture) -> None:
    lines = journal.Journal()
    lines.draining(2, 30)
    lines.stopped(1)
    lines.stopped(0)
    assert caplog.messages == [
        "draining: nothing new begins, 2 attempts may end within 30 s; once more to stop at once",
        "stopped; 1 attempt under the podlet, for the next server to adopt",
        "stopped",
    ]


def test_each_missed_deadline_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    teller, run = journal.Journal(), make_run(1)
    late = msgspec.structs.replace(run, deadlines=(NOW, NOW), missed_deadlines=(0,))
    both = msgspec.structs.replace(late, missed_deadlines=(0, 1))
    for row, cause in ((run, "started"), (late, "The first passed."), (late, "a note"), (both, "The second passed.")):
        teller.batch(Batch(facts=(RunFact(run=row, cause=cause),)))
    teller.batch(runs(ended(both, RunState.SUCCESS, 1)))
    warned = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert warned == ["The first passed.", "The second passed."]
