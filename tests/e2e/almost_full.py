"""Steps of a test in a mount namespace of its own, where the home is a small disk: fills it, looks, makes room again.

usage: python tests/e2e/almost_full.py HOME DAGS SETTINGS; prints what it saw as JSON.
"""

from __future__ import annotations

import json
import pathlib
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from tests.support import server


def main(home: pathlib.Path, dags: pathlib.Path, settings: str) -> None:
    """Fill, trigger, look, make room, look."""
    with server.Server(home, dags, "--settings", settings) as running:
        filler = home / "filler"
        filler.write_bytes(bytes(60 << 20))
        held = until(lambda: lacking(home), "nothing is held back")
        running.trigger("one", "first")
        states = until(lambda: states_of(home), "the tasks are not there")
        filler.unlink()
        ended = running.wait_run("one", "first", seconds=60)
        told = {"held_for": held, "states_while_full": states, "state_at_the_end": ended["state"]}
    print(json.dumps(told))


def lacking(home: pathlib.Path) -> str:
    """What the health address says of the room."""
    told = json.loads((home / "standalone.json").read_text())
    try:
        with urllib.request.urlopen(told["health"], timeout=5) as answer:
            report = json.load(answer)
    except urllib.error.HTTPError as unhealthy:
        report = json.load(unhealthy)
    check = report["checks"]["room"]
    return "" if check["ok"] else str(check["message"])


def states_of(home: pathlib.Path) -> list[str]:
    """States of the run's tasks, once they can begin."""
    listed = server.tradewind("tasks", "list", "one", "first", "--home", str(home), "-o", "json").stdout
    states = [task["state"] for task in json.loads(listed)]
    return [] if "none" in states else states


def until(look: Callable[[], Any], failure: str) -> Any:
    """What it sees as soon as it sees something."""
    deadline = time.monotonic() + 60
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(failure)
        time.sleep(0.1)
    return found


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3])
