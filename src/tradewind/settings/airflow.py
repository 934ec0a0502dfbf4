"""Airflow's own environment: what of it means something here, and why the rest does not.

Fields name the option they share a meaning with (`setting(airflow="core.parallelism")`); the tables below hold the
others. Nothing of Airflow's is ever an error for being unknown: such variables are set for Airflow's sake.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradewind.settings.field import Field

PREFIX = "AIRFLOW__"

IN_DAG_FILES: dict[str, str] = {
    "core.executor": "`LocalExecutor`; what runs tasks here is the runtime",
    "core.load_examples": "`False`; there are no example DAGs",
    "core.unit_test_mode": "`False`",
    "operators.default_queue": "`default`; the queue of tasks without one is not changed by it yet",
    "operators.default_deferrable": "`False`",
    "kubernetes_executor.namespace": "`default`",
}
"""Options that only DAG files read, through `airflow.configuration.conf`, with their default there."""

NOT_YET: dict[str, str] = {
    "core.max_task_retry_delay": "back-off is bounded by the task's own `max_retry_delay` only",
    "core.dag_discovery_safe_mode": "`True`: a file counts if it mentions `dag` and `airflow`",
    "core.sensitive_var_conn_names": "the names that are taken for secrets are fixed",
    "scheduler.create_cron_data_intervals": "files that mean Airflow 2 have data intervals, files that mean 3 have "
    "none; give the DAG a `CronDataIntervalTimetable` or `CronTriggerTimetable`",
    "scheduler.create_delta_data_intervals": "as `scheduler.create_cron_data_intervals`",
    "dag_processor.dag_bundle_config_list": "there is one bundle, a folder: `dags.folder`",
    "secrets": "`secrets.backends` says where Variables and Connections come from; classes of Airflow's are not read",
    "workers.secrets_backend": "as `secrets`",
    "workers.secrets_backend_kwargs": "as `secrets`",
    "email.subject_template": "mail about a failure has one form; `on_failure_callback` with `send_email` has any",
    "email.html_content_template": "as `email.subject_template`",
    "email.default_email_on_failure": "tasks have `True` unless they say otherwise",
    "email.default_email_on_retry": "tasks have `True` unless they say otherwise",
    "logging.remote_logging": "logs lie in the home only",
    "logging.logging_level": "`--log-level` of `standalone`; tasks log at INFO",
    "triggerer": "triggers are not run: a task that defers itself fails, with this reason",
    "lineage": "no lineage is kept",
    "openlineage": "no lineage is kept",
}
"""By option, or by section for all others of it: the meaning is real here, and nothing reads it yet."""

NOT_USED: dict[str, str] = {
    "core.hostname_callable": "attempts carry this machine's name",
    "core.might_contain_dag_callable": "a function of Airflow's cannot be put in place of our own look at files",
    "core.mp_start_method": "attempts are forked from processes that have the DAG file loaded, always",
    "core.mp_forkserver_preload": "as `core.mp_start_method`",
    "core.execute_tasks_new_python_interpreter": "as `core.mp_start_method`",
    "core.auth_manager": "there are no users: whoever may write the home may do everything",
    "core.simple_auth_manager_users": "as `core.auth_manager`",
    "core.simple_auth_manager_all_admins": "as `core.auth_manager`",
    "core.simple_auth_manager_passwords_file": "as `core.auth_manager`",
    "core.security": "there is no Kerberos",
    "core.default_impersonation": "tasks run as the user who started the server",
    "core.plugins_folder": "plugins are not loaded; DAG files may import modules of their own folder",
    "core.lazy_load_plugins": "as `core.plugins_folder`",
    "core.lazy_discover_providers": "providers are imported by the DAG files that use them",
    "core.fernet_key": "secrets are encrypted with a key of their own, in a file beside the home; Airflow's key opens "
    "nothing of ours",
    "core.dagbag_import_error_tracebacks": "tracebacks of broken files are always kept",
    "core.dagbag_import_error_traceback_depth": "tracebacks of broken files are kept whole",
    "core.allowed_deserialization_classes": "values are JSON; no class is made from a name in them",
    "core.allowed_deserialization_classes_regexp": "as `core.allowed_deserialization_classes`",
    "core.killed_task_cleanup_time": "see `runtime.local.grace_seconds`",
    "core.dag_run_conf_overrides_params": "`True`, always",
    "core.task_success_overtime": "a finished task's process is ended at once",
    "core.min_serialized_dag_update_interval": "DAGs are recorded when their files change",
    "core.compress_serialized_dags": "how DAGs are stored is no setting",
    "core.num_dag_runs_to_retain_rendered_fields": "rendered fields are not kept; `tradewind render` makes them anew",
    "core.xcom_backend": "values are kept by the store; a class of Airflow's cannot be put in its place",
    "core.hide_sensitive_var_conn_fields": "they are hidden, always",
    "core.allow_double_dot_in_ids": "ids have Airflow's own rules",
    "core.daemon_umask": "the server does not detach itself; its umask is the one it is started with",
    "core.asset_manager_class": "a class of Airflow's cannot be put in place of our own",
    "core.asset_manager_kwargs": "as `core.asset_manager_class`",
    "core.test_connection": "there is no web server to test Connections from",
    "core.max_templated_field_length": "rendered fields are shown whole",
    "core.execution_api_server_url": "tasks ask their supervisor through a socket, not over HTTP",
    "core.multi_team": "a home is one team's",
    "core.team_name_cache_ttl": "as `core.multi_team`",
    "core.rerun_with_latest_version": "a run keeps the DAG version it began with",
    "email": "mail goes over SMTP; see `mail` in the settings",
    "email.from_email": "set `mail.from_email`, which is `smtp.smtp_mail_from`",
    "smtp": "see `mail` in the settings",
    "smtp.smtp_retry_limit": "mail about a failure is tried again for `mail.give_up_hours`",
    "core.sql_alchemy_conn": "see `database`",
    "core.dag_concurrency": "an older name of `core.max_active_tasks_per_dag`; use that",
    "core.donot_pickle": "nothing is pickled",
    "core.dag_file_processor_timeout": "see `dags.parse_timeout_seconds`",
    "database": "Airflow's database has tables of the same names as ours (`dag_run`, `task_instance`, `xcom`): in one "
    "database, two programs would destroy each other's rows. Give a database of its own in `database.url`",
    "logging": "one log per attempt, in the home; see `logs` in the settings",
    "metrics": "metrics are fetched from the health address, in Prometheus' form; nothing is sent",
    "traces": "no traces are sent",
    "api": "there is no web server",
    "api_auth": "there is no web server",
    "webserver": "there is no web server",
    "fab": "there are no users and roles",
    "cli": "commands act on the home, not over HTTP",
    "debug": "`tradewind run` is the way to try a DAG",
    "workers": "tasks ask their supervisor through a socket, not over HTTP",
    "sdk": "tasks are written in Python, or are pods",
    "execution_api": "tasks ask their supervisor through a socket, not over HTTP",
    "operators": "operators have what they are given",
    "sentry": "errors are not sent anywhere",
    "usage_data_collection": "nothing is collected",
    "scheduler": "the scheduler works by events, not by loops over files and rows; see `scheduler` in the settings",
    "connection_test": "there is no web server to test Connections from",
    "kerberos": "there is no Kerberos",
    "sensors": "sensors have the time limit that they are given, 7 days without one",
    "dag_processor": "files are read when they change, not every so many seconds",
    "state_store": "there is no store of task state",
    "profiling": "the server is not profiled by a setting",
    "callbacks": "callbacks run in the task's own process",
    "celery": "there is no Celery: attempts are processes on this machine",
    "celery_kubernetes_executor": "there is no Celery",
    "celery_broker_transport_options": "there is no Celery",
    "dask": "there is no Dask",
    "kubernetes": "as `kubernetes_executor`",
    "kubernetes_executor": "tasks are no pods of an executor; a pod task says itself what it wants",
    "kubernetes_environment_variables": "as `kubernetes_executor`",
    "local_kubernetes_executor": "as `kubernetes_executor`",
    "edge": "there are no edge workers",
    "elasticsearch": "logs lie in the home",
    "opensearch": "logs lie in the home",
    "azure_remote_logging": "logs lie in the home",
}
"""By option, or by section for all others of it: why it has no meaning here."""

UNKNOWN = "unknown here; DAG files that ask `conf` for it get it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A variable of Airflow's that changes nothing here."""

    variable: str
    why: str


def variable(option: str) -> str:
    """`core.parallelism` → `AIRFLOW__CORE__PARALLELISM`."""
    section, _, key = option.partition(".")
    return f"{PREFIX}{section.upper()}__{key.upper()}"


def options(fields: Iterable[tuple[Field, Any]], environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What `conf` in DAG files must give otherwise than it would of itself: settings that stand for an option and have
    not its default, or are stronger than its variable. The folder of DAG files is not among them: there, `conf` gives
    the folder that the running version lies in.
    """
    return tuple(
        (field.airflow, str(value))
        for field, value in fields
        if field.airflow
        and not field.path
        and not field.secret
        and value is not None
        and (value != field.default or variable(field.airflow) in environment)
    )


def why(option: str) -> str:
    """Why an option has no setting here."""
    for name in (option, option.partition(".")[0]):
        if name in NOT_USED:
            return NOT_USED[name]
        if name in NOT_YET:
            return f"not yet: {NOT_YET[name]}"
        if name in IN_DAG_FILES:
            return "read by DAG files only, through `conf`"
    return UNKNOWN


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
            return "commands and secret back ends are not asked for settings; set the value itself"
    return why(option)
