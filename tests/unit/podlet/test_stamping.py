"""How an attempt's output becomes lines of its log."""

from __future__ import annotations

import pathlib
import random
import re
from collections.abc import Iterator

import pytest

from tradewind.logs import line as log_line
from tradewind.podlet.stamping import MAX_LINE, ROUND_BYTES, Stamper
from tradewind.worker.secrets import FILE, Secrets, remove

QUOTA = 1 << 30


class Files:
    def __init__(self, folder: pathlib.Path) -> None:
        self.out = folder / "out"
        self.log = folder / "log"

    def stamper(self, quota: int = QUOTA, container: str = "") -> Stamper:
        return Stamper(str(self.out), str(self.log), quota, container)

    def write(self, data: bytes) -> None:
        with self.out.open("ab") as file:
            file.write(data)

    def finish(self, stamper: Stamper) -> None:
        while stamper.stamp():
            pass
        stamper.finish()

    def texts(self) -> list[str]:
        return [log_line.parse(raw).text for raw in self.raw()]

    def raw(self) -> list[str]:
        return self.log.read_bytes().decode().split("\n")[:-1]

    def whole_text(self) -> str:
        """What the reader of the log can put together again."""
        lines = [log_line.parse(raw) for raw in self.raw()]
        return "".join(one.text + ("" if one.partial else "\n") for one in lines if one.stream == "stdout")


@pytest.fixture
def files(tmp_path: pathlib.Path) -> Iterator[Files]:
    yield Files(tmp_path)
    remove(str(tmp_path))


def test_each_line_gets_a_time_a_stream_and_a_mark(files: Files) -> None:
    files.write(b"one\ntwo\n")
    files.finish(files.stamper())
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z stdout F (one|two)", raw) for raw in files.raw())
    assert files.texts() == ["one", "two"]


def test_a_line_without_an_end_waits_until_it_has_one_or_the_attempt_ended(files: Files) -> None:
    stamper = files.stamper()
    files.write(b"half")
    stamper.stamp()
    assert not files.log.exists()
    files.write(b" and half\nlast")
    stamper.stamp()
    assert files.texts() == ["half and half"]
    files.finish(stamper)
    assert files.texts() == ["half and half", "last"]


def test_a_line_of_a_megabyte_becomes_parts_that_give_it_back(files: Files) -> None:
    text = "äöü€" * (1 << 17)
    files.write(text.encode() + b"\nnext\n")
    files.finish(files.stamper())
    lines = [log_line.parse(raw) for raw in files.raw()]
    assert {one.partial for one in lines[:-2]} == {True}
    assert [one.partial for one in lines[-2:]] == [False, False]
    assert max(len(one.text.encode()) for one in lines) <= MAX_LINE
    assert files.whole_text() == text + "\nnext\n"


def test_bytes_that_are_no_text_are_written_as_escapes(files: Files) -> None:
    files.write(b"\xff\x00\xfe ok\n")
    files.finish(files.stamper())
    assert files.texts() == ["\\xff\x00\\xfe ok"]


def test_a_line_that_begins_with_a_bracket_is_not_taken_for_a_container(files: Files) -> None:
    files.write(b"[2026-01-01] INFO\n[]\n")
    files.finish(files.stamper())
    assert files.texts() == ["[2026-01-01] INFO", "[]"]


def test_a_container_is_named_in_each_line(files: Files) -> None:
    files.write(b"[x] y\nplain\n")
    files.finish(files.stamper(container="base"))
    lines = [log_line.parse(raw) for raw in files.raw()]
    assert [(one.container, one.text) for one in lines] == [("base", "[x] y"), ("base", "plain")]


def test_beyond_the_quota_the_log_says_how_much_is_not_kept(files: Files) -> None:
    files.write(b"0123456789\n" * 10)
    stamper = files.stamper(quota=25)
    stamper.stamp()
    assert files.texts()[:3] == ["0123456789", "0123456789", "012"]
    assert "log quota of 25 bytes reached" in files.texts()[3]
    files.write(b"0123456789\n" * 10)
    files.finish(stamper)
    assert files.texts()[4:] == ["log cut: 195 bytes after the first 25 are not kept"]


