"""Log files: their format, live and at rest."""

from __future__ import annotations

import asyncio
import os
import pathlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.clock import SystemClock
from tradewind.logs import demand, folder, line
from tradewind.model.ids import AttemptId, RunKey, TaskId
from tradewind.model.rows import Attempt
from tradewind.ports import errors
from tradewind.ports import logs as logs_port

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def make_attempt() -> Attempt:
    return Attempt(
        attempt_id=AttemptId("abc"), run_key=RunKey(7), task_id=TaskId("group.task"), try_number=1, created_at=AT
    )


def say(*texts: str) -> str:
    return "".join(line.format(logs_port.LogLine(at=AT, stream="stdout", text=text)) + "\n" for text in texts)


async def texts(lines: object) -> list[str]:
    return [one.text async for one in lines]  # type: ignore[attr-defined]


@given(
    text=st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])),
    container=st.sampled_from(["", "base", "init-1"]),
    partial=st.booleans(),
)
def test_a_line_comes_back_as_it_was_written(text: str, container: str, partial: bool) -> None:
    if not container and text.startswith("["):
        text = "x" + text
    made = logs_port.LogLine(at=AT, stream="stdout", text=text, container=container, partial=partial)
    assert line.parse(line.format(made)) == made


def test_a_line_that_is_not_of_the_format_is_kept_whole() -> None:
    assert line.parse("half a line").text == "half a line"


def test_a_live_log_is_read_and_then_found_at_rest(tmp_path: pathlib.Path) -> None:
    logs, attempt = folder.FolderLogs(tmp_path, SystemClock()), make_attempt()
    live = tmp_path / "attempts" / "abc"
    live.mkdir(parents=True)
    (live / "log").write_text(say("one", "two"))

    async def scenario() -> tuple[list[str], list[str]]:
        before = await texts(logs.read(attempt))
        await logs.seal(attempt)
        await logs.seal(attempt)
        return before, await texts(logs.read(attempt))

    assert asyncio.run(scenario()) == (["one", "two"], ["one", "two"])
    assert not (live / "log").exists()


def test_following_gives_each_line_once_across_the_seal(tmp_path: pathlib.Path) -> None:
    logs, attempt = folder.FolderLogs(tmp_path, SystemClock()), make_attempt()
    live = tmp_path / "attempts" / "abc"
    live.mkdir(parents=True)
    (live / "log").write_text(say("one"))

    async def write_on() -> None:
        await asyncio.sleep(0.15)
        with (live / "log").open("a") as file:
            file.write(say("two")[:-5])
            file.flush()
            await asyncio.sleep(0.15)
            file.write(say("two")[-5:] + say("three"))
        await logs.seal(attempt)

    async def scenario() -> list[str]:
        writing = asyncio.create_task(write_on())
        got = await texts(logs.follow(attempt))
        await writing
        return got

    assert asyncio.run(scenario()) == ["one", "two", "three"]


def test_an_attempt_that_wrote_nothing_has_no_log_and_says_so(tmp_path: pathlib.Path) -> None:
    logs = folder.FolderLogs(tmp_path, SystemClock())
    asyncio.run(logs.seal(make_attempt()))
    with pytest.raises(errors.NotFound, match="wrote nothing"):
        asyncio.run(texts(logs.read(make_attempt())))


def test_whose_log_is_followed_is_known_as_long_as_somebody_does(tmp_path: pathlib.Path) -> None:
    wanted = demand.FolderDemand(tmp_path)
    assert wanted.list_followed() == set()
    with wanted.following(AttemptId("a")):
        assert demand.FolderDemand(tmp_path).list_followed() == {"a"}
    assert wanted.list_followed() == set()


def test_one_who_followed_and_was_killed_is_forgotten(tmp_path: pathlib.Path) -> None:
    left = tmp_path / "followed" / "a"
    left.parent.mkdir()
    left.touch()
    os.utime(left, (1, 1))
    assert demand.FolderDemand(tmp_path).list_followed() == set()
    assert not left.exists()
