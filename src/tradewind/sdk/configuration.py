"""`conf`: Airflow's configuration as DAG files read it.

Answers come from the environment (`AIRFLOW__SECTION__KEY`), then from the few options that files read and that have a
meaning here; anything else has no value, and asking for it without a fallback is Airflow's own error.
"""

from __future__ import annotations

import json
import os
from typing import Any

from tradewind.sdk import errors

_UNSET = object()
_KNOWN: dict[tuple[str, str], str] = {
    ("core", "executor"): "LocalExecutor",
    ("core", "default_timezone"): "utc",
    ("core", "load_examples"): "False",
    ("core", "parallelism"): "32",
    ("core", "max_active_tasks_per_dag"): "16",
    ("core", "max_active_runs_per_dag"): "16",
    ("core", "unit_test_mode"): "False",
    ("operators", "default_owner"): "airflow",
    ("operators", "default_queue"): "default",
    ("operators", "default_deferrable"): "False",
    ("kubernetes_executor", "namespace"): "default",
    ("kubernetes", "namespace"): "default",
}
_TRUE, _FALSE = ("t", "true", "1", "yes"), ("f", "false", "0", "no")


class Configuration:
    """Options by section and key."""

    def get(self, section: str, key: str, fallback: Any = _UNSET, **_: Any) -> Any:
        """The text of an option. Raises AirflowConfigException where it has none and no fallback is given."""
        found = os.environ.get(f"AIRFLOW__{section.upper().replace('.', '_')}__{key.upper()}")
        if found is None:
            found = self._folder(section, key) or _KNOWN.get((section.lower(), key.lower()))
        if found is not None:
            return found
        if fallback is not _UNSET:
            return fallback
        raise errors.AirflowConfigException(f"section/key [{section}/{key}] not found in config")

    @staticmethod
    def _folder(section: str, key: str) -> str | None:
        """The folder of the DAG files is that of the bundle's snapshot, which the loader tells."""
        return os.environ.get("TRADEWIND_DAGS_FOLDER") if (section, key) == ("core", "dags_folder") else None

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

    def has_option(self, section: str, key: str, **_: Any) -> bool:
        """Whether an option has a value."""
        return self.get(section, key, None) is not None


conf = Configuration()
