"""Child processes as files start them by `airflow.utils.process_utils`."""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

_log = logging.getLogger("airflow.utils.process_utils")


def execute_in_subprocess(cmd: list[str], cwd: str | None = None, env: dict[str, str] | None = None) -> None:
    """Run a command with its output in the log. Raises CalledProcessError."""
    execute_in_subprocess_with_kwargs(cmd, cwd=cwd, env=env)


def execute_in_subprocess_with_kwargs(cmd: list[str], **kwargs: Any) -> None:
    """The same, with arguments of Popen."""
    _log.info("Executing cmd: %s", shlex.join(cmd))
    with subprocess.Popen(
        cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0, close_fds=True, **kwargs
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            _log.info("%s", line.decode(errors="backslashreplace").rstrip())
        code = process.wait()
    if code:
        raise subprocess.CalledProcessError(code, cmd)


@contextlib.contextmanager
def patch_environ(new_env_variables: dict[str, str]) -> Iterator[None]:
    """Environment variables for the time of the block."""
    before = dict(os.environ)
    os.environ.update(new_env_variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
