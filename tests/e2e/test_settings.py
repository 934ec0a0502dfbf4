"""Settings from outside: they do what they say, whichever layer gives them, and a wrong one stops everything."""

from __future__ import annotations

import json
import pathlib

import pytest

from tests.support import server

FLAKY = """
from airflow.configuration import conf
from airflow.sdk import DAG, task

with DAG("flaky"):
    @task
    def fails_once(ti):
        if ti.try_number == 1:
            raise RuntimeError("not yet")
        return [conf.getint("core", "default_task_retries"), conf.getint("core", "parallelism")]

    fails_once()
"""


@pytest.fixture
def dags(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "flaky.py").write_text(FLAKY)
    return folder


def test_a_run_takes_its_settings_from_every_layer(dags: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (dags / "tradewind.toml").write_text("[dags.defaults]\nretry_delay_seconds = 0\nretries = 7\n")
    monkeypatch.setenv("AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY", "3000")
    monkeypatch.setenv("TRADEWIND_SCHEDULER__PARALLELISM", "3")
    done = server.tradewind(
        "run", str(dags / "flaky.py"), "--set", "dags.defaults.retries=2", "--output", "json", "--with-xcom"
    )
    told = json.loads(done.stdout)
    assert told["state"] == "success"
    values = told["xcom"]["fails_once"]["return_value"]
    assert (told["tasks"][0]["try_number"], values) == (2, [2, 3])


def test_a_server_takes_new_defaults_with_its_next_start(dags: pathlib.Path, tmp_path: pathlib.Path) -> None:
    home = tmp_path / "home"
    first = server.Server(home, dags).start()
    try:
        first.trigger("flaky", "before")
        assert first.wait_run("flaky", "before")["state"] == "failed"
        # The podlet lives on, with the file loaded as it was.
        first.kill()
        second = server.Server(
            home, dags, "--set", "dags.defaults.retries=1", "--set", "dags.defaults.retry_delay_seconds=0"
        )
        with second:
            second.trigger("flaky", "after")
            assert second.wait_run("flaky", "after")["state"] == "success"
    finally:
        first.stop()


@pytest.mark.parametrize(
    ("variable", "text", "said", "hint"),
    [
        (
            "TRADEWIND_SCHEDULER__PARALELISM",
            "3",
            "TRADEWIND_SCHEDULER__PARALELISM: is no setting",
            "TRADEWIND_SCHEDULER__PARALLELISM",
        ),
        (
            "TRADEWIND_SCHEDULER__PARALLELISM",
            "x",
            'TRADEWIND_SCHEDULER__PARALLELISM: scheduler.parallelism is "x"',
            "config explain",
        ),
        ("AIRFLOW__CORE__PARALLELISM", "x", 'AIRFLOW__CORE__PARALLELISM: scheduler.parallelism is "x"', "explain"),
    ],
)
def test_a_wrong_variable_stops_a_server_before_it_begins(
    dags: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    text: str,
    said: str,
    hint: str,
) -> None:
    monkeypatch.setenv(variable, text)
    done = server.tradewind("standalone", "--home", str(tmp_path / "home"), "--dags", str(dags), check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert hint in done.stderr
    assert not (tmp_path / "home").exists()


def test_the_dags_of_airflows_home_are_served(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = tmp_path / "airflow" / "dags"
    theirs.mkdir(parents=True)
    (theirs / "flaky.py").write_text(FLAKY)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    home = tmp_path / "home"
    shown = server.tradewind("config", "get", "dags.folder", "--home", str(home))
    assert shown.stdout.strip() == str(theirs)


@pytest.mark.parametrize(("syntax", "seen"), [("glob", {"flaky", "hidden"}), ("regexp", {"flaky"})])
def test_ignored_files_are_read_as_the_settings_say(
    dags: pathlib.Path, tmp_path: pathlib.Path, syntax: str, seen: set[str]
) -> None:
    (dags / ".airflowignore").write_text("hid+en\n")
    (dags / "hidden.py").write_text(FLAKY.replace('DAG("flaky")', 'DAG("hidden")'))
    home = tmp_path / "home"
    with server.Server(home, dags, "--set", f"dags.ignore_syntax={syntax}"):
        listed = server.tradewind("dags", "list", "--home", str(home), "--output", "json")
    assert {row["dag_id"] for row in json.loads(listed.stdout)} == seen


def test_new_dags_are_paused_where_airflow_would_pause_them(
    dags: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION", "True")
    home = tmp_path / "home"
    with server.Server(home, dags):
        listed = server.tradewind("dags", "list", "--home", str(home), "--output", "json")
    assert [row["paused"] for row in json.loads(listed.stdout)] == [True]
    # One run in the foreground is asked for by a person: it goes on all the same.
    done = server.tradewind("run", str(dags / "flaky.py"), "--set", "dags.defaults.retries=1", "--output", "json",
                            "--set", "dags.defaults.retry_delay_seconds=0")  # fmt: skip
    assert json.loads(done.stdout)["state"] == "success"


SILENT = """
from datetime import datetime
from airflow import DAG
from airflow.providers.standard.operators.empty import EmptyOperator

with DAG("{name}", schedule="@yearly", start_date=datetime(2026, 1, 1)):
    EmptyOperator(task_id="one")
"""


def test_which_airflow_a_file_means_is_set_by_folder_pattern_or_in_the_file_and_shown_everywhere(
    tmp_path: pathlib.Path,
) -> None:
    folder, home = tmp_path / "dags", tmp_path / "home"
    (folder / "legacy").mkdir(parents=True)
    (folder / "new.py").write_text(SILENT.format(name="new"))
    (folder / "legacy" / "old.py").write_text(SILENT.format(name="old"))
    (folder / "legacy" / "moved.py").write_text("# tradewind: airflow=3\n" + SILENT.format(name="moved"))
    (folder / "tradewind.toml").write_text('[[dags.airflow_of]]\npattern = "legacy/*"\nairflow = "2"\n')
    told = {"new": ("3", "imports"), "old": ("2", "setting"), "moved": ("3", "file")}

    linted = server.tradewind("lint", str(folder), "--output", "json", "--settings", str(folder / "tradewind.toml"))
    files = {one["dag_ids"][0]: (one["airflow"], one["airflow_from"]) for one in json.loads(linted.stdout)["files"]}
    assert files == told

    with server.Server(home, folder, "--settings", str(folder / "tradewind.toml")) as running:
        for name, (means, how) in told.items():
            shown = json.loads(server.tradewind("dags", "show", name, "--home", str(home), "--output", "json").stdout)
            assert (name, shown["airflow"]) == (name, f"{means} ({how})")
            assert shown["catchup"] is (means == "2")
            running.trigger(name, "by_hand")
            run = running.wait_run(name, "by_hand")
            assert (run["state"], run["airflow"]) == ("success", means)
