"""`conf`: Airflow's configuration as DAG files read it.

Answers come from the settings of this installation where they stand for an option, then from the environment
(`AIRFLOW__SECTION__KEY`), then from the few options that files read and that have a meaning here; anything else has no
value, and asking for it without a fallback is Airflow's own error. Arguments that a file does not give follow the same.
"""

from __future__ import annotations

import functools
import json
import os
import pkgutil
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from tradewind.sdk import errors
from tradewind.sdk.states import WeightRule

_UNSET = object()
_KNOWN: dict[tuple[str, str], str] = {
    ("core", "executor"): "LocalExecutor",
    ("core", "default_timezone"): "utc",
    ("core", "load_examples"): "False",
    ("core", "parallelism"): "32",
    ("core", "max_active_tasks_per_dag"): "16",
    ("core", "max_active_runs_per_dag"): "16",
    ("core", "unit_test_mode"): "False",
    ("core", "max_consecutive_failed_dag_runs_per_dag"): "0",
    ("core", "dags_are_paused_at_creation"): "False",
    ("core", "default_task_retries"): "0",
    ("core", "default_task_retry_delay"): "300",
    ("core", "default_task_weight_rule"): "downstream",
    ("operators", "default_owner"): "airflow",
    ("operators", "default_queue"): "default",
    ("operators", "default_deferrable"): "False",
    ("kubernetes_executor", "namespace"): "default",
    ("kubernetes_executor", "worker_container_repository"): "",
    ("kubernetes_executor", "worker_container_tag"): "",
    ("kubernetes", "namespace"): "default",
    ("webserver", "base_url"): "http://localhost:8080",
    ("api", "base_url"): "http://localhost:8080",
}
_LOGS = {("core", "base_log_folder"), ("logging", "base_log_folder")}
"""A folder that files write beside; no log of ours lies in it."""
COMPLETES_PODS = ("tradewind", "completes_pods")
_TRUE, _FALSE = ("t", "true", "1", "yes"), ("f", "false", "0", "no")


class Configuration:
    """Options by section and key."""

    def __init__(self) -> None:
        self._installed: dict[tuple[str, str], str] = {}

    def install(self, options: Iterable[tuple[str, str]]) -> None:
        """Take the settings of this installation: `section.key` and text, before the file is loaded."""
        self._installed = {_split(option): text for option, text in options}
        default_of_task.cache_clear()

    def get(self, section: str, key: str, fallback: Any = _UNSET, **_: Any) -> Any:
        """The text of an option. Raises AirflowConfigException where it has none and no fallback is given."""
        found = self._installed.get((section.lower(), key.lower()))
        if found is None:
            found = os.environ.get(f"AIRFLOW__{section.upper().replace('.', '_')}__{key.upper()}")
        if found is None:
            found = _KNOWN.get((section.lower(), key.lower()))
        if found is None and (section.lower(), key.lower()) in _LOGS:
            return os.path.join(self.home(), "logs")
        if found is not None:
            return found
        if fallback is not _UNSET:
            return fallback
        raise errors.AirflowConfigException(f"there is no option {key!r} in the section [{section}], and no fallback")

    def home(self) -> str:
        """What `AIRFLOW_HOME` names; without it the folder that DAG files are loaded from."""
        return os.environ.get("AIRFLOW_HOME") or str(self.get("core", "dags_folder", fallback=os.getcwd()))

    def getboolean(self, section: str, key: str, fallback: Any = _UNSET, **_: Any) -> Any:
        """An option as True or False."""
        value = self.get(section, key, fallback)
        text = str(value).split("#")[0].strip().lower()
        if value is fallback or isinstance(value, bool):
            return value
        if text not in _TRUE + _FALSE:
            raise errors.AirflowConfigException(f"option [{section}/{key}] must be true or false, not {value!r}")
        return text in _TRUE

    def getint(self, section: str, key: str, fallback: Any = _UNSET, **_: Any) -> Any:
        """An option as a whole number."""
        return self._number(int, section, key, fallback)

    def getfloat(self, section: str, key: str, fallback: Any = _UNSET, **_: Any) -> Any:
        """An option as a number."""
        return self._number(float, section, key, fallback)

    def _number(self, kind: Any, section: str, key: str, fallback: Any) -> Any:
        value = self.get(section, key, fallback)
        if value is None or value is fallback:
            return value
        try:
            return kind(value)
        except ValueError:
            raise errors.AirflowConfigException(f"option [{section}/{key}] must be a number, not {value!r}") from None

    def getlist(self, section: str, key: str, fallback: Any = _UNSET, delimiter: str = ",", **_: Any) -> Any:
        """An option as a list of texts."""
        value = self.get(section, key, fallback)
        return value if value is fallback else [part.strip() for part in str(value).split(delimiter) if part.strip()]

    def getjson(self, section: str, key: str, fallback: Any = _UNSET, **_: Any) -> Any:
        """An option as JSON."""
        value = self.get(section, key, fallback)
        return value if value is fallback else json.loads(value)

    def getimport(self, section: str, key: str, fallback: Any = _UNSET, **_: Any) -> Any:
        """What the dotted path that an option holds stands for; None for an empty one."""
        value = self.get(section, key, fallback)
        if value is fallback or not value:
            return value or None
        try:
            return pkgutil.resolve_name(value)
        except (ImportError, AttributeError, ValueError) as error:
            said = f"option [{section}/{key}] is {value!r}, which cannot be imported: {error}"
            raise errors.AirflowConfigException(said) from error

    def get_mandatory_value(self, section: str, key: str, fallback: Any = _UNSET, **_: Any) -> str:
        """The text of an option. Raises ValueError where it is None."""
        value = self.get(section, key, fallback)
        if value is None:
            raise ValueError(f"The value {section}/{key} should be set!")
        return str(value)

    def has_option(self, section: str, key: str, **_: Any) -> bool:
        """Whether an option has a value."""
        return self.get(section, key, None) is not None


conf = Configuration()
get, getboolean, getint, getfloat, has_option = (
    conf.get, conf.getboolean, conf.getint, conf.getfloat, conf.has_option,
)  # fmt: skip
"""Airflow 1 had them as functions of the module."""


@functools.cache
def default_of_task(name: str) -> Any:
    """What a task has where its file says nothing; None for arguments that no option is about.

    Kept for the life of the file, as Airflow keeps it: it is asked for every task.
    """
    match name:
        case "retries":
            return conf.getint("core", "default_task_retries")
        case "retry_delay":
            return timedelta(seconds=conf.getfloat("core", "default_task_retry_delay"))
        case "execution_timeout":
            seconds = conf.getfloat("core", "default_task_execution_timeout", fallback=None)
            return None if seconds is None else timedelta(seconds=seconds)
        case "weight_rule":
            return WeightRule(conf.get("core", "default_task_weight_rule"))
        case "owner":
            return conf.get("operators", "default_owner")
    return None


def completes_pods() -> bool:
    """Whether the site lays a template under each pod or changes it, so that what a pod lacks may come from there."""
    found: bool = conf.getboolean(*COMPLETES_PODS, fallback=False)
    return found


def catchup(meaning: str) -> bool:
    """Whether DAGs that say nothing make up for missed runs; without an option, Airflow 2 does and 3 does not."""
    given = conf.get("scheduler", "catchup_by_default", None)
    return meaning == "2" if given is None else conf.getboolean("scheduler", "catchup_by_default")


def _split(option: str) -> tuple[str, str]:
    section, _, key = option.partition(".")
    return section, key
