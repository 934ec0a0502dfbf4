"""Who may ask the podlet, and what happens when nobody does."""

from __future__ import annotations

import pathlib
import socket
import subprocess
import sys

import pytest

from tests.support.podlets import Podlet, is_running, list_below, wait_until
from tradewind.protocol import VERSION, frames
from tradewind.protocol import podlet as protocol

LONG = "import os, pathlib, subprocess, time\ndef long():\n    time.sleep(1000)\n"


def test_another_control_plane_is_refused_while_one_is_connected(podlet: Podlet) -> None:
    second = podlet.connect()
    assert second.welcome.problem is not None
    assert second.welcome.problem.code == "podlet-busy"
    with pytest.raises(EOFError):
        second.receive(5)
    assert podlet.parse(podlet.write("")).report.problems == ()


def test_one_with_a_newer_epoch_takes_over_and_the_older_is_told(podlet: Podlet) -> None:
    newer = podlet.connect(epoch=2)
    assert newer.welcome.problem is None
    told = podlet.client.take(protocol.Welcome)
    assert told.problem is not None
    assert told.problem.code == "podlet-taken"
    with pytest.raises(EOFError):
        podlet.client.receive(5)
    late = podlet.connect(epoch=1)
    assert late.welcome.problem is not None


def test_after_the_death_of_one_the_next_needs_no_newer_epoch(podlet: Podlet) -> None:
    podlet.connect(epoch=7)
    podlet.client = podlet._clients[-1]
    podlet.client.close()
    assert podlet.connect(epoch=0).welcome.problem is None


def test_the_same_control_plane_may_tell_its_epoch_later(podlet: Podlet) -> None:
    podlet.client.send(protocol.Hello(version=VERSION, epoch=3, supervisor_socket=""))
    assert podlet.client.take(protocol.Welcome).problem is None
    assert podlet.connect(epoch=2).welcome.problem is not None
    assert podlet.connect(epoch=4).welcome.problem is None


def test_another_version_of_the_protocol_is_refused_with_what_to_do(podlet: Podlet) -> None:
    other = podlet.connect(version=VERSION + 1)
    problem = other.welcome.problem
    assert problem is not None
    assert problem.code == "podlet-version"
    assert str(podlet.pid) in problem.hint


@pytest.mark.parametrize("nonsense", [b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, frames.pack({"type": "who"})])
def test_nonsense_on_the_socket_harms_nobody(podlet: Podlet, nonsense: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.connect(str(podlet.home / "podlet.sock"))
        other.sendall(nonsense)
        other.shutdown(socket.SHUT_WR)
        while other.recv(1 << 16):
            pass
    assert podlet.parse(podlet.write("")).report.problems == ()


def test_only_its_user_may_connect(podlet: Podlet) -> None:
    assert (podlet.home / "podlet.sock").stat().st_mode & 0o777 == 0o600


def test_a_second_podlet_of_a_home_ends_at_once(podlet: Podlet) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tradewind.podlet", "--home", str(podlet.home)], timeout=20, check=False
    )
    assert done.returncode == 0
    assert podlet.parse(podlet.write("")).report.problems == ()


def test_a_podlet_goes_on_without_a_control_plane(podlet: Podlet) -> None:
    attempt = podlet.begin(podlet.write(LONG), "long")
    pid = podlet.client.take(protocol.Started).pid
    podlet.client.close()
    again = podlet.client = podlet.connect()
    assert again.welcome.alive == (attempt,)
    assert is_running(pid)


def test_an_ephemeral_podlet_takes_everything_down_when_its_control_plane_is_gone(tmp_path: pathlib.Path) -> None:
    with Podlet(tmp_path, "--ephemeral") as podlet:
        file = podlet.write(
            LONG + "def daemon():\n    subprocess.Popen(['setsid', 'sleep', '1000'])\n    time.sleep(1000)\n"
        )
        for task in ("long", "daemon"):
            podlet.begin(file, task)
            podlet.client.take(protocol.Started)
        hanging = podlet.write("import time\ntime.sleep(1000)\n", "hanging.py")
        podlet.begin(hanging, "one")
        wait_until(lambda: len(podlet.zygote_pids()) == 2)
        below = list_below(podlet.pid)
        podlet.client.close()
        wait_until(lambda: not any(map(is_running, [podlet.pid, *below])))
        assert podlet.process is not None
        podlet.process.wait()


def test_when_an_ephemeral_podlet_is_killed_nothing_stays(tmp_path: pathlib.Path) -> None:
    with Podlet(tmp_path, "--ephemeral") as podlet:
        file = podlet.write(LONG)
        podlet.begin(file, "long")
        podlet.client.take(protocol.Started)
        hanging = podlet.write("import time\ntime.sleep(1000)\n", "hanging.py")
        podlet.begin(hanging, "one")
        wait_until(lambda: len(podlet.zygote_pids()) == 2)
        below = list_below(podlet.pid)
        podlet.kill()
        wait_until(lambda: not any(map(is_running, below)))


def test_a_shutdown_that_may_not_kill_waits_for_what_runs(podlet: Podlet) -> None:
    podlet.begin(podlet.write(LONG), "long")
    podlet.client.take(protocol.Started)
    podlet.client.send(protocol.Shutdown())
    assert podlet.parse(podlet.write("", "other.py")).report.problems == ()
    podlet.client.send(protocol.Shutdown(kill=True))
    assert podlet.process is not None
    podlet.process.wait(10)


def test_a_control_plane_that_does_not_read_stops_nobody(podlet: Podlet) -> None:
    """Answers wait in the podlet; attempts go on."""
    file = podlet.write(
        "import pathlib\nBIG = 'x' * (1 << 20)\ndef big():\n    return BIG\n"
        "def mark():\n    pathlib.Path(__file__).with_name('mark').touch()\n"
    )
    attempts = [podlet.begin(file, "big") for _ in range(20)]
    podlet.begin(file, "mark")
    wait_until((podlet.files / "mark").exists)
    for attempt in attempts:
        assert len(podlet.client.end_of(attempt).result.xcoms[0].value) == (1 << 20) + 2
