"""Log files: their format, live and at rest."""

from __future__ import annotations

import asyncio
import os
import pathlib
from datetime import UTC, datetime

import msgspec
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


def test_lines_of_a_worker_and_its_pod_are_one_log_in_the_order_of_their_times(tmp_path: pathlib.Path) -> None:
    """Live and at rest; the parts of a long line stay together."""
    home, attempt = tmp_path, msgspec.structs.replace(make_attempt(), attempt_id=AttemptId("a"))
    (home / "attempts" / "a").mkdir(parents=True)
    (home / "attempts" / "a.pod").mkdir()

    def line(second: int, text: str, mark: str = "F") -> str:
        return f"2026-01-01T00:00:0{second}.000000Z stdout {mark} {text}\n"

    (home / "attempts" / "a" / "log").write_text(line(1, "before") + line(4, "after"))
    (home / "attempts" / "a.pod" / "log").write_text(line(2, "long ", "P") + line(5, "line") + line(3, "x"))
    logs = folder.FolderLogs(home, SystemClock())

    async def read() -> list[str]:
        return [one.text async for one in logs.read(attempt)]

    told = ["before", "long ", "line", "x", "after"]
    assert asyncio.run(read()) == told
    asyncio.run(logs.seal(attempt))
    asyncio.run(logs.seal(attempt))
    assert asyncio.run(read()) == told
    assert not list(home.glob("attempts/*/log"))


def test_lines_that_the_worker_printed_itself_are_there_once(tmp_path: pathlib.Path) -> None:
    """Those that it did not get to are added when the log comes to rest."""
    home, attempt = tmp_path, msgspec.structs.replace(make_attempt(), attempt_id=AttemptId("a"))
    head = "2026-01-01T00:00:01.000000Z stdout F "
    (home / "attempts" / "a").mkdir(parents=True)
    (home / "attempts" / "a.pod").mkdir()
    (home / "attempts" / "a" / "log").write_text(f"{head}<base> ONE\n")
    (home / "attempts" / "a.pod" / "log").write_text(f"{head}one\n{head}two\n")
    (home / "attempts" / "a" / "relayed").write_text(str(len(f"{head}one\n")))
    logs = folder.FolderLogs(home, SystemClock())

    async def read() -> list[str]:
        return [one.text async for one in logs.read(attempt)]

    assert asyncio.run(read()) == ["<base> ONE"]
    asyncio.run(logs.seal(attempt))
    assert asyncio.run(read()) == ["<base> ONE", "two"]