def test_one_round_takes_a_bounded_piece(files: Files) -> None:
    files.write(b"x" * 99 + b"\n")
    files.write((b"x" * 99 + b"\n") * (3 * ROUND_BYTES // 100))
    stamper = files.stamper()
    assert stamper.stamp()
    assert 0 < stamper.offset <= ROUND_BYTES
    files.finish(stamper)
    assert stamper.offset == files.out.stat().st_size


def test_what_was_read_of_a_flood_is_given_back_to_the_disk(files: Files) -> None:
    files.write((b"x" * 1023 + b"\n") * (40 << 10))
    stamper = files.stamper()
    files.finish(stamper)
    assert files.out.stat().st_blocks * 512 < 20 << 20


@pytest.mark.parametrize("seed", range(30))
def test_a_successor_goes_on_where_a_killed_podlet_stopped(files: Files, seed: int) -> None:
    draws = random.Random(seed)
    pieces = [b"a\n", b"[b] c\n", b"\xff\n", b"x" * (MAX_LINE + 5), "€".encode() * 40_000, b"\n", b"tail"]
    data = b"".join(draws.choice(pieces) for _ in range(60))
    quota = draws.choice([QUOTA, len(data) // 2])
    files.write(data)
    files.finish(files.stamper(quota))
    wanted = files.texts()
    whole = files.log.read_bytes()
    files.log.unlink()
    for cut in sorted(draws.randrange(len(whole)) for _ in range(4)):
        files.log.write_bytes(whole[:cut])
        successor = files.stamper(quota)
        successor.resume()
        files.finish(successor)
        assert files.texts() == wanted


def test_a_successor_of_a_flood_needs_no_byte_that_was_given_back(files: Files) -> None:
    texts = [f"{n:0255d}\n" for n in range(1 << 17)]  # 32 MiB
    files.write("".join(texts).encode())
    first = files.stamper()
    for _ in range(30):
        first.stamp()
    second = files.stamper()
    second.resume()
    assert (second.offset, second.lines) == (first.offset, first.lines)
    files.finish(second)
    assert files.whole_text() == "".join(texts)


# -- secrets -------------------------------------------------------------------------------------------------------


def give(files: Files, *secrets: str) -> None:
    """As a worker writes down what it was given."""
    given = Secrets()
    given.write_to(str(files.out.parent))
    given.add(secrets)


def solid(text: str) -> str:
    return "".join(text.split())


def test_a_secret_is_hidden_in_the_log(files: Files) -> None:
    give(files, "open-sesame")
    files.write(b"a\npassword=open-sesame!\nz\n")
    files.finish(files.stamper())
    assert files.texts() == ["a", "password=***!", "z"]


def test_a_secret_that_comes_while_the_attempt_runs_is_hidden_from_then_on(files: Files) -> None:
    stamper = files.stamper()
    files.write(b"nothing yet\n")
    stamper.stamp()
    give(files, "open-sesame")
    files.write(b"open-sesame\n")
    stamper.stamp()
    assert files.texts() == ["nothing yet", "***"]


def test_a_line_that_may_begin_a_secret_waits_for_the_next(files: Files) -> None:
    give(files, "open-sesame")
    stamper = files.stamper()
    files.write(b"first\nsay open-\n")
    assert [stamper.stamp(), stamper.stamp()] == [True, False]
    assert files.texts() == ["first"]
    files.write(b"sesame now\n")
    stamper.stamp()
    assert files.texts() == ["first", "say ***", "*** now"]


def test_a_line_that_only_looked_like_a_secret_comes_at_the_end(files: Files) -> None:
    give(files, "open-sesame")
    files.write(b"say open-\n")
    files.finish(files.stamper())
    assert files.texts() == ["say open-"]


def test_a_podlet_that_takes_over_hides_what_its_predecessor_hid(files: Files) -> None:
    give(files, "open-sesame")
    files.write(b"one open-sesame\ntwo open-")
    files.stamper().stamp()
    again = files.stamper()
    again.resume()
    files.write(b"\nsesame\nthree\n")
    files.finish(again)
    assert files.texts() == ["one ***", "two ***", "***", "three"]


@pytest.mark.parametrize("seed", range(30))
def test_a_secret_is_never_in_the_log_however_it_was_written_and_read(files: Files, seed: int) -> None:
    dice = random.Random(seed)
    secret = "".join(dice.choice("ab-Z/é") for _ in range(dice.randint(5, 20)))
    give(files, secret)
    stamper = files.stamper()
    count = 0
    for _ in range(60):
        text = dice.choice([secret, secret[: dice.randint(1, 4)], "ab", "\n", " ", "word\n", "x" * (MAX_LINE - 3)])
        count += text.count("\n")
        data = text.encode()
        cut = dice.randint(0, len(data))
        for part in (data[:cut], data[cut:]):
            files.write(part)
            if dice.random() < 0.3:
                stamper.stamp()
            if dice.random() < 0.05:
                stamper = files.stamper()
                stamper.resume()
    files.finish(stamper)
    assert solid(secret) not in solid(files.whole_text())
    assert files.whole_text().count("\n") in (count, count + 1)


def test_an_attempt_without_secrets_has_every_byte_in_its_log(files: Files) -> None:
    files.write(b"open-sesame\n")
    files.finish(files.stamper())
    assert files.texts() == ["open-sesame"]


def test_where_the_secrets_were_lost_with_the_memory_nothing_is_shown(files: Files) -> None:
    files.write(b"before\n")
    files.stamper().stamp()
    give(files, "open-sesame")
    (files.out.parent / FILE).readlink().unlink()
    again = files.stamper()
    again.resume()
    files.write(b"open-sesame\n\n")
    files.finish(again)
    assert files.texts() == ["before", "***", ""]


def test_where_a_secret_was_written_down_in_part_nothing_is_shown(files: Files) -> None:
    give(files, "open-sesame")
    with (files.out.parent / FILE).open("ab") as given:
        given.write(b'"half"secret\n')
    files.write(b"anything\n")
    files.finish(files.stamper())
    assert files.texts() == ["***"]
