"""kill -9 of the control plane, of the podlet and of zygotes, under load."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from tests.support import killing, reports


@pytest.fixture
def loop(tmp_path: pathlib.Path) -> Iterator[killing.KillLoop]:
    made = killing.KillLoop(tmp_path, seed=20260131, retries=2)
    yield made
    made.server.stop()


def judge(report: killing.Report, name: str = "") -> None:
    if name:
        reports.keep(f"kill-loop-{name}.md", report.text())
    else:
        print(report.text())
    assert report.lost == []
    assert report.entered_twice == []
    assert report.unexplained == []
    assert report.not_whole == []


@pytest.mark.timeout(180)
def test_killing_the_control_plane_ten_times_loses_nothing_and_enters_nothing_twice(loop: killing.KillLoop) -> None:
    judge(loop.kill_control_plane(10))


@pytest.mark.timeout(180)
def test_killing_the_podlet_or_a_zygote_five_times_is_made_good(loop: killing.KillLoop) -> None:
    judge(loop.kill_podlet(5))


@pytest.mark.long
def test_killing_the_control_plane_two_hundred_times(loop: killing.KillLoop) -> None:
    judge(loop.kill_control_plane(200), "control-plane")


@pytest.mark.long
def test_killing_the_podlet_or_a_zygote_fifty_times(loop: killing.KillLoop) -> None:
    judge(loop.kill_podlet(50), "podlet")
