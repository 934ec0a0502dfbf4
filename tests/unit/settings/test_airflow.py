"""Airflow's environment: what of it counts, how strongly, and what is told about the rest."""

from __future__ import annotations

import pathlib

import pytest

from tradewind import settings
from tradewind.settings import airflow


def folder_of(environment: dict[str, str], home: pathlib.Path | None = None, *flags: str) -> tuple[str, str]:
    loaded = settings.resolve(None, environment=environment, flags=flags, home=home)
    return loaded.settings.dags.folder, loaded.place("dags.folder")


@pytest.fixture
def airflow_home(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "airflow" / "dags").mkdir(parents=True)
    return tmp_path / "airflow"


def test_the_dags_of_airflows_home_are_the_default(airflow_home: pathlib.Path) -> None:
    assert folder_of({"AIRFLOW_HOME": str(airflow_home)}) == (str(airflow_home / "dags"), "AIRFLOW_HOME")


def test_an_option_of_airflow_comes_before_its_home(airflow_home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    environment = {"AIRFLOW_HOME": str(airflow_home), "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path)}
    assert folder_of(environment) == (str(tmp_path), "AIRFLOW__CORE__DAGS_FOLDER")


def test_our_setting_comes_before_airflows(airflow_home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    environment = {"AIRFLOW_HOME": str(airflow_home)}
    assert folder_of(environment, None, f"dags.folder={tmp_path}") == (str(tmp_path), "--set dags.folder")


def test_files_in_our_own_home_come_before_airflows_home(airflow_home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    own = tmp_path / "own"
    (own / "dags").mkdir(parents=True)
    environment = {"AIRFLOW_HOME": str(airflow_home)}
    assert folder_of(environment, own)[1] == "AIRFLOW_HOME"
    (own / "dags" / "mine.py").write_text("")
    assert folder_of(environment, own) == ("", "default")


def test_a_home_of_airflow_without_dags_changes_nothing(tmp_path: pathlib.Path) -> None:
    assert folder_of({"AIRFLOW_HOME": str(tmp_path)}) == ("", "default")


def test_what_is_not_used_is_told_with_the_reason() -> None:
    environment = {
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__FERNET_KEY": "k",
        "AIRFLOW__CORE__MAX_TASK_RETRY_DELAY": "60",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://airflow@db/airflow",
        "AIRFLOW__WEBSERVER__BASE_URL": "x",
        "AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE": "true",
        "AIRFLOW__MY__OWN": "x",
        "AIRFLOW__CORE__DAGS_FOLDER_CMD": "echo /dags",
        "AIRFLOW_HOME": "/nowhere",
        "AIRFLOW_VAR_X": "1",
    }
    loaded = settings.resolve(None, environment=environment)
    told = {one.variable.removeprefix("AIRFLOW__"): one.why for one in loaded.ignored}
    assert sorted(told) == [
        "CORE__DAGS_FOLDER_CMD",
        "CORE__FERNET_KEY",
        "CORE__MAX_TASK_RETRY_DELAY",
        "DATABASE__SQL_ALCHEMY_CONN",
        "MY__OWN",
        "OPERATORS__DEFAULT_DEFERRABLE",
        "WEBSERVER__BASE_URL",
    ]
    assert told["CORE__DAGS_FOLDER_CMD"].startswith("commands")
    assert told["CORE__MAX_TASK_RETRY_DELAY"].startswith("not yet: ")
    assert "key of their own" in told["CORE__FERNET_KEY"]
    assert "destroy" in told["DATABASE__SQL_ALCHEMY_CONN"]
    assert told["MY__OWN"] == airflow.UNKNOWN
    assert "`conf`" in told["OPERATORS__DEFAULT_DEFERRABLE"]
    assert loaded.settings.database.url == ""


def test_no_option_is_in_two_tables() -> None:
    meant = [field.airflow for field in settings.all_fields() if field.airflow]
    tables = [*meant, *airflow.IN_DAG_FILES, *airflow.NOT_YET, *airflow.NOT_USED]
    assert sorted(tables) == sorted(set(tables))


def test_a_section_or_option_that_is_pointed_to_exists() -> None:
    for why in (*airflow.NOT_YET.values(), *airflow.NOT_USED.values()):
        if why.startswith("as `"):
            target = why.split("`")[1]
            assert target in airflow.NOT_USED or target in airflow.NOT_YET, why


def test_dag_files_see_the_settings_that_are_not_airflows_defaults() -> None:
    def seen(environment: dict[str, str], *flags: str) -> dict[str, str]:
        made = settings.load(None, environment=environment, flags=flags)
        return dict(settings.airflow_options(made, environment))

    assert seen({}) == {}
    assert seen({}, "dags.defaults.retries=2", "dags.defaults.catchup=true") == {
        "core.default_task_retries": "2",
        "scheduler.catchup_by_default": "True",
    }
    theirs = {"AIRFLOW__CORE__PARALLELISM": "8"}
    assert seen(theirs) == {"core.parallelism": "8"}
    assert seen(theirs, "scheduler.parallelism=32") == {"core.parallelism": "32"}


def test_dag_files_find_their_folder_where_the_running_version_lies(tmp_path: pathlib.Path) -> None:
    made = settings.load(None, environment={}, flags=[f"dags.folder={tmp_path}"])
    assert settings.airflow_options(made, {}) == ()


@pytest.mark.parametrize(("said", "value"), [("True", True), ("true", True), ("False", False), ("0", False)])
def test_a_truth_value_is_written_as_airflow_writes_it(said: str, value: bool) -> None:
    made = settings.load(None, environment={"AIRFLOW__SCHEDULER__CATCHUP_BY_DEFAULT": said})
    assert made.dags.defaults.catchup is value
