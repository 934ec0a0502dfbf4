"""BashOperator: a command in bash, its output in the task's log line by line, its last line the XCom."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tradewind.sdk import errors
from tradewind.sdk.operator import BaseOperator
from tradewind.sdk.unset import NOTSET


class BashOperator(BaseOperator):
    """Runs `bash_command`; where it names a .sh or .bash file, that file's rendered text."""

    template_fields: ClassVar[Sequence[str]] = ("bash_command", "env", "cwd")
    template_fields_renderers: ClassVar[Mapping[str, str]] = {"bash_command": "bash", "env": "json"}
    template_ext: ClassVar[Sequence[str]] = (".sh", ".bash")
    ui_color = "#f0ede4"

    def __init__(
        self,
        *,
        bash_command: Any,
        env: dict[str, str] | None = None,
        append_env: bool = False,
        output_encoding: str = "utf-8",
        skip_on_exit_code: int | Collection[int] | None = 99,
        cwd: str | None = None,
        output_processor: Callable[[str], Any] = lambda result: result,
        skip_exit_code: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        about = f"task {self.task_id!r}"
        if isinstance(bash_command, (list, dict, int, float, bool)) or bash_command is None:
            said = f"bash_command must be a text, got {type(bash_command).__name__}: {bash_command!r}"
            raise errors.ArgumentProblem.of("wrong-type", about, said, "join the words to one command line")
        if skip_exit_code is not None:
            skip_on_exit_code = skip_exit_code
        self.bash_command = bash_command
        self.env = env
        self.append_env = append_env
        self.output_encoding = output_encoding
        self.skip_on_exit_code = _codes(skip_on_exit_code)
        self.cwd = cwd
        self.output_processor = output_processor
        self._process: subprocess.Popen[bytes] | None = None

    def get_env(self, context: Any) -> dict[str, str]:
        """Environment of the command."""
        inherited = dict(os.environ)
        if self.env is None:
            env = inherited
        elif self.append_env:
            env = {**inherited, **self.env}
        else:
            env = dict(self.env)
        env.update(context_environment(context))
        return env

    def execute(self, context: Any) -> Any:
        """Run the command."""
        if self.cwd is not None and not Path(self.cwd).is_dir():
            what = "is no folder" if Path(self.cwd).exists() else "does not exist"
            raise errors.AirflowException(f"the working directory {self.cwd} {what}")
        if self.bash_command is NOTSET:
            raise errors.AirflowException("there is no bash_command to run")
        code, last = self._run(self.get_env(context))
        if code in self.skip_on_exit_code:
            raise errors.AirflowSkipException(f"the command ended with exit code {code}, one of skip_on_exit_code")
        if code != 0:
            raise errors.AirflowException(f"the bash command ended with exit code {_told(code)}")
        return self.output_processor(last)

    def _run(self, env: dict[str, str]) -> tuple[int, str]:
        bash = shutil.which("bash") or "bash"
        with tempfile.TemporaryDirectory(prefix="tradewind-bash-") as scratch:
            folder = self.cwd or scratch
            # Airflow runs what still looks like a file name after rendering as a file.
            if self.bash_command.endswith(tuple(self.template_ext)):
                script = Path(scratch) / "script.sh"
                script.write_text(self.bash_command, encoding="utf-8")
                return self._follow([bash, str(script)], env, folder)
            return self._follow([bash, "-c", self.bash_command], env, folder)

    def _follow(self, command: list[str], env: dict[str, str], folder: str) -> tuple[int, str]:
        self.log.info("runs %s", command)
        last = ""
        # The command is a session of its own, so that all it started can be stopped with it.
        with subprocess.Popen(
            command, env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        ) as process:
            self._process = process
            assert process.stdout is not None
            for raw in process.stdout:
                last = raw.decode(self.output_encoding, errors="backslashreplace").rstrip()
                self.log.info("%s", last)
            code = process.wait()
        self.log.info("the command ended with exit code %s", code)
        return code, last

    def on_kill(self) -> None:
        """Stop the command and all that it started."""
        process = self._process
        if process is not None and process.poll() is None:
            try:
                os.killpg(process.pid, signal.SIGTERM)
            except ProcessLookupError:
                return


def _told(code: int) -> str:
    if code >= 0:
        return str(code)
    try:
        return f"{code} ({signal.Signals(-code).name})"
    except ValueError:
        return str(code)


def _codes(given: int | Collection[int] | None) -> Collection[int]:
    if given is None:
        return []
    return [given] if isinstance(given, int) else given


def context_environment(context: Mapping[str, Any]) -> dict[str, str]:
    """`AIRFLOW_CTX_*`: what tells a command which task of which run it is."""
    found: dict[str, Any] = {}
    task, ti, run, dag = (context.get(name) for name in ("task", "ti", "dag_run", "dag"))
    found["AIRFLOW_CTX_DAG_OWNER"] = getattr(dag, "owner", None) or getattr(task, "owner", None)
    found["AIRFLOW_CTX_DAG_ID"] = getattr(ti, "dag_id", None)
    found["AIRFLOW_CTX_TASK_ID"] = getattr(ti, "task_id", None)
    found["AIRFLOW_CTX_LOGICAL_DATE"] = _moment(getattr(run, "logical_date", None))
    found["AIRFLOW_CTX_EXECUTION_DATE"] = found["AIRFLOW_CTX_LOGICAL_DATE"]
    found["AIRFLOW_CTX_TRY_NUMBER"] = getattr(ti, "try_number", None)
    found["AIRFLOW_CTX_DAG_RUN_ID"] = getattr(run, "run_id", None)
    email = getattr(task, "email", None)
    found["AIRFLOW_CTX_DAG_EMAIL"] = ",".join(email) if isinstance(email, (list, tuple)) else email
    return {name: str(value) for name, value in found.items() if value not in (None, "")}


def _moment(value: Any) -> str | None:
    return value.isoformat() if hasattr(value, "isoformat") else None
