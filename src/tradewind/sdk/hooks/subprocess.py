"""`SubprocessHook`: a command as a child process, its output in the task's log."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any, NamedTuple

from tradewind.sdk.hook import BaseHook


class SubprocessResult(NamedTuple):
    """How a command ended, and the last line (or all) that it wrote."""

    exit_code: int
    output: str


@contextlib.contextmanager
def working_directory(cwd: str | None = None) -> Iterator[str]:
    """The folder, or one of its own for the time of the block."""
    if cwd is not None:
        yield cwd
        return
    with tempfile.TemporaryDirectory(prefix="airflowtmp") as folder:
        yield folder


class SubprocessHook(BaseHook):
    """Runs one command at a time."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sub_process: subprocess.Popen[bytes] | None = None

    def run_command(
        self,
        command: list[str],
        env: dict[str, str] | None = None,
        output_encoding: str = "utf-8",
        cwd: str | None = None,
    ) -> SubprocessResult:
        """Run it to its end, line by line into the log."""
        self.log.info("runs %s", command)
        last = ""
        with working_directory(cwd) as folder:
            self.sub_process = process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=dict(os.environ) if env is None else env,
                start_new_session=True,
            )
            assert process.stdout is not None
            with process.stdout:
                for raw in process.stdout:
                    last = raw.decode(output_encoding, errors="backslashreplace").rstrip()
                    self.log.info("%s", last)
            code = process.wait()
        self.log.info("the command ended with exit code %s", code)
        return SubprocessResult(exit_code=code, output=last)

    def send_sigterm(self) -> None:
        """Ask the command and all that it started to stop."""
        process = self.sub_process
        if process is not None and process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
