"""Airflow's own environment: what of it means something here, and why the rest does not.

Fields name the option they share a meaning with (`setting(airflow="core.parallelism")`); the tables below hold the
others. Nothing of Airflow's is ever an error for being unknown: such variables are set for Airflow's sake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PREFIX = "AIRFLOW__"

IN_DAG_FILES: dict[str, str] = {
    "core.executor": "`conf` in DAG files gives it; what runs tasks here is the runtime.",
    "operators.default_owner": "`conf` in DAG files gives it.",
    "operators.default_queue": "`conf` in DAG files gives it.",
    "kubernetes_executor.namespace": "`conf` in DAG files gives it.",
}
"""Options that only DAG files read, through `airflow.configuration.conf`."""

NOT_USED: dict[str, str] = {
    "core.fernet_key": "secrets here are encrypted with a key of their own, in a file beside the home; Airflow's key "
    "opens nothing of ours. Connections and Variables come over in the clear, by `airflow connections export`.",
    "core.auth_manager": "there are no users on one machine; whoever may write the home may do everything.",
    "core.load_examples": "there are no example DAGs to load.",
    "core.plugins_folder": "plugins are not loaded; DAG files may import from their own folder.",
    "core.execution_api_server_url": "tasks ask their supervisor through a socket, not over HTTP.",
    "core.sql_alchemy_conn": "see `database.sql_alchemy_conn`.",
    "core.hostname_callable": "attempts carry this machine's name.",
    "core.dagbag_import_error_tracebacks": "tracebacks of broken files are always whole.",
    "core.donot_pickle": "nothing is pickled.",
    "core.xcom_backend": "XCom values are kept by the store; a class of Airflow's cannot be put in its place.",
    "core.simple_auth_manager_users": "there are no users on one machine.",
    "database": "Airflow's database has tables of the same names (dag_run, task_instance, xcom): two programs in one "
    "database would destroy each other's rows. Name a database of its own in `database.url`.",
    "scheduler": "the scheduler here works by events, not by loops over files and rows; see the `scheduler` section.",
    "dag_processor": "files are read when they change, not every so many seconds.",
    "celery": "there is no Celery: attempts are processes on this machine.",
    "celery_kubernetes_executor": "there is no Celery.",
    "dask": "there is no Dask executor.",
    "kubernetes_executor": "tasks are not pods of an executor; pod tasks say what they want themselves.",
    "kubernetes": "as `kubernetes_executor`.",
    "webserver": "there is no web server yet.",
    "api": "there is no web server yet.",
    "api_auth": "there is no web server yet.",
    "fab": "there are no users on one machine.",
    "execution_api": "tasks ask their supervisor through a socket, not over HTTP.",
    "triggerer": "there is no separate triggerer.",
    "smtp": "mail is not sent from settings; operators use their Connection.",
    "email": "mail is not sent from settings; operators use their Connection.",
    "metrics": "there is no StatsD or OpenTelemetry sender.",
    "traces": "there is no OpenTelemetry sender.",
    "sentry": "errors are not sent anywhere.",
    "lineage": "no lineage is kept.",
    "openlineage": "no lineage is kept.",
    "logging": "logs lie in the home, one file per attempt; see the `logs` section.",
    "sensors": "sensors take their time limits from their own arguments.",
}
"""By option, or by section for all others of it: why it has no meaning here."""

UNKNOWN = "unknown here; DAG files that ask `conf` for it get it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A variable of Airflow's that changes nothing here."""

    variable: str
    why: str


def variable(option: str) -> str:
    """`core.parallelism` → `AIRFLOW__CORE__PARALLELISM`."""
    section, _, key = option.partition(".")
    return f"{PREFIX}{section.upper()}__{key.upper()}"


def why(option: str) -> str:
    """Why an option has no setting here."""
    told = {**NOT_USED, **IN_DAG_FILES}
    return told.get(option) or told.get(option.partition(".")[0]) or UNKNOWN


def ignored(environment: Mapping[str, str], meant: set[str]) -> list[Ignored]:
    """What of an environment is Airflow's and changes nothing; `meant`: options that a setting stands for."""
    found = []
    for name in sorted(environment):
        section, _, key = name.removeprefix(PREFIX).lower().partition("__")
        option = f"{section}.{key}"
        if name.startswith(PREFIX) and key and option not in meant:
            found.append(Ignored(variable=name, why=_why_of_variable(option)))
    return found


def home(environment: Mapping[str, str]) -> Path | None:
    """`AIRFLOW_HOME`."""
    text = environment.get("AIRFLOW_HOME")
    return Path(text).expanduser() if text else None


def dags_of_home(environment: Mapping[str, str], own: Path | None) -> Path | None:
    """`dags` in `AIRFLOW_HOME`, where Airflow would look; None where there is none or `own` folder holds something.

    Whoever sets `AIRFLOW_HOME` and comes here wants those files run; whoever put files into the home of ours meant
    them. `~/airflow` without the variable is not looked at: a DAG must not run twice because Airflow is installed too.
    """
    place = home(environment)
    if place is None or not (place / "dags").is_dir():
        return None
    if own is not None and own.is_dir() and any(own.iterdir()):
        return None
    return (place / "dags").resolve()


def _why_of_variable(option: str) -> str:
    for ending in ("_cmd", "_secret"):
        if option.endswith(ending):
            return "commands and secret back ends are not asked for settings; set the value itself."
    return why(option)
