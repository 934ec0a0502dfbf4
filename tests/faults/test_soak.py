"""A server under a steady load: what it holds does not grow."""

from __future__ import annotations

import pathlib

import pytest

from tests.support import reports, soaking


def test_a_minute_of_load_leaves_every_run_done(tmp_path: pathlib.Path) -> None:
    seen = soaking.soak(tmp_path, minutes=0.3, tasks_per_second=20)
    assert seen.succeeded == seen.runs > 10


@pytest.mark.long
def test_memory_and_open_files_stay_flat_over_twenty_minutes_at_fifty_tasks_a_second(tmp_path: pathlib.Path) -> None:
    seen = soaking.soak(tmp_path, minutes=20, tasks_per_second=50)
    reports.keep("soak.md", seen.text())
    assert seen.succeeded == seen.runs
    assert seen.rate > 45
    early, late = seen.at(5), seen.at(20)
    assert late.resident_mb - early.resident_mb <= 2
    assert late.open_files <= early.open_files + 2
