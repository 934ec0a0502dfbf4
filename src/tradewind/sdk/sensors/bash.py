"""BashSensor: waits until a command ends with 0."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from tradewind.sdk import errors
from tradewind.sdk.sensors.sensor import BaseSensorOperator


class BashSensor(BaseSensorOperator):
    """Waits until `bash_command` ends with 0; `env` stands for the whole environment.

    With a `retry_exit_code` any other end fails the task at once; without one every end but 0 means "not yet".
    """

    template_fields: ClassVar[Sequence[str]] = ("bash_command", "env")

    def __init__(
        self,
        *,
        bash_command: Any,
        env: dict[str, str] | None = None,
        output_encoding: str = "utf-8",
        retry_exit_code: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.bash_command = bash_command
        self.env = env
        self.output_encoding = output_encoding
        self.retry_exit_code = retry_exit_code

    def poke(self, context: Any) -> bool:
        """Run the command in a folder of its own."""
        with tempfile.TemporaryDirectory(prefix="tradewind-bash-") as folder:
            script = Path(folder) / "command.sh"
            script.write_text(self.bash_command, encoding="utf-8")
            code = self._run(script)
        self.log.info("the command ended with exit code %s", code)
        if code == 0:
            return True
        if self.retry_exit_code is not None and code != self.retry_exit_code:
            raise errors.AirflowFailException(f"the command ended with exit code {code}, which is not retry_exit_code")
        self.log.info("It is asked again later")
        return False

    def _run(self, script: Path) -> int:
        self.log.info("runs %s", self.bash_command)
        with subprocess.Popen(
            ["bash", str(script)], cwd=script.parent, env=self.env, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            for raw in process.stdout:
                self.log.info("%s", raw.decode(self.output_encoding, errors="backslashreplace").rstrip())
            return process.wait()
