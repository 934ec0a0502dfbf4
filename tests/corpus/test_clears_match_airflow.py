"""What a clear takes over DAGs by ExternalTaskMarkers, beside Airflow 2, the last one that follows them."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import subprocess
import tempfile
from typing import Any

import pytest
import typer.testing

from tests.corpus import oracle
from tests.support import server
from tradewind.cli import main

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]

FILE = pathlib.Path(__file__).parent / "files" / "clearing" / "markers.py"
PROGRAM = pathlib.Path(__file__).with_name("oracle_clears.py")
FIRST, SECOND = "2026-01-01", "2026-01-02"
RUNS = (("parent", FIRST), ("child", FIRST), ("grandchild", FIRST), ("grandchild", SECOND))
CLEARS: tuple[tuple[str, str, list[str], bool], ...] = (
    ("parent", FIRST, ["same_day"], False),
    ("parent", FIRST, ["first"], False),
    ("parent", FIRST, ["first"], True),
    ("parent", FIRST, ["other_day", "nowhere"], False),
    ("child", FIRST, ["on"], False),
    ("child", FIRST, ["work"], True),
    ("grandchild", FIRST, ["two"], True),
)


def of_airflow() -> list[Any]:
    """A list of tasks for each clear, or the error; kept in the user's cache under the hash of what was asked."""
    question = json.dumps({"runs": RUNS, "clears": CLEARS})
    asked = hashlib.sha256(FILE.read_bytes() + PROGRAM.read_bytes() + question.encode()).hexdigest()
    kept = oracle.cache() / "oracle-clears" / f"{oracle.version('2')}-{asked}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
        with tempfile.TemporaryDirectory(prefix="tradewind-oracle-") as home:
            command = [str(one) for one in (oracle.interpreter("2"), PROGRAM, home, FILE)]
            ran = subprocess.run(
                command, input=question, capture_output=True, text=True, env=clean, timeout=200, check=True
            )
        draft = kept.with_suffix(f".{os.getpid()}")
        draft.write_text(ran.stdout)
        draft.replace(kept)
    return list(json.loads(kept.read_text()))


def of_ours(home: pathlib.Path, dag_id: str, date: str, task_ids: list[str], downstream: bool) -> Any:
    command = ["tasks", "clear", dag_id, _run_id(date), *task_ids, "--dry-run", "--home", str(home), "-o", "json"]
    done = typer.testing.CliRunner().invoke(main.app, [*command, *(["--downstream"] if downstream else [])])
    if done.exit_code:
        return done.stderr
    return sorted([one["dag_id"], one["run_id"][8:18], one["task_id"]] for one in json.loads(done.stdout))


def _run_id(date: str) -> str:
    return f"manual__{date}T00:00:00+00:00"


def test_clears_take_the_tasks_over_dags_that_they_take_in_airflow_2(tmp_path: pathlib.Path) -> None:
    for dag_id, date in RUNS:
        server.tradewind("run", str(FILE), "--dag-id", dag_id, "--logical-date", date, "--home", str(tmp_path / "home"))
    for asked, theirs in zip(CLEARS, of_airflow(), strict=True):
        ours = of_ours(tmp_path / "home", *asked)
        if isinstance(theirs, str):
            assert "Maximum recursion depth 1 reached for ExternalTaskMarker back" in theirs, asked
            assert "markers go on at 'back' of DAG 'grandchild', and recursion_depth of the first is 1" in ours, asked
        else:
            assert ours == theirs, asked
