"""A home in which a DAG has run, and the program called in this process."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
import typer.testing

from tests.support import server
from tradewind.cli import main

DAG_FILE = """
from airflow.sdk import DAG, task, task_group
from airflow.providers.standard.operators.bash import BashOperator

with DAG("etl", tags=["finance"], params={"factor": 2}):
    @task
    def extract():
        print("first line")
        print("an ERROR line")
        return [1, 2, 3]

    @task
    def double(n):
        return 2 * n

    @task_group
    def checks():
        return BashOperator(task_id="rows", bash_command="exit 3", email="ops@example.com")

    double.expand(n=extract()) >> checks()
"""


@dataclasses.dataclass(frozen=True)
class Called:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Its stdout as JSON."""
        assert self.code == 0, self
        return json.loads(self.out)


Call = Callable[..., Called]


@pytest.fixture(scope="session")
def ran_home(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A home where `etl` ran once and failed at `checks.rows`. Tests only read it."""
    folder = tmp_path_factory.mktemp("ran")
    (folder / "dags").mkdir()
    (folder / "dags" / "etl.py").write_text(textwrap.dedent(DAG_FILE))
    done = server.tradewind("run", str(folder / "dags" / "etl.py"), "--home", str(folder / "home"), check=False)
    assert done.returncode == 1, done
    return folder / "home"


@pytest.fixture
def call(ran_home: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call the program on the home where `etl` ran, unless another is named."""
    monkeypatch.setenv("TRADEWIND_HOME", str(ran_home))
    monkeypatch.chdir(ran_home)

    def called(*arguments: str, input: str | None = None) -> Called:
        done = typer.testing.CliRunner().invoke(main.app, list(arguments), input=input)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Called(code=done.exit_code, out=done.stdout, err=done.stderr)

    return called
