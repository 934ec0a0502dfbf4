"""Options of the installation: what DAGs and tasks have that do not say it, and what `conf` in DAG files gives."""

from __future__ import annotations

import pathlib
from datetime import UTC, datetime

import msgspec
import pytest

from tests.unit.worker.children import DagFile
from tradewind.model.dagspec import WeightRule

_SILENT = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.bash import BashOperator

with DAG("d", schedule="@daily"):
    BashOperator(task_id="t", bash_command="true")
    BashOperator.partial(task_id="m").expand(bash_command=["true"])
"""
_OUTSPOKEN = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.bash import BashOperator

with DAG("d", schedule="@daily", catchup=False, max_active_tasks=1, max_active_runs=2,
         max_consecutive_failed_dag_runs=3, is_paused_upon_creation=False, default_args={"retries": 4}):
    BashOperator(task_id="t", bash_command="true", retry_delay=5, weight_rule="absolute", owner="ana")
"""
_ALL = (
    ("core.max_active_tasks_per_dag", "21"),
    ("core.max_active_runs_per_dag", "22"),
    ("core.max_consecutive_failed_dag_runs_per_dag", "23"),
    ("core.default_task_retries", "24"),
    ("core.default_task_retry_delay", "25.5"),
    ("core.default_task_execution_timeout", "26"),
    ("core.default_task_weight_rule", "upstream"),
    ("operators.default_owner", "bo"),
    ("scheduler.catchup_by_default", "True"),
    ("core.dags_are_paused_at_creation", "True"),
)


def make(
    folder: pathlib.Path, source: str, options: tuple[tuple[str, str], ...] = (), *, meaning: str = "3"
) -> DagFile:
    file = DagFile(folder, source, meaning=meaning)
    file.ref = msgspec.structs.replace(file.ref, options=options)
    return file


def test_options_hold_where_a_file_says_nothing(tmp_path: pathlib.Path) -> None:
    report = make(tmp_path, _SILENT, _ALL).load()
    assert report.problems == ()
    spec = report.specs[0]
    assert (spec.max_active_tasks, spec.max_active_runs, spec.max_consecutive_failed_dag_runs) == (21, 22, 23)
    assert spec.catchup
    assert spec.is_paused_upon_creation
    for task in spec.tasks:
        assert (task.retries, task.retry_delay_seconds, task.weight_rule) == (24, 25.5, WeightRule.UPSTREAM)
        assert task.execution_timeout_seconds == 26
    assert spec.owners == ("bo",)


def test_what_a_file_says_comes_before_options(tmp_path: pathlib.Path) -> None:
    report = make(tmp_path, _OUTSPOKEN, _ALL).load()
    assert report.problems == ()
    spec = report.specs[0]
    assert (spec.max_active_tasks, spec.max_active_runs, spec.max_consecutive_failed_dag_runs) == (1, 2, 3)
    assert not spec.catchup
    assert not spec.is_paused_upon_creation
    assert spec.tasks[0].retries == 4
    assert spec.tasks[0].retry_delay_seconds == 5
    assert spec.tasks[0].weight_rule is WeightRule.ABSOLUTE
    assert spec.owners == ("ana",)


def test_without_options_everything_is_as_in_airflow(tmp_path: pathlib.Path) -> None:
    spec = make(tmp_path, _SILENT).load().specs[0]
    assert (spec.max_active_tasks, spec.max_active_runs, spec.max_consecutive_failed_dag_runs) == (16, 16, 0)
    assert (spec.tasks[0].retries, spec.tasks[0].retry_delay_seconds) == (0, 300)
    assert spec.tasks[0].weight_rule is WeightRule.DOWNSTREAM
    assert spec.tasks[0].execution_timeout_seconds is None
    assert spec.owners == ("airflow",)


