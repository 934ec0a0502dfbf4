"""A home is used in one time zone and served in another: what it means does not change."""

from __future__ import annotations

import json
import pathlib
import textwrap
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support import server

DAGS = """
from datetime import datetime
import pendulum
from airflow.sdk import DAG, task

with DAG("plain", schedule="30 2 * * *", start_date=datetime(2026, 1, 1), catchup=False):
    @task
    def tell(logical_date=None):
        return str(logical_date)
    tell()

with DAG("zoned", schedule="0 9 * * *", start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Paris"), catchup=False):
    @task
    def nothing():
        return 1
    nothing()
"""


@pytest.fixture
def dags(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "dags.py").write_text(textwrap.dedent(DAGS))
    return folder


def ask(home: pathlib.Path, *arguments: str) -> Any:
    return json.loads(server.tradewind(*arguments, "--home", str(home), "--output", "json").stdout)


def next_runs(home: pathlib.Path) -> dict[str, datetime]:
    return {row["dag_id"]: datetime.fromisoformat(row["next_run"]) for row in ask(home, "dags", "list")}


def wait_known(home: pathlib.Path) -> None:
    deadline = time.monotonic() + 30
    while any(row["next_run"] is None for row in ask(home, "dags", "list")):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_schedules_dates_and_values_are_the_same_in_every_zone(
    tmp_path: pathlib.Path, dags: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("TZ", "America/New_York")
    with server.Server(home, dags) as running:
        wait_known(home)
        served = next_runs(home)
        assert (served["plain"].astimezone(UTC).hour, served["plain"].astimezone(UTC).minute) == (2, 30)
        assert served["zoned"].astimezone(UTC).hour in (7, 8)

        monkeypatch.setenv("TZ", "Asia/Tokyo")
        assert next_runs(home) == served
        options = ("--run-id", "r", "--logical-date", "2026-01-31")
        server.tradewind("dags", "trigger", "plain", *options, "--home", str(home))
        run = running.wait_run("plain", "r")
        assert datetime.fromisoformat(run["logical_date"]) == datetime(2026, 1, 31, tzinfo=UTC)
        value = running.run("plain", "r", "--with-xcom")["xcom"]["tell"]["return_value"]
        assert value == "2026-01-31 00:00:00+00:00"

        found = {row["check"]: row for row in ask(home, "doctor")}
        assert (found["time zone"]["state"], found["server"]["state"]) == ("warn", "ok")
        assert found["time zone"]["message"] == "Asia/Tokyo here, America/New_York for the server"

        running.kill()
        running.start()  # in Tokyo now
        wait_known(home)
        assert next_runs(home) == served
        assert {row["check"]: row["state"] for row in ask(home, "doctor")}["time zone"] == "ok"
