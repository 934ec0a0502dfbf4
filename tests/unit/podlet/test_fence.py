"""The start fence: who makes it decides whether an attempt's code ran."""

from __future__ import annotations

import os
import pathlib
import threading

from tradewind.podlet import fence


def test_only_the_first_enters(tmp_path: pathlib.Path) -> None:
    assert fence.enter(str(tmp_path), 7)
    assert not fence.enter(str(tmp_path), 7)


def test_a_fence_names_the_process_that_made_it(tmp_path: pathlib.Path) -> None:
    fence.enter(str(tmp_path), 7)
    found = fence.find(str(tmp_path))
    assert found is not None
    assert found.runner is not None
    assert (found.runner.pid, found.log_quota) == (os.getpid(), 7)
    assert found.runner.is_alive()


def test_nobody_enters_what_was_barred_and_it_counts_as_not_entered(tmp_path: pathlib.Path) -> None:
    assert fence.bar(str(tmp_path))
    assert not fence.enter(str(tmp_path), 7)
    assert fence.find(str(tmp_path)) is None


def test_what_was_entered_cannot_be_barred(tmp_path: pathlib.Path) -> None:
    fence.enter(str(tmp_path), 7)
    assert not fence.bar(str(tmp_path))
    assert fence.find(str(tmp_path)) is not None


def test_a_process_that_died_before_it_wrote_its_name_has_entered(tmp_path: pathlib.Path) -> None:
    (tmp_path / "fence").touch()
    os.utime(tmp_path / "fence", (1, 1))
    found = fence.find(str(tmp_path))
    assert found is not None
    assert found.runner is None


def test_of_many_at_once_one_enters(tmp_path: pathlib.Path) -> None:
    entered: list[bool] = []
    barrier = threading.Barrier(8)

    def enter() -> None:
        barrier.wait()
        entered.append(fence.enter(str(tmp_path), 7))

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(entered) == [False] * 7 + [True]
