"""What the podlet says of itself, where nobody can write it down."""

from __future__ import annotations

import subprocess
import sys

_LOOP = """
import os
from tradewind.podlet.loop import Loop
loop = Loop()
loop.soon(lambda: 1 / 0)
loop.round()
loop.soon(lambda: print("goes on"))
loop.round()
"""


def test_a_trouble_that_cannot_be_written_down_ends_nothing() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:  # every write to it finds no space left
        done = subprocess.run(
            [sys.executable, "-c", _LOOP], stdout=subprocess.PIPE, stderr=full, text=True, check=False
        )
    assert (done.returncode, done.stdout) == (0, "goes on\n")


def test_a_trouble_is_written_down_with_its_trace() -> None:
    done = subprocess.run([sys.executable, "-c", _LOOP], capture_output=True, text=True, check=True)
    assert "ZeroDivisionError" in done.stderr
