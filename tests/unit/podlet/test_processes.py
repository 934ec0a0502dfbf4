"""Names for processes that last, and what ends whole trees of them."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys

from tests.support.podlets import is_running, wait_until
from tradewind.podlet import processes
from tradewind.podlet.processes import Identity


def own() -> Identity:
    pid, start_time, boot_id = processes.own_name().split()
    return Identity(int(pid), int(start_time), boot_id)


def test_a_process_is_known_by_pid_start_time_and_boot() -> None:
    assert own().is_alive()
    assert not dataclasses.replace(own(), start_time=1).is_alive()
    assert not dataclasses.replace(own(), boot_id="another").is_alive()


def test_one_that_ended_and_was_not_reaped_is_there_and_not_alive() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    start_time = int(processes._stat(pid)[19])
    child = Identity(pid, start_time, processes.boot_id())
    wait_until(lambda: not is_running(pid))
    assert child.is_there()
    assert not child.is_alive()
    os.waitpid(pid, 0)
    assert not child.is_there()


def test_a_name_with_spaces_and_brackets_confuses_nobody() -> None:
    rename = "import ctypes, time\nctypes.CDLL(None).prctl(15, b') S 1 (', 0, 0, 0)\nprint(flush=True)\ntime.sleep(100)"
    with subprocess.Popen([sys.executable, "-c", rename], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert int(processes._stat(process.pid)[1]) == os.getpid()
        process.kill()


def test_a_whole_tree_is_ended_and_nothing_else() -> None:
    with subprocess.Popen(["sh", "-c", "sh -c 'setsid sleep 1000 & sleep 1000' & sleep 1000"]) as tree:
        wait_until(lambda: len(processes.descendants(tree.pid)) == 4)
        below = processes.descendants(tree.pid)
        processes.end_tree_below(tree.pid)
        wait_until(lambda: not any(map(is_running, below)))
        tree.wait(10)


def test_processes_are_found_by_what_is_in_their_environment() -> None:
    with subprocess.Popen(["sleep", "1000"], env={"TRADEWIND_ATTEMPT_ID": "abc"}) as process:
        wait_until(lambda: processes.find_marked("TRADEWIND_ATTEMPT_ID", "abc") == [process.pid])
        assert processes.find_marked("TRADEWIND_ATTEMPT_ID", "ab") == []
        process.kill()
