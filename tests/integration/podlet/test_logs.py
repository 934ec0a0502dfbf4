"""What attempts write, as it stands in their logs, while they run and afterwards."""

from __future__ import annotations

import contextlib
import pathlib
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.support.podlets import Podlet, kill, wait_until
from tradewind.model.states import EndReason
from tradewind.protocol import podlet as protocol


def test_stdout_stderr_and_child_processes_stand_in_the_order_in_which_they_were_written(podlet: Podlet) -> None:
    file = podlet.write(
        "import os, subprocess, sys\n"
        "def one():\n"
        "    for n in range(50):\n"
        "        print('out', n, flush=True)\n"
        "        print('err', n, file=sys.stderr, flush=True)\n"
        "    subprocess.run(['sh', '-c', 'echo shell; echo shell-err >&2'])\n"
        "    os.write(2, b'raw\\n')\n"
    )
    attempt = podlet.begin(file, "one")
    podlet.client.end_of(attempt)
    wanted = [f"{stream} {n}" for n in range(50) for stream in ("out", "err")]
    assert podlet.lines(attempt) == [*wanted, "shell", "shell-err", "raw"]


def test_a_line_is_in_the_log_while_the_attempt_runs(podlet: Podlet) -> None:
    file = podlet.write(
        "import time\ndef long():\n    print('begin')\n    time.sleep(0.3)\n    print('later')\n    time.sleep(1000)\n"
    )
    attempt = podlet.begin(file, "long")
    wait_until(lambda: podlet.lines(attempt) == ["begin", "later"])


def test_an_attempt_that_wrote_nothing_has_no_log(podlet: Podlet) -> None:
    attempt = podlet.begin(podlet.write("def one():\n    pass\n"), "one")
    podlet.client.end_of(attempt)
    assert not (podlet.folder(attempt) / "log").exists()


def test_a_flood_is_cut_at_the_quota_and_others_do_not_wait_for_it(podlet: Podlet) -> None:
    file = podlet.write(
        "import os\n"
        "def flood():\n"
        "    block = b'x' * 1023 + b'\\n'\n"
        "    for _ in range(1 << 18):\n"
        "        os.write(1, block)\n"
        "def quick():\n"
        "    print('quick')\n"
    )
    quota = 8 << 20
    flood = podlet.begin(file, "flood", log_quota_bytes=quota)
    for _ in range(5):
        podlet.client.end_of(podlet.begin(file, "quick"))
    ended = podlet.client.end_of(flood)
    lines = podlet.lines(flood)
    written = (1 << 28) - quota
    assert lines[-1] == f"[] log cut: {written} bytes after the first {quota} are not kept"
    assert lines.count("x" * 1023) == quota >> 10
    assert ended.log_bytes == quota


def test_binary_and_a_long_line_do_no_harm(podlet: Podlet) -> None:
    file = podlet.write("import os\ndef one():\n    os.write(1, bytes(range(256)) + b'y' * (1 << 20) + b'\\nend\\n')\n")
    attempt = podlet.begin(file, "one")
    podlet.client.end_of(attempt)
    lines = podlet.lines(attempt)
    assert lines[-1] == "end"
    assert "\\x80\\x81" in "".join(lines)
    assert sum(line.count("y") for line in lines) == (1 << 20) + 1


def test_the_successor_of_a_killed_podlet_writes_the_rest_of_the_log(podlet: Podlet) -> None:
    file = podlet.write(
        "import time, pathlib\n"
        "def one():\n"
        "    for n in range(30):\n"
        "        print('line', n)\n"
        "        time.sleep(0.05)\n"
    )
    attempt = podlet.begin(file, "one")
    wait_until(lambda: len(podlet.lines(attempt)) > 2)
    podlet.kill()
    time.sleep(0.3)
    podlet.start()
    podlet.client.end_of(attempt)
    assert podlet.lines(attempt) == [f"line {n}" for n in range(30)]


def test_what_was_written_before_a_kill_is_in_the_log(podlet: Podlet) -> None:
    file = podlet.write(
        "import time\ndef long():\n"
        "    print('begin', flush=True)\n    print('tail', end='', flush=True)\n    time.sleep(1000)\n"
    )
    attempt = podlet.begin(file, "long")
    kill(podlet.client.take(protocol.Started).pid)
    podlet.client.end_of(attempt)
    assert podlet.lines(attempt) == ["begin", "tail"]


@pytest.fixture
def small_disk(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.namespaces
def test_on_a_full_disk_attempts_do_not_begin_and_say_why_and_later_they_run_again(small_disk: pathlib.Path) -> None:
    with Podlet(small_disk) as podlet:
        file = podlet.write("import time\ndef one():\n    print('x' * 100)\n    return 1\n")
        podlet.client.end_of(podlet.begin(file, "one"))
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as out, contextlib.suppress(OSError):
            while True:
                out.write(bytes(4096))
        failed = podlet.client.failure_of(podlet.begin(file, "one"))
        assert failed.reason in (EndReason.NEVER_STARTED, EndReason.LOST)
        assert "No space left" in failed.message
        filler.unlink()
        attempt = podlet.begin(file, "one")
        assert podlet.client.end_of(attempt).result.xcoms[0].value == b"1"
        assert podlet.lines(attempt) == ["x" * 100]