@pytest.mark.parametrize(
    ("meaning", "options", "catchup"),
    [
        ("2", (), True),
        ("3", (), False),
        ("2", (("scheduler.catchup_by_default", "False"),), False),
        ("3", (("scheduler.catchup_by_default", "True"),), True),
    ],
)
def test_catchup_follows_the_option_and_else_the_airflow_that_is_meant(
    tmp_path: pathlib.Path, meaning: str, options: tuple[tuple[str, str], ...], catchup: bool
) -> None:
    assert make(tmp_path, _SILENT, options, meaning=meaning).load().specs[0].catchup is catchup


def test_conf_in_a_file_gives_what_the_settings_say_before_the_environment(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "5")
    monkeypatch.setenv("AIRFLOW__CORE__DEFAULT_TASK_RETRIES", "6")
    source = """
    from airflow.configuration import conf
    from airflow.sdk import DAG
    print(conf.getint("core", "parallelism"), conf.getint("core", "default_task_retries"))
    with DAG("d", schedule=None): ...
    """
    file = make(tmp_path, source, (("core.parallelism", "7"),))
    assert file.load().output.split() == ["7", "6"]


_DATES = """
import datetime
import pendulum
from airflow.sdk import DAG, task, timezone
from airflow.providers.standard.operators.empty import EmptyOperator

with DAG("naive", schedule="0 6 * * *", start_date=datetime.datetime(2026, 1, 1)):
    EmptyOperator(task_id="t")
with DAG("aware", schedule="0 6 * * *", start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Tokyo")):
    EmptyOperator(task_id="t")
with DAG("dateless", schedule="0 6 * * *"):
    EmptyOperator(task_id="t")
print(timezone.datetime(2026, 7, 1).isoformat(), timezone.parse("2026-07-01").isoformat())
"""


def test_dates_without_a_zone_are_in_that_of_the_installation(tmp_path: pathlib.Path) -> None:
    report = make(tmp_path, _DATES, (("core.default_timezone", "Europe/Rome"),)).load()
    assert report.problems == ()
    starts = {spec.dag_id: spec.start_date for spec in report.specs}
    assert starts["naive"] == datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert starts["aware"] == datetime(2025, 12, 31, 15, tzinfo=UTC)
    zones = {spec.dag_id: spec.timezone for spec in report.specs}
    assert zones == {"naive": "Europe/Rome", "aware": "Asia/Tokyo", "dateless": "Europe/Rome"}
    assert report.output.split() == ["2026-07-01T00:00:00+02:00"] * 2


def test_dates_without_a_zone_are_in_utc_otherwise(tmp_path: pathlib.Path) -> None:
    report = make(tmp_path, _DATES).load()
    starts = {spec.dag_id: spec.start_date for spec in report.specs}
    assert starts["naive"] == datetime(2026, 1, 1, tzinfo=UTC)
    assert report.output.split() == ["2026-07-01T00:00:00+00:00"] * 2


def test_a_zone_that_does_not_exist_is_a_problem_of_every_file(tmp_path: pathlib.Path) -> None:
    report = make(tmp_path, _DATES, (("core.default_timezone", "Europe/Rom"),)).load()
    assert "Europe/Rom" in report.problems[0].message


def test_the_folder_of_dag_files_is_that_of_the_running_version(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", "/nowhere")
    source = """
    from airflow.configuration import conf
    from airflow.sdk import DAG
    print(conf.get("core", "dags_folder"))
    with DAG("d", schedule=None): ...
    """
    file = make(tmp_path, source)
    assert file.load().output.strip() == str(file.root)


def test_a_file_reads_where_logs_would_be(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", "/srv/airflow")
    source = """
from airflow.configuration import conf
from airflow.sdk import DAG
dag = DAG("d", schedule=None, description=conf.get("logging", "base_log_folder") + conf.get("core", "base_log_folder"))
"""
    (spec,) = DagFile(tmp_path, source).load().specs
    assert spec.description == "/srv/airflow/logs/srv/airflow/logs"
