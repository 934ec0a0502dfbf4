"""Who holds the lease, and when that is certainly over."""

from __future__ import annotations

import os
import subprocess
import sys

from tradewind.scheduler import holder


def test_this_process_is_not_gone() -> None:
    assert not holder.is_gone(holder.own())


def test_a_process_that_ended_is_gone() -> None:
    code = "from tradewind.scheduler import holder; print(holder.own())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert other.split(":")[1] != str(os.getpid())
    assert holder.is_gone(other)


def test_a_later_process_of_the_same_number_is_not_taken_for_it() -> None:
    host, pid, machine, _ = holder.own().rsplit(":", 3)
    assert holder.is_gone(f"{host}:{pid}:{machine}:1")


def test_nothing_is_certain_about_another_machine_or_an_older_release() -> None:
    assert not holder.is_gone("host:999999999:00000000:1")
    assert not holder.is_gone("host:999999999")


def test_people_read_the_process_and_the_host() -> None:
    assert holder.describe("box:17:abcdef01:5") == "process 17 on box"
