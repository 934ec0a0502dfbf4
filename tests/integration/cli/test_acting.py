"""Commands that ask for something, where no server runs: they lead for a moment themselves."""

from __future__ import annotations

import json
import pathlib
import shutil

import pytest

from tests.integration.cli.conftest import Call
from tests.support import server


@pytest.fixture
def home(ran_home: pathlib.Path, tmp_path: pathlib.Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A copy that a test may change."""
    shutil.copytree(ran_home, tmp_path / "home", ignore=shutil.ignore_patterns("*.sock", "podlet.pid"))
    monkeypatch.setenv("TRADEWIND_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.usefixtures("home")
class TestActing:
    """On a home of its own."""

    def test_dags_are_paused_by_pattern_and_unpaused_by_name(self, call: Call) -> None:
        assert call("dags", "pause", "e*", "-o", "json").json() == [{"dag_id": "etl", "paused": True, "changed": True}]
        assert [row["dag_id"] for row in call("dags", "list", "--paused", "-o", "json").json()] == ["etl"]
        assert call("dags", "pause", "etl", "-o", "json").json()[0]["changed"] is False
        call("dags", "unpause", "etl")
        assert call("dags", "list", "--paused", "-o", "json").json() == []

    def test_a_pattern_that_names_nothing_changes_nothing(self, call: Call) -> None:
        asked = call("dags", "pause", "etl", "x*")
        assert asked.code == 2
        assert "'x*'" in asked.err
        assert call("dags", "list", "--paused", "-o", "json").json() == []

    def test_a_triggered_run_waits_for_a_server_and_says_so(self, call: Call) -> None:
        told = call("dags", "trigger", "etl", "--conf", '{"factor": 3}', "--note", "by hand", "-o", "json").json()
        assert "standalone" in told["message"]
        [run] = call("runs", "list", "etl", "--limit", "1", "-o", "json").json()
        assert (run["run_id"], run["note"]) == (told["run_id"], "by hand")

    def test_a_note_is_kept_with_the_run(self, call: Call) -> None:
        call("runs", "note", "etl", "latest", "after the outage")
        assert call("runs", "list", "-o", "json").json()[0]["note"] == "after the outage"

    def test_a_run_is_marked(self, call: Call) -> None:
        call("runs", "mark", "etl", "latest", "success")
        assert call("runs", "list", "-o", "json").json()[0]["state"] == "success"
        assert call("runs", "mark", "etl", "latest", "done").code == 2

    def test_failed_tasks_of_a_run_are_cleared_without_a_question(self, call: Call) -> None:
        assert call("runs", "clear", "etl", "latest", "--failed", "-o", "json").json()["tasks"] == 1
        assert call("tasks", "show", "etl", "latest", "extract", "-o", "json").json()["state"] == "success"

    def test_clearing_a_whole_run_asks_first(self, call: Call) -> None:
        asked = call("runs", "clear", "etl", "latest")
        assert asked.code == 2
        assert "--yes" in asked.err
        assert call("runs", "clear", "etl", "latest", "--yes", "-o", "json").json()["tasks"] == 5

    def test_one_element_of_a_mapped_task_is_cleared_with_what_is_below(self, call: Call) -> None:
        told = call("tasks", "clear", "etl", "latest", "double[1]", "--downstream", "-o", "json").json()
        assert told["tasks"] == 2
        states = {row["map_index"]: row["state"] for row in _tasks(call) if row["task_id"] == "double"}
        assert states[0] == states[2] == "success"
        assert states[1] != "success"

    def test_a_task_is_marked_and_the_run_goes_on(self, call: Call) -> None:
        call("tasks", "mark", "etl", "latest", "success", "checks.rows")
        assert {row["state"] for row in _tasks(call)} == {"success"}

    def test_a_task_that_is_not_there_is_refused(self, call: Call) -> None:
        asked = call("tasks", "clear", "etl", "latest", "nobody")
        assert asked.code == 2
        assert "nobody" in asked.err

    def test_a_run_is_cancelled(self, call: Call) -> None:
        run_id = call("dags", "trigger", "etl", "-o", "json").json()["run_id"]
        assert call("runs", "cancel", "etl", run_id).code == 0
        assert call("runs", "list", "etl", "--limit", "1", "-o", "json").json()[0]["state"] == "failed"

    def test_a_command_makes_no_attempt_that_nobody_launches(self, call: Call) -> None:
        call("dags", "trigger", "etl")
        for _ in range(3):  # each leads for a moment, with a run that could begin
            call("runs", "note", "etl", "latest", "still waiting")
        assert call("tasks", "attempts", "etl", "latest", "extract", "-o", "json").json() == []

    def test_pools_move_by_file(self, call: Call, tmp_path: pathlib.Path) -> None:
        call("pools", "set", "database", "3", "--description", "the old server")
        call("pools", "export", str(tmp_path / "pools.json"))
        call("pools", "delete", "database")
        assert call("pools", "get", "database").code == 2
        call("pools", "import", str(tmp_path / "pools.json"))
        told = call("pools", "get", "database", "-o", "json").json()
        assert (told["slots"], told["description"]) == (3, "the old server")

    def test_a_pools_file_with_a_bad_entry_changes_nothing(self, call: Call, tmp_path: pathlib.Path) -> None:
        (tmp_path / "pools.json").write_text(json.dumps({"fine": {"slots": 3}, "bad": {"slots": "many"}}))
        asked = call("pools", "import", str(tmp_path / "pools.json"))
        assert asked.code == 2
        assert "'bad'" in asked.err
        assert call("pools", "get", "fine").code == 2

    def test_deleting_a_dag_asks_first(self, call: Call) -> None:
        asked = call("dags", "delete", "etl")
        assert asked.code == 2
        assert "--yes" in asked.err
        assert len(call("runs", "list", "-o", "json").json()) == 1


def _tasks(call: Call) -> list[dict[str, object]]:
    found: list[dict[str, object]] = call("tasks", "list", "etl", "latest", "-o", "json").json()
    return found


MARKERS = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.sensors.external_task import ExternalTaskMarker

with DAG("here", schedule=None):
    ExternalTaskMarker(task_id="mark", external_dag_id="there", external_task_id="marked")
with DAG("there", schedule=None):
    EmptyOperator(task_id="marked") >> EmptyOperator(task_id="below")
"""


def test_a_clear_goes_on_into_dags_that_markers_name_and_can_be_looked_at_first(
    tmp_path: pathlib.Path, call: Call
) -> None:
    (tmp_path / "markers.py").write_text(MARKERS)
    at = ("--home", str(tmp_path / "home"))
    for dag_id in ("there", "here"):
        server.tradewind("run", str(tmp_path / "markers.py"), "--dag-id", dag_id, "--logical-date", "2026-01-01", *at)
    listed = call("runs", "clear", "here", "latest", "--dry-run", "-o", "json", *at).json()
    assert [(one["dag_id"], one["task_id"], one["state"]) for one in listed] == [
        ("here", "mark", "success"), ("there", "marked", "success"), ("there", "below", "success"),
    ]  # fmt: skip
    assert call("tasks", "clear", "here", "latest", "mark", "--this-dag-only", "-o", "json", *at).json()["tasks"] == 1
    told = call("tasks", "clear", "here", "latest", "mark", "-o", "json", *at).json()
    assert (told["tasks"], told["message"]) == (3, "with tasks of there, which markers name")
    tries = {one["task_id"]: one["try"] for one in call("tasks", "list", "there", "latest", "-o", "json", *at).json()}
    assert tries == {"marked": 2, "below": 2}  # the engine does them at once
