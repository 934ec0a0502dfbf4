"""Logs at rest by run: listed, measured, taken away; in memory and in a folder."""

from __future__ import annotations

import asyncio
import pathlib

import pytest

from tests.support import rows
from tradewind.clock import SystemClock
from tradewind.logs.folder import FolderLogs
from tradewind.logs.shelf import FolderShelf
from tradewind.model.ids import RunKey
from tradewind.ports.upkeep import LogAmounts, Shelf
from tradewind.testing.memory_shelf import MemoryShelf

ONE, TWO, NINE = RunKey(1), RunKey(2), RunKey(9)


@pytest.fixture(params=["memory", "folder"])
def shelf(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Shelf:
    """Two logs of run 1 with five bytes each, one of run 2."""
    if request.param == "memory":
        return MemoryShelf({1: LogAmounts(files=2, bytes=10), 2: LogAmounts(files=1, bytes=5)})
    logs = FolderLogs(tmp_path, SystemClock())
    for attempt in (rows.attempt("a1", 1, "group.t"), rows.attempt("a2", 1, "u"), rows.attempt("b1", 2, "t")):
        live = tmp_path / "attempts" / attempt.attempt_id / "log"
        live.parent.mkdir(parents=True)
        live.write_text("four\n")
        asyncio.run(logs.seal(attempt))
    return FolderShelf(tmp_path)


async def test_it_knows_which_runs_have_logs_and_how_much(shelf: Shelf) -> None:
    assert await shelf.list_runs() == [ONE, TWO]
    assert await shelf.measure([ONE, TWO]) == LogAmounts(files=3, bytes=15)
    assert await shelf.measure([NINE]) == LogAmounts()


async def test_what_is_removed_is_gone_and_the_rest_stays(shelf: Shelf) -> None:
    assert await shelf.remove([ONE, NINE]) == LogAmounts(files=2, bytes=10)
    assert await shelf.list_runs() == [TWO]
    assert await shelf.remove([ONE]) == LogAmounts()
    assert (await shelf.measure([TWO])).files == 1
    assert await shelf.free_bytes() > 0


async def test_a_home_without_logs_has_none(tmp_path: pathlib.Path) -> None:
    assert await FolderShelf(tmp_path).list_runs() == []


async def test_folders_that_are_no_runs_logs_are_left_alone(tmp_path: pathlib.Path) -> None:
    (tmp_path / "logs" / "run=mine").mkdir(parents=True)
    (tmp_path / "logs" / "notes").mkdir()
    assert await FolderShelf(tmp_path).list_runs() == []
