"""Backfills as people give them: seen before, created, watched, paused, cancelled, refused; also without a server."""

from __future__ import annotations

import json
import pathlib
import textwrap
import time
from typing import Any

import pytest

from tests.support import server

DAGS = """
import os, time
from datetime import datetime
from airflow.sdk import DAG, task

with DAG("daily", schedule="0 6 * * *", start_date=datetime(2020, 1, 1), end_date=datetime(2020, 1, 2)):
    @task
    def note(logical_date=None, dag_run=None):
        while not os.path.exists(os.environ["GATE"]):
            time.sleep(0.02)
        with open(os.path.join(os.environ["NOTES"], f"{logical_date:%m-%d}"), "a") as file:
            file.write(str(dag_run.conf.get("by", "")) + "\\n")
    note()

with DAG("minutely", schedule="* * * * *", start_date=datetime(2020, 1, 1), end_date=datetime(2020, 1, 2)):
    @task
    def wait():
        time.sleep(0.05)
    wait()

with DAG("by_hand", schedule=None):
    @task
    def nothing():
        pass
    nothing()
"""
PERIOD = ("--from", "2025-01-01", "--to", "2025-01-08")


@pytest.fixture
def served(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> server.Server:
    """A home and its DAGs; not started."""
    folder, notes = tmp_path / "dags", tmp_path / "notes"
    folder.mkdir()
    notes.mkdir()
    (folder / "dags.py").write_text(textwrap.dedent(DAGS))
    monkeypatch.setenv("NOTES", str(notes))
    monkeypatch.setenv("GATE", str(tmp_path / "gate"))
    return server.Server(tmp_path / "home", folder)


def _backfill(home: server.Server, *arguments: str) -> Any:
    done = server.tradewind("backfill", *arguments, "--home", str(home.home), "--output", "json")
    return json.loads(done.stdout)


def _refused(home: server.Server, *arguments: str) -> str:
    done = server.tradewind("backfill", *arguments, "--home", str(home.home), check=False)
    assert done.returncode == 2, done.stdout
    assert done.stderr.startswith("error:")
    assert "hint:" in done.stderr
    return done.stderr


def _wait(home: server.Server, backfill_id: int, *states: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        shown: dict[str, Any] = _backfill(home, "show", str(backfill_id))
        if shown["state"] in states:
            return shown
        assert time.monotonic() < deadline, f"{shown}\n{home.log.read_text()[-4000:]}"


def _wait_dags(home: server.Server) -> None:
    deadline = time.monotonic() + 60
    while "minutely" not in server.tradewind("dags", "list", "--home", str(home.home)).stdout:
        assert time.monotonic() < deadline, home.log.read_text()[-4000:]


def _notes(tmp_path: pathlib.Path) -> dict[str, list[str]]:
    return {path.name: path.read_text().splitlines() for path in sorted((tmp_path / "notes").iterdir())}


@pytest.mark.timeout(240)
def test_a_range_is_seen_before_made_once_and_again_where_asked_and_a_killed_server_goes_on(
    served: server.Server, tmp_path: pathlib.Path
) -> None:
    with served:
        _wait_dags(served)
        before = _backfill(served, "create", "daily", *PERIOD, "--dry-run")
        assert [row["action"] for row in before] == ["make a run"] * 7
        assert _backfill(served, "list") == []
        made = _backfill(served, "create", "daily", *PERIOD, "--max-active-runs", "1")
        assert (made["backfill_id"], made["dates"]) == (1, "7")
        served.kill()
        assert "is running" in _refused(served, "create", "daily", *PERIOD)
        served.start()
        (tmp_path / "gate").touch()
        shown = _wait(served, 1, "completed")
        assert (shown["made"], shown["success"], shown["dates"]) == (7, 7, "7 of 7")
        assert _notes(tmp_path) == {f"01-0{day}": [""] for day in range(1, 8)}

        assert {row["action"] for row in _backfill(served, "create", "daily", *PERIOD, "--dry-run")} == {
            "leave alone: it exists"
        }
        again = ("--reprocess", "completed", "--run-backwards", "--conf", '{"by": "again"}')
        _backfill(served, "create", "daily", *PERIOD, *again)
        shown = _wait(served, 2, "completed")
        assert (shown["run_again"], shown["made"], shown["success"]) == (7, 0, 7)
        assert _notes(tmp_path) == {f"01-0{day}": ["", "again"] for day in range(1, 8)}
        assert _backfill(served, "show", "1")["success"] == 0, "they belong to the second now"


@pytest.mark.timeout(240)
def test_a_range_of_a_million_dates_is_asked_about_made_in_slices_paused_and_cancelled(served: server.Server) -> None:
    million = ("minutely", "--from", "2023-01-01", "--to", "2025-01-01")
    with served:
        _wait_dags(served)
        told = _refused(served, "create", *million)
        assert "more than 100,000 dates" in told
        assert "--yes" in told
        page = _backfill(served, "create", *million, "--dry-run", "--reverse", "--limit", "2")
        assert [row["logical_date"][:16] for row in page] == ["2025-01-01T00:00", "2024-12-31T23:59"]
        after = page[-1]["logical_date"]
        page = _backfill(served, "create", *million, "--dry-run", "--reverse", "--limit", "1", "--after", after)
        assert [row["logical_date"][:16] for row in page] == ["2024-12-31T23:58"]
        assert _backfill(served, "create", *million, "--yes", "--max-active-runs", "3")["backfill_id"] == 1
        _backfill(served, "pause", "1")
        shown = _wait(served, 1, "paused")
        assert shown["made"] < 500
        assert shown["queued"] + shown["running"] <= 3
        _backfill(served, "unpause", "1")
        deadline = time.monotonic() + 60
        while _backfill(served, "show", "1")["made"] <= shown["made"]:
            assert time.monotonic() < deadline
        assert _backfill(served, "cancel", "1")["state"] == "cancelled"
        assert "cancelled already" in _refused(served, "pause", "1")


@pytest.mark.timeout(120)
def test_what_cannot_be_backfilled_is_said_and_nothing_begins(served: server.Server) -> None:
    with served:
        _wait_dags(served)
    assert "no period" in _refused(served, "create", "by_hand", *PERIOD)
    assert "did you mean daily" in _refused(served, "create", "dayly", *PERIOD)
    assert "swap" in _refused(served, "create", "daily", "--from", "2025-02-01", "--to", "2025-01-01")
    assert "not a moment" in _refused(served, "create", "daily", "--from", "soon", "--to", "2025-01-01")
    assert "JSON" in _refused(served, "create", "daily", *PERIOD, "--conf", "{")
    assert "in the future" in _refused(served, "create", "daily", "--from", "2125-01-01", "--to", "2125-01-03")
    assert "backfill create" in _refused(served, "show", "7")
    assert _backfill(served, "list") == []


@pytest.mark.timeout(120)
def test_without_a_server_it_is_created_and_begins_when_one_runs(served: server.Server, tmp_path: pathlib.Path) -> None:
    with served:
        _wait_dags(served)
    made = _backfill(served, "create", "daily", *PERIOD)
    assert "standalone" in made["message"]
    assert _notes(tmp_path) == {}
    (tmp_path / "gate").touch()
    with served:
        assert _wait(served, 1, "completed")["success"] == 7
    assert len(_notes(tmp_path)) == 7
