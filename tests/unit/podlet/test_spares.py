"""Directories that are used again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradewind.podlet import child, fence
from tradewind.podlet.spares import Spares


def lived(folder: Path) -> None:
    """What an attempt leaves."""
    folder.mkdir()
    assert fence.enter(str(folder), 7)
    (folder / "out").write_text("said\n")
    child.write(str(folder / "result"), b"ended")


def test_a_directory_that_is_used_again_has_no_result_and_its_fence_can_be_made_once(tmp_path: Path) -> None:
    spares = Spares(str(tmp_path / "spare"))
    lived(tmp_path / "one")
    assert spares.keep(str(tmp_path / "one"))
    assert not (tmp_path / "one").exists()

    again = tmp_path / "two"
    assert spares.take(str(again))
    assert fence.find(str(again)) is None
    assert not fence.exists(str(again))
    assert (again / "out").read_text() == "said\n"
    assert not (again / "result").exists()
    assert fence.enter(str(again), 9)
    found = fence.find(str(again))
    assert found is not None
    assert found.log_quota == 9
    assert not fence.enter(str(again), 9)
    assert not fence.bar(str(again))


def test_a_barred_spare_is_not_entered(tmp_path: Path) -> None:
    spares = Spares(str(tmp_path / "spare"))
    lived(tmp_path / "one")
    spares.keep(str(tmp_path / "one"))
    spares.take(str(tmp_path / "two"))
    assert fence.bar(str(tmp_path / "two"))
    assert not fence.enter(str(tmp_path / "two"), 1)
    assert fence.find(str(tmp_path / "two")) is None


def test_using_one_again_makes_no_file(tmp_path: Path) -> None:
    spares = Spares(str(tmp_path / "spare"))
    lived(tmp_path / "one")
    before = {path.stat().st_ino for path in (tmp_path / "one").iterdir()}
    spares.keep(str(tmp_path / "one"))
    spares.take(str(tmp_path / "two"))
    fence.enter(str(tmp_path / "two"), 1)
    child.write(str(tmp_path / "two" / "result"), b"x")
    assert {path.stat().st_ino for path in (tmp_path / "two").iterdir()} == before


def test_a_directory_without_a_result_is_not_kept_and_leaves_nothing(tmp_path: Path) -> None:
    spares = Spares(str(tmp_path / "spare"))
    lived(tmp_path / "one")
    (tmp_path / "one" / "result").unlink()
    assert spares.keep(str(tmp_path / "one"))
    assert not spares.take(str(tmp_path / "two"))
    assert not list((tmp_path / "spare").iterdir())


def test_a_directory_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    spares = Spares(str(tmp_path / "spare"))
    lived(tmp_path / "one")
    spares.keep(str(tmp_path / "one"))
    (tmp_path / "two").mkdir()
    with pytest.raises(FileExistsError):
        spares.take(str(tmp_path / "two"))


def test_what_a_podlet_that_died_kept_is_removed(tmp_path: Path) -> None:
    spares = Spares(str(tmp_path / "spare"))
    lived(tmp_path / "one")
    spares.keep(str(tmp_path / "one"))
    assert not Spares(str(tmp_path / "spare")).take(str(tmp_path / "two"))
    assert not (tmp_path / "spare").exists()
