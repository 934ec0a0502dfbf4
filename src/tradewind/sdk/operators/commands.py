"""Programs that a task starts: their output goes into its log line by line, and they end with it."""

from __future__ import annotations

import logging
import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def follow(
    command: Sequence[str],
    *,
    log: logging.Logger,
    env: Mapping[str, str] | None = None,
    started: Callable[[subprocess.Popen[bytes]], Any] = lambda _: None,
) -> int:
    """Run it to its end; its exit code. `started` is given the process, so that it can be stopped."""
    log.info("Executing cmd: %s", " ".join(shlex.quote(word) for word in command))
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        started(process)
        assert process.stdout is not None
        for raw in process.stdout:
            log.info("%s", raw.decode("utf-8", errors="backslashreplace").rstrip())
        return process.wait()


def stop(process: subprocess.Popen[bytes] | None) -> None:
    """End the process and all that it started."""
    if process is None or process.poll() is not None:
        return
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:
        return
