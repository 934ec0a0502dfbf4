"""What a home keeps of pods: whole or not at all, also where a write was cut off."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tradewind.model.ids import AttemptId
from tradewind.runtime.kubernetes.record import FILE, Record, Records

ONE, TWO = AttemptId("a1"), AttemptId("a2")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "attempts").mkdir()
    return tmp_path


def record(attempt_id: AttemptId = ONE, uid: str = "") -> Record:
    return Record(attempt_id=attempt_id, namespace="n", name=f"pod-{attempt_id}", uid=uid, logged=("base",))


def begin(kept: Records, one: Record, shown: dict[str, Any] | None) -> None:
    asyncio.run(kept.begin(one, shown))


def test_the_last_word_on_each_attempt_is_what_counts(home: Path) -> None:
    kept = Records(home)
    begin(kept, record(), None)
    begin(kept, record(TWO), {"kind": "Pod"})
    kept.put(record(uid="u"), lasting=False)
    assert Records(home).list() == [record(uid="u"), record(TWO)]


def test_what_people_may_see_of_a_pod_is_there_after_its_record_changed(home: Path) -> None:
    kept = Records(home)
    begin(kept, record(), {"kind": "Pod", "spec": {"containers": []}})
    kept.put(record(uid="u"))
    assert kept.find_shown(ONE) == "kind: Pod\nspec:\n  containers: []\n"
    begin(kept, record(TWO), None)
    assert kept.find_shown(TWO) is None
    assert kept.find_shown(AttemptId("none")) is None


@pytest.mark.parametrize("rest", [b'{"attempt_id": "a1", "name', b"\x00\x00\n", b"{}\n"])
def test_a_line_that_was_cut_off_leaves_the_one_before(home: Path, rest: bytes) -> None:
    begin(Records(home), record(uid="u"), None)
    with (home / "attempts" / ONE / FILE).open("ab") as file:
        file.write(b"\n" + rest)
    assert Records(home).list() == [record(uid="u")]
    Records(home).put(record(uid="v"), lasting=False)
    assert Records(home).list() == [record(uid="v")]


def test_a_record_that_nobody_can_read_is_left_out(home: Path) -> None:
    begin(Records(home), record(), None)
    begin(Records(home), record(TWO), None)
    (home / "attempts" / ONE / FILE).write_bytes(msgspec.json.encode(record())[:30])
    assert Records(home).list() == [record(TWO)]


def test_an_attempt_that_is_released_leaves_nothing_whatever_else_was_there(home: Path) -> None:
    kept = Records(home)
    for attempt_id in (ONE, TWO):
        begin(kept, record(attempt_id), {"kind": "Pod"})
    (home / "attempts" / TWO / "more").write_text("x")
    for attempt_id in (ONE, TWO, AttemptId("none")):
        kept.remove(attempt_id)
    assert list((home / "attempts").iterdir()) == []


def test_a_home_without_attempts_has_no_records(tmp_path: Path) -> None:
    assert Records(tmp_path).list() == []


def test_many_that_begin_at_once_are_all_there_when_each_is_told_so(home: Path) -> None:
    async def play() -> None:
        kept = Records(home)

        async def one(number: int) -> None:
            begun = record(AttemptId(f"a{number:03d}"))
            await kept.begin(begun, {"kind": "Pod"})
            assert begun in Records(home).list()

        await asyncio.gather(*(one(number) for number in range(50)))

    asyncio.run(play())


def test_one_that_is_not_waited_for_any_more_keeps_nobody_waiting(home: Path) -> None:
    async def play() -> None:
        kept = Records(home)
        left = asyncio.create_task(kept.begin(record(), None))
        await asyncio.sleep(0)
        left.cancel()
        async with asyncio.timeout(5):
            await kept.begin(record(TWO), None)

    asyncio.run(play())
